//! Actions over the real routes: what they write lasts together or not at all, whoever calls, whatever goes wrong.
#![expect(clippy::unwrap_used, reason = "tests")]

use futures_util::future::join_all;
use serde_json::{Value as Json, json};
use sunlit_domain::Role;
use sunlit_domain::id::TenantId;
use sunlit_storage::tenant::{audit, outbox};
use sunlit_test_support::{Answer, TestApp};

const TENANT: &str = "900001";

struct Kit {
    app: TestApp,
    tenant: TenantId,
    editor: String,
}

impl Kit {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.probe_tenant(TENANT).await;
        app.probe_tenant("900002").await;
        let editor = app.token(tenant, Role::Editor);
        Self { app, tenant, editor }
    }

    /// One action, anonymously or with a token: `call` is the field with its arguments and its selection.
    async fn act(&self, token: Option<&str>, call: &str) -> Answer {
        self.app.graphql(TENANT, token, &format!("mutation {{ {call} }}"), json!({})).await
    }

    /// Creates an item as an editor; answers its id.
    async fn item(&self, name: &str) -> String {
        let call = format!("probeCreateItem(input: {{ name: \"{name}\", number: 0 }}) {{ record {{ id }} }}");
        let answer = self.act(Some(&self.editor), &call).await;
        answer.data()["probeCreateItem"]["record"]["id"].as_str().unwrap().to_owned()
    }

    /// Names and numbers of all items, by name.
    async fn items(&self) -> Vec<(String, i64)> {
        let query = "{ probe { items(first: 100, order: [NAME_ASC]) { nodes { name number } } } }";
        let answer = self.app.graphql(TENANT, None, query, json!({})).await;
        let nodes = answer.data()["probe"]["items"]["nodes"].as_array().unwrap().clone();
        let pair = |node: &Json| (node["name"].as_str().unwrap().to_owned(), node["number"].as_i64().unwrap_or(0));
        nodes.iter().map(pair).collect()
    }

    /// What was done to what, oldest first, and the events.
    async fn trail(&self) -> (Vec<String>, Vec<String>) {
        let scope = self.app.scope(self.tenant);
        let session = self.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        let mut audit = audit::latest(&scope, &session, 100).await.unwrap();
        let mut events = outbox::latest(&scope, &session, 100).await.unwrap();
        audit.reverse();
        events.reverse();
        let own = audit.into_iter().filter(|row| row.subject.starts_with("probe"));
        let done = own.map(|row| match row.action.as_str() {
            "act" => format!("act {} {}", row.subject, row.subject_id),
            action => format!("{action} {}", row.subject),
        });
        (done.collect(), events.into_iter().map(|row| row.name).collect())
    }

    /// Nothing was written, and the neighbours go on.
    async fn assert_untouched(&self, after: &str) {
        assert_eq!(self.items().await, [], "{after}");
        assert_eq!(self.trail().await, (Vec::new(), Vec::new()), "{after}");
        let echo = self.app.graphql("900002", None, "{ probe { echo(text: \"邻居\") } }", json!({})).await;
        assert_eq!(echo.data()["probe"]["echo"], json!("邻居"), "{after}");
    }
}

/// The errors of the payload of the only field.
fn errors(answer: &Answer) -> Json {
    answer.data().as_object().unwrap().values().next().unwrap()["errors"].clone()
}

#[actix_web::test]
async fn what_an_action_writes_is_committed_together_with_its_trail() {
    let kit = Kit::new().await;
    let call = "probeAddWithNote(code: \"a1\") { result { code item { name number } } errors { code } }";
    let answer = kit.act(Some(&kit.editor), call).await;
    let expect = json!({ "result": { "code": "a1", "item": { "name": "a1", "number": 1 } }, "errors": [] });
    assert_eq!(answer.data()["probeAddWithNote"], expect);
    let (audit, events) = kit.trail().await;
    assert_eq!(audit, ["create probe.item", "create probe.note", "act probe add_with_note"]);
    assert_eq!(events, ["probe.item.created", "probe.note.created"]);
    // A taken value is told to the plugin at once, and what it wrote before is forgotten.
    let again = kit.act(None, "probeAddWithNote(code: \"a1\") { errors { code message path } }").await;
    assert_eq!(errors(&again)[0]["code"], json!("PLUGIN_DECLINED"));
    assert!(errors(&again)[0]["message"].as_str().unwrap().contains("code: "), "{}", again.body);
    assert_eq!((kit.items().await.len(), kit.trail().await.0.len()), (1, 3));
}

