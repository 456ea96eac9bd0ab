//! Workflows over the real routes: transitions and who may make them, history, deadlines by the calendar and the clock, and that
//! a refusal leaves nothing half-written.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use serde_json::{Value as Json, json};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_domain::Role;
use sunlit_domain::id::TenantId;
use sunlit_storage::record::{self, Stamp};
use sunlit_storage::tenant::{audit, deadline, outbox, step};
use sunlit_test_support::{Answer, SetClock, TestApp};

const DESK: &str = include_str!("../packages/disclosure.toml");
const TENANT: &str = "900010";
const NEIGHBOUR: &str = "900011";
const READ: &str = "query($id: ID!) { disclosure { notice(id: $id) { state version publishedAt \
                    transitions { name title to allowed whyNot commentRequired } \
                    history { name title from to actor comment version } \
                    deadlines { name title state startsOn dueOn daysLeft extendedBy excludedDays provisional } } } }";
const CREATE: &str = "mutation($input: Disclosure_NoticeCreate!) { disclosureCreateNotice(input: $input) \
                      { record { id state publishedAt } errors { code path } } }";
const SET_DAYS: &str = "mutation($days: [LocalDayInput!]!) { calendarSetDays(days: $days) \
                        { calendar { publishedThrough localDays { date name off } } errors { code path } } }";

/// A query of a package's namespace, asked through the workspace.
fn in_workspace(query: &str) -> String {
    let (head, rest) = query.split_once('{').unwrap();
    format!("{head}{{ workspace {{{rest} }}")
}

struct Kit {
    app: TestApp,
    clock: Arc<SetClock>,
    tenant: TenantId,
}

impl Kit {
    async fn new() -> Self {
        let clock = Arc::new(SetClock::at("2025-09-15T02:00:00Z"));
        let app = TestApp::start_with(Arc::clone(&clock) as _).await;
        publish::run(app.app(), DESK.to_owned(), None, Existing::Keep).await.unwrap();
        let tenant = app.tenant(TENANT, &[("disclosure", &[])]).await;
        app.tenant(NEIGHBOUR, &[("disclosure", &[])]).await;
        Self { app, clock, tenant }
    }

    async fn ask(&self, who: Option<(Role, u128)>, query: &str, variables: Json) -> Answer {
        let token = who.map(|(role, person)| self.app.token_of(self.tenant, role, person));
        self.app.graphql(TENANT, token.as_deref(), query, variables).await
    }

