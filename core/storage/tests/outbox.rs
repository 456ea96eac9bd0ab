//! The outbox on a real SQLite file: jobs leased, ended and given up, hints, isolation.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use serde_json::json;
use sunlit_domain::id::{RecordId, TenantId};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::platform::{Platform, due};
use sunlit_storage::tenant::outbox::{self, Claimed, Event, Job};
use sunlit_storage::{Session, StorageError, Stores, Work, testing};
use uuid::Uuid;

const LEASE: Duration = Duration::from_secs(30);

struct Kit {
    stores: Stores,
    authority: ScopeAuthority,
    folder: tempfile::TempDir,
}

impl Kit {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = testing::stores(&folder.path().join("tenants")).await;
        Self { stores, authority: ScopeAuthority::establish(), folder }
    }

    async fn tenant(&self, n: u128) -> Scope {
        let scope = self.authority.scope(TenantId(Uuid::from_u128(n)), Actor::anonymous());
        self.stores.create(&scope).await.unwrap();
        scope
    }

    async fn work(&self, scope: &Scope) -> Work {
        self.stores.open(scope).await.unwrap().work(scope).await.unwrap()
    }

    async fn session(&self, scope: &Scope) -> Session {
        self.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap()
    }

    async fn schedule(&self, scope: &Scope, n: u128, key: &str, due: Timestamp) {
        let work = self.work(scope).await;
        outbox::schedule(scope, &work, job(n, key, due)).await.unwrap();
        work.commit().await.unwrap();
    }

    async fn claim(&self, scope: &Scope, now: Timestamp) -> Vec<Claimed> {
        let work = self.work(scope).await;
        let claimed = outbox::claim(scope, &work, now, LEASE, 10).await.unwrap();
        work.commit().await.unwrap();
        claimed
    }

    async fn next_due(&self, scope: &Scope) -> Option<Timestamp> {
        outbox::next_due(scope, &self.session(scope).await).await.unwrap()
    }
}

fn job(n: u128, key: &str, due_at: Timestamp) -> Job<'static> {
    Job { id: Uuid::from_u128(n), kind: "mail", key: key.to_owned(), due_at, payload: json!({ "n": n.to_string() }) }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000 + seconds * 1_000_000).unwrap()
}

fn ids(claimed: &[Claimed]) -> Vec<u128> {
    claimed.iter().map(|job| job.id.as_u128()).collect()
}

#[tokio::test]
async fn a_job_is_claimed_when_it_is_due_and_by_one_worker() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    kit.schedule(&scope, 1, "later", at(60)).await;
    kit.schedule(&scope, 2, "soon", at(10)).await;
    assert_eq!(kit.next_due(&scope).await, Some(at(10)));
    assert_eq!(ids(&kit.claim(&scope, at(9)).await), [0; 0]);
    let claimed = kit.claim(&scope, at(60)).await;
    assert_eq!(ids(&claimed), [2, 1]);
    assert_eq!((claimed[0].attempt, &claimed[0].payload), (1, &json!({ "n": "2" })));
    assert_eq!(ids(&kit.claim(&scope, at(60)).await), [0; 0]);
    assert_eq!(kit.next_due(&scope).await, Some(at(60).plus(LEASE)));
}

#[tokio::test]
async fn a_job_whose_worker_died_is_claimed_again_after_the_lease_and_the_dead_worker_ends_nothing() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    kit.schedule(&scope, 1, "a", at(0)).await;
    let first = kit.claim(&scope, at(0)).await.remove(0);
    let second = kit.claim(&scope, at(30)).await.remove(0);
    assert_eq!(second.attempt, 2);
    let work = kit.work(&scope).await;
    let late = outbox::finish(&scope, &work, &first, at(31)).await;
    assert!(matches!(late, Err(StorageError::LeaseLost)), "{late:?}");
    outbox::finish(&scope, &work, &second, at(31)).await.unwrap();
    let twice = outbox::finish(&scope, &work, &second, at(31)).await;
    assert!(matches!(twice, Err(StorageError::LeaseLost)), "{twice:?}");
    work.commit().await.unwrap();
    assert_eq!((kit.claim(&scope, at(100)).await, kit.next_due(&scope).await), (Vec::new(), None));
}

