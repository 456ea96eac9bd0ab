//! Signing in, going on, and out; and guessing.

use actix_web::http::{StatusCode, header};
use serde_json::json;
use sunlit_domain::Role;
use sunlit_storage::tenant::audit;

use crate::kit::{House, OTHER, PASSWORD, TENANT};

const VIEWER: &str = "{ viewer { email roles sessions { id isThis method } } }";

#[actix_web::test]
async fn an_administrator_sets_an_authenticator_up_and_signs_in_with_its_codes() {
    let house = House::new().await;
    let mut person = house.person("Li@Example.org", &[Role::Administrator]).await;
    // The address is the same in any case; the authenticator is the same until it is confirmed.
    let first = house.sign_in("li@example.org", PASSWORD, None).await;
    let again = house.sign_in("LI@EXAMPLE.ORG", PASSWORD, None).await;
    assert_eq!(first.body["enrol"], again.body["enrol"]);
    assert!(first.body["enrol"]["url"].as_str().unwrap().starts_with("otpauth://totp/"), "{}", first.body);
    let told = house.signed_in(&mut person).await;
    let shown = house.ask(&told.text("accessToken"), VIEWER).await;
    let viewer = &shown.data()["viewer"];
    assert_eq!((&viewer["email"], &viewer["roles"]), (&json!("li@example.org"), &json!(["ADMINISTRATOR"])));
    assert_eq!(viewer["sessions"][0]["method"], "password+totp");
    assert_eq!(viewer["sessions"][0]["isThis"], true);
    // From now on the password alone is not enough, and no code is taken twice.
    assert_eq!(house.sign_in(&person.email, PASSWORD, None).await.code(), "SECOND_FACTOR_REQUIRED");
    let used = house.code(&person, 0);
    assert_eq!(house.sign_in(&person.email, PASSWORD, Some(&used)).await.code(), "SECOND_FACTOR_REQUIRED");
    let next = house.code(&person, 1);
    assert_eq!(house.sign_in(&person.email, PASSWORD, Some(&next)).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn a_refresh_token_that_is_shown_again_ends_its_session() {
    let house = House::new().await;
    let mut person = house.person("li@example.org", &[Role::Editor]).await;
    let first = house.signed_in(&mut person).await;
    let refresh = |token: String| house.post(TENANT, "refresh", json!({ "refreshToken": token }));
    let second = refresh(first.text("refreshToken")).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.body);
    assert_ne!(first.text("refreshToken"), second.text("refreshToken"));
    // Both access tokens are of one session, which goes on.
    for told in [&first, &second] {
        assert_eq!(house.ask(&told.text("accessToken"), VIEWER).await.data()["viewer"]["email"], "li@example.org");
    }
    assert_eq!(refresh(first.text("refreshToken")).await.code(), "UNAUTHENTICATED");
    assert_eq!(refresh(second.text("refreshToken")).await.code(), "UNAUTHENTICATED");
    let dead = house.ask(&second.text("accessToken"), VIEWER).await;
    assert_eq!((dead.status, dead.code()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{}", dead.body);
    let scope = house.app.scope(house.tenant);
    let session = house.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    let trail = audit::latest(&scope, &session, 3).await.unwrap();
    assert!(trail.iter().any(|row| row.action == "reuse" && row.subject == "session"), "{trail:?}");
    // Another session of the same person is another one.
    assert_eq!(house.sign_in(&person.email, PASSWORD, None).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn signing_out_ends_the_session_and_nothing_else() {
    let house = House::new().await;
    let mut person = house.person("li@example.org", &[Role::Editor]).await;
    let (one, two) = (house.signed_in(&mut person).await, house.signed_in(&mut person).await);
    let out = house.post(TENANT, "sign-out", json!({ "refreshToken": one.text("refreshToken") })).await;
    assert_eq!(out.status, StatusCode::OK);
    assert_eq!(house.ask(&one.text("accessToken"), VIEWER).await.code(), "UNAUTHENTICATED");
    let viewer = house.ask(&two.text("accessToken"), VIEWER).await;
    assert_eq!(viewer.data()["viewer"]["sessions"].as_array().unwrap().len(), 1);
    // Another one may be ended from here, and a change of the password ends all others.
    let three = house.signed_in(&mut person).await;
    let id = viewer.data()["viewer"]["sessions"][0]["id"].as_str().unwrap().to_owned();
    assert!(house.does(&three.text("accessToken"), &format!("endSession(session: \"{id}\")")).await.is_empty());
    assert_eq!(house.ask(&two.text("accessToken"), VIEWER).await.code(), "UNAUTHENTICATED");
    let four = house.signed_in(&mut person).await;
    let change = |old: &str, new: &str| format!("changePassword(old: \"{old}\", new: \"{new}\")");
    let token = four.text("accessToken");
    assert_eq!(house.does(&token, &change("wrong", "Green-River-7")).await, ["INVALID_CREDENTIALS"]);
    assert_eq!(house.does(&token, &change(PASSWORD, "short")).await, ["INVALID_INPUT"]);
    assert!(house.does(&token, &change(PASSWORD, "Green-River-7")).await.is_empty());
    assert_eq!(house.ask(&three.text("accessToken"), VIEWER).await.code(), "UNAUTHENTICATED");
    assert_eq!(house.ask(&token, VIEWER).await.status, StatusCode::OK);
    assert_eq!(house.sign_in(&person.email, PASSWORD, None).await.code(), "INVALID_CREDENTIALS");
}

#[actix_web::test]
async fn five_wrong_answers_lock_an_account_and_look_alike_where_there_is_none() {
    let house = House::new().await;
    let person = house.person("li@example.org", &[Role::Editor]).await;
    for address in [person.email.as_str(), "nobody@example.org"] {
        for _ in 0..5 {
            let told = house.sign_in(address, "wrong", None).await;
            assert_eq!((told.status, told.code()), (StatusCode::UNAUTHORIZED, "INVALID_CREDENTIALS"), "{}", told.body);
        }
        let told = house.sign_in(address, PASSWORD, None).await;
        assert_eq!((told.status, told.code()), (StatusCode::FORBIDDEN, "LOCKED"), "{address}: {}", told.body);
        let seconds: i64 = told.header(header::RETRY_AFTER).parse().unwrap();
        assert!((800..=900).contains(&seconds), "{seconds}");
    }
    let mut guard = house.person("an@example.org", &[Role::SecurityAdministrator]).await;
    let token = house.signed_in(&mut guard).await.text("accessToken");
    assert!(house.does(&token, &format!("unlockAccount(account: \"{}\")", person.id)).await.is_empty());
    assert_eq!(house.sign_in(&person.email, PASSWORD, None).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn nothing_of_one_tenant_signs_in_at_another() {
    let house = House::new().await;
    let mut person = house.person("li@example.org", &[Role::Editor]).await;
    let told = house.signed_in(&mut person).await;
    let answer = house.app.graphql(OTHER, Some(&told.text("accessToken")), VIEWER, json!({})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"));
    for (path, body) in [
        ("sign-in", json!({ "email": person.email, "password": PASSWORD })),
        ("refresh", json!({ "refreshToken": told.text("refreshToken") })),
    ] {
        assert_eq!(house.post(OTHER, path, body).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    // Whoever tried has not harmed it.
    let out = house.post(OTHER, "sign-out", json!({ "refreshToken": told.text("refreshToken") })).await;
    assert_eq!(out.status, StatusCode::OK);
    let on = house.post(TENANT, "refresh", json!({ "refreshToken": told.text("refreshToken") })).await;
    assert_eq!(on.status, StatusCode::OK, "{}", on.body);
}

#[actix_web::test]
async fn a_page_keeps_its_refresh_token_in_a_cookie_that_no_script_reads() {
    let house = House::new().await;
    let person = house.person("li@example.org", &[Role::Editor]).await;
    let body = json!({ "email": person.email, "password": PASSWORD, "cookie": true });
    let told = house.post(TENANT, "sign-in", body).await;
    assert!(told.body["refreshToken"].is_null() && told.body["accessToken"].is_string(), "{}", told.body);
    let cookie = told.header(header::SET_COOKIE).to_owned();
    for part in ["HttpOnly", "SameSite=Strict", &format!("Path=/t/{TENANT}/auth"), "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap();
    let next = house.post_with(TENANT, "refresh", json!({}), Some(pair)).await;
    assert!(next.status == StatusCode::OK && next.body["refreshToken"].is_null(), "{}", next.body);
    let pair = next.header(header::SET_COOKIE).split(';').next().unwrap().to_owned();
    let out = house.post_with(TENANT, "sign-out", json!({}), Some(&pair)).await;
    assert!(out.header(header::SET_COOKIE).contains("Max-Age=0"));
    assert_eq!(house.post_with(TENANT, "refresh", json!({}), Some(&pair)).await.code(), "UNAUTHENTICATED");
    // A form of a foreign page cannot send what is asked for here.
    let form = actix_web::test::TestRequest::post().uri(&format!("/t/{TENANT}/auth/refresh"));
    let form = form.insert_header(("cookie", pair)).insert_header(("content-type", "text/plain")).set_payload("{}");
    assert_eq!(house.app.call(form).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[actix_web::test]
async fn whoever_has_an_account_may_close_it_and_nothing_of_it_is_left() {
    let house = House::new().await;
    let mut person = house.person("li@example.org", &[Role::Citizen]).await;
    let token = house.signed_in(&mut person).await.text("accessToken");
    assert!(house.does(&token, "renameAccount(name: \"李 明\")").await.is_empty());
    assert_eq!(house.does(&token, "closeAccount(password: \"wrong\")").await, ["INVALID_CREDENTIALS"]);
    assert!(house.does(&token, &format!("closeAccount(password: \"{PASSWORD}\")")).await.is_empty());
    assert_eq!(house.ask(&token, VIEWER).await.code(), "UNAUTHENTICATED");
    assert_eq!(house.sign_in(&person.email, PASSWORD, None).await.code(), "INVALID_CREDENTIALS");
    // The address is free again.
    house.person("li@example.org", &[Role::Citizen]).await;
}