    /// A draft of editor 1.
    async fn draft(&self, more: &Json) -> Json {
        let mut input = json!({ "name": "公告" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let answer = self.ask(Some((Role::Editor, 1)), CREATE, json!({ "input": input })).await;
        answer.data()["disclosureCreateNotice"]["record"]["id"].clone()
    }

    async fn send(&self, who: Option<(Role, u128)>, name: &str, id: &Json, version: i64, more: &str) -> Answer {
        let query = format!(
            "mutation($id: ID!) {{ it: disclosure{name}Notice(id: $id, version: {version} {more}) \
             {{ record {{ state version }} errors {{ code message path }} }} }}"
        );
        self.ask(who, &query, json!({ "id": id })).await
    }

    /// Makes a transition that has to succeed; answers the state.
    async fn make(&self, who: (Role, u128), name: &str, id: &Json, version: i64, more: &str) -> String {
        let answer = self.send(Some(who), name, id, version, more).await;
        let made = &answer.data()["it"];
        assert_eq!(made["errors"], json!([]), "{name}");
        assert_eq!(made["record"]["version"], json!(version + 1), "{name}");
        made["record"]["state"].as_str().unwrap().to_owned()
    }

    /// A notice that editor 1 has submitted, at version 2.
    async fn submitted(&self) -> Json {
        let id = self.draft(&json!({})).await;
        assert_eq!(self.make((Role::Editor, 1), "Submit", &id, 1, "").await, "submitted");
        id
    }

    async fn read(&self, who: Option<(Role, u128)>, id: &Json) -> Json {
        // Whoever signed in reads through the workspace, others what is published.
        let query = if who.is_some() { in_workspace(READ) } else { READ.to_owned() };
        let data = self.ask(who, &query, json!({ "id": id })).await.data().clone();
        let root = if who.is_some() { &data["workspace"] } else { &data };
        root["disclosure"]["notice"].clone()
    }

    async fn review(&self, id: &Json) -> Json {
        let notice = self.read(Some((Role::Reviewer, 2)), id).await;
        let deadlines = notice["deadlines"].as_array().unwrap().clone();
        deadlines.into_iter().find(|deadline| deadline["name"] == json!("review")).unwrap_or(Json::Null)
    }

    async fn due(&self, id: &Json) -> (Json, Json, Json) {
        let review = self.review(id).await;
        (review["state"].clone(), review["dueOn"].clone(), review["daysLeft"].clone())
    }

    /// How much of everything there is: audit entries, events, steps, deadlines, jobs that wait.
    async fn left(&self) -> Vec<usize> {
        let scope = self.app.scope(self.tenant);
        let session = self.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        let ids = self.notices().await;
        vec![
            audit::latest(&scope, &session, 1_000).await.unwrap().len(),
            outbox::latest(&scope, &session, 1_000).await.unwrap().len(),
            step::history(&scope, &session, "disclosure.notice", &ids).await.unwrap().values().map(Vec::len).sum(),
            deadline::of(&scope, &session, "disclosure.notice", &ids).await.unwrap().len(),
            outbox::waiting(&scope, &session, "deadline").await.unwrap().len(),
        ]
    }

    async fn notices(&self) -> Vec<sunlit_domain::id::RecordId> {
        let query = in_workspace("{ disclosure { notices(first: 100) { nodes { id } } } }");
        let answer = self.ask(Some((Role::Reviewer, 2)), &query, json!({})).await;
        let nodes = answer.data()["workspace"]["disclosure"]["notices"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["id"].as_str().unwrap().parse().unwrap()).collect()
    }

    async fn events(&self) -> Vec<String> {
        let scope = self.app.scope(self.tenant);
        let session = self.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        let latest = outbox::latest(&scope, &session, 100).await.unwrap();
        latest.into_iter().rev().map(|row| row.name).collect()
    }

    async fn work(&self, instant: &str) {
        self.clock.set(instant);
        self.app.worker().once().await.unwrap();
    }
}

#[actix_web::test]
async fn a_notice_goes_from_draft_to_published_and_keeps_its_history() {
    let kit = Kit::new().await;
    let id = kit.draft(&json!({})).await;
    let draft = kit.read(Some((Role::Editor, 1)), &id).await;
    assert_eq!((&draft["state"], &draft["publishedAt"]), (&json!("draft"), &Json::Null));
    assert_eq!(kit.read(None, &id).await, Json::Null);
    assert_eq!(kit.make((Role::Editor, 1), "Submit", &id, 1, ", comment: \" 请审核 \"").await, "submitted");
    assert_eq!(kit.make((Role::Reviewer, 2), "Publish", &id, 2, "").await, "published");
    let published = kit.read(Some((Role::Reviewer, 2)), &id).await;
    assert_eq!(published["publishedAt"], json!("2025-09-15T02:00:00.000000Z"));
    let steps: Vec<_> = published["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| (step["name"].clone(), step["from"].clone(), step["to"].clone(), step["comment"].clone()))
        .collect();
    let expect = [
        (json!("create"), Json::Null, json!("draft"), Json::Null),
        (json!("submit"), json!("draft"), json!("submitted"), json!("请审核")),
        (json!("publish"), json!("submitted"), json!("published"), Json::Null),
    ];
    assert_eq!(steps, expect);
    assert_eq!(published["history"][1]["title"], json!("提交审核"));
    let expect = ["created", "submit", "publish"].map(|event| format!("disclosure.notice.{event}"));
    assert_eq!(kit.events().await, expect);
    // The time of the first publication stays.
    kit.clock.set("2025-09-16T02:00:00Z");
    assert_eq!(kit.make((Role::Reviewer, 2), "Withdraw", &id, 3, ", comment: \"有误\"").await, "withdrawn");
    let withdrawn = kit.read(Some((Role::Reviewer, 2)), &id).await;
    assert_eq!(withdrawn["publishedAt"], json!("2025-09-15T02:00:00.000000Z"));
    assert_eq!(kit.read(None, &id).await, Json::Null);
}

#[actix_web::test]
async fn the_public_sees_a_published_notice_without_its_workflow() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    kit.make((Role::Reviewer, 2), "Publish", &id, 2, "").await;
    for who in [None, Some((Role::Citizen, 9))] {
        let seen = kit.read(who, &id).await;
        assert_eq!(seen["state"], json!("published"), "{who:?}");
        for inside in ["transitions", "history", "deadlines"] {
            assert_eq!(seen[inside], json!([]), "{who:?} {inside}");
        }
    }
}

#[actix_web::test]
async fn who_submitted_may_not_publish_and_is_told_why() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    let before = kit.left().await;
    let answer = kit.send(Some((Role::Editor, 1)), "Publish", &id, 2, "").await;
    let error = &answer.data()["it"]["errors"][0];
    assert_eq!((&error["code"], &error["path"]), (&json!("DENIED"), &json!(["id"])));
    assert_eq!(error["message"], json!("按照双人审核要求，此操作须由另一人办理"));
    let choices = kit.read(Some((Role::Editor, 1)), &id).await["transitions"].clone();
    let publish = choices.as_array().unwrap().iter().find(|choice| choice["name"] == json!("publish")).unwrap().clone();
    assert_eq!((&publish["allowed"], &publish["whyNot"]), (&json!(false), &error["message"]));
    assert_eq!(kit.left().await, before);
    assert_eq!(kit.make((Role::Editor, 5), "Publish", &id, 2, "").await, "published");
}

#[actix_web::test]
async fn what_is_refused_leaves_nothing_half_written() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    let secret = kit.draft(&json!({ "secret": true })).await;
    kit.make((Role::Editor, 1), "Submit", &secret, 1, "").await;
    let before = kit.left().await;
    let (reviewer, editor) = (Some((Role::Reviewer, 2)), Some((Role::Editor, 1)));
    let cases = [
        // Legal elsewhere, not from `submitted`.
        (editor, "Submit", &id, 2, "", "INVALID_INPUT", "id"),
        (reviewer, "Answer", &id, 2, "", "INVALID_INPUT", "id"),
        (reviewer, "Withdraw", &id, 2, ", comment: \"x\"", "INVALID_INPUT", "id"),
        (reviewer, "Publish", &id, 1, "", "CONFLICT", "version"),
        (reviewer, "Publish", &id, 3, "", "CONFLICT", "version"),
        (reviewer, "SendBack", &id, 2, ", comment: \"  \"", "REQUIRED", "comment"),
        (reviewer, "Consult", &id, 2, ", comment: \"a\\u0007\"", "INVALID_INPUT", "comment"),
        (reviewer, "Publish", &secret, 2, "", "INVALID_INPUT", "id"),
        (reviewer, "Prolong", &id, 2, ", comment: \"x\", days: 21", "INVALID_INPUT", "days"),
        (reviewer, "Prolong", &id, 2, ", comment: \"x\", days: -1", "INVALID_INPUT", "days"),
        (reviewer, "Publish", &json!("018f3b1e-0000-7000-8000-000000000001"), 1, "", "NOT_FOUND", "id"),
    ];
    for (who, name, id, version, more, code, path) in cases {
        let answer = kit.send(who, name, id, version, more).await;
        let told = &answer.data()["it"];
        assert_eq!(told["record"], Json::Null, "{name} {more}");
        assert_eq!(
            (&told["errors"][0]["code"], &told["errors"][0]["path"]),
            (&json!(code), &json!([path])),
            "{name} {more}"
        );
    }
    assert_eq!(kit.send(None, "Publish", &id, 2, "").await.data()["it"]["errors"][0]["code"], json!("NOT_FOUND"));
    assert_eq!(kit.send(editor, "SendBack", &id, 2, ", comment: \"x\"").await.code(), "DENIED");
    assert_eq!(kit.send(reviewer, "SendBack", &id, 2, "").await.code(), "INVALID_INPUT");
    assert_eq!(kit.left().await, before);
    assert_eq!(kit.read(reviewer, &id).await["version"], json!(2));
}