#[tokio::test]
async fn scheduling_again_replaces_what_waits_and_leaves_what_was_done() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    kit.schedule(&scope, 1, "a", at(0)).await;
    let replaced = kit.claim(&scope, at(0)).await.remove(0);
    kit.schedule(&scope, 2, "a", at(5)).await;
    let work = kit.work(&scope).await;
    let lost = outbox::finish(&scope, &work, &replaced, at(1)).await;
    assert!(matches!(lost, Err(StorageError::LeaseLost)), "{lost:?}");
    drop(work);
    let current = kit.claim(&scope, at(5)).await.remove(0);
    let work = kit.work(&scope).await;
    outbox::finish(&scope, &work, &current, at(5)).await.unwrap();
    work.commit().await.unwrap();
    kit.schedule(&scope, 3, "a", at(9)).await;
    assert_eq!(ids(&kit.claim(&scope, at(9)).await), [3]);
    let work = kit.work(&scope).await;
    assert!(outbox::cancel(&scope, &work, "mail", "a").await.unwrap());
    assert!(!outbox::cancel(&scope, &work, "mail", "a").await.unwrap());
}

#[tokio::test]
async fn a_job_that_failed_waits_and_one_that_was_given_up_can_be_put_back() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    kit.schedule(&scope, 1, "a", at(0)).await;
    let first = kit.claim(&scope, at(0)).await.remove(0);
    let work = kit.work(&scope).await;
    outbox::retry(&scope, &work, &first, at(8), "no route").await.unwrap();
    assert_eq!(work.due(), Some(at(8)));
    work.commit().await.unwrap();
    assert_eq!(ids(&kit.claim(&scope, at(7)).await), [0; 0]);
    let second = kit.claim(&scope, at(8)).await.remove(0);
    let work = kit.work(&scope).await;
    outbox::bury(&scope, &work, &second, at(9), &"x".repeat(5_000)).await.unwrap();
    work.commit().await.unwrap();
    let dead = outbox::dead(&scope, &kit.session(&scope).await, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].attempts, dead[0].last_error.as_ref().unwrap().len()), (1, 2, 1_000));
    assert_eq!(kit.next_due(&scope).await, None);
    let work = kit.work(&scope).await;
    assert_eq!(outbox::replay(&scope, &work, dead[0].id, at(20)).await.unwrap(), "mail");
    let again = outbox::replay(&scope, &work, dead[0].id, at(20)).await;
    assert!(matches!(again, Err(StorageError::NotFound)), "{again:?}");
    work.commit().await.unwrap();
    assert_eq!(kit.claim(&scope, at(20)).await[0].attempt, 1);
}

