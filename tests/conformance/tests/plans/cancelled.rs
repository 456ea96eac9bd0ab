//! A subscription that ends: read-only at once, suspended when its days are over, taken up again before.

use std::sync::Arc;

use serde_json::json;
use sunlit_app::command::tenant::{cancel, set_state};
use sunlit_app::{AppError, Environment as _, SystemEnvironment};
use sunlit_domain::Role;
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::platform::tenant;
use sunlit_test_support::{SetClock, TestApp};

use crate::kit::{TENANT, small, start_with};

async fn state(app: &TestApp) -> (TenantState, Option<String>) {
    let tenant = tenant::by_slug(&app.app().platform, TENANT).await.unwrap().unwrap();
    (tenant.state, tenant.ends_at.map(|at| at.to_string()))
}

#[actix_web::test]
async fn a_cancelled_tenant_is_read_only_and_is_suspended_when_its_days_are_over() {
    let clock = Arc::new(SetClock::at("2026-11-23T02:00:00Z"));
    let app = start_with(clock.clone()).await;
    let id = small(&app).await;
    let administrator = app.administrator(id);
    for days in [0, cancel::MAX_DAYS + 1] {
        assert!(matches!(cancel::run(app.app(), &administrator, days).await, Err(AppError::Argument(_))), "{days}");
    }
    let editor = app.scope_of(id, Role::Editor);
    assert!(matches!(cancel::run(app.app(), &editor, 30).await, Err(AppError::Denied)));
    assert!(matches!(cancel::resume(app.app(), &administrator).await, Err(AppError::Argument(_))));
    cancel::run(app.app(), &administrator, 30).await.unwrap();
    let ends_at = Some("2026-12-23T02:00:00.000000Z".to_owned());
    assert_eq!(state(&app).await, (TenantState::ReadOnly, ends_at.clone()));
    clock.set("2026-12-23T01:59:59Z");
    app.worker().once().await.unwrap();
    assert_eq!(state(&app).await, (TenantState::ReadOnly, ends_at.clone()));
    cancel::resume(app.app(), &administrator).await.unwrap();
    assert_eq!(state(&app).await, (TenantState::Active, None));
    app.worker().once().await.unwrap();
    assert_eq!(state(&app).await, (TenantState::Active, None), "nothing of it is left");
    cancel::run(app.app(), &administrator, 1).await.unwrap();
    clock.set("2026-12-24T01:59:59Z");
    app.worker().once().await.unwrap();
    assert_eq!(state(&app).await.0, TenantState::Suspended);
    assert!(matches!(cancel::resume(app.app(), &administrator).await, Err(AppError::Suspended)));
    assert!(matches!(cancel::run(app.app(), &administrator, 1).await, Err(AppError::Suspended)));
    // The operator lets it serve again, and it is not suspended a second time.
    set_state::run(app.app(), &administrator, TenantState::Active).await.unwrap();
    app.worker().once().await.unwrap();
    assert_eq!(state(&app).await, (TenantState::Active, None));
}

#[actix_web::test]
async fn an_administrator_cancels_and_takes_up_again_over_the_api_and_reads_when_it_ends() {
    let app = start_with(Arc::new(SystemEnvironment)).await;
    let id = small(&app).await;
    let token = app.token(id, Role::Administrator);
    let fields = "{ usage { state endsAt } errors { code } }";
    let ask = async |field: &str| {
        let answer =
            app.graphql(TENANT, Some(&token), &format!("mutation {{ it: {field} {fields} }}"), json!({})).await;
        answer.data()["it"].clone()
    };
    assert_eq!(ask("resumeSubscription").await["errors"][0]["code"], "INVALID_INPUT");
    let cancelled = ask("cancelSubscription").await;
    assert_eq!(cancelled["usage"]["state"], "read-only", "{cancelled}");
    let ends_at = cancelled["usage"]["endsAt"].as_str().unwrap().parse::<sunlit_domain::value::Timestamp>().unwrap();
    assert!(ends_at > SystemEnvironment.now());
    let editor = app.token(id, Role::Editor);
    assert_eq!(app.create_item(TENANT, &editor, "甲").await.code(), "READ_ONLY");
    let resumed = ask("resumeSubscription").await;
    assert_eq!((&resumed["usage"]["state"], &resumed["usage"]["endsAt"]), (&json!("active"), &json!(null)));
    assert!(app.create_item(TENANT, &editor, "甲").await.is_acknowledged());
}
