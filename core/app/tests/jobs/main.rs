//! Jobs and schedules over real stores: once each, whatever happens to the workers.
#![expect(clippy::unwrap_used, reason = "tests")]

mod kit;
mod renames;

use std::time::Duration;

use kit::Kit;
use serde_json::json;
use sunlit_app::command::job::{MAX_ATTEMPTS, claim, fail, replay};
use sunlit_app::command::record::transition::{self, Asked};
use sunlit_app::command::schedule::run_now;
use sunlit_app::job::{JobError, Pace};
use sunlit_app::query::job_dead;
use sunlit_app::{AppError, ChangeKind, Environment as _};
use sunlit_domain::id::ActorId;
use sunlit_domain::workflow::state_of;
use sunlit_domain::{Actor, Role, Scope};
use sunlit_storage::platform::due;
use sunlit_storage::record::{self, ListQuery};
use sunlit_storage::tenant::outbox::{self, Job};
use sunlit_storage::tenant::step;
use uuid::Uuid;

/// 02:02 in the night in China.
const NIGHT: &str = "2026-11-22T18:02:00Z";
const TICKED: &str = "kit.schedule.tick";
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

async fn run_tick(kit: &Kit, scope: &Scope) -> Uuid {
    run_now::run(&kit.app, scope, &kit.package, "tick", None).await.unwrap()
}

async fn schedule(kit: &Kit, scope: &Scope, kind: &'static str) -> Uuid {
    let id = kit.clock.new_id();
    let work = kit.app.stores.open(scope).await.unwrap().work(scope).await.unwrap();
    let job = Job { id, kind, key: id.to_string(), due_at: kit.clock.now(), payload: json!({}) };
    outbox::schedule(scope, &work, job).await.unwrap();
    work.commit().await.unwrap();
    id
}

#[tokio::test]
async fn each_instant_of_a_schedule_fires_once_however_many_workers_there_are() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    let other = kit.another_node().await;
    for fired in 1..=4 {
        kit.pass(5 * MINUTE);
        let pace = Pace::default();
        let (one, two, three) = (kit.worker(&kit.app, pace), kit.worker(&kit.app, pace), kit.worker(&other, pace));
        let ended = tokio::join!(one.once(), two.once(), three.once());
        assert!(ended.0.is_ok() && ended.1.is_ok() && ended.2.is_ok());
        kit.work().await;
        assert_eq!(kit.count(&scope, TICKED).await, fired);
    }
    assert_eq!(kit.next_due(&scope).await, "2026-11-22T18:25:00.000000Z");
}

#[tokio::test]
async fn instants_that_were_missed_fire_once_together() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    kit.work().await;
    assert_eq!(kit.count(&scope, TICKED).await, 0);
    kit.pass(26 * HOUR);
    kit.work().await;
    assert_eq!(kit.count(&scope, TICKED).await, 1);
    assert_eq!(kit.next_due(&scope).await, "2026-11-23T20:05:00.000000Z");
}

#[tokio::test]
async fn each_job_is_done_once_by_two_nodes_on_one_store() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    let other = kit.another_node().await;
    let mut wanted = Vec::new();
    for _ in 0..60 {
        wanted.push(run_tick(&kit, &scope).await);
    }
    let (one, two) = (kit.worker(&kit.app, Pace::default()), kit.worker(&other, Pace::default()));
    let ended = tokio::join!(one.once(), two.once());
    assert!(ended.0.is_ok() && ended.1.is_ok());
    kit.work().await;
    let mut done: Vec<_> = kit.events(&scope).await.into_iter().map(|(_, job)| job).collect();
    done.sort();
    assert_eq!(done, wanted);
    assert_eq!(kit.deeds(&scope).await.iter().filter(|deed| *deed == "fire schedule").count(), 60);
}

#[tokio::test]
async fn a_job_whose_worker_is_killed_in_the_middle_runs_when_its_lease_is_over() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    let id = run_tick(&kit, &scope).await;
    let lease = Pace::default().lease;
    assert_eq!(claim::run(&kit.app, &scope, lease).await.unwrap().unwrap().id, id);
    kit.work().await;
    assert_eq!(kit.events(&scope).await, []);
    kit.pass(lease);
    kit.work().await;
    assert_eq!(kit.events(&scope).await, [(TICKED.to_owned(), id)]);
}

