//! What somebody may have a copy of, and what they agree to and take back.

use serde_json::json;
use sunlit_domain::Role;

use crate::kit::{House, TENANT};

const MINE: &str = "{ myData { account { email roles sessions { method } } identities { issuer } \
    consents { purpose version withdrawnAt } actions(first: 2) { nodes { action actor } pageInfo { hasNextPage endCursor } } } }";

#[actix_web::test]
async fn whoever_has_an_account_gets_a_copy_of_what_is_kept_about_them_and_of_nobody_else() {
    let house = House::new().await;
    let mut li = house.person("li@example.org", &[Role::Editor]).await;
    let mut wang = house.person("wang@example.org", &[Role::Editor]).await;
    let (one, other) = (house.signed_in(&mut li).await, house.signed_in(&mut wang).await);
    let (one, other) = (one.text("accessToken"), other.text("accessToken"));
    assert_eq!(house.does(&one, "giveConsent(purpose: NOTICE, version: \"2026-11\")").await, Vec::<String>::new());
    let mine = house.ask(&one, MINE).await.data()["myData"].clone();
    assert_eq!(mine["account"]["email"], "li@example.org");
    assert_eq!(mine["account"]["sessions"], json!([{ "method": "password" }]));
    assert_eq!(mine["identities"], json!([]));
    assert_eq!(mine["consents"], json!([{ "purpose": "notice", "version": "2026-11", "withdrawnAt": null }]));
    let own = li.id.to_string();
    let nodes = mine["actions"]["nodes"].as_array().unwrap();
    assert_eq!(nodes[0]["action"], "consent", "{mine}");
    assert!(nodes.len() == 2 && nodes.iter().all(|node| node["actor"] == json!(own)), "{mine}");
    // The next page goes on where this one ended.
    let after = mine["actions"]["pageInfo"]["endCursor"].as_str().unwrap();
    let next = format!("{{ myData {{ actions(first: 100, after: \"{after}\") {{ nodes {{ actor }} }} }} }}");
    let next = house.ask(&one, &next).await.data()["myData"]["actions"]["nodes"].clone();
    assert!(next.as_array().unwrap().iter().all(|node| node["actor"] == json!(own)), "{next}");
    assert_eq!(house.ask(&other, MINE).await.data()["myData"]["consents"], json!([]));
    let nobody = house.app.graphql(TENANT, None, "{ myData { account { email } } }", json!({})).await;
    assert_eq!(nobody.data()["myData"], json!(null));
}

#[actix_web::test]
async fn consent_is_taken_back_as_easily_as_it_was_given_and_goes_with_the_account() {
    let house = House::new().await;
    let mut li = house.person("li@example.org", &[Role::Editor]).await;
    let token = house.signed_in(&mut li).await.text("accessToken");
    let consents = async || house.ask(&token, MINE).await.data()["myData"]["consents"].clone();
    let done = Vec::<String>::new();
    for version in ["", "一", &"1".repeat(41)] {
        let ask = format!("giveConsent(purpose: NOTICE, version: \"{version}\")");
        assert_eq!(house.does(&token, &ask).await, ["INVALID_INPUT"], "{version}");
    }
    for version in ["1", "2"] {
        assert_eq!(house.does(&token, &format!("giveConsent(purpose: NOTICE, version: \"{version}\")")).await, done);
    }
    assert_eq!(house.does(&token, "withdrawConsent(purpose: NOTICE)").await, done);
    let all = consents().await;
    assert!(all.as_array().unwrap().iter().all(|one| one["withdrawnAt"].is_string()), "{all}");
    assert_eq!(house.does(&token, "giveConsent(purpose: NOTICE, version: \"2\")").await, done);
    assert_eq!(consents().await[0]["withdrawnAt"], json!(null), "given again");
    // What nobody was asked for is taken back too.
    assert_eq!(house.does(&token, "withdrawConsent(purpose: USAGE_MAIL)").await, done);
    assert!(consents().await.to_string().contains("usage-mail"));
    let close = format!("closeAccount(password: \"{}\")", crate::kit::PASSWORD);
    assert_eq!(house.does(&token, &close).await, done);
    let scope = house.app.scope(house.tenant);
    let session = house.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    let left = sunlit_storage::tenant::identity::consent::of(&scope, &session, li.id, 10).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
}
