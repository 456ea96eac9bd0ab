//! Erasing leaves nothing of a tenant but its tombstone.

use serde_json::json;
use sunlit_app::AppError;
use sunlit_app::command::tenant::{erase, set_state, sweep};
use sunlit_domain::id::TenantId;
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::platform::tenant::{staging, tombstone};
use sunlit_storage::testing;
use sunlit_tenants::import::Wanted;
use sunlit_test_support::TestApp;

use crate::kit::{
    ROOMS, SLUG, add_room, ask, audited, cut_off, export, full, nothing_of, rooms, scope, slug, take, walk,
};

const WORD: &str = "planted-token-7f3a";
const NEIGHBOUR: &str = "900002";

async fn suspend(app: &TestApp, tenant: TenantId) {
    set_state::run(app.app(), &scope(app, tenant), TenantState::Suspended).await.unwrap();
}

/// Every place of the database, as text, and every byte of the data folder.
async fn places_with(app: &TestApp, word: &str) -> Vec<String> {
    let mut found = Vec::new();
    let stores = &app.app().stores;
    if stores.database().is_some() {
        let tables: Vec<String> = testing::run(
            stores,
            &["SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
               WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'm')"],
        )
        .await
        .unwrap();
        for table in tables {
            let count = format!("SELECT count(*) FROM \"{table}\" t WHERE t::text LIKE '%{word}%'");
            if testing::run::<i64>(stores, &[&count]).await.unwrap() != [0] {
                found.push(table);
            }
        }
    }
    walk(&app.folder().join("data"), &mut |path| {
        let named = path.to_string_lossy().contains(word);
        let holds =
            path.is_file() && std::fs::read(path).unwrap().windows(word.len()).any(|part| part == word.as_bytes());
        if named || holds {
            found.push(path.display().to_string());
        }
    });
    found
}

#[actix_web::test]
async fn nothing_is_left_of_an_erased_tenant() {
    let app = TestApp::start().await;
    let tenant = full(&app, SLUG, WORD).await;
    let neighbour = full(&app, NEIGHBOUR, "the-neighbour").await;
    let node = if app.app().stores.database().is_some() { Some(app.another_node().await) } else { None };
    if let Some(node) = &node {
        assert_eq!(rooms(node, SLUG).await, 3);
    }
    let (path, manifest) = export(&app, SLUG, "last.sunlit").await;
    let scope = scope(&app, tenant);
    // Only a suspended tenant, and only the one that is named twice.
    let told = erase::run(app.app(), &scope, &slug(SLUG)).await;
    assert!(matches!(&told, Err(AppError::Life(why)) if why.contains("suspended")), "{told:?}");
    suspend(&app, tenant).await;
    let told = erase::run(app.app(), &scope, &slug(NEIGHBOUR)).await;
    assert!(matches!(told, Err(AppError::Life(_))), "{told:?}");
    assert!(places_with(&app, WORD).await.len() >= 2, "the word is found where it is");
    let erased = erase::run(app.app(), &scope, &slug(SLUG)).await.unwrap();
    assert!(erased.blobs >= 2, "{erased:?}");
    if app.app().stores.database().is_some() {
        testing::run::<String>(&app.app().stores, &["VACUUM (FULL)", "SELECT ''"]).await.unwrap();
    }
    assert_eq!(places_with(&app, WORD).await, Vec::<String>::new());
    nothing_of(&app, tenant).await;
    let stone = tombstone::of(&app.app().platform, tenant).await.unwrap().unwrap();
    assert_eq!((stone.slug.as_str(), stone.last_export.as_ref()), (SLUG, Some(&manifest.root)));
    assert_eq!(stone.erased_by, scope.actor().id().map(|id| id.0));
    // Nobody knows it any more, on no node, and whoever comes late writes nothing.
    for app in [Some(&app), node.as_ref()].into_iter().flatten() {
        let mut status = 0;
        for _ in 0..100 {
            let (found, _, _) = app.call(actix_web::test::TestRequest::get().uri(&format!("/t/{SLUG}/"))).await;
            status = found.as_u16();
            if status == 404 {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(status, 404);
    }
    let told = set_state::run(app.app(), &scope, TenantState::Active).await;
    assert!(told.is_err(), "{told:?}");
    // The neighbour has what it had.
    assert_eq!(ask(&app, NEIGHBOUR, ROOMS).await["workspace"]["vault"]["rooms"]["totalCount"], json!(3));
    assert!(audited(&app, NEIGHBOUR).await > 10);
    assert_eq!(app.tenant_id(NEIGHBOUR).await, neighbour);
    // Its export brings it back, if somebody wants it.
    take(&app, &path, &Wanted::default()).await.unwrap();
    assert_eq!((rooms(&app, SLUG).await, app.tenant_id(SLUG).await), (3, tenant));
    assert_eq!(add_room(&app, SLUG, "again").await["data"]["vaultCreateRoom"]["errors"], json!([]));
}

#[actix_web::test]
async fn an_erasure_that_broke_off_anywhere_goes_on_when_it_is_run_again() {
    let mut steps = 0_usize;
    let mut cut = 0;
    loop {
        let app = TestApp::start().await;
        let tenant = full(&app, SLUG, WORD).await;
        suspend(&app, tenant).await;
        let scope = scope(&app, tenant);
        let slug = slug(SLUG);
        let done = cut_off(steps, erase::run(app.app(), &scope, &slug)).await;
        if done.is_none() {
            cut += 1;
            // It does not come back to life half erased.
            if staging::of(&app.app().platform, tenant).await.unwrap().is_some() {
                assert!(set_state::run(app.app(), &scope, TenantState::Active).await.is_err());
            }
            if tombstone::of(&app.app().platform, tenant).await.unwrap().is_none() {
                erase::run(app.app(), &scope, &slug).await.unwrap();
            }
            // What every worker runs by and by.
            sweep::run(app.app(), &app.state().authority).await.unwrap();
        }
        nothing_of(&app, tenant).await;
        if app.app().stores.database().is_none() {
            assert_eq!(places_with(&app, WORD).await, Vec::<String>::new());
        }
        if done.is_some() {
            break;
        }
        steps = steps * 2 + 3;
    }
    assert!(cut >= 3, "only {cut} runs were cut off");
    println!("{cut} erasures were cut off and went on");
}
