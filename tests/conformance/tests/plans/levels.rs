//! What a tenant has at a time: storage, accounts, packages; and what a plan has or has not.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::AppError;
use sunlit_app::command::account::invite::{self, Invitation};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::tenant::set_plan;
use sunlit_domain::{ErrorCode, Role};
use sunlit_test_support::{PROBE_GRANTS, TestApp};

use crate::kit::{OTHER, TENANT, id, roomy, shown, start};

async fn invite(app: &TestApp, slug: &str, email: &str) -> Result<(), AppError> {
    let scope = app.scope_of(app.tenant_id(slug).await, Role::SecurityAdministrator);
    let new = Invitation { email: email.to_owned(), name: "李明".to_owned(), roles: vec![Role::Editor] };
    invite::run(app.app(), &scope, &new).await.map(|_| ())
}

#[actix_web::test]
async fn accounts_are_made_up_to_the_plans_bound_and_a_neighbour_is_not_held_up() {
    let app = start().await;
    let tenant = roomy(&app).await;
    for email in ["a@example.org", "b@example.org"] {
        invite(&app, TENANT, email).await.unwrap();
    }
    let refused = invite(&app, TENANT, "c@example.org").await.unwrap_err();
    assert_eq!(refused.code(), ErrorCode::QuotaExceeded);
    assert_eq!(shown(&app, tenant, "accounts").await, ("2".to_owned(), json!("2")));
    for email in ["a@example.org", "b@example.org", "c@example.org"] {
        invite(&app, OTHER, email).await.unwrap();
    }
    // Over the API it is an error with its own code and words.
    let token = app.token(tenant, Role::SecurityAdministrator);
    let ask = "mutation($input: InviteAccountInput!) { inviteAccount(input: $input) { account { id } } }";
    let input = json!({ "input": { "email": "d@example.org", "name": "王", "roles": ["EDITOR"] } });
    let answer = app.graphql(TENANT, Some(&token), ask, input).await;
    assert_eq!(answer.code(), "QUOTA_EXCEEDED", "{}", answer.body);
    assert!(answer.body.to_string().contains("账号数已满"), "{}", answer.body);
}

#[actix_web::test]
async fn packages_are_enabled_up_to_the_plans_bound_and_again_without_a_word() {
    let app = start().await;
    let tenant = roomy(&app).await;
    publish::run(app.app(), include_str!("../files/desk.toml").to_owned(), None, Existing::Keep).await.unwrap();
    let with = |more: &[&'static str]| {
        let grants: &[&str] = &PROBE_GRANTS;
        let mut packages = vec![("probe", grants)];
        packages.extend(more.iter().map(|id| (*id, &[][..])));
        packages
    };
    app.try_tenant(TENANT, &with(&["desk"])).await.unwrap();
    app.try_tenant(TENANT, &with(&["desk"])).await.unwrap();
    assert_eq!(shown(&app, tenant, "packages").await, ("2".to_owned(), json!("2")));
    let third = include_str!("../files/desk.toml").replace("id = \"desk\"", "id = \"third\"");
    publish::run(app.app(), third, None, Existing::Keep).await.unwrap();
    let told = app.try_tenant(TENANT, &with(&["desk", "third"])).await.unwrap_err();
    assert!(told.contains("the plan gives no more packages"), "{told}");
    app.try_tenant(OTHER, &with(&["desk", "third"])).await.unwrap();
}

async fn upload(app: &TestApp, slug: &str, text: String) -> (StatusCode, Json) {
    let token = app.token(app.tenant_id(slug).await, Role::Editor);
    let request = TestRequest::post()
        .uri(&format!("/t/{slug}/files?name=a.csv"))
        .insert_header(("content-type", "text/csv"))
        .insert_header(("authorization", format!("Bearer {token}")))
        .set_payload(text);
    let (status, _, body) = app.call(request).await;
    (status, serde_json::from_slice(&body).unwrap_or(Json::Null))
}

/// A table of so many bytes that no other has.
fn table(letter: &str, bytes: usize) -> String {
    format!("name\n{}\n", letter.repeat(bytes - 6))
}

#[actix_web::test]
async fn files_are_taken_up_to_the_plans_bound_and_one_content_counts_once() {
    let app = start().await;
    publish::run(app.app(), include_str!("../files/desk.toml").to_owned(), None, Existing::Keep).await.unwrap();
    let tenant = roomy(&app).await;
    for slug in [TENANT, OTHER] {
        app.try_tenant(slug, &[("probe", &PROBE_GRANTS), ("desk", &[])]).await.unwrap();
    }
    for (letter, bytes) in [("a", 600), ("b", 390)] {
        let (status, told) = upload(&app, TENANT, table(letter, bytes)).await;
        assert_eq!(status, StatusCode::CREATED, "{told}");
    }
    assert_eq!(shown(&app, tenant, "storage").await, ("990".to_owned(), json!("1000")));
    let (status, told) = upload(&app, TENANT, table("c", 11)).await;
    assert_eq!((status, &told["code"]), (StatusCode::FORBIDDEN, &json!("QUOTA_EXCEEDED")), "{told}");
    assert_eq!(upload(&app, TENANT, table("d", 10)).await.0, StatusCode::CREATED, "exactly to the bound");
    assert_eq!(shown(&app, tenant, "storage").await.0, "1000");
    assert_eq!(upload(&app, OTHER, table("c", 2_000)).await.0, StatusCode::CREATED);
}

#[actix_web::test]
async fn a_plan_without_a_feature_refuses_it_and_another_plan_is_taken_only_when_it_is_large_enough() {
    let app = start().await;
    let tenant = roomy(&app).await;
    let security = app.token(tenant, Role::SecurityAdministrator);
    let key = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { id errors { code } } }";
    let input =
        json!({ "input": { "name": "程序", "roles": [], "readOnly": true, "expiresAt": "2027-01-01T00:00:00Z" } });
    let refused = app.graphql(TENANT, Some(&security), key, input.clone()).await;
    assert_eq!(refused.code(), "QUOTA_EXCEEDED", "{}", refused.body);
    assert!(refused.body.to_string().contains("程序密钥"), "{}", refused.body);
    let administrator = app.token(tenant, Role::Administrator);
    let change = async |plan: &str| {
        let ask =
            "mutation($plan: String!) { changePlan(plan: $plan) { usage { plan { id } } errors { code message } } }";
        let answer = app.graphql(TENANT, Some(&administrator), ask, json!({ "plan": plan })).await;
        answer.data()["changePlan"].clone()
    };
    for none in ["standard", "none", "../x"] {
        assert_eq!(change(none).await["errors"][0]["code"], "INVALID_INPUT", "{none} is not offered");
    }
    assert_eq!(change("district").await["usage"]["plan"]["id"], "district");
    let made = app.graphql(TENANT, Some(&security), key, input).await;
    assert_eq!(made.data()["createApiKey"]["errors"], json!([]), "{}", made.body);
    for email in ["a@example.org", "b@example.org", "c@example.org"] {
        invite(&app, TENANT, email).await.unwrap();
    }
    let told = change("roomy").await["errors"][0].clone();
    assert_eq!(told["code"], "QUOTA_EXCEEDED");
    assert!(told["message"].as_str().unwrap().contains("账号数为 2，现已使用 3"), "{told}");
    let editor = app.scope_of(tenant, Role::Editor);
    assert!(matches!(set_plan::run(app.app(), &editor, &id("city")).await, Err(AppError::Denied)));
}