#[tokio::test]
async fn a_dead_job_is_not_put_back_beside_a_waiting_one_of_its_key() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    kit.schedule(&scope, 1, "a", at(0)).await;
    let claimed = kit.claim(&scope, at(0)).await.remove(0);
    let work = kit.work(&scope).await;
    outbox::bury(&scope, &work, &claimed, at(1), "no").await.unwrap();
    outbox::schedule(&scope, &work, job(2, "a", at(5))).await.unwrap();
    let refused = outbox::replay(&scope, &work, Uuid::from_u128(1), at(5)).await;
    assert!(matches!(refused, Err(StorageError::NotUnique { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_part_of_the_work_gives_the_job_back_with_all_its_attempts() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    kit.schedule(&scope, 1, "a", at(0)).await;
    let claimed = kit.claim(&scope, at(0)).await.remove(0);
    let work = kit.work(&scope).await;
    outbox::proceed(&scope, &work, &claimed, at(1)).await.unwrap();
    work.commit().await.unwrap();
    assert_eq!(kit.claim(&scope, at(1)).await[0].attempt, 1);
}

#[tokio::test]
async fn done_rows_stay_seven_days_and_dead_ones_longer() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    kit.schedule(&scope, 1, "done", at(0)).await;
    kit.schedule(&scope, 2, "dead", at(0)).await;
    kit.schedule(&scope, 3, "waiting", at(0)).await;
    let claimed = kit.claim(&scope, at(0)).await;
    let work = kit.work(&scope).await;
    outbox::finish(&scope, &work, &claimed[0], at(1)).await.unwrap();
    outbox::bury(&scope, &work, &claimed[1], at(1), "no").await.unwrap();
    let event = Event {
        id: RecordId(Uuid::from_u128(9)),
        at: at(1),
        event: "kit.item.created".to_owned(),
        record: RecordId(Uuid::from_u128(8)),
        version: 1,
    };
    outbox::write(&scope, &work, event).await.unwrap();
    let week = Duration::from_secs(7 * 24 * 3600);
    assert_eq!(outbox::purge(&scope, &work, at(1).plus(week)).await.unwrap(), 0);
    assert_eq!(outbox::purge(&scope, &work, at(2).plus(week)).await.unwrap(), 2);
    work.commit().await.unwrap();
    let session = kit.session(&scope).await;
    assert_eq!(outbox::dead(&scope, &session, 10).await.unwrap().len(), 1);
    assert_eq!(outbox::waiting(&scope, &session, "mail").await.unwrap().len(), 1);
    assert_eq!(outbox::events(&scope, &session, None, 10).await.unwrap().len(), 0);
}

#[tokio::test]
async fn a_payload_has_a_bound() {
    let kit = Kit::new().await;
    let scope = kit.tenant(1).await;
    let work = kit.work(&scope).await;
    let large = Job { payload: json!("x".repeat(outbox::MAX_PAYLOAD_BYTES)), ..job(1, "a", at(0)) };
    let refused = outbox::schedule(&scope, &work, large).await;
    assert!(matches!(refused, Err(StorageError::PayloadTooLarge(_))), "{refused:?}");
    assert_eq!(work.due(), None);
}

#[tokio::test]
async fn another_tenants_scope_reaches_no_job() {
    let kit = Kit::new().await;
    let (own, foreign) = (kit.tenant(1).await, kit.tenant(2).await);
    kit.schedule(&own, 1, "a", at(0)).await;
    let work = kit.work(&own).await;
    let claimed = outbox::claim(&foreign, &work, at(0), LEASE, 1).await;
    assert!(matches!(claimed, Err(StorageError::ForeignScope)));
    let cancelled = outbox::cancel(&foreign, &work, "mail", "a").await;
    assert!(matches!(cancelled, Err(StorageError::ForeignScope)));
    drop(work);
    assert_eq!(kit.claim(&foreign, at(0)).await, []);
    assert_eq!(kit.next_due(&foreign).await, None);
}

#[tokio::test]
async fn the_earliest_hint_stays_and_one_that_came_meanwhile_is_not_overwritten() {
    let kit = Kit::new().await;
    let platform = Platform::open(kit.folder.path()).await.unwrap();
    let (one, two) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
    for (tenant, due_at) in [(one, at(20)), (one, at(30)), (two, at(5)), (one, at(10))] {
        due::hint(&platform, tenant, due_at).await.unwrap();
    }
    assert_eq!(due::due(&platform, at(10), 10).await.unwrap(), [(two, at(5)), (one, at(10))]);
    due::hint(&platform, two, at(1)).await.unwrap();
    assert!(!due::settle(&platform, two, at(5), None).await.unwrap());
    assert!(due::settle(&platform, one, at(10), Some(at(40))).await.unwrap());
    assert_eq!(due::due(&platform, at(50), 10).await.unwrap(), [(two, at(1)), (one, at(40))]);
    assert!(due::settle(&platform, two, at(1), None).await.unwrap());
    assert_eq!(due::next(&platform).await.unwrap(), Some(at(40)));
}
