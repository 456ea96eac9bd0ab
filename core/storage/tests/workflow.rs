//! Steps, deadlines and the calendar's own days: kept as they were, each tenant's its own, and refused when other hands have
//! changed them.
#![expect(clippy::unwrap_used, reason = "tests")]

use sunlit_domain::calendar::deadline::{Pause, Period, Unit};
use sunlit_domain::calendar::{Calendar, LocalDay, Overlay};
use sunlit_domain::id::{ActorId, RecordId, TenantId};
use sunlit_domain::value::Date;
use sunlit_domain::workflow::clock::Clock;
use sunlit_domain::{Actor, Role, Scope, ScopeAuthority};
use sunlit_storage::tenant::deadline::{self, Kept};
use sunlit_storage::tenant::{calendar_day, step};
use sunlit_storage::{StorageError, Stores, Work, testing};
use uuid::Uuid;

const COLLECTION: &str = "desk.notice";

struct Kit {
    stores: Stores,
    folder: tempfile::TempDir,
}

fn scope(tenant: u128, person: u128) -> Scope {
    let actor = Actor::known(ActorId(Uuid::from_u128(person)), vec![Role::Editor]);
    ScopeAuthority::establish().scope(TenantId(Uuid::from_u128(tenant)), actor)
}

fn record(number: u128) -> RecordId {
    RecordId(Uuid::from_u128(number))
}

fn day(text: &str) -> Date {
    text.parse().unwrap()
}

fn step_of(number: u128, id: u128, transition: &'static str) -> step::Step<'static> {
    step::Step {
        id: Uuid::from_u128(id),
        collection: COLLECTION,
        record: record(number),
        transition,
        from: Some("draft"),
        to: "submitted",
        comment: Some("请审核".to_owned()),
        at: "2025-09-15T02:00:00Z".parse().unwrap(),
        version: 2,
    }
}

/// A deadline that was paused and extended.
fn kept(number: u128) -> Kept {
    let calendar = Calendar::national();
    let mut period = Period::new(day("2025-09-15"), 20, Unit::WorkingDays);
    period.pauses = vec![Pause { from: day("2025-09-19"), until: day("2025-10-11") }];
    period.extension = 5;
    let clock = Clock { period, warn: Some(3), ended_on: None, warned: true, overdue: false };
    Kept {
        collection: COLLECTION.to_owned(),
        record: record(number),
        name: "review".to_owned(),
        dates: clock.dates(&calendar).unwrap(),
        excluded_days: 11,
        calendar_digest: calendar.digest(),
        clock,
    }
}

impl Kit {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = testing::stores(folder.path()).await;
        for tenant in [1, 2] {
            stores.create(&scope(tenant, 1)).await.unwrap();
        }
        Self { stores, folder }
    }

    async fn work(&self, scope: &Scope) -> Work {
        self.stores.open(scope).await.unwrap().work(scope).await.unwrap()
    }

    async fn tamper(&self, scope: &Scope, sql: &str) {
        testing::tamper(&self.stores, self.folder.path(), scope, sql).await.unwrap();
    }
}

