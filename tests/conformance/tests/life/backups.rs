//! Backups of all and of one while everything serves, and yesterday's tenant beside today's or in its place.

use std::path::{Path, PathBuf};

use serde_json::json;
use sunlit_app::command::tenant::{erase, set_state};
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::platform::tenant;
use sunlit_tenants::archive::{Opening, Sealing};
use sunlit_tenants::backup::{Backup, Wanted, backup};
use sunlit_tenants::restore::{self, Outcome};
use sunlit_test_support::TestApp;

use crate::kit::{PAPERS, SLUG, add_room, ask, audited, full, operator, place, rooms, scope, slug};

async fn keep_safe(app: &TestApp, only: Option<&str>, keep: Option<usize>) -> (Backup, PathBuf) {
    let wanted = Wanted { to: place(app, "backups"), only: only.map(slug), keep, sealing: Sealing::Plain };
    backup(app.app(), &app.state().authority, &operator(), &wanted).await.unwrap()
}

async fn bring_back(app: &TestApp, from: &Path, one: (&str, Option<&str>)) -> Result<Option<String>, String> {
    let found = restore::find(from, Some(&slug(one.0))).map_err(|error| error.to_string())?;
    let (tenant, beside) = (slug(one.0), one.1.map(slug));
    let place = (&tenant, beside.as_ref());
    let done = restore::one(app.app(), &app.state().authority, &operator(), &found, &Opening::Plain, place).await;
    done.map(|imported| imported.aside.map(|aside| aside.to_string())).map_err(|error| error.to_string())
}

#[actix_web::test]
async fn yesterdays_tenant_comes_back_beside_todays_and_in_its_place_while_others_serve() {
    let app = TestApp::start().await;
    full(&app, SLUG, "token-word").await;
    full(&app, "900002", "neighbour").await;
    let (yesterday, folder) = keep_safe(&app, None, None).await;
    assert_eq!((yesterday.tenants.len(), yesterday.failed.len()), (2, 0));
    assert_eq!(add_room(&app, SLUG, "today").await["data"]["vaultCreateRoom"]["errors"], json!([]));
    // Beside: both answer, and today's and the neighbour take writes meanwhile.
    let writing = async {
        for number in 0..5 {
            for slug in [SLUG, "900002"] {
                let done = add_room(&app, slug, &format!("meanwhile {number}")).await;
                assert_eq!(done["data"]["vaultCreateRoom"]["errors"], json!([]), "{done}");
            }
        }
    };
    let root = place(&app, "backups");
    let (restored, ()) = futures_util::future::join(bring_back(&app, &root, (SLUG, Some("900003"))), writing).await;
    assert_eq!(restored, Ok(None));
    assert_eq!((rooms(&app, SLUG).await, rooms(&app, "900002").await, rooms(&app, "900003").await), (9, 8, 3));
    let today = ask(&app, SLUG, PAPERS).await;
    assert_eq!(ask(&app, "900003", PAPERS).await, today, "papers are the same today as yesterday");
    for slug in [SLUG, "900002", "900003"] {
        audited(&app, slug).await;
    }
    // In its place: the slug and the host name lead to yesterday's, and today's is kept aside until somebody discards it.
    let id = app.tenant_id(SLUG).await;
    let aside = bring_back(&app, &folder, (SLUG, None)).await.unwrap().unwrap();
    assert_eq!((rooms(&app, SLUG).await, rooms(&app, "900002").await), (3, 8));
    let by_host = actix_web::test::TestRequest::get().uri("/").insert_header(("host", "token-word.example"));
    assert_eq!(app.call(by_host).await.0.as_u16(), 200);
    assert_eq!(add_room(&app, SLUG, "anew").await["data"]["vaultCreateRoom"]["errors"], json!([]));
    audited(&app, SLUG).await;
    let kept = tenant::by_slug(&app.app().platform, &aside).await.unwrap().unwrap();
    assert_eq!((kept.id, kept.state), (id, TenantState::Suspended));
    assert_ne!(app.tenant_id(SLUG).await, id);
    // What was kept aside can serve again, and can be erased.
    let held = scope(&app, kept.id);
    set_state::run(app.app(), &held, TenantState::Active).await.unwrap();
    assert_eq!(rooms(&app, &aside).await, 9);
    set_state::run(app.app(), &held, TenantState::Suspended).await.unwrap();
    erase::run(app.app(), &held, &kept.slug).await.unwrap();
    crate::kit::nothing_of(&app, id).await;
    assert_eq!((rooms(&app, SLUG).await, rooms(&app, "900003").await), (4, 3));
}

