//! What was exported and imported is exported as the same.

use serde_json::json;
use sunlit_app::command::package::rollback;
use sunlit_app::command::package::upgrade::Options;
use sunlit_tenants::ArchiveError;
use sunlit_tenants::archive::{Manifest, Opening, Sealing};
use sunlit_tenants::export::export_to_file;
use sunlit_tenants::import::{Wanted, import};
use sunlit_test_support::TestApp;

use crate::kit::{
    PAPERS, ROOMS, SLUG, add_room, ask, audited, export, full, operator, people_came_along, place, rooms, scope, sound,
    take,
};

/// The entries that must be there, each with rows.
const FILLED: [&str; 14] = [
    "tenant/installation.ndjson",
    "tenant/migration.ndjson",
    "tenant/setting.ndjson",
    "tenant/document.ndjson",
    "tenant/calendar_day.ndjson",
    "tenant/file.ndjson",
    "tenant/audit.ndjson",
    "tenant/step.ndjson",
    "tenant/deadline.ndjson",
    "tenant/outbox.ndjson",
    "tenant/account.ndjson",
    "tenant/role_grant.ndjson",
    "tenant/external_identity.ndjson",
    "tenant/identity_provider.ndjson",
];

#[actix_web::test]
async fn a_tenant_is_the_same_after_export_import_and_export_again() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    same_in(&[&here, &there]).await;
}

mod on_postgres {
    use super::*;

    #[actix_web::test]
    async fn a_tenant_goes_from_files_to_the_database_and_back_and_stays_the_same() {
        let (files, database, other) =
            (TestApp::start_in_files().await, TestApp::start().await, TestApp::start_in_files().await);
        assert!(files.app().stores.database().is_none() && database.app().stores.database().is_some());
        same_in(&[&files, &database, &other]).await;
    }

    #[actix_web::test]
    async fn a_tenant_goes_from_the_database_to_files_and_back_and_stays_the_same() {
        let (database, files, other) =
            (TestApp::start().await, TestApp::start_in_files().await, TestApp::start().await);
        same_in(&[&database, &files, &other]).await;
    }
}

/// Lets a tenant travel from the first installation to the last.
async fn same_in(path: &[&TestApp]) {
    full(path[0], SLUG, "token-word").await;
    let (papers, answered) = (ask(path[0], SLUG, PAPERS).await, ask(path[0], SLUG, ROOMS).await);
    assert_eq!(papers["workspace"]["vault"]["papers"]["totalCount"], json!(3), "{papers}");
    let (mut archive, first) = export(path[0], SLUG, "first.sunlit").await;
    check(&first);
    assert_eq!(sound(&archive).await.unwrap(), first);
    for app in &path[1..] {
        let imported = take(app, &archive, &Wanted::default()).await.unwrap();
        assert_eq!((imported.tenant.id, imported.missing_parent), (path[0].tenant_id(SLUG).await, None));
        let (next, manifest) = export(app, SLUG, "next.sunlit").await;
        assert_eq!(manifest.entries, first.entries);
        assert_eq!((&manifest.root, &manifest.tenant), (&first.root, &first.tenant));
        assert_eq!((ask(app, SLUG, PAPERS).await, ask(app, SLUG, ROOMS).await), (papers.clone(), answered.clone()));
        // The bytes of files are there, and are answered by whoever may read them.
        for paper in papers["workspace"]["vault"]["papers"]["nodes"].as_array().unwrap() {
            let Some(id) = paper["scan"]["id"].as_str() else { continue };
            let token = crate::kit::token(app, imported.tenant.id);
            let request = actix_web::test::TestRequest::get().uri(&format!("/t/{SLUG}/files/{id}/x.png"));
            let (status, _, body) = app.call(request.insert_header(("authorization", format!("Bearer {token}")))).await;
            assert_eq!((status.as_u16(), json!(body.len())), (200, paper["scan"]["size"].clone()));
        }
        assert!(audited(app, SLUG).await > 10);
        people_came_along(app, SLUG).await;
        archive = next;
    }
    // It goes on living: it is written to, its host name leads to it, and it may go back to the version that it left.
    let last = path[path.len() - 1];
    let before = rooms(last, SLUG).await;
    assert_eq!(add_room(last, SLUG, "new").await["data"]["vaultCreateRoom"]["errors"], json!([]));
    assert_eq!(rooms(last, SLUG).await, before + 1);
    let request = actix_web::test::TestRequest::get().uri("/").insert_header(("host", "token-word.example"));
    assert_eq!(last.call(request).await.0.as_u16(), 200);
    let administrator = last.administrator(last.tenant_id(SLUG).await);
    rollback::run(last.app(), &administrator, ("vault", "1.1.0".parse().unwrap()), &Options::default()).await.unwrap();
    assert_eq!(rooms(last, SLUG).await, before);
    audited(last, SLUG).await;
}