#[tokio::test]
async fn a_schedule_deletes_what_its_filter_admits_and_leaves_what_others_refer_to() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    // 2026-11-23 has begun in China, so that the 22nd is over.
    for n in 0..230 {
        let ends_on = if n < 220 { "2026-11-22" } else { "2026-11-23" };
        kit.create(&scope, "item", json!({ "name": format!("n{n}"), "ends_on": ends_on })).await;
    }
    let kept = kit.create(&scope, "item", json!({ "name": "kept", "ends_on": "2026-11-01" })).await;
    kit.create(&scope, "note", json!({ "item": kept.id.to_string() })).await;
    let mut feed = kit.app.changes.follow(&scope);
    kit.pass(HOUR);
    kit.work().await;
    assert_eq!(kit.count(&scope, "kit.item.deleted").await, 220);
    for _ in 0..220 {
        assert_eq!(feed.next().await.unwrap().kind, ChangeKind::Deleted);
    }
    let deeds = kit.deeds(&scope).await;
    assert_eq!(deeds.iter().filter(|deed| *deed == "delete kit.item").count(), 220);
    // The event at the full hour and the deletion.
    assert_eq!(deeds.iter().filter(|deed| *deed == "fire schedule").count(), 2);
}

#[tokio::test]
async fn a_schedule_makes_a_transition_of_what_its_filter_admits_and_followers_are_told() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    // 2026-11-23 has begun in China, so that the 22nd is over.
    for n in 0..130 {
        let ends_on = if n < 120 { "2026-11-22" } else { "2026-11-23" };
        kit.create(&scope, "notice", json!({ "ends_on": ends_on })).await;
    }
    let held = kit.create(&scope, "notice", json!({ "ends_on": "2026-11-01" })).await;
    let hold = Asked { transition: "hold", comment: None, days: None };
    let held = (held.id, held.version());
    let held = transition::run(&kit.app, &scope, &kit.package, "notice", held, hold).await.unwrap();
    let mut feed = kit.app.changes.follow(&scope);
    kit.pass(2 * HOUR);
    kit.work().await;
    assert_eq!(kit.count(&scope, "kit.notice.close").await, 120);
    assert_eq!(kit.deeds(&scope).await.iter().filter(|deed| *deed == "transition kit.notice").count(), 121);
    let session = kit.app.stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    let table = kit.package.table("notice").unwrap();
    let query = ListQuery { first: 200, ..ListQuery::default() };
    let records = record::list(&scope, &session, table, &query).await.unwrap().records;
    let in_state = |state: &str| records.iter().filter(|record| state_of(record) == state).count();
    assert_eq!((in_state("closed"), in_state("open"), in_state("held")), (120, 10, 1));
    assert!(records.contains(&held));
    let closed: Vec<_> = records.iter().filter(|record| state_of(record) == "closed").map(|one| one.id).collect();
    let steps = step::history(&scope, &session, "kit.notice", &closed).await.unwrap();
    assert!(steps.len() == 120 && steps.values().all(|steps| steps.last().unwrap().transition == "close"));
    for id in closed {
        let told = feed.next().await.unwrap();
        assert_eq!((told.id, told.kind, told.version), (id, ChangeKind::Updated, 2));
    }
}

#[tokio::test]
async fn what_no_version_of_the_program_knows_is_given_up_and_can_be_put_back_by_an_administrator() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    let id = schedule(&kit, &scope, "unheard-of").await;
    kit.work().await;
    let dead = job_dead::of_tenant(&kit.app, &scope, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].id, dead[0].attempts), (1, id, 1));
    assert!(dead[0].error.contains("unheard-of"), "{}", dead[0].error);
    let editor = Actor::known(ActorId(Uuid::from_u128(8)), vec![Role::Editor]);
    let editor = kit.authority.scope(scope.tenant(), editor);
    assert!(matches!(replay::run(&kit.app, &editor, id).await, Err(AppError::Denied)));
    assert!(matches!(job_dead::of_tenant(&kit.app, &editor, 10).await, Err(AppError::Denied)));
    replay::run(&kit.app, &scope, id).await.unwrap();
    assert!(matches!(replay::run(&kit.app, &scope, id).await, Err(AppError::NotFound)));
    kit.work().await;
    assert_eq!(job_dead::of_tenant(&kit.app, &scope, 10).await.unwrap().len(), 1);
    assert_eq!(kit.deeds(&scope).await[2..], ["bury job", "replay job", "bury job"]);
}

#[tokio::test]
async fn a_job_that_fails_ten_times_is_given_up() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    let id = run_tick(&kit, &scope).await;
    let lease = Pace::default().lease;
    for attempt in 1..=MAX_ATTEMPTS {
        assert_eq!(job_dead::of_tenant(&kit.app, &scope, 10).await.unwrap(), []);
        let claimed = claim_only(&kit, &scope, id, lease).await;
        assert_eq!(claimed.attempt, attempt);
        fail::run(&kit.app, &scope, &claimed, &JobError::Retry("no route".to_owned())).await.unwrap();
        kit.pass(HOUR);
    }
    let dead = job_dead::of_tenant(&kit.app, &scope, 10).await.unwrap();
    assert_eq!((dead[0].id, dead[0].attempts, dead[0].error.as_str()), (id, MAX_ATTEMPTS, "no route"));
}

