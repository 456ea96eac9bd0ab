//! Random histories of commands keep records, audit and outbox consistent, and what failed left nothing.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value as Json, json};
use sunlit_app::command::record::{create, delete, update};
use sunlit_app::{AppError, Package};
use sunlit_domain::id::{RecordId, TenantId};
use sunlit_domain::manifest::Spelling;
use sunlit_domain::{Role, Scope};
use sunlit_test_support::{TestApp, consistency};
use uuid::Uuid;

const HISTORIES: u32 = 12;
const COMMANDS: usize = 60;

/// A command that may fail in every way in which commands fail.
#[derive(Debug, Clone)]
enum Step {
    Create { name: String, number: Json, role: Role },
    Update { pick: usize, stale: i64, input: Json, role: Role },
    Delete { pick: usize, stale: i64, role: Role },
}

fn step() -> impl Strategy<Value = Step> {
    let name = prop_oneof![8 => "[a-d甲乙丙丁]{1,4}", 1 => Just(String::new()), 1 => Just("长".repeat(61))];
    let number = prop_oneof![8 => any::<i32>().prop_map(Json::from), 1 => Just(json!("x")), 1 => Just(Json::Null)];
    let role = || prop_oneof![9 => Just(Role::Editor), 1 => Just(Role::Citizen)];
    let stale = || prop_oneof![7 => Just(0_i64), 1 => Just(1_i64), 1 => Just(-1_i64)];
    let input = prop_oneof![
        6 => any::<i32>().prop_map(|number| json!({ "number": number })),
        1 => Just(json!({ "name": null })),
        1 => Just(json!({ "unheard_of": 1 })),
        1 => Just(json!({})),
    ];
    prop_oneof![
        4 => (name, number, role()).prop_map(|(name, number, role)| Step::Create { name, number, role }),
        4 => (any::<usize>(), stale(), input, role())
            .prop_map(|(pick, stale, input, role)| Step::Update { pick, stale, input, role }),
        2 => (any::<usize>(), stale(), role()).prop_map(|(pick, stale, role)| Step::Delete { pick, stale, role }),
    ]
}

struct History<'a> {
    kit: &'a TestApp,
    tenant: TenantId,
    package: &'a Package,
    /// What must be there.
    records: BTreeMap<RecordId, i64>,
    succeeded: usize,
    failed: usize,
}

impl History<'_> {
    async fn play(&mut self, step: &Step) {
        let outcome = match step {
            Step::Create { name, number, role } => {
                let input = object(&json!({ "name": name, "number": number }));
                let (app, scope) = (self.kit.app(), self.scope(*role));
                create::run(app, &scope, self.package, "item", &input, Spelling::Manifest)
                    .await
                    .map(|record| (record.id, Some(record.version())))
            }
            Step::Update { pick, stale, input, role } => {
                let (target, scope) = (self.target(*pick, *stale), self.scope(*role));
                let input = object(input);
                update::run(self.kit.app(), &scope, self.package, "item", target, &input, Spelling::Manifest)
                    .await
                    .map(|record| (record.id, Some(record.version())))
            }
            Step::Delete { pick, stale, role } => {
                let (target, scope) = (self.target(*pick, *stale), self.scope(*role));
                delete::run(self.kit.app(), &scope, self.package, "item", target).await.map(|record| (record.id, None))
            }
        };
        match outcome {
            Ok((id, version)) => {
                self.succeeded += 1;
                match version {
                    Some(version) => self.records.insert(id, version),
                    None => self.records.remove(&id),
                };
            }
            Err(error) => {
                self.failed += 1;
                assert!(is_expected(&error), "{step:?}: {error}");
            }
        }
    }

    fn scope(&self, role: Role) -> Scope {
        self.kit.scope_of(self.tenant, role)
    }

    /// A record that is there, or none at all while there is none.
    fn target(&self, pick: usize, stale: i64) -> (RecordId, i64) {
        match self.records.iter().nth(pick % self.records.len().max(1)) {
            Some((id, version)) => (*id, version + stale),
            None => (RecordId(Uuid::from_u128(1)), 1),
        }
    }
}

fn object(json: &Json) -> Map<String, Json> {
    json.as_object().unwrap().clone()
}

fn is_expected(error: &AppError) -> bool {
    matches!(error, AppError::Denied | AppError::NotFound | AppError::Conflict { .. } | AppError::Problems(_))
}

#[actix_web::test]
async fn random_histories_of_commands_keep_audit_outbox_and_records_consistent() {
    let kit = TestApp::start().await;
    let version = kit.app().newest_version("probe").await.unwrap().unwrap();
    let package = kit.app().package("probe", &version).await.unwrap();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let strategy = prop::collection::vec(step(), COMMANDS);
    let (mut succeeded, mut failed) = (0, 0);
    for n in 0..HISTORIES {
        let tenant = kit.probe_tenant(&format!("{:06}", 900_100 + n)).await;
        let steps = strategy.new_tree(&mut runner).unwrap().current();
        let records = BTreeMap::new();
        let mut history = History { kit: &kit, tenant, package: &package, records, succeeded: 0, failed: 0 };
        for step in &steps {
            history.play(step).await;
        }
        let story = consistency::check(kit.app(), &kit.scope(tenant), &package).await;
        assert_eq!(story.records, history.records, "{steps:?}");
        assert_eq!(story.events.len(), history.succeeded, "what failed left an event, or what succeeded left none");
        succeeded += history.succeeded;
        failed += history.failed;
    }
    println!("{HISTORIES} histories: {succeeded} commands succeeded, {failed} failed and left nothing");
    assert!(succeeded > 100 && failed > 100, "the histories are one-sided: {succeeded} against {failed}");
}
