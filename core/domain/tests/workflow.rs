//! Workflows: every transition of a desk from every state by every role, the two-person rule, comments, deadlines that follow
//! the states, and manifests that do not hold together.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;
use sunlit_domain::calendar::Calendar;
use sunlit_domain::id::{ActorId, RecordId};
use sunlit_domain::manifest::workflow::CommentRule;
use sunlit_domain::manifest::{Collection, Slot, Standard};
use sunlit_domain::record::Record;
use sunlit_domain::value::{Date, Value};
use sunlit_domain::workflow::clock::{Clock, DeadlineState, Happening, enter, follow};
use sunlit_domain::workflow::{LastActors, Standing, WhyNot, comment, may, standing};
use sunlit_domain::{Actor, Manifest, Role};
use uuid::Uuid;

const DESK: &str = include_str!("../../../tests/conformance/packages/disclosure.toml");
const STATES: [&str; 5] = ["draft", "submitted", "consulting", "published", "withdrawn"];
/// Every transition with the states that it leads out of and the roles that may make it.
const LEGAL: [(&str, &[&str], &[Role]); 7] = [
    ("submit", &["draft"], &[Role::Editor]),
    ("send_back", &["submitted"], &[Role::Reviewer]),
    ("consult", &["submitted"], &[Role::Reviewer]),
    ("answer", &["consulting"], &[Role::Reviewer]),
    ("prolong", &["submitted"], &[Role::Reviewer]),
    ("publish", &["submitted"], &[Role::Reviewer, Role::Editor]),
    ("withdraw", &["published"], &[Role::Reviewer]),
];
const ROLES: [Role; 7] =
    [Role::Public, Role::Citizen, Role::Enterprise, Role::Editor, Role::Reviewer, Role::Administrator, Role::Auditor];

fn notice() -> Collection {
    let manifest = Manifest::parse("plugin.toml", DESK).map_err(|errors| errors.to_string()).unwrap();
    manifest.collection("notice").unwrap().clone()
}

fn person(number: u128) -> ActorId {
    ActorId(Uuid::from_u128(number))
}

fn record(collection: &Collection, state: &str, creator: u128) -> Record {
    let mut record = Record::new(RecordId(Uuid::from_u128(1)), collection);
    record.set(Slot::Standard(Standard::State), Value::Text(state.to_owned()));
    for standard in [Standard::Owner, Standard::CreatedBy] {
        record.set(Slot::Standard(standard), Value::Id(Uuid::from_u128(creator)));
    }
    record.set(Slot::Field(2), Value::Bool(false));
    record
}

fn past(done: &[(&str, u128)]) -> LastActors {
    done.iter().map(|(name, by)| ((*name).to_owned(), Some(person(*by)))).collect()
}

#[test]
fn every_transition_is_legal_from_its_own_states_for_its_own_roles_and_nowhere_else() {
    let collection = notice();
    let workflow = collection.workflow.as_ref().unwrap();
    assert_eq!(workflow.transitions.len(), LEGAL.len());
    let mut legal = 0;
    for (name, from, roles) in LEGAL {
        for state in STATES {
            for role in ROLES {
                let actor = Actor::known(person(9), vec![role]);
                let transition = workflow.transition(name).unwrap();
                let told =
                    may(&collection, transition, &actor, &record(&collection, state, 7), &past(&[("submit", 8)]));
                let expect = match (roles.contains(&role), from.contains(&state)) {
                    (false, _) => Err(WhyNot::Denied),
                    (true, false) => Err(WhyNot::WrongState),
                    (true, true) => Ok(()),
                };
                assert_eq!(told, expect, "{name} from {state} by {role:?}");
                legal += u32::from(told.is_ok());
            }
        }
    }
    assert_eq!(legal, 8);
}

#[test]
fn a_state_that_is_not_declared_lets_nobody_do_anything() {
    let collection = notice();
    let everybody = Actor::known(person(9), ROLES.to_vec());
    for state in ["archived", "", "Draft"] {
        for transition in &collection.workflow.as_ref().unwrap().transitions {
            let told = may(&collection, transition, &everybody, &record(&collection, state, 7), &LastActors::new());
            assert_eq!(told, Err(WhyNot::UnknownState), "{} from {state:?}", transition.name);
        }
        assert!(!collection.is_published(state), "{state}");
    }
}