#[tokio::test]
async fn a_job_that_takes_its_worker_down_every_time_is_given_up() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    let id = run_tick(&kit, &scope).await;
    let lease = Duration::from_secs(1);
    for _ in 0..MAX_ATTEMPTS {
        claim_only(&kit, &scope, id, lease).await;
        kit.pass(lease);
    }
    assert_eq!(claim::run(&kit.app, &scope, lease).await.unwrap(), None);
    let dead = job_dead::of_tenant(&kit.app, &scope, 10).await.unwrap();
    assert_eq!((dead.len(), dead[0].id), (1, id));
}

/// Claims until it is the job's turn; the schedules of the package wait beside it.
async fn claim_only(kit: &Kit, scope: &Scope, id: Uuid, lease: Duration) -> outbox::Claimed {
    loop {
        let claimed = claim::run(&kit.app, scope, lease).await.unwrap().unwrap();
        if claimed.id == id {
            return claimed;
        }
        sunlit_app::command::job::finish::run(&kit.app, scope, &claimed).await.unwrap();
    }
}

#[tokio::test]
async fn a_tenant_whose_store_is_stuck_holds_up_no_other() {
    let kit = Kit::at(NIGHT).await;
    let (stuck, free) = (kit.tenant("000001").await, kit.tenant("000002").await);
    run_tick(&kit, &stuck).await;
    run_tick(&kit, &free).await;
    let held = kit.app.stores.open(&stuck).await.unwrap().work(&stuck).await.unwrap();
    let running = kit.worker(&kit.app, Pace::default()).start();
    until(&kit, &free, 1).await;
    assert_eq!(kit.events(&stuck).await, []);
    drop(held);
    until(&kit, &stuck, 1).await;
    running.stop().await;
}

/// Tenants have their turns: whoever has many jobs waiting keeps nobody else from having one done.
#[tokio::test]
async fn a_tenant_with_many_jobs_holds_up_no_other() {
    const MANY: usize = 400;
    let kit = Kit::at(NIGHT).await;
    let (busy, calm) = (kit.tenant("000001").await, kit.tenant("000002").await);
    for _ in 0..MANY {
        run_tick(&kit, &busy).await;
    }
    // One place for all tenants, and the busy one was there first.
    let running = kit.worker(&kit.app, Pace { tenants_at_once: 1, ..Pace::default() }).start();
    until(&kit, &busy, 1).await;
    run_tick(&kit, &calm).await;
    until(&kit, &calm, 1).await;
    let done = kit.events(&busy).await.len();
    assert!(done < MANY, "the calm tenant had its turn only when all {MANY} jobs of the busy one were done");
    until(&kit, &busy, MANY).await;
    running.stop().await;
    println!("{done} of {MANY} jobs of the busy tenant were done when the calm one's was");
}

#[tokio::test]
async fn a_worker_wakes_up_for_what_is_scheduled_and_finds_what_has_no_hint_when_it_starts() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    run_tick(&kit, &scope).await;
    let seen = due::next(&kit.app.platform).await.unwrap().unwrap();
    assert!(due::settle(&kit.app.platform, scope.tenant(), seen, None).await.unwrap());
    let running = kit.worker(&kit.app, Pace { poll: HOUR, ..Pace::default() }).start();
    until(&kit, &scope, 1).await;
    run_tick(&kit, &scope).await;
    until(&kit, &scope, 2).await;
    running.stop().await;
    run_tick(&kit, &scope).await;
    assert_eq!(kit.count(&scope, TICKED).await, 2);
}

/// Reads until the schedule has fired so often; a worker that does not get there fails the test.
async fn until(kit: &Kit, scope: &Scope, fired: usize) {
    let reading = async { while kit.count(scope, TICKED).await < fired {} };
    tokio::time::timeout(Duration::from_secs(30), reading).await.unwrap();
}

#[tokio::test]
async fn a_schedule_is_run_by_an_administrator_within_bounds() {
    let kit = Kit::at(NIGHT).await;
    let scope = kit.tenant("000001").await;
    let run = async |scope: &Scope, name: &str, ahead: Duration| {
        run_now::run(&kit.app, scope, &kit.package, name, Some(kit.clock.now().plus(ahead))).await
    };
    assert!(matches!(run(&scope, "nothing", HOUR).await, Err(AppError::NotFound)));
    assert!(matches!(run(&scope, "tick", 24 * 31 * HOUR).await, Err(AppError::Argument(_))));
    let anonymous = kit.authority.scope(scope.tenant(), Actor::anonymous());
    assert!(matches!(run(&anonymous, "tick", HOUR).await, Err(AppError::Unauthenticated)));
    run(&scope, "tick", 2 * MINUTE).await.unwrap();
    kit.pass(2 * MINUTE);
    kit.work().await;
    assert_eq!(kit.count(&scope, TICKED).await, 1);
}
