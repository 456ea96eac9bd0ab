//! A copy under another slug stands beside the tenant that it was made of.

use serde_json::json;
use sunlit_app::command::tenant::set_state;
use sunlit_app::query::audit_verify;
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::testing;
use sunlit_tenants::ArchiveError;
use sunlit_tenants::import::Wanted;
use sunlit_test_support::TestApp;

use crate::kit::{SLUG, add_room, audited, export, full, rooms, scope, slug, take};

#[actix_web::test]
async fn a_copy_stands_beside_its_original_and_its_audit_trail_goes_on() {
    let app = TestApp::start().await;
    let original = full(&app, SLUG, "token-word").await;
    let (path, manifest) = export(&app, SLUG, "one.sunlit").await;
    let head = manifest.audit.clone().unwrap();
    // Its own place is taken.
    let told = take(&app, &path, &Wanted::default()).await;
    assert!(matches!(&told, Err(ArchiveError::Taken(why)) if why.contains("--as")), "{told:?}");
    let wanted = Wanted { slug: Some(slug("900002")), ..Wanted::default() };
    let copy = take(&app, &path, &wanted).await.unwrap().tenant;
    assert_ne!(copy.id, original);
    assert_eq!(copy.state, TenantState::ReadOnly);
    assert_eq!(add_room(&app, SLUG, "later").await["data"]["vaultCreateRoom"]["errors"], json!([]));
    assert_eq!((rooms(&app, SLUG).await, rooms(&app, "900002").await), (4, 3));
    // It is read, and its jobs wait, until somebody says otherwise.
    let told = add_room(&app, "900002", "early").await;
    assert!(told.to_string().contains("READ_ONLY"), "{told}");
    set_state::run(app.app(), &scope(&app, copy.id), TenantState::Active).await.unwrap();
    assert_eq!(add_room(&app, "900002", "own").await["data"]["vaultCreateRoom"]["errors"], json!([]));
    // The rows that it took over verify under the id that they were written for, with the head that was noted then.
    assert_eq!(audited(&app, "900002").await, head.rows + 3);
    let chain = audit_verify::run(app.app(), &scope(&app, copy.id), Some(&head.head)).await.unwrap();
    assert_eq!(chain.fault, None);
    let end = audit_verify::of_end(app.app(), &scope(&app, copy.id), 1_000).await.unwrap();
    assert_eq!(end.fault, None);
    // A copy of a copy has two such parts.
    let (path, _) = export(&app, "900002", "two.sunlit").await;
    let wanted = Wanted { slug: Some(slug("900003")), state: Some(TenantState::Active), ..Wanted::default() };
    let third = take(&app, &path, &wanted).await.unwrap().tenant;
    audited(&app, "900003").await;
    let chain = audit_verify::run(app.app(), &scope(&app, third.id), Some(&head.head)).await.unwrap();
    assert_eq!(chain.fault, None);
    // Who changes where rows came from breaks the chain.
    let tenants = app.folder().join("data/tenants");
    let moved = format!("UPDATE origin SET last_seq = last_seq - 1 WHERE tenant_id = {}", id_of(third.id.0));
    app.app().stores.settle().await;
    testing::tamper(&app.app().stores, &tenants, &scope(&app, third.id), &moved).await.unwrap();
    let chain = audit_verify::run(app.app(), &scope(&app, third.id), None).await.unwrap();
    assert!(chain.fault.is_some(), "{chain:?}");
}

/// An id as SQLite has it; on PostgreSQL it is rewritten.
fn id_of(id: uuid::Uuid) -> String {
    format!("x'{}'", id.simple())
}

#[actix_web::test]
async fn names_of_another_tenant_are_not_taken() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    full(&here, SLUG, "token-word").await;
    let (path, _) = export(&here, SLUG, "one.sunlit").await;
    let text = sunlit_test_support::region("900009", "hosts = [\"token-word.example\"]\n");
    there.try_provision_text("900009", &text, &[]).await.unwrap();
    let told = take(&there, &path, &Wanted::default()).await;
    assert!(matches!(&told, Err(ArchiveError::Taken(why)) if why.contains("token-word.example")), "{told:?}");
    crate::kit::nothing_of(&there, here.tenant_id(SLUG).await).await;
}