fn check(manifest: &Manifest) {
    let rows = |path: &str| manifest.entries.iter().find(|entry| entry.path == path).and_then(|entry| entry.rows);
    for path in FILLED {
        assert!(rows(path).is_some_and(|rows| rows > 0), "{path}: {:?}", rows(path));
    }
    for major in 1..=2 {
        assert_eq!(rows(&format!("collections/vault/v{major}/paper.ndjson")), Some(3));
        assert_eq!(rows(&format!("collections/vault/v{major}/room.ndjson")), Some(3));
    }
    assert_eq!(manifest.files(), 2);
    let versions: Vec<_> =
        manifest.packages.iter().filter(|entry| entry.id == *"vault").map(|entry| &entry.version).collect();
    assert_eq!(versions, ["1.1.0", "2.0.0"]);
}

#[actix_web::test]
async fn an_export_is_one_instant_while_the_tenant_is_written_to() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    full(&here, SLUG, "token-word").await;
    let scope = scope(&here, here.tenant_id(SLUG).await);
    let path = place(&here, "busy.sunlit");
    let exporting = export_to_file(here.app(), &scope, &path, Sealing::Plain);
    let writing = async {
        for number in 0..40 {
            let done = add_room(&here, SLUG, &format!("busy {number}")).await;
            assert_eq!(done["data"]["vaultCreateRoom"]["errors"], json!([]), "{done}");
        }
    };
    let (exported, ()) = futures_util::future::join(exporting, writing).await;
    exported.unwrap();
    assert_eq!(rooms(&here, SLUG).await, 43);
    take(&there, &path, &Wanted::default()).await.unwrap();
    let came = rooms(&there, SLUG).await;
    // Rows of the audit trail and rooms are of the same instant.
    let creates = "{ workspace { vault { roomsAggregate { count } } } }";
    assert_eq!(ask(&there, SLUG, creates).await["workspace"]["vault"]["roomsAggregate"]["count"], json!(came));
    let rows = audited(&there, SLUG).await;
    assert!(audited(&here, SLUG).await - rows >= 43 - came, "{rows} rows, {came} rooms");
}

#[actix_web::test]
async fn a_sealed_archive_opens_for_whom_it_was_sealed_and_for_nobody_else() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    full(&here, SLUG, "token-word").await;
    let scope = scope(&here, here.tenant_id(SLUG).await);
    let path = place(&here, "sealed.sunlit");
    let sealing = Sealing::passphrase("a passphrase of some words\n").unwrap();
    export_to_file(here.app(), &scope, &path, sealing).await.unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(10).any(|part| part == b"token-word"), "it is sealed");
    for opening in [Opening::Plain, Opening::passphrase("another passphrase of words")] {
        let told =
            import(there.app(), &there.state().authority, &operator(), (&path, &opening), &Wanted::default()).await;
        assert!(matches!(told, Err(ArchiveError::Locked(_))), "{told:?}");
    }
    // One byte that was changed anywhere is found.
    for at in [40, bytes.len() / 2, bytes.len() - 3] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let path = place(&here, "changed.sunlit");
        std::fs::write(&path, &changed).unwrap();
        let opening = Opening::passphrase("a passphrase of some words");
        let told =
            import(there.app(), &there.state().authority, &operator(), (&path, &opening), &Wanted::default()).await;
        assert!(matches!(told, Err(ArchiveError::Locked(_) | ArchiveError::Refused(_))), "{at}: {told:?}");
    }
    let opening = Opening::passphrase("a passphrase of some words");
    import(there.app(), &there.state().authority, &operator(), (&path, &opening), &Wanted::default()).await.unwrap();
    assert_eq!(rooms(&there, SLUG).await, 3);
    assert!(Sealing::passphrase("too short").is_err());
}