#[actix_web::test]
async fn another_tenants_notice_is_not_found() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    let neighbour = kit.app.tenant_id(NEIGHBOUR).await;
    let token = kit.app.token_of(neighbour, Role::Reviewer, 2);
    let query = "mutation($id: ID!) { disclosurePublishNotice(id: $id, version: 2) { errors { code } } }";
    let answer = kit.app.graphql(NEIGHBOUR, Some(&token), query, json!({ "id": id })).await;
    assert_eq!(answer.data()["disclosurePublishNotice"]["errors"], json!([{ "code": "NOT_FOUND" }]));
    let answer = kit.app.graphql(NEIGHBOUR, Some(&token), &in_workspace(READ), json!({ "id": id })).await;
    assert_eq!(answer.data()["workspace"]["disclosure"]["notice"], Json::Null);
    // Through the public root the tenant's own reviewer sees no draft either.
    let answer = kit.ask(Some((Role::Reviewer, 2)), READ, json!({ "id": id })).await;
    assert_eq!(answer.data()["disclosure"]["notice"], Json::Null);
}

#[actix_web::test]
async fn a_state_that_is_not_declared_lets_nobody_go_on() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    let scope = kit.app.scope(kit.tenant);
    let context = kit.app.app().context(&scope).await.unwrap();
    let table = context.package("disclosure").unwrap().package.table("notice").unwrap();
    let work = kit.app.app().stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
    let record_id = id.as_str().unwrap().parse().unwrap();
    let before = record::get(&scope, &work, table, record_id, None).await.unwrap().unwrap();
    let stamp = Stamp { at: "2025-09-15T03:00:00Z".parse().unwrap() };
    record::enter(&scope, &work, table, &before, "archived", stamp).await.unwrap();
    work.commit().await.unwrap();
    let seen = kit.read(Some((Role::Reviewer, 2)), &id).await;
    let choices = seen["transitions"].as_array().unwrap();
    assert_eq!((seen["state"].clone(), choices.len()), (json!("archived"), 7));
    assert!(choices.iter().all(|choice| choice["allowed"] == json!(false)), "{choices:?}");
    let answer = kit.send(Some((Role::Reviewer, 2)), "Publish", &id, 3, "").await;
    assert_eq!(answer.data()["it"]["errors"][0]["code"], json!("INVALID_INPUT"));
    assert_eq!(kit.read(None, &id).await, Json::Null);
}