#[test]
fn the_two_person_rule_knows_who_did_what_last() {
    let collection = notice();
    let check = |name: &str, state: &str, actor: Actor, done: &LastActors, expect| {
        let transition = collection.workflow.as_ref().unwrap().transition(name).unwrap();
        assert_eq!(
            may(&collection, transition, &actor, &record(&collection, state, 7), done),
            expect,
            "{name} {done:?}"
        );
    };
    let reviewer = |number| Actor::known(person(number), vec![Role::Reviewer]);
    check("publish", "submitted", reviewer(9), &past(&[("submit", 9)]), Err(WhyNot::SamePerson));
    check("publish", "submitted", reviewer(9), &past(&[("submit", 8)]), Ok(()));
    check("publish", "submitted", reviewer(9), &past(&[("send_back", 9)]), Ok(()));
    check("publish", "submitted", reviewer(9), &LastActors::from([("submit".to_owned(), None)]), Ok(()));
    // `create` is the record's own creator.
    check("withdraw", "published", reviewer(7), &past(&[]), Err(WhyNot::SamePerson));
    check("withdraw", "published", reviewer(9), &past(&[("create", 9)]), Ok(()));
}

#[test]
fn an_owner_may_do_what_is_declared_for_owners_and_nobody_who_is_not_signed_in_is_one() {
    let collection = notice();
    let submit = collection.workflow.as_ref().unwrap().transition("submit").unwrap();
    let check = |actor: &Actor, record: &Record, expect| {
        assert_eq!(may(&collection, submit, actor, record, &LastActors::new()), expect);
    };
    let citizen = Actor::known(person(7), vec![Role::Citizen]);
    check(&citizen, &record(&collection, "draft", 7), Ok(()));
    check(&citizen, &record(&collection, "draft", 8), Err(WhyNot::Denied));
    let mut nobodys = record(&collection, "draft", 7);
    nobodys.set(Slot::Standard(Standard::Owner), Value::Null);
    check(&Actor::anonymous(), &nobodys, Err(WhyNot::Denied));
}

#[test]
fn a_transition_is_made_of_the_records_that_it_is_declared_for() {
    let collection = notice();
    let publish = collection.workflow.as_ref().unwrap().transition("publish").unwrap().clone();
    let reviewer = Actor::known(person(9), vec![Role::Reviewer]);
    let mut secret = record(&collection, "submitted", 7);
    secret.set(Slot::Field(2), Value::Bool(true));
    assert_eq!(may(&collection, &publish, &reviewer, &secret, &LastActors::new()), Err(WhyNot::Filter));
    let mut broken = publish;
    broken.filter = Some(json!({ "nothing": { "eq": 1 } }));
    let plain = record(&collection, "submitted", 7);
    assert_eq!(may(&collection, &broken, &reviewer, &plain, &LastActors::new()), Err(WhyNot::Filter));
}

#[test]
fn comments_are_required_optional_or_refused() {
    let workflow = notice().workflow.unwrap();
    let check = |name: &str, text: Option<&str>, expect: Result<Option<&str>, WhyNot>| {
        let told = comment(workflow.transition(name).unwrap(), text);
        assert_eq!(told, expect.map(|text| text.map(ToOwned::to_owned)), "{name} {text:?}");
    };
    assert_eq!(workflow.transition("submit").unwrap().comment, CommentRule::Optional);
    check("submit", None, Ok(None));
    check("submit", Some("  请审核\n "), Ok(Some("请审核")));
    check("send_back", Some("   "), Err(WhyNot::CommentRequired));
    check("send_back", None, Err(WhyNot::CommentRequired));
    check("publish", Some("好"), Err(WhyNot::CommentNotTaken));
    check("publish", Some(" "), Ok(None));
    check("submit", Some("a\u{0}b"), Err(WhyNot::CommentForm));
    check("submit", Some(&"长".repeat(2_001)), Err(WhyNot::CommentForm));
}

#[test]
fn a_record_begins_in_the_initial_state_and_the_public_sees_published_ones_only() {
    let collection = notice();
    assert_eq!(collection.initial_state(), "draft");
    assert_eq!(collection.published_states().collect::<Vec<_>>(), ["published"]);
    assert_eq!(STATES.into_iter().filter(|state| collection.is_published(state)).collect::<Vec<_>>(), ["published"]);
    let plain = Collection { workflow: None, ..collection };
    assert_eq!((plain.initial_state(), plain.published_states().collect::<Vec<_>>()), ("published", vec!["published"]));
}

