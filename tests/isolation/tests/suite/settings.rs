//! What is remembered of one tenant serves nobody else.

use crate::kit::Kit;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::json;

#[actix_web::test]
async fn packages_and_settings_are_each_tenants_own() {
    let kit = Kit::new().await;
    let bare = kit.app.probe_tenant("900003").await;
    let list = "{ vault { rooms { totalCount } } }";
    for _ in 0..2 {
        assert_eq!(kit.app.graphql("900001", None, list, json!({})).await.status, StatusCode::OK);
        assert_eq!(kit.app.graphql("900003", None, list, json!({})).await.status, StatusCode::BAD_REQUEST);
        for (side, foreign) in [(&kit.own, &kit.other), (&kit.other, &kit.own)] {
            for (origin, expect) in [(&side.canary, StatusCode::OK), (&foreign.canary, StatusCode::FORBIDDEN)] {
                let path = format!("/t/{}/graphql?query=%7BapiVersion%7D", side.slug);
                let request = TestRequest::get().uri(&path);
                let request = request.insert_header(("origin", format!("https://{origin}.example")));
                assert_eq!(kit.app.call(request).await.0, expect, "{origin} at {}", side.slug);
            }
        }
    }
    assert!(kit.app.app().stores.open(&crate::kit::scope(&kit.app, bare)).await.is_ok());
}