#[actix_web::test]
async fn the_public_acts_with_the_packages_rights_and_has_none_of_its_own() {
    let kit = Kit::new().await;
    let selection = "{ result { name number } errors { code message path } }";
    let own = kit.act(None, &format!("probeAdd(name: \"甲\") {selection}")).await;
    assert_eq!(errors(&own)[0]["code"], json!("PLUGIN_DECLINED"), "{}", own.body);
    let direct = kit.act(None, "probeCreateItem(input: { name: \"甲\" }) { errors { code } }").await;
    assert_eq!(direct.code(), "UNAUTHENTICATED");
    kit.assert_untouched("whoever may not").await;
    let done = kit.act(None, &format!("probeAddAsPackage(name: \"甲\", number: 7) {selection}")).await;
    let expect = json!({ "result": { "name": "甲", "number": 7 }, "errors": [] });
    assert_eq!(done.data()["probeAddAsPackage"], expect);
    let editor = kit.act(Some(&kit.editor), &format!("probeAdd(name: \"乙\") {selection}")).await;
    assert_eq!(editor.data()["probeAdd"]["result"], json!({ "name": "乙", "number": 0 }));
    // What an action answers is read with the caller's rights: the public may not read notes.
    let hidden = kit.act(None, "probeAddWithNote(code: \"n\") { result { code } }").await;
    assert_eq!((hidden.code(), &hidden.body["data"]["probeAddWithNote"]["result"]), ("UNAUTHENTICATED", &Json::Null));
}

#[actix_web::test]
async fn only_the_declared_roles_may_call() {
    let kit = Kit::new().await;
    let item = kit.item("甲").await;
    let call = format!("probeSetAtVersion(item: \"{item}\", version: 1) {{ result errors {{ code path }} }}");
    assert_eq!(kit.act(None, &call).await.code(), "UNAUTHENTICATED");
    let citizen = kit.app.token(kit.tenant, Role::Citizen);
    assert_eq!(kit.act(Some(&citizen), &call).await.code(), "DENIED");
    let editor = kit.act(Some(&kit.editor), &call).await;
    assert_eq!(editor.data()["probeSetAtVersion"], json!({ "result": 2, "errors": [] }));
    let stale = kit.act(Some(&kit.editor), &call).await;
    assert_eq!(errors(&stale), json!([{ "code": "CONFLICT", "path": [] }]));
    let neighbour = kit.app.token(kit.app.tenant_id("900002").await, Role::Editor);
    let call = format!("mutation {{ {call} }}");
    let elsewhere = kit.app.graphql("900002", Some(&neighbour), &call, json!({})).await;
    assert_eq!(errors(&elsewhere)[0]["code"], json!("PLUGIN_DECLINED"), "another tenant's record is not found");
}

#[actix_web::test]
async fn nothing_remains_of_an_action_that_fails_after_writing() {
    let kit = Kit::new().await;
    for call in ["probeWriteTrap", "probeWriteSpin", "probeWriteWrongType", "probeMany(count: 201)"] {
        let answer = kit.act(None, &format!("{call} {{ errors {{ code }} }}")).await;
        assert_eq!(answer.code(), "PLUGIN_UNAVAILABLE", "{call}: {}", answer.body);
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert_eq!(message, "该功能暂时不可用，请稍后再试", "{call}: nothing of our inside is told");
        kit.assert_untouched(call).await;
    }
    for (call, told) in [
        ("probeWriteDecline", "今天不办理"),
        ("probeWriteForeign", "no such collection"),
        ("probeWriteInvalid", "name: 请填写“名称”"),
    ] {
        let answer = kit.act(None, &format!("{call} {{ errors {{ code message path }} }}")).await;
        let error = &errors(&answer)[0];
        assert_eq!((&error["code"], &error["path"]), (&json!("PLUGIN_DECLINED"), &json!([])), "{call}");
        assert!(error["message"].as_str().unwrap().contains(told), "{call}: {error}");
        kit.assert_untouched(call).await;
    }
    let most = kit.act(None, "probeMany(count: 200) { result errors { code } }").await;
    assert_eq!(most.data()["probeMany"], json!({ "result": 200, "errors": [] }));
    assert_eq!(kit.items().await.len(), 100, "a full page");
}