#[test]
fn staff_stand_inside_owners_beside_and_everybody_else_outside() {
    let collection = notice();
    let check = |role, number, state, expect| {
        let actor = Actor::known(person(number), vec![role]);
        assert_eq!(standing(&collection, &actor, &record(&collection, state, 7)), expect, "{role:?} {number} {state}");
    };
    check(Role::Editor, 9, "published", Standing::Staff);
    check(Role::Auditor, 9, "draft", Standing::Staff);
    check(Role::Auditor, 9, "published", Standing::Outside);
    check(Role::Citizen, 9, "published", Standing::Outside);
    check(Role::Citizen, 7, "published", Standing::Owner);
    let nobody = standing(&collection, &Actor::anonymous(), &record(&collection, "published", 7));
    assert_eq!(nobody, Standing::Outside);
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

/// Walks a clock of the desk's review through states on days.
fn walk(steps: &[(&str, &str)]) -> Option<Clock> {
    let workflow = notice().workflow.unwrap();
    let (rule, calendar) = (workflow.deadline("review").unwrap(), Calendar::national());
    let (mut from, mut clock) = (None, None);
    for (to, on) in steps {
        clock = enter(rule, (from, to), day(on), clock, &calendar);
        from = Some(*to);
    }
    clock
}

fn due(clock: &Clock) -> Option<Date> {
    clock.dates(&Calendar::national()).unwrap().due_on
}

#[test]
fn a_deadline_follows_the_states_of_its_record() {
    let check = |steps: &[(&str, &str)], expect: Option<(DeadlineState, Option<&str>)>| {
        let told = walk(steps).map(|clock| (clock.state(), due(&clock)));
        assert_eq!(told, expect.map(|(state, due)| (state, due.map(day))), "{steps:?}");
    };
    let (draft, received) = (("draft", "2025-09-12"), ("submitted", "2025-09-15"));
    check(&[draft], None);
    check(&[draft, received], Some((DeadlineState::Running, Some("2025-10-17"))));
    let asked = ("consulting", "2025-09-19");
    check(&[draft, received, asked], Some((DeadlineState::Paused, None)));
    // RULES vector (a): out of a pause the period goes on, 11 working days later.
    let answered = ("submitted", "2025-10-11");
    check(&[draft, received, asked, answered], Some((DeadlineState::Running, Some("2025-11-03"))));
    let done = |on| ("published", on);
    check(&[draft, received, done("2025-10-17")], Some((DeadlineState::Met, Some("2025-10-17"))));
    check(&[draft, received, done("2025-10-18")], Some((DeadlineState::Overdue, Some("2025-10-17"))));
    check(&[draft, received, asked, done("2025-12-18")], Some((DeadlineState::Met, Some("2026-01-12"))));
    // Art. 30: received again, corrected, the period begins anew; the same state again begins nothing.
    let again = [draft, received, ("draft", "2025-09-18"), ("submitted", "2026-01-30")];
    check(&again, Some((DeadlineState::Running, Some("2026-03-05"))));
    check(&[draft, received, ("submitted", "2025-09-25")], Some((DeadlineState::Running, Some("2025-10-17"))));
    // What has passed is not brought back by a pause.
    check(&[draft, received, ("consulting", "2025-10-20")], Some((DeadlineState::Overdue, Some("2025-10-17"))));
}

#[test]
fn a_deadline_is_extended_once_while_it_runs_by_no_more_than_the_rule_allows() {
    let calendar = Calendar::national();
    let extend = |days, on: &str| {
        let mut clock = walk(&[("submitted", "2025-09-15")]).unwrap();
        clock.extend(20, days, &calendar, day(on)).map(|()| due(&clock).unwrap().to_string())
    };
    assert_eq!(extend(None, "2025-10-17"), Ok("2025-11-14".to_owned()));
    assert_eq!(extend(Some(1), "2025-10-17"), Ok("2025-10-20".to_owned()));
    for (days, on) in [(Some(21), "2025-10-17"), (Some(0), "2025-10-17"), (None, "2025-10-18")] {
        assert_eq!(extend(days, on), Err(WhyNot::ExtensionForm), "{days:?} {on}");
    }
    let mut clock = walk(&[("submitted", "2025-09-15")]).unwrap();
    clock.extend(20, Some(5), &calendar, day("2025-09-16")).unwrap();
    assert_eq!(clock.extend(20, Some(5), &calendar, day("2025-09-16")), Err(WhyNot::Extended));
    let mut met = walk(&[("submitted", "2025-09-15"), ("published", "2025-09-16")]).unwrap();
    assert_eq!(met.extend(20, None, &calendar, day("2025-09-16")), Err(WhyNot::NoDeadline));
}

#[test]
fn time_warns_once_and_then_lets_the_deadline_pass_once() {
    let mut clock = walk(&[("submitted", "2025-09-15")]).unwrap();
    let dates = clock.dates(&Calendar::national()).unwrap();
    assert_eq!((dates.warn_on, clock.next(dates)), (Some(day("2025-10-12")), Some(day("2025-10-12"))));
    let steps = [
        ("2025-10-11", None),
        ("2025-10-12", Some(Happening::Warned)),
        ("2025-10-12", None),
        ("2025-10-17", None),
        ("2025-10-18", Some(Happening::Overdue)),
        ("2025-10-18", None),
    ];
    for (today, expect) in steps {
        assert_eq!(clock.tick(dates, day(today)), expect, "{today}");
        let next = match clock.state() {
            DeadlineState::Running if clock.warned => Some(day("2025-10-18")),
            DeadlineState::Running => Some(day("2025-10-12")),
            _ => None,
        };
        assert_eq!(clock.next(dates), next, "{today}");
    }
}

#[test]
fn a_deadline_that_begins_with_a_field_follows_the_field() {
    let workflow = notice().workflow.unwrap();
    let (rule, calendar) = (workflow.deadline("disclosure").unwrap(), Calendar::national());
    let on = day("2026-03-02");
    let follow = |state, date: Option<&str>, clock| follow(rule, state, date.map(day), on, clock, &calendar);
    let clock = follow("draft", Some("2026-03-01"), None).unwrap();
    assert_eq!(due(&clock), Some(day("2026-03-31")));
    assert_eq!(due(&follow("draft", Some("2026-02-01"), Some(clock.clone())).unwrap()), Some(day("2026-03-03")));
    assert_eq!(follow("draft", None, Some(clock.clone())), None);
    assert_eq!(follow("published", Some("2026-03-01"), None), None);
    let met = enter(rule, (Some("draft"), "published"), on, Some(clock), &calendar);
    assert_eq!(met.as_ref().map(Clock::state), Some(DeadlineState::Met));
    assert_eq!(follow("published", Some("2020-01-01"), met.clone()), met);
}

/// Replaces `from` by `to` in the desk's manifest and expects to be told.
#[track_caller]
fn refuse(from: &str, to: &str, expect: &str) {
    assert!(DESK.contains(from), "the manifest has no {from}");
    let told = Manifest::parse("plugin.toml", &DESK.replacen(from, to, 1)).unwrap_err().to_string();
    assert!(told.contains(expect), "expected {expect:?} in:\n{told}");
}

#[test]
fn a_workflow_that_does_not_hold_together_names_its_mend() {
    refuse("initial = \"draft\"", "initial = \"new\"", "there is no state `new`");
    refuse("from = [\"draft\"]", "from = []", "at least one state that it leads out of");
    refuse("from = [\"draft\"]", "from = [\"new\"]", "there is no state `new`");
    refuse("from = [\"draft\"]", "from = [\"draft\", \"draft\"]", "stands twice");
    refuse("to = \"withdrawn\"", "to = \"gone\"", "there is no state `gone`");
    refuse("to = \"withdrawn\"", "to = \"published\"", "no transition leads from `draft` to `withdrawn`");
    refuse("final = true", "", "add a transition, or `final = true`");
    refuse("published = true", "final = true", "leads out of a final state");
    refuse("roles = [\"editor\"]\nowner = true", "", "nobody may do it");
    refuse("distinct_from = [\"submit\"]", "distinct_from = [\"send\"]", "there is no transition `send`");
    refuse("distinct_from = [\"create\"]", "distinct_from = [\"withdraw\"]", "distinct from itself");
    refuse("where = { secret = { eq = false } }", "where = { secrecy = { eq = false } }", "can be filtered by");
    refuse("where = { secret = { eq = false } }", "where = { secret = { eq = 1 } }", "filter at");
    refuse("comment = \"none\"", "comment = \"never\"", "unknown variant");
    refuse("name = \"consult\"", "name = \"created\"", "choose another name");
    refuse("name = \"consult\"", "name = \"update\"", "choose another name");
    refuse("name = \"consult\"", "name = \"answer\"", "twice in the API");
    refuse("name = \"withdrawn\"\ntitle", "name = \"published\"\ntitle", "twice in the API");
    refuse("name = \"secret\"", "name = \"history\"", "in the API already");
    refuse("id = \"disclosure\"", "id = \"calendar\"", "choose another");
    refuse("days = 20\nunit", "days = 0\nunit", "give 1 to 1000");
    refuse("days = 20\nunit", "days = 1001\nunit", "give 1 to 1000");
    refuse("extension = { days = 20,", "extension = { days = 0,", "give 1 to 1000");
    refuse("transition = \"prolong\"", "transition = \"longer\"", "there is no transition `longer`");
    refuse("warn = 5", "warn = 20", "would come before the deadline begins");
    refuse("starts = { state = \"submitted\" }", "starts = { state = \"new\" }", "there is no state `new`");
    refuse("starts = { state = \"submitted\" }", "starts = { state = \"draft\" }", "`draft` begins it");
    refuse("starts = { field = \"made_on\" }", "starts = { field = \"name\" }", "of type date");
    refuse("starts = { field = \"made_on\" }", "starts = \"made_on\"", "made_on");
    refuse("pauses = [\"consulting\"]", "pauses = [\"published\"]", "ends it as well");
    refuse("stops = [\"published\", \"draft\"]", "stops = []", "nothing would end it");
    refuse("name = \"review\"", "name = \"publish\"", "a transition is called `publish`");
    refuse("unit = \"working_days\"", "unit = \"weeks\"", "unknown variant");
}