#[tokio::test]
async fn a_history_is_read_in_its_order_and_names_who_did_what_last() {
    let (kit, one, two) = (Kit::new().await, scope(1, 1), scope(1, 2));
    let work = kit.work(&one).await;
    step::write(&one, &work, step_of(1, 1, "submit")).await.unwrap();
    step::write(&two, &work, step_of(1, 2, "send_back")).await.unwrap();
    step::write(&two, &work, step_of(1, 3, "submit")).await.unwrap();
    step::write(&one, &work, step_of(2, 4, "submit")).await.unwrap();
    let history = step::history(&one, &work, COLLECTION, &[record(1), record(3)]).await.unwrap();
    let names: Vec<_> = history[&record(1)].iter().map(|step| step.transition.as_str()).collect();
    assert_eq!((names, history.len()), (vec!["submit", "send_back", "submit"], 1));
    let last = step::last_actors(&one, &work, COLLECTION, &[record(1), record(2)], &["submit"]).await.unwrap();
    assert_eq!(last[&record(1)]["submit"], Some(ActorId(Uuid::from_u128(2))));
    assert_eq!(last[&record(2)]["submit"], Some(ActorId(Uuid::from_u128(1))));
    assert!(step::history(&one, &work, "desk.other", &[record(1)]).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_history_shows_its_latest_hundred_steps() {
    let (kit, one) = (Kit::new().await, scope(1, 1));
    let work = kit.work(&one).await;
    for number in 1..=120 {
        step::write(&one, &work, step_of(1, number, "submit")).await.unwrap();
    }
    let history = step::history(&one, &work, COLLECTION, &[record(1)]).await.unwrap();
    let ids: Vec<u128> = history[&record(1)].iter().map(|step| step.id.as_u128()).collect();
    assert_eq!(ids, (21..=120).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_deadline_is_read_as_it_was_kept() {
    let (kit, one) = (Kit::new().await, scope(1, 1));
    let work = kit.work(&one).await;
    let mut expect = kept(1);
    deadline::put(&one, &work, &expect).await.unwrap();
    assert_eq!(deadline::of(&one, &work, COLLECTION, &[record(1)]).await.unwrap(), [expect.clone()]);
    expect.clock.ended_on = Some(day("2025-11-03"));
    deadline::put(&one, &work, &expect).await.unwrap();
    assert_eq!(deadline::of(&one, &work, COLLECTION, &[record(1)]).await.unwrap(), [expect.clone()]);
    deadline::put(&one, &work, &kept(2)).await.unwrap();
    // What has ended is not counted again, nor what this calendar has counted.
    let outdated = deadline::outdated(&one, &work, "another", 10).await.unwrap();
    assert_eq!(outdated, [kept(2)]);
    assert_eq!(deadline::outdated(&one, &work, &kept(2).calendar_digest, 10).await.unwrap(), []);
    deadline::remove(&one, &work, COLLECTION, record(1), "review").await.unwrap();
    assert_eq!(deadline::of(&one, &work, COLLECTION, &[record(1), record(2)]).await.unwrap(), [kept(2)]);
}

#[tokio::test]
async fn a_deadline_that_other_hands_have_changed_is_refused() {
    let (kit, one) = (Kit::new().await, scope(1, 1));
    for change in
        ["state = 'asleep'", "state = 'met'", "pauses = 'x'", "days = -1", "unit = 'weeks'", "due_on = 'soon'"]
    {
        let work = kit.work(&one).await;
        deadline::put(&one, &work, &kept(1)).await.unwrap();
        work.commit().await.unwrap();
        kit.tamper(&one, &format!("UPDATE deadline SET {change}")).await;
        let work = kit.work(&one).await;
        let read = deadline::of(&one, &work, COLLECTION, &[record(1)]).await;
        assert!(matches!(read, Err(StorageError::Corrupt(_))), "{change}: {read:?}");
    }
}

#[tokio::test]
async fn a_tenants_own_days_replace_those_before() {
    let (kit, one) = (Kit::new().await, scope(1, 1));
    let work = kit.work(&one).await;
    let local = |date: &str, off| LocalDay { date: day(date), name: "地方节日".to_owned(), off };
    let overlay = Overlay::new(vec![local("2026-04-20", true), local("2026-04-25", false)]).unwrap();
    calendar_day::replace(&one, &work, &overlay).await.unwrap();
    let calendar = calendar_day::calendar(&one, &work).await.unwrap();
    assert_eq!((calendar.overlay(), calendar.is_working_day(day("2026-04-20"))), (&overlay, false));
    calendar_day::replace(&one, &work, &Overlay::default()).await.unwrap();
    let calendar = calendar_day::calendar(&one, &work).await.unwrap();
    assert_eq!(calendar.digest(), Calendar::national().digest());
}

#[tokio::test]
async fn another_tenants_scope_reads_and_writes_nothing() {
    let (kit, one, two) = (Kit::new().await, scope(1, 1), scope(2, 1));
    let work = kit.work(&one).await;
    step::write(&one, &work, step_of(1, 1, "submit")).await.unwrap();
    deadline::put(&one, &work, &kept(1)).await.unwrap();
    let overlay = Overlay::default();
    let ids = [record(1)];
    let refused = [
        step::write(&two, &work, step_of(1, 2, "submit")).await,
        step::history(&two, &work, COLLECTION, &ids).await.map(drop),
        step::last_actors(&two, &work, COLLECTION, &ids, &["submit"]).await.map(drop),
        deadline::put(&two, &work, &kept(1)).await,
        deadline::remove(&two, &work, COLLECTION, record(1), "review").await,
        deadline::of(&two, &work, COLLECTION, &ids).await.map(drop),
        deadline::outdated(&two, &work, "", 1).await.map(drop),
        calendar_day::replace(&two, &work, &overlay).await,
        calendar_day::calendar(&two, &work).await.map(drop),
    ];
    for (number, result) in refused.into_iter().enumerate() {
        assert!(matches!(result, Err(StorageError::ForeignScope)), "{number}: {result:?}");
    }
    work.commit().await.unwrap();
    let work = kit.work(&two).await;
    assert!(step::history(&two, &work, COLLECTION, &ids).await.unwrap().is_empty());
    assert!(deadline::of(&two, &work, COLLECTION, &ids).await.unwrap().is_empty());
}
