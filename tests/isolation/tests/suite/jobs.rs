//! A job runs for the tenant in whose outbox it stands, and finds there what is that tenant's.

use std::sync::Arc;

use serde_json::json;
use sunlit_storage::tenant::outbox;
use sunlit_test_support::SetClock;

use crate::kit::{Kit, Side, fresh_id, scope};

/// The records that the tenant's events of a deadline are about.
async fn passed(kit: &Kit, side: &Side) -> Vec<String> {
    let scope = scope(&kit.app, side.tenant);
    let session = kit.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    let events = outbox::latest(&scope, &session, 1_000).await.unwrap();
    let passed = events.into_iter().filter(|event| event.name.starts_with("vault.paper.review."));
    passed.map(|event| event.subject_id.unwrap().to_string()).collect()
}

#[actix_web::test]
async fn a_job_that_was_moved_to_another_tenant_finds_nothing_there() {
    let clock = Arc::new(SetClock::at("2026-06-01T02:00:00Z"));
    let kit = Kit::with(Arc::clone(&clock) as _).await;
    let own = scope(&kit.app, kit.own.tenant);
    let work = kit.app.app().stores.open(&own).await.unwrap().work(&own).await.unwrap();
    let theirs = &kit.other.ids["Vault_Paper draft"];
    let moved = outbox::Job {
        id: fresh_id(),
        kind: "deadline",
        key: "moved".to_owned(),
        due_at: "2026-06-02T00:00:00Z".parse().unwrap(),
        payload: json!({ "collection": "vault.paper", "record": theirs, "name": "review" }),
    };
    outbox::schedule(&own, &work, moved).await.unwrap();
    work.commit().await.unwrap();
    clock.set("2026-08-03T02:00:00Z");
    kit.app.worker().once().await.unwrap();
    // Each deadline has passed, at its own tenant and nowhere else.
    for side in [&kit.own, &kit.other] {
        let passed = passed(&kit, side).await;
        assert!(!passed.is_empty(), "{}", side.slug);
        assert!(passed.iter().all(|record| *record == side.ids["Vault_Paper draft"]), "{}: {passed:?}", side.slug);
    }
    let trail = kit.ask(&kit.own, "{ auditTrail(first: 100) { nodes { subject subjectId } } }", json!({})).await;
    assert!(!trail.body.to_string().contains(theirs), "{}", trail.body);
    let session = kit.app.app().stores.open(&own).await.unwrap().snapshot(&own).await.unwrap();
    assert_eq!(
        outbox::dead(&own, &session, 100).await.unwrap().len(),
        1,
        "the moved job is done, like any that comes late"
    );
}
