//! Keys for programs: what they reach, and until when.

use actix_web::http::StatusCode;
use serde_json::{Value as Json, json};
use sunlit_app::{Environment as _, SystemEnvironment};
use sunlit_domain::Role;
use sunlit_domain::value::Timestamp;

use crate::kit::{House, OTHER, TENANT};

fn in_hours(hours: i64) -> String {
    Timestamp::from_micros(SystemEnvironment.now().micros() + hours * 3_600_000_000).unwrap().to_string()
}

impl House {
    async fn key(&self, token: &str, input: Json) -> (String, String) {
        let make = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { id secret errors { code message } } }";
        let answer = self.app.graphql(TENANT, Some(token), make, json!({ "input": input })).await;
        let made = &answer.data()["createApiKey"];
        assert_eq!(made["errors"], json!([]), "{}", answer.body);
        (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
    }
}

#[actix_web::test]
async fn a_key_does_what_its_roles_and_bounds_say_and_no_more() {
    let house = House::new().await;
    let mut guard = house.person("an@example.org", &[Role::SecurityAdministrator]).await;
    let token = house.signed_in(&mut guard).await.text("accessToken");
    let create = "probeCreateItem(input: { name: \"甲\" })";
    let read = "{ probe { items { totalCount } } }";
    let (id, writes) =
        house.key(&token, json!({ "name": "数据交换", "roles": ["EDITOR"], "expiresAt": in_hours(1) })).await;
    assert!(writes.starts_with("slk_"), "{writes}");
    assert!(house.does(&writes, create).await.is_empty());
    // It is an actor of its own, and no account.
    assert_eq!(house.ask(&writes, "{ viewer { id } }").await.data()["viewer"], json!(null));
    let reads = json!({ "name": "只读", "roles": ["EDITOR"], "readOnly": true, "expiresAt": in_hours(1) });
    let (_, reads) = house.key(&token, reads).await;
    assert_eq!(house.ask(&reads, read).await.data()["probe"]["items"]["totalCount"], 1);
    assert_eq!(house.does(&reads, create).await, ["DENIED"]);
    let elsewhere = json!({
        "name": "别的", "roles": ["EDITOR"], "packages": ["street-cards"], "expiresAt": in_hours(1)
    });
    let (_, elsewhere) = house.key(&token, elsewhere).await;
    assert_eq!(house.ask(&elsewhere, read).await.code(), "NOT_FOUND");
    assert_eq!(house.does(&elsewhere, create).await, ["NOT_FOUND"]);
    // Others still see the whole schema.
    assert_eq!(house.ask(&reads, read).await.data()["probe"]["items"]["totalCount"], 1);
    // Nothing of it stands in what is listed, and nothing of it is good elsewhere or changed.
    let listed = house.ask(&token, "{ apiKeys { id name roles readOnly packages } }").await;
    assert!(listed.data()["apiKeys"].as_array().unwrap().len() == 3 && !listed.body.to_string().contains("slk_"));
    let foreign = house.app.graphql(OTHER, Some(&writes), read, json!({})).await;
    assert_eq!((foreign.status, foreign.code()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    let mut changed = writes.clone();
    let last = if changed.pop() == Some('A') { 'E' } else { 'A' };
    changed.push(last);
    assert_eq!(house.ask(&changed, read).await.code(), "UNAUTHENTICATED");
    assert!(house.does(&token, &format!("revokeApiKey(key: \"{id}\")")).await.is_empty());
    assert_eq!(house.ask(&writes, read).await.code(), "UNAUTHENTICATED");
}

#[actix_web::test]
async fn a_key_has_no_duty_and_an_end() {
    let house = House::new().await;
    let mut guard = house.person("an@example.org", &[Role::SecurityAdministrator]).await;
    let token = house.signed_in(&mut guard).await.text("accessToken");
    let make = |roles: &str, hours: i64| {
        format!("createApiKey(input: {{ name: \"钥\", roles: [{roles}], expiresAt: \"{}\" }})", in_hours(hours))
    };
    for role in ["ADMINISTRATOR", "SECURITY_ADMINISTRATOR", "AUDITOR", "CITIZEN"] {
        assert_eq!(house.does(&token, &make(role, 1)).await, ["INVALID_INPUT"], "{role}");
    }
    for hours in [-1, 24 * 400] {
        assert_eq!(house.does(&token, &make("EDITOR", hours)).await, ["INVALID_INPUT"], "{hours}");
    }
    assert!(house.does(&token, &make("", 24 * 365)).await.is_empty());
}
