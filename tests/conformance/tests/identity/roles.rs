//! Who gives roles, and which nobody has together.

use serde_json::json;
use sunlit_app::command::account::invite::{self, Invitation};
use sunlit_app::{AppError, Environment as _, SystemEnvironment};
use sunlit_domain::Role;
use sunlit_domain::identity::duty::{Duty, conflict};
use sunlit_storage::StorageError;
use sunlit_storage::tenant::identity::role;

use crate::kit::House;

const DUTIES: [Role; 3] = [Role::Administrator, Role::SecurityAdministrator, Role::Auditor];

#[actix_web::test]
async fn no_account_holds_two_separated_duties_by_whatever_way() {
    let house = House::new().await;
    let app = house.app.app();
    for (index, one) in DUTIES.into_iter().enumerate() {
        let email = format!("p{index}@example.org");
        let invite = |roles: Vec<Role>| Invitation { email: email.clone(), name: "王芳".to_owned(), roles };
        for other in DUTIES.into_iter().filter(|other| *other != one) {
            let refused = invite::run(app, &house.security(), &invite(vec![one, Role::Editor, other])).await;
            assert!(matches!(refused, Err(AppError::SeparatedDuties(..))), "{one:?} {other:?}");
        }
        let made = invite::run(app, &house.security(), &invite(vec![one, Role::Editor])).await.unwrap();
        for other in DUTIES.into_iter().filter(|other| *other != one) {
            let granted = sunlit_app::command::account::grant::run(app, &house.security(), made.account, other).await;
            assert!(matches!(granted, Err(AppError::SeparatedDuties(..))), "{one:?} {other:?}");
            // The database says so too, whoever asks it.
            let scope = house.security();
            let work = app.stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
            let written = role::grant(&scope, &work, (made.account, other), SystemEnvironment.now()).await;
            assert!(matches!(written, Err(StorageError::NotUnique { .. })), "{one:?} {other:?}: {written:?}");
        }
        let scope = house.security();
        let session = app.stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        let held = role::of(&scope, &session, made.account).await.unwrap();
        assert!(conflict(&held).is_none() && held.iter().filter(|role| Duty::of(**role).is_some()).count() == 1);
    }
}

#[actix_web::test]
async fn a_role_that_is_taken_is_gone_from_every_token_at_once() {
    let house = House::new().await;
    let mut guard = house.person("an@example.org", &[Role::SecurityAdministrator]).await;
    let mut editor = house.person("li@example.org", &[Role::Editor]).await;
    let (guard_token, token) =
        (house.signed_in(&mut guard).await.text("accessToken"), house.signed_in(&mut editor).await.text("accessToken"));
    let create = "probeCreateItem(input: { name: \"甲\" })";
    assert!(house.does(&token, create).await.is_empty());
    let role = |verb: &str, role: &str| format!("{verb}Role(account: \"{}\", role: {role})", editor.id);
    assert!(house.does(&guard_token, &role("revoke", "EDITOR")).await.is_empty());
    assert_eq!(house.does(&token, create).await, ["DENIED"]);
    // One that is given comes with the next token, and gives no more than it says.
    assert!(house.does(&guard_token, &role("grant", "EDITOR")).await.is_empty());
    assert_eq!(house.does(&guard_token, &role("grant", "EDITOR")).await, Vec::<String>::new());
    assert!(house.does(&house.signed_in(&mut editor).await.text("accessToken"), create).await.is_empty());
    // Disabled, nothing of it is good.
    assert!(house.does(&guard_token, &format!("disableAccount(account: \"{}\")", editor.id)).await.is_empty());
    assert_eq!(house.does(&token, create).await, ["UNAUTHENTICATED"]);
    assert_eq!(house.sign_in(&editor.email, crate::kit::PASSWORD, None).await.code(), "INVALID_CREDENTIALS");
    assert!(house.does(&guard_token, &format!("enableAccount(account: \"{}\")", editor.id)).await.is_empty());
    house.signed_in(&mut editor).await;
}

#[actix_web::test]
async fn only_security_administrators_name_people_and_never_themselves() {
    let house = House::new().await;
    let mut guard = house.person("an@example.org", &[Role::SecurityAdministrator]).await;
    let mut runner = house.person("xi@example.org", &[Role::Administrator]).await;
    let token = house.signed_in(&mut guard).await.text("accessToken");
    let foreign = house.signed_in(&mut runner).await.text("accessToken");
    let own = |verb: &str| format!("{verb}Account(account: \"{}\")", guard.id);
    assert_eq!(house.does(&token, &own("disable")).await, ["DENIED"]);
    assert_eq!(house.does(&token, &format!("grantRole(account: \"{}\", role: EDITOR)", guard.id)).await, ["DENIED"]);
    assert_eq!(house.does(&token, &format!("removeAuthenticator(account: \"{}\")", guard.id)).await, ["DENIED"]);
    // The last one stays.
    let revoke = format!("revokeRole(account: \"{}\", role: SECURITY_ADMINISTRATOR)", guard.id);
    assert_eq!(house.does(&token, &revoke).await, ["INVALID_INPUT"]);
    assert_eq!(
        house.does(&token, &format!("closeAccount(password: \"{}\")", crate::kit::PASSWORD)).await,
        ["INVALID_INPUT"]
    );
    let invite = "inviteAccount(input: { email: \"q@example.org\", name: \"赵\", roles: [EDITOR] })";
    assert_eq!(house.does(&foreign, invite).await, ["DENIED"]);
    let query = format!("{{ accounts {{ nodes {{ id }} }} account(id: \"{}\") {{ id }} }}", guard.id);
    let shown = house.ask(&foreign, &query).await;
    assert_eq!((&shown.body["data"]["accounts"], &shown.body["data"]["account"]), (&json!(null), &json!(null)));
    assert!(house.does(&token, invite).await.is_empty());
    assert_eq!(house.does(&token, invite).await, ["NOT_UNIQUE"]);
    let all = house.ask(&token, "{ accounts(first: 2) { nodes { email } pageInfo { hasNextPage endCursor } } }").await;
    let page = &all.data()["accounts"];
    assert_eq!(
        (&page["nodes"][0]["email"], &page["pageInfo"]["hasNextPage"]),
        (&json!("an@example.org"), &json!(true))
    );
    let rest = format!(
        "{{ accounts(after: \"{}\") {{ nodes {{ email state }} }} }}",
        page["pageInfo"]["endCursor"].as_str().unwrap()
    );
    let rest = house.ask(&token, &rest).await;
    assert_eq!(rest.data()["accounts"]["nodes"], json!([{ "email": "q@example.org", "state": "invited" }]));
}
