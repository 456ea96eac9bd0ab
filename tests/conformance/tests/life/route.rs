//! An administrator downloads everything that the tenant has.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::AppError;
use sunlit_domain::Role;
use sunlit_domain::identity::key_scope::KeyScope;
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::tenant::audit;
use sunlit_tenants::ArchiveError;
use sunlit_tenants::export::Export;
use sunlit_tenants::import::Wanted;
use sunlit_test_support::TestApp;

use crate::kit::{SLUG, full, operator, place, rooms, scope, sound, take};

#[actix_web::test]
async fn an_administrator_takes_the_tenant_along_and_nobody_else_does() {
    let (here, there) = (TestApp::start().await, TestApp::start().await);
    let tenant = full(&here, SLUG, "token-word").await;
    let ask = async |path: &str, token: Option<String>| {
        let request = TestRequest::get().uri(&format!("/t/{SLUG}{path}"));
        let request = match token {
            Some(token) => request.insert_header(("authorization", format!("Bearer {token}"))),
            None => request,
        };
        here.call(request).await
    };
    let token = |role| Some(here.token(tenant, role));
    for (path, token, expect, code) in [
        ("/export?plain=true", None, 401, "UNAUTHENTICATED"),
        ("/export?plain=true", token(Role::Editor), 403, "DENIED"),
        ("/export?plain=true", token(Role::Auditor), 403, "DENIED"),
        ("/export", token(Role::Administrator), 400, "INVALID_INPUT"),
        ("/export?plain=false", token(Role::Administrator), 400, "INVALID_INPUT"),
        ("/export?plain=true&recipient=age1x", token(Role::Administrator), 400, "INVALID_INPUT"),
        ("/export?recipient=nobody", token(Role::Administrator), 400, "INVALID_INPUT"),
        ("/export?colour=red", token(Role::Administrator), 400, "INVALID_INPUT"),
    ] {
        let (status, _, body) = ask(path, token).await;
        let problem: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!((status.as_u16(), &problem["code"]), (expect, &json!(code)), "{path}: {problem}");
    }
    // Nor does a key that is kept within bounds, whatever its roles are.
    let bounds = [
        KeyScope { read_only: true, ..KeyScope::default() },
        KeyScope { packages: Some(BTreeSet::from(["vault".parse().unwrap()])), ..KeyScope::default() },
    ];
    for bound in bounds {
        let key = here.state().authority.scope(tenant, operator().within(bound));
        let told = Export::begin(here.app(), &key).await;
        assert!(matches!(told, Err(ArchiveError::App(AppError::Denied))), "{told:?}");
    }
    let (status, headers, body) = ask("/export?plain=true", token(Role::Administrator)).await;
    assert_eq!(status, StatusCode::OK);
    let path = place(&here, "download.tar.gz");
    std::fs::write(&path, &body).unwrap();
    let manifest = sound(&path).await.unwrap();
    assert_eq!(headers.get("x-archive-root").unwrap(), manifest.root.as_str());
    assert!(headers.get("content-disposition").unwrap().to_str().unwrap().contains(".tar.gz"));
    assert_eq!(headers.get("cache-control").unwrap(), "no-store");
    // It is audited, as whoever asked.
    let own = scope(&here, tenant);
    let session = here.app().stores.open(&own).await.unwrap().snapshot(&own).await.unwrap();
    let row = audit::latest(&own, &session, 1).await.unwrap().remove(0);
    assert_eq!((row.action.as_str(), row.subject_id.as_str()), ("export", manifest.root.as_str()));
    assert_eq!(row.actor, Some(uuid::Uuid::from_u128(42)));
    drop(session);
    take(&there, &path, &Wanted::default()).await.unwrap();
    assert_eq!(rooms(&there, SLUG).await, 3);
    // A suspended tenant answers nobody; one that is read-only is taken along.
    let state = async |state| {
        sunlit_app::command::tenant::set_state::run(here.app(), &scope(&here, tenant), state).await.unwrap();
    };
    state(TenantState::ReadOnly).await;
    assert_eq!(ask("/export?plain=true", token(Role::Administrator)).await.0, StatusCode::OK);
    state(TenantState::Suspended).await;
    assert_eq!(ask("/export?plain=true", token(Role::Administrator)).await.0, StatusCode::SERVICE_UNAVAILABLE);
}