/// 政府信息公开条例 Art. 32 and 33: the vector of a request whose third party is asked.
#[actix_web::test]
async fn a_deadline_does_not_run_while_a_third_party_is_asked() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    assert_eq!(kit.due(&id).await, (json!("RUNNING"), json!("2025-10-17"), json!(20)));
    kit.clock.set("2025-09-19T02:00:00Z");
    kit.make((Role::Reviewer, 2), "Consult", &id, 2, "").await;
    assert_eq!(kit.due(&id).await, (json!("PAUSED"), Json::Null, json!(16)));
    kit.clock.set("2025-10-11T02:00:00Z");
    kit.make((Role::Reviewer, 2), "Answer", &id, 3, "").await;
    assert_eq!(kit.due(&id).await, (json!("RUNNING"), json!("2025-11-03"), json!(16)));
    assert_eq!(kit.review(&id).await["excludedDays"], json!(11));
    kit.clock.set("2025-11-03T15:59:59Z");
    kit.make((Role::Reviewer, 2), "Publish", &id, 4, "").await;
    assert_eq!(kit.due(&id).await, (json!("MET"), json!("2025-11-03"), Json::Null));
}

#[actix_web::test]
async fn a_deadline_is_extended_once_by_another_person_and_sent_back_it_begins_anew() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    kit.make((Role::Reviewer, 2), "Prolong", &id, 2, ", comment: \"案情复杂\", days: 1").await;
    assert_eq!(kit.due(&id).await, (json!("RUNNING"), json!("2025-10-20"), json!(21)));
    assert_eq!(kit.review(&id).await["extendedBy"], json!(1));
    let before = kit.left().await;
    let again = kit.send(Some((Role::Reviewer, 2)), "Prolong", &id, 3, ", comment: \"再延\"").await;
    assert_eq!(again.data()["it"]["errors"][0]["message"], json!("期限只能延长一次"));
    assert_eq!(kit.left().await, before);
    kit.make((Role::Reviewer, 2), "SendBack", &id, 3, ", comment: \"请补正\"").await;
    kit.clock.set("2026-01-30T02:00:00Z");
    kit.make((Role::Editor, 1), "Submit", &id, 4, "").await;
    assert_eq!(kit.due(&id).await, (json!("RUNNING"), json!("2026-03-05"), json!(20)));
}

