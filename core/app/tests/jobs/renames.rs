//! A collection that a new major version renames keeps its records' history and deadlines, there and back.

use std::time::Duration;

use serde_json::json;
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::package::rollback;
use sunlit_app::command::package::upgrade::{self, Options};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_storage::tenant::{deadline, step};

use crate::kit::{Kit, MANIFEST};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// How many steps and deadlines the record has under each name.
async fn beside(kit: &Kit, scope: &Scope, id: RecordId) -> [(usize, usize); 2] {
    let session = kit.app.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
    let mut counts = [(0, 0); 2];
    for (count, name) in counts.iter_mut().zip(["kit.notice", "kit.bulletin"]) {
        let steps = step::history(scope, &session, name, &[id]).await.unwrap();
        let deadlines = deadline::of(scope, &session, name, &[id]).await.unwrap();
        *count = (steps.get(&id).map_or(0, Vec::len), deadlines.len());
    }
    counts
}

#[tokio::test]
async fn history_and_deadlines_follow_a_collection_into_its_new_name_and_back() {
    let kit = Kit::at("2026-11-22T18:02:00Z").await;
    let scope = kit.tenant("000001").await;
    let id = kit.create(&scope, "notice", json!({ "ends_on": "2027-11-22" })).await.id;
    let second = MANIFEST.replace("version = \"1.0.0\"", "version = \"2.0.0\"").replace("\"notice\"", "\"bulletin\"")
        + "[[migrate]]\nfrom = \"notice\"\ncollection = \"bulletin\"\n";
    publish::run(&kit.app, second, None, Existing::Keep).await.unwrap();
    let (one, two) = ("1.0.0".parse().unwrap(), "2.0.0".parse().unwrap());
    let tried = Options { check: true, ..Options::default() };
    for (options, expected) in [(tried, [(1, 1), (0, 0)]), (Options::default(), [(0, 0), (1, 1)])] {
        upgrade::run(&kit.app, &scope, ("kit", two), &options).await.unwrap();
        assert_eq!(beside(&kit, &scope, id).await, expected);
    }
    kit.pass(21 * DAY);
    kit.work().await;
    assert_eq!(kit.count(&scope, "kit.bulletin.review.overdue").await, 1);
    assert_eq!(kit.count(&scope, "kit.notice.review.overdue").await, 0);
    rollback::run(&kit.app, &scope, ("kit", one), &Options::default()).await.unwrap();
    assert_eq!(beside(&kit, &scope, id).await, [(1, 1), (0, 0)]);
    kit.pass(21 * DAY);
    kit.work().await;
    assert_eq!(kit.count(&scope, "kit.notice.review.overdue").await, 0);
}
