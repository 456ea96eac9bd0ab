//! People who sign in over the real routes.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::Environment as _;
use sunlit_app::SystemEnvironment;
use sunlit_app::command::account::invite::{self, Invitation};
use sunlit_domain::id::{ActorId, TenantId};
use sunlit_domain::{Role, Scope};
use sunlit_test_support::{Answer, TestApp};
use totp_rs::{Builder, Secret};

pub(crate) const TENANT: &str = "900001";
pub(crate) const OTHER: &str = "900002";
pub(crate) const PASSWORD: &str = "碧水长天-2026x";

/// What the routes answered.
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Json,
}

impl Told {
    pub(crate) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.body)).to_owned()
    }

    pub(crate) fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).unwrap().to_str().unwrap()
    }

    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// Two tenants and whoever signs in to them.
pub(crate) struct House {
    pub(crate) app: TestApp,
    pub(crate) tenant: TenantId,
}

/// An account that was taken.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) id: ActorId,
    pub(crate) email: String,
    /// The secret of the authenticator, once there is one.
    pub(crate) secret: Option<String>,
}

impl House {
    pub(crate) async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.probe_tenant(TENANT).await;
        app.probe_tenant(OTHER).await;
        Self { app, tenant }
    }

    /// The scope of whoever names people.
    pub(crate) fn security(&self) -> Scope {
        self.app.scope_of(self.tenant, Role::SecurityAdministrator)
    }

    pub(crate) async fn post(&self, slug: &str, path: &str, body: Json) -> Told {
        self.post_with(slug, path, body, None).await
    }

    pub(crate) async fn post_with(&self, slug: &str, path: &str, body: Json, cookie: Option<&str>) -> Told {
        let mut request = TestRequest::post().uri(&format!("/t/{slug}/auth/{path}")).set_json(body);
        if let Some(cookie) = cookie {
            request = request.insert_header(("cookie", cookie));
        }
        let (status, headers, body) = self.app.call(request).await;
        Told { status, headers, body: serde_json::from_slice(&body).unwrap_or(Json::Null) }
    }

    /// Somebody who was invited, and has taken the account.
    pub(crate) async fn person(&self, email: &str, roles: &[Role]) -> Person {
        let new = Invitation { email: email.to_owned(), name: "李明".to_owned(), roles: roles.to_vec() };
        let invited = invite::run(self.app.app(), &self.security(), &new).await.unwrap();
        let told = self.post(TENANT, "redeem", json!({ "ticket": invited.ticket, "password": PASSWORD })).await;
        assert_eq!((told.status, told.text("email")), (StatusCode::OK, email.to_lowercase()), "{}", told.body);
        Person { id: invited.account, email: email.to_owned(), secret: None }
    }

    /// Signs in with what is shown.
    pub(crate) async fn sign_in(&self, email: &str, password: &str, code: Option<&str>) -> Told {
        let mut body = json!({ "email": email, "password": password });
        if let Some(code) = code {
            body["code"] = json!(code);
        }
        self.post(TENANT, "sign-in", body).await
    }

    /// Signs in as whoever it is, with an authenticator where one is needed; answers the tokens.
    pub(crate) async fn signed_in(&self, person: &mut Person) -> Told {
        let told = self.sign_in(&person.email, PASSWORD, None).await;
        let told = if told.body["enrol"].is_object() {
            person.secret = told.body["enrol"]["secret"].as_str().map(ToOwned::to_owned);
            self.sign_in(&person.email, PASSWORD, Some(&self.code(person, 0))).await
        } else {
            told
        };
        assert_eq!(told.status, StatusCode::OK, "{}", told.body);
        told
    }

    /// What the authenticator shows so many steps from now.
    pub(crate) fn code(&self, person: &Person, steps: i64) -> String {
        let secret = Secret::try_from_base32(person.secret.as_deref().unwrap()).unwrap();
        let seconds = SystemEnvironment.now().micros() / 1_000_000 + 30 * steps;
        let totp = Builder::new().with_secret(secret).build().unwrap();
        totp.generate(u64::try_from(seconds).unwrap()).to_string()
    }

    pub(crate) async fn ask(&self, token: &str, query: &str) -> Answer {
        self.app.graphql(TENANT, Some(token), query, json!({})).await
    }

    /// What a mutation answered: its errors' codes, or none.
    pub(crate) async fn does(&self, token: &str, mutation: &str) -> Vec<String> {
        let answer = self.ask(token, &format!("mutation {{ it: {mutation} {{ errors {{ code message }} }} }}")).await;
        let errors = answer.body["data"]["it"]["errors"].as_array().cloned();
        let errors = errors.unwrap_or_else(|| vec![json!({ "code": answer.code() })]);
        errors.iter().map(|error| error["code"].as_str().unwrap_or_default().to_owned()).collect()
    }
}
