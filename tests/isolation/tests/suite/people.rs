//! Somebody of a tenant who signs in, and what leads to them.

use actix_web::test::TestRequest;
use serde_json::json;
use sunlit_app::Environment as _;
use sunlit_app::SystemEnvironment;
use sunlit_app::command::account::invite::{self, Invitation};
use sunlit_app::command::account::redeem;
use sunlit_app::command::api_key::create::{self, NewKey};
use sunlit_app::command::session::sign_in::{self, Shown};
use sunlit_app::command::session::{Attempted, Client};
use sunlit_domain::Role;
use sunlit_domain::id::TenantId;
use sunlit_domain::identity::key_scope::KeyScope;
use sunlit_test_support::TestApp;

use crate::kit::{Kit, Side};
use crate::routes::Trial;

pub(crate) const PASSWORD: &str = "Green-River-7";

/// Somebody, and somebody else who is only invited.
#[derive(Default)]
pub(crate) struct People {
    pub(crate) email: String,
    pub(crate) account: String,
    pub(crate) session: String,
    pub(crate) key: String,
    pub(crate) refresh_token: String,
    pub(crate) tickets: [String; 2],
}

impl People {
    pub(crate) async fn of(app: &TestApp, tenant: TenantId, canary: &str) -> Self {
        let (security, scope) = (app.scope_of(tenant, Role::SecurityAdministrator), app.scope(tenant));
        let authority = &app.state().authority;
        let invite = async |number: usize| {
            let email = format!("{canary}-{number}@example.org");
            let new = Invitation { email, name: format!("{canary} {number}"), roles: vec![Role::Editor] };
            invite::run(app.app(), &security, &new).await.unwrap()
        };
        let (first, second, third) = (invite(1).await, invite(2).await, invite(3).await);
        let taken = redeem::run(app.app(), authority, &scope, (&first.ticket, PASSWORD)).await.unwrap();
        let shown = Shown { email: &taken.email, password: PASSWORD, code: None };
        let client = Client { agent: canary, address: "127.0.0.1" };
        let issuer = sunlit_domain::LocalText { zh: canary.to_owned(), en: None };
        let tried = sign_in::run(app.app(), authority, &scope, &issuer, (shown, client)).await.unwrap();
        let Attempted::SignedIn(opened) = tried else { panic!("{tried:?}") };
        let expires_at = SystemEnvironment.now().plus(std::time::Duration::from_secs(3_600));
        let new = NewKey { name: canary.to_owned(), roles: vec![Role::Editor], scope: KeyScope::default(), expires_at };
        let (key, _) = create::run(app.app(), &security, &new).await.unwrap();
        Self {
            email: taken.email,
            account: taken.account.to_string(),
            session: opened.id.to_string(),
            key: key.to_string(),
            refresh_token: opened.refresh_token,
            tickets: [second.ticket, third.ticket],
        }
    }
}

/// What is tried on the routes below `/auth`; nothing for a route that is not known here.
pub(crate) fn trials(kit: &Kit, path: &str, method: &str) -> Vec<Trial> {
    use actix_web::http::StatusCode;
    let Kit { own: Side { slug, people: own, .. }, other: Side { people: other, .. }, .. } = kit;
    let at = format!("/t/{slug}{path}");
    let get = |query: &str| TestRequest::get().uri(&format!("{at}{query}"));
    let post = |body| TestRequest::post().uri(&at).set_json(body);
    let cookie = ("cookie", format!("sunlit_refresh={}", other.refresh_token));
    let names = |make: Box<dyn Fn(&str) -> TestRequest>, own: &str, theirs: &str| Trial::Names {
        make,
        own: own.to_owned(),
        theirs: theirs.to_owned(),
    };
    let posting = |body: fn(&str) -> serde_json::Value| -> Box<dyn Fn(&str) -> TestRequest> {
        let at = at.clone();
        Box::new(move |given| TestRequest::post().uri(&at).set_json(body(given)))
    };
    match (path, method) {
        ("/auth", "GET") => vec![Trial::Open(get(""), StatusCode::OK)],
        ("/auth/sign-in" | "/auth/reset", "GET") => vec![Trial::Open(get(""), StatusCode::OK)],
        ("/auth/sign-in", "POST") => {
            let body = |email: &str| json!({ "email": email, "password": PASSWORD, "cookie": true });
            vec![names(posting(body), &own.email, &other.email)]
        }
        ("/auth/reset", "POST") => vec![Trial::Open(post(json!({ "email": other.email })), StatusCode::OK)],
        ("/auth/redeem", "POST") => {
            let body = |ticket: &str| json!({ "ticket": ticket, "password": PASSWORD });
            vec![names(posting(body), &own.tickets[0], &other.tickets[0])]
        }
        ("/auth/ticket", "GET") => {
            let at = at.clone();
            let look = move |ticket: &str| TestRequest::get().uri(&format!("{at}?t={ticket}"));
            vec![names(Box::new(look), &own.tickets[1], &other.tickets[1])]
        }
        ("/auth/refresh", "POST") => {
            let theirs = TestRequest::post().uri(&at).set_json(json!({})).insert_header(cookie);
            let body = |token: &str| json!({ "refreshToken": token });
            vec![
                Trial::Open(theirs, StatusCode::UNAUTHORIZED),
                names(posting(body), &own.refresh_token, &other.refresh_token),
            ]
        }
        ("/auth/sign-out", "POST") => {
            vec![Trial::Open(post(json!({ "refreshToken": other.refresh_token })), StatusCode::OK)]
        }
        ("/auth/account", "GET") => {
            vec![Trial::Open(get("").insert_header(cookie), StatusCode::SEE_OTHER)]
        }
        ("/auth/second-factor", "GET") => {
            vec![Trial::Open(get(&format!("?t={}", other.tickets[1])), StatusCode::NOT_FOUND)]
        }
        ("/auth/second-factor", "POST") => {
            let body = json!({ "ticket": other.tickets[1], "code": "000000" });
            vec![Trial::Open(post(body), StatusCode::NOT_FOUND)]
        }
        ("/auth/oidc", "GET") => vec![Trial::Open(get(""), StatusCode::NOT_FOUND)],
        ("/auth/oidc/callback", "GET") => vec![Trial::Open(get("?state=a&code=b"), StatusCode::NOT_FOUND)],
        _ => Vec::new(),
    }
}