#[actix_web::test]
async fn a_change_that_only_the_commit_refuses_takes_the_others_with_it() {
    let kit = Kit::new().await;
    let call = "probeAddWithNote(code: \"kept\") { result { item { id } } }";
    let answer = kit.act(Some(&kit.editor), call).await;
    let item = answer.data()["probeAddWithNote"]["result"]["item"]["id"].as_str().unwrap().to_owned();
    let replace = |item: &str| format!("probeReplace(item: \"{item}\") {{ result {{ name }} errors {{ code path }} }}");
    let refused = kit.act(None, &replace(&item)).await;
    assert_eq!(errors(&refused), json!([{ "code": "INVALID_INPUT", "path": [] }]), "a note refers to it");
    assert_eq!(kit.items().await, [("kept".to_owned(), 1)]);
    assert_eq!(kit.trail().await.0.len(), 3);
    let free = kit.item("free").await;
    let done = kit.act(None, &replace(&free)).await;
    assert_eq!(done.data()["probeReplace"], json!({ "result": { "name": "replaced" }, "errors": [] }));
    assert_eq!(kit.items().await, [("kept".to_owned(), 1), ("replaced".to_owned(), 2)]);
}

#[actix_web::test]
async fn arguments_are_checked_before_the_plugin_is_asked() {
    let kit = Kit::new().await;
    let answer = kit.act(None, "probeAddAsPackage(name: \"甲\", number: 101) { errors { code path message } }").await;
    let expect = json!([{ "code": "INVALID_INPUT", "path": ["number"], "message": "“number”不能大于 100" }]);
    assert_eq!(errors(&answer), expect);
    let calls: String = (0..9).map(|n| format!("a{n}: probeMany(count: 1) {{ result }} ")).collect();
    assert_eq!(kit.act(None, &calls).await.code(), "LIMIT_EXCEEDED", "an action is a call of a plugin");
    kit.assert_untouched("arguments").await;
}

#[actix_web::test]
async fn a_query_that_writes_is_denied() {
    let kit = Kit::new().await;
    let answer = kit.app.graphql(TENANT, Some(&kit.editor), "{ probe { writeInQuery } }", json!({})).await;
    assert!(answer.data()["probe"]["writeInQuery"].as_str().unwrap().starts_with("denied: "), "{}", answer.body);
    kit.assert_untouched("a query").await;
}

#[actix_web::test]
async fn later_reads_of_a_call_see_what_it_has_written() {
    let kit = Kit::new().await;
    for name in ["m", "b", "k", "c"] {
        kit.item(name).await;
    }
    let answer = kit.act(None, "probeLook { result errors { code message } }").await;
    let seen = json!({ "result": ["x", "n", "k", "c", "a1"], "errors": [] });
    assert_eq!(answer.data()["probeLook"], seen, "pages of two, from the last name to the first, without `z`");
    let names: Vec<String> = kit.items().await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a1", "c", "k", "n", "x", "z"]);
    assert!(kit.items().await.contains(&("n".to_owned(), 7)));
    let done = kit.trail().await.0.split_off(4);
    let (create, update, delete) = ("create probe.item", "update probe.item", "delete probe.item");
    assert_eq!(done, [delete, update, create, create, create, update, update, "act probe look"]);
}

async fn increments(kit: &Kit, item: &str, count: usize) -> Vec<Result<i64, String>> {
    let call = format!("probeIncrement(item: \"{item}\") {{ result errors {{ code }} }}");
    let answers = join_all((0..count).map(|_| kit.act(None, &call))).await;
    let told = |answer: &Answer| {
        let payload = &answer.data()["probeIncrement"];
        payload["result"].as_i64().ok_or_else(|| payload["errors"][0]["code"].as_str().unwrap().to_owned())
    };
    answers.iter().map(told).collect()
}