#[actix_web::test]
async fn an_empty_installation_is_filled_from_a_backup_and_the_erased_stay_erased() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    full(&here, SLUG, "token-word").await;
    let gone = full(&here, "900002", "neighbour").await;
    here.provision("610112").await;
    set_state::run(here.app(), &scope(&here, here.tenant_id("610000").await), TenantState::ReadOnly).await.unwrap();
    let (made, folder) = keep_safe(&here, None, None).await;
    assert_eq!(made.tenants.len(), 5);
    let all = async |app: &TestApp| {
        let found = restore::find(&folder, None).unwrap();
        restore::all(app.app(), &app.state().authority, &operator(), &found, &Opening::Plain).await.unwrap()
    };
    let outcomes = all(&there).await;
    assert!(outcomes.iter().all(|outcome| matches!(outcome, Outcome::Restored(_))), "{outcomes:?}");
    // Everybody is who they were: ids, authorities above, states.
    let known = async |app: &TestApp| tenant::all(&app.app().platform).await.unwrap();
    assert_eq!(known(&there).await, known(&here).await);
    for tenant in known(&there).await {
        audited(&there, tenant.slug.as_str()).await;
    }
    assert_eq!(ask(&there, SLUG, PAPERS).await, ask(&here, SLUG, PAPERS).await);
    // Who is there stays, and who was erased does not come back with all others.
    let held = scope(&there, gone);
    set_state::run(there.app(), &held, TenantState::Suspended).await.unwrap();
    erase::run(there.app(), &held, &slug("900002")).await.unwrap();
    let outcomes = all(&there).await;
    let why = |of: &str| {
        outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Left(slug, why) if *slug == *of => Some(why.clone()),
            _ => None,
        })
    };
    assert!(why(SLUG).is_some_and(|why| why.contains("--tenant")), "{outcomes:?}");
    assert!(why("900002").is_some_and(|why| why.contains("was erased")), "{outcomes:?}");
    assert!(tenant::by_slug(&there.app().platform, "900002").await.unwrap().is_none());
    assert_eq!(bring_back(&there, &folder, ("900002", None)).await, Ok(None));
    assert_eq!((there.tenant_id("900002").await, rooms(&there, "900002").await), (gone, 3));
}

#[actix_web::test]
async fn older_backups_go_when_a_new_one_is_complete_and_a_broken_one_is_refused() {
    let app = TestApp::start().await;
    full(&app, SLUG, "token-word").await;
    let (_, single) = keep_safe(&app, Some(SLUG), None).await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(keep_safe(&app, None, Some(2)).await.1);
    }
    let there: Vec<bool> = made.iter().map(|folder| folder.exists()).collect();
    assert_eq!(there, [false, false, true, true]);
    assert!(single.exists(), "a backup of one tenant is of another kind");
    // What a killed backup has left goes with the next, and never counts as one.
    let left = place(&app, "backups").join("20200101T000000000000Z.partial");
    std::fs::create_dir_all(left.join("tenants")).unwrap();
    keep_safe(&app, None, Some(2)).await;
    assert!(!left.exists() && made[3].exists() && !made[2].exists());
    assert_eq!(restore::find(&place(&app, "backups"), Some(&slug(SLUG))).unwrap().1.tenants.len(), 1);
    // An archive of another tenant, or of another day, under this name is noticed.
    let archive = |folder: &PathBuf| folder.join("tenants").join(format!("{SLUG}.sunlit"));
    std::fs::copy(archive(&single), archive(&made[3])).unwrap();
    let told = bring_back(&app, &made[3], (SLUG, Some("900004"))).await.unwrap_err();
    assert!(told.contains("not the archive of this tenant in this backup"), "{told}");
    assert!(bring_back(&app, &made[3], ("900005", None)).await.is_err());
    // Two at once in one folder do not mix.
    let one = keep_safe(&app, Some(SLUG), None);
    let wanted = Wanted { to: place(&app, "backups"), only: None, keep: None, sealing: Sealing::Plain };
    let authority = &app.state().authority;
    let actor = operator();
    let other = backup(app.app(), authority, &actor, &wanted);
    let (_, told) = futures_util::future::join(one, other).await;
    assert!(told.unwrap_err().to_string().contains("another process"), "the second one waits");
}