#[actix_web::test]
async fn a_changed_calendar_moves_what_runs_and_only_administrators_change_it() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    let done = kit.submitted().await;
    kit.make((Role::Reviewer, 2), "Publish", &done, 2, "").await;
    let days = json!({ "days": [
        { "date": "2025-10-13", "name": "地方节日", "off": true },
        { "date": "2025-10-12", "name": "地方节日调休", "off": false },
        { "date": "2025-10-14", "name": "地方节日", "off": true },
    ] });
    let before = kit.left().await;
    assert_eq!(kit.ask(None, SET_DAYS, days.clone()).await.code(), "UNAUTHENTICATED");
    assert_eq!(kit.ask(Some((Role::Reviewer, 2)), SET_DAYS, days.clone()).await.code(), "DENIED");
    let administrator = Some((Role::Administrator, 4));
    for wrong in [
        json!([{ "date": "2025-10-13", "name": "", "off": true }]),
        json!([{ "date": "2025-02-30", "name": "x", "off": true }]),
        json!([{ "date": "2025-10-13", "name": "x", "off": true }, { "date": "2025-10-13", "name": "y", "off": true }]),
    ] {
        let answer = kit.ask(administrator, SET_DAYS, json!({ "days": wrong })).await;
        let told = answer.data()["calendarSetDays"]["errors"].clone();
        assert_eq!(told, json!([{ "code": "INVALID_INPUT", "path": ["days"] }]), "{wrong}");
    }
    assert_eq!((kit.left().await, kit.due(&id).await.1), (before.clone(), json!("2025-10-17")));
    let answer = kit.ask(administrator, SET_DAYS, days).await;
    let calendar = &answer.data()["calendarSetDays"]["calendar"];
    assert_eq!(calendar["localDays"][0], json!({ "date": "2025-10-12", "name": "地方节日调休", "off": false }));
    assert_eq!(kit.due(&id).await, (json!("RUNNING"), json!("2025-10-20"), json!(20)));
    assert_eq!(kit.due(&done).await.1, json!("2025-10-17"));
    // One audit entry; the timer stays one.
    let after = kit.left().await;
    assert_eq!((after[0], after[4]), (before[0] + 1, before[4]));
    assert_eq!(
        kit.ask(administrator, SET_DAYS, json!({ "days": [] })).await.data()["calendarSetDays"]["errors"],
        json!([])
    );
    assert_eq!(kit.due(&id).await, (json!("RUNNING"), json!("2025-10-17"), json!(20)));
}

