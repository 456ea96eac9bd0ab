//! A plugin that loops, allocates, traps, floods or lies costs its own field: the caller is told, other fields, other
//! tenants and the data go on.
#![expect(clippy::unwrap_used, reason = "tests")]

use serde_json::json;
use sunlit_test_support::TestApp;

/// Asks one tenant's probe to misbehave; expects its own field to fail with `code` and everything else to go on.
async fn misbehave(app: &TestApp, field: &str) {
    let query = format!("{{ probe {{ echo(text: \"还在\") {field} }} }}");
    let answer = app.graphql("900001", None, &query, json!({})).await;
    assert_eq!(answer.status, 200, "{field}: {}", answer.body);
    assert_eq!(answer.code(), "PLUGIN_UNAVAILABLE", "{field}: {}", answer.body);
    assert_eq!(answer.body["data"]["probe"]["echo"], json!("还在"), "{field}: the neighbouring field answers");
    let name = field.split('(').next().unwrap();
    assert_eq!(answer.body["errors"][0]["path"], json!(["probe", name]));
    let message = answer.body["errors"][0]["message"].as_str().unwrap();
    assert_eq!(message, "该功能暂时不可用，请稍后再试", "{field}: nothing of our inside is told");
    let other = app.graphql("900002", None, "{ probe { echo(text: \"邻居\") } }", json!({})).await;
    assert_eq!(other.data()["probe"]["echo"], json!("邻居"), "{field}: another tenant answers");
}

#[actix_web::test]
async fn a_plugin_that_misbehaves_costs_its_own_field() {
    let app = TestApp::start().await;
    app.probe_tenant("900001").await;
    app.probe_tenant("900002").await;
    for field in [
        "spin",
        "allocate",
        "trap",
        "recurse",
        "huge",
        "wrongType",
        "wrongLength",
        "lyingItems",
        "hostcalls(count: 1000000)",
    ] {
        misbehave(&app, field).await;
    }
    // After all that the same plugin still answers, in a fresh instance.
    let answer = app.graphql("900001", None, "{ probe { greeting rows(count: 3) { name amount } } }", json!({})).await;
    assert_eq!(answer.data()["probe"]["greeting"], json!("你好"));
    assert_eq!(answer.data()["probe"]["rows"].as_array().unwrap().len(), 3);
}

#[actix_web::test]
async fn a_plugin_that_declines_is_heard() {
    let app = TestApp::start().await;
    app.probe_tenant("900001").await;
    let answer = app.graphql("900001", None, "{ probe { deny } }", json!({})).await;
    assert!(answer.data()["probe"]["deny"].as_str().unwrap().contains("declares no setting"), "{}", answer.body);
}

#[actix_web::test]
async fn a_flood_leaves_a_neighbour_served_at_the_same_time() {
    let app = TestApp::start().await;
    app.probe_tenant("900001").await;
    app.probe_tenant("900002").await;
    let flood = "{ probe { a: spin b: spin c: spin d: logFlood e: allocate } }";
    let echo = "{ probe { echo(text: \"x\") } }";
    let (flooded, answer) = futures_util::future::join(
        app.graphql("900001", None, flood, json!({})),
        app.graphql("900002", None, echo, json!({})),
    )
    .await;
    assert_eq!(answer.data()["probe"]["echo"], json!("x"));
    assert!(flooded.body["errors"].as_array().is_some_and(|errors| errors.len() >= 4), "{}", flooded.body);
}
