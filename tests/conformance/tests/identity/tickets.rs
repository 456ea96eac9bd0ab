//! Links in mails: invitations and other passwords.

use actix_web::http::StatusCode;
use serde_json::json;
use sunlit_app::command::account::invite::{self, Invitation};
use sunlit_app::command::account::request_reset;
use sunlit_domain::Role;
use sunlit_storage::tenant::outbox;

use crate::kit::{House, OTHER, PASSWORD, TENANT};

#[actix_web::test]
async fn a_ticket_is_good_once_and_at_its_own_tenant() {
    let house = House::new().await;
    let new = Invitation { email: "li@example.org".to_owned(), name: "李明".to_owned(), roles: vec![Role::Editor] };
    let invited = invite::run(house.app.app(), &house.security(), &new).await.unwrap();
    let redeem = |slug: &'static str, ticket: String, password: &'static str| {
        house.post(slug, "redeem", json!({ "ticket": ticket, "password": password }))
    };
    // Before it is taken nobody signs in, with whatever password.
    assert_eq!(house.sign_in("li@example.org", "", None).await.code(), "INVALID_CREDENTIALS");
    assert_eq!(redeem(OTHER, invited.ticket.clone(), PASSWORD).await.code(), "NOT_FOUND");
    let weak = redeem(TENANT, invited.ticket.clone(), "李明-2026-Abcdef").await;
    assert_eq!((weak.status, weak.code()), (StatusCode::BAD_REQUEST, "INVALID_INPUT"), "{}", weak.body);
    assert_eq!(redeem(TENANT, invited.ticket.clone(), PASSWORD).await.status, StatusCode::OK);
    assert_eq!(redeem(TENANT, invited.ticket.clone(), PASSWORD).await.code(), "NOT_FOUND");
    for forged in ["", "x", "a.b", &invited.ticket[1..], &format!("{}0", invited.ticket)] {
        assert_eq!(redeem(TENANT, forged.to_owned(), PASSWORD).await.code(), "NOT_FOUND", "{forged}");
    }
    let twice = invite::run(house.app.app(), &house.security(), &new).await.unwrap_err();
    assert!(matches!(twice, sunlit_app::AppError::Taken), "{twice}");
}

#[actix_web::test]
async fn a_reset_is_mailed_to_whoever_has_an_account_and_told_to_nobody() {
    let house = House::new().await;
    let person = house.person("li@example.org", &[Role::Editor]).await;
    let scope = house.app.scope(house.tenant);
    let mails = async || {
        let session = house.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        let waiting = outbox::waiting(&scope, &session, "mail").await.unwrap();
        waiting.into_iter().map(|job| job.payload.unwrap_or_default()).collect::<Vec<_>>()
    };
    let before = mails().await.len();
    for address in [person.email.as_str(), "nobody@example.org", "no address"] {
        let told = house.post(TENANT, "reset", json!({ "email": address })).await;
        assert_eq!((told.status, &told.body), (StatusCode::OK, &json!({})), "{address}");
    }
    // What the route does behind its answer.
    for address in [person.email.as_str(), person.email.as_str(), "nobody@example.org"] {
        request_reset::run(house.app.app(), &scope, address).await.unwrap();
    }
    let waiting = mails().await;
    assert_eq!(waiting.len(), before + 1, "{waiting:?}");
    // The job names the ticket; what opens it stands nowhere.
    assert!(waiting.iter().all(|payload| !payload.contains('.')), "{waiting:?}");
}