#[actix_web::test]
async fn what_was_counted_before_a_new_notice_is_counted_again_by_the_worker() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    let scope = kit.app.scope(kit.tenant);
    let work = kit.app.app().stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
    let ids = [id.as_str().unwrap().parse().unwrap()];
    let mut kept = deadline::of(&scope, &work, "disclosure.notice", &ids).await.unwrap().pop().unwrap();
    kept.calendar_digest = "of the version before".to_owned();
    kept.dates.due_on = Some("2025-10-13".parse().unwrap());
    kept.dates.provisional = true;
    deadline::put(&scope, &work, &kept).await.unwrap();
    work.commit().await.unwrap();
    let seen = async |kit: &Kit| (kit.due(&id).await.1, kit.review(&id).await["provisional"].clone());
    assert_eq!(seen(&kit).await, (json!("2025-10-13"), json!(true)));
    for _ in 0..2 {
        kit.work("2025-09-16T02:00:00Z").await;
        assert_eq!(seen(&kit).await, (json!("2025-10-17"), json!(false)));
    }
}

#[actix_web::test]
async fn time_warns_once_and_lets_a_deadline_pass_once() {
    let kit = Kit::new().await;
    let id = kit.submitted().await;
    let told =
        async |kit: &Kit| kit.events().await.into_iter().filter(|event| event.contains(".review.")).collect::<Vec<_>>();
    kit.work("2025-10-11T15:59:59Z").await;
    assert_eq!(told(&kit).await, [""; 0]);
    for _ in 0..2 {
        // The day of 2025-10-12 begins in China.
        kit.work("2025-10-11T16:00:00Z").await;
        assert_eq!(told(&kit).await, ["disclosure.notice.review.warned"]);
        assert_eq!(kit.due(&id).await.0, json!("RUNNING"));
    }
    kit.work("2025-10-17T15:59:59Z").await;
    assert_eq!(kit.due(&id).await, (json!("RUNNING"), json!("2025-10-17"), json!(0)));
    for _ in 0..2 {
        kit.work("2025-10-17T16:00:00Z").await;
        assert_eq!(told(&kit).await, ["disclosure.notice.review.warned", "disclosure.notice.review.overdue"]);
        assert_eq!(kit.due(&id).await, (json!("OVERDUE"), json!("2025-10-17"), json!(0)));
    }
    // Done late is done, and stays late.
    kit.clock.set("2025-10-20T02:00:00Z");
    kit.make((Role::Reviewer, 2), "Publish", &id, 2, "").await;
    assert_eq!(kit.due(&id).await, (json!("OVERDUE"), json!("2025-10-17"), Json::Null));
}

#[actix_web::test]
async fn a_deadline_that_begins_with_a_field_moves_with_it_and_goes_with_the_record() {
    let kit = Kit::new().await;
    let id = kit.draft(&json!({ "madeOn": "2025-09-10" })).await;
    let due = async |kit: &Kit| kit.read(Some((Role::Editor, 1)), &id).await["deadlines"][0]["dueOn"].clone();
    assert_eq!(due(&kit).await, json!("2025-10-10"));
    let update = "mutation($id: ID!, $version: Int!, $on: Date) { it: disclosureUpdateNotice(id: $id, version: $version, \
                  input: { madeOn: $on }) { errors { code path } } }";
    let change = async |kit: &Kit, version: i64, on: &str| {
        let variables = json!({ "id": id, "version": version, "on": on });
        kit.ask(Some((Role::Editor, 1)), update, variables).await.data()["it"]["errors"].clone()
    };
    assert_eq!(change(&kit, 1, "2025-09-11").await, json!([]));
    assert_eq!(due(&kit).await, json!("2025-10-11"));
    let before = kit.left().await;
    assert_eq!(change(&kit, 2, "9999-12-31").await, json!([{ "code": "INVALID_INPUT", "path": ["input", "madeOn"] }]));
    assert_eq!((kit.left().await, due(&kit).await), (before.clone(), json!("2025-10-11")));
    let delete = "mutation($id: ID!) { it: disclosureDeleteNotice(id: $id, version: 2) { errors { code } } }";
    assert_eq!(kit.ask(Some((Role::Editor, 1)), delete, json!({ "id": id })).await.data()["it"]["errors"], json!([]));
    assert_eq!((before[4], kit.left().await[4]), (1, 0));
}