#[actix_web::test]
async fn two_increments_at_once_both_count() {
    let kit = Kit::new().await;
    let item = kit.item("n").await;
    for round in 0..5 {
        let mut told: Vec<i64> = increments(&kit, &item, 2).await.into_iter().map(Result::unwrap).collect();
        told.sort_unstable();
        assert_eq!(told, [2 * round + 1, 2 * round + 2]);
    }
    assert_eq!(kit.items().await, [("n".to_owned(), 10)]);
}

#[actix_web::test]
async fn a_crowd_of_increments_loses_none_that_was_confirmed() {
    let kit = Kit::new().await;
    let item = kit.item("n").await;
    let told = increments(&kit, &item, 6).await;
    let done = told.iter().filter(|told| told.is_ok()).count();
    assert!(told.iter().flat_map(|told| told.as_ref().err()).all(|code| code == "CONFLICT"), "{told:?}");
    // Who gives up has met three others that came first.
    assert!(done >= 3, "{told:?}");
    assert_eq!(kit.items().await, [("n".to_owned(), i64::try_from(done).unwrap())]);
    let acts = kit.trail().await.0.into_iter().filter(|done| done == "act probe increment").count();
    assert_eq!(acts, done);
}

#[actix_web::test]
async fn the_actions_of_a_document_run_one_after_the_other() {
    let kit = Kit::new().await;
    let item = kit.item("n").await;
    let increment = format!("probeIncrement(item: \"{item}\") {{ result }}");
    let answer = kit.act(None, &format!("a: {increment} b: {increment} probeWriteTrap {{ errors {{ code }} }}")).await;
    assert_eq!(answer.code(), "PLUGIN_UNAVAILABLE");
    let expect = json!({ "a": { "result": 1 }, "b": { "result": 2 }, "probeWriteTrap": null });
    assert_eq!(answer.body["data"], expect, "each is a command of its own");
    assert_eq!(kit.items().await, [("n".to_owned(), 2)]);
}

#[actix_web::test]
async fn a_citizen_reports_an_error_that_only_the_staff_reads() {
    let app = TestApp::start().await;
    let tenant = app.provision("610112").await;
    let street = "{ streetCards { streets(first: 1, order: [CODE_ASC]) { nodes { id name } } } }";
    let found = app.graphql("610112", None, street, json!({})).await;
    let street = found.data()["streetCards"]["streets"]["nodes"][0].clone();
    let report = "mutation($street: ID!, $text: String!, $contact: String) \
                  { streetCardsReportError(street: $street, text: $text, contact: $contact) \
                  { result errors { code path } } }";
    let given = json!({ "street": street["id"], "text": " 联系电话已变更 ", "contact": "029-0000-0001" });
    let done = app.graphql("610112", None, report, given).await;
    let number = done.data()["streetCardsReportError"]["result"].as_str().unwrap().to_owned();
    let read = "query($id: ID!) { streetCards { correction(id: $id) { text contact street { name } } \
                corrections { totalCount } } }";
    let public = app.graphql("610112", None, read, json!({ "id": number })).await;
    assert_eq!(public.body["data"]["streetCards"], json!({ "correction": null, "corrections": null }));
    let editor = app.token(tenant, Role::Editor);
    let staff = app.graphql("610112", Some(&editor), read, json!({ "id": number })).await;
    let correction =
        json!({ "text": "联系电话已变更", "contact": "029-0000-0001", "street": { "name": street["name"] } });
    let expect = json!({ "correction": correction, "corrections": { "totalCount": 1 } });
    assert_eq!(staff.data()["streetCards"], expect);
    let short = app.graphql("610112", None, report, json!({ "street": street["id"], "text": "错" })).await;
    let payload = &short.data()["streetCardsReportError"];
    assert_eq!(*payload, json!({ "result": null, "errors": [{ "code": "INVALID_INPUT", "path": ["text"] }] }));
    let nowhere = json!({ "street": number, "text": "没有这个街道" });
    let nowhere = app.graphql("610112", None, report, nowhere).await;
    let payload = &nowhere.data()["streetCardsReportError"];
    assert_eq!(*payload, json!({ "result": null, "errors": [{ "code": "PLUGIN_DECLINED", "path": [] }] }));
}
