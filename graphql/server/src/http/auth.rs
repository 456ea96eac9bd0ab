//! Signing in and out by programs: JSON in, JSON out, below `/auth`; by people: `auth/pages.rs`. Nothing here is cached, and nothing that is asked changes
//! anything by GET.
//!
//! A session is an access token of a quarter of an hour and a refresh token that is good once. The API takes the access token in the
//! `Authorization` header, and nothing else from a browser for a right (`cors.rs`). A page may have its refresh token kept in a cookie
//! that no script reads, that only `/auth` is sent, and no foreign page can have sent (`SameSite=Strict`); what is asked with it is JSON,
//! which a foreign page cannot send without a preflight.

mod oidc;
mod pages;

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use sunlit_app::AppError;
use sunlit_app::command::account::{redeem, request_reset};
use sunlit_app::command::session::{Attempted, Client, Opened, refresh, sign_in, sign_in_external, sign_out};
use sunlit_app::query::provider_find;

use super::failure::Form;
use super::form;
use super::visitor::Visitor;
use super::{address, body};
use crate::token::{ACCESS_MINUTES, Subject};

pub(super) use oidc::{begin as oidc_begin, callback as oidc_callback};
pub(super) use pages::{account_page, reset_page, second_factor_page, sign_in_page, ticket_page};

/// Bytes of a body.
const MAX_BODY: usize = 8 * 1024;
/// The cookie of a page's refresh token.
const REFRESH_COOKIE: &str = "sunlit_refresh";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    email: String,
    password: String,
    code: Option<String>,
    /// Whether the refresh token goes into a cookie, for pages.
    #[serde(default)]
    cookie: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SecondFactor {
    ticket: String,
    code: Option<String>,
    #[serde(default)]
    cookie: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Refresh {
    /// None where it is in the cookie.
    refresh_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reset {
    email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Redeem {
    ticket: String,
    password: String,
}

/// Signs in with address and password, and a code where one is needed.
pub(super) async fn sign_in(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    if form::is_form(&request) {
        return pages::sign_in(visitor, request, body).await;
    }
    let done = async {
        let asked: SignIn = read(&request, body).await?;
        let (agent, address) = client(&visitor, &request);
        let shown = sign_in::Shown { email: &asked.email, password: &asked.password, code: asked.code.as_deref() };
        let client = Client { agent: &agent, address: &address };
        let (app, authority) = (&visitor.state.app, &*visitor.state.authority);
        let issuer = &visitor.tenant.short_name;
        let attempted = sign_in::run(app, authority, &visitor.scope, issuer, (shown, client)).await?;
        attempt(&visitor, attempted, asked.cookie)
    };
    done.await.unwrap_or_else(|error| refusal(&visitor, error))
}

/// Signs in with the code that was still missing after a provider has vouched.
pub(super) async fn second_factor(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    if form::is_form(&request) {
        return pages::second_factor(visitor, request, body).await;
    }
    let done = async {
        let asked: SecondFactor = read(&request, body).await?;
        let (agent, address) = client(&visitor, &request);
        let shown = (asked.ticket.as_str(), asked.code.as_deref());
        let client = Client { agent: &agent, address: &address };
        let (app, authority) = (&visitor.state.app, &*visitor.state.authority);
        let issuer = &visitor.tenant.short_name;
        let attempted = sign_in_external::second(app, authority, &visitor.scope, issuer, (shown, client)).await?;
        attempt(&visitor, attempted, asked.cookie)
    };
    done.await.unwrap_or_else(|error| refusal(&visitor, error))
}

/// Spends a refresh token for the next one and an access token.
pub(super) async fn refresh(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let done = async {
        let asked: Refresh = read(&request, body).await?;
        let (app, authority) = (&visitor.state.app, &*visitor.state.authority);
        let cookie = request.cookie(REFRESH_COOKIE);
        let kept = cookie.as_ref().map(Cookie::value);
        let shown = asked.refresh_token.as_deref().or(kept).ok_or(AppError::Unauthenticated)?;
        let opened = refresh::run(app, authority, &visitor.scope, shown).await?;
        session(&visitor, &opened, asked.refresh_token.is_none())
    };
    done.await.unwrap_or_else(|error| refusal(&visitor, error))
}

/// Ends the session of a refresh token.
pub(super) async fn sign_out(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    if form::is_form(&request) {
        return pages::leave(visitor, request, body).await;
    }
    let done = async {
        let asked: Refresh = read(&request, body).await?;
        let (app, authority) = (&visitor.state.app, &*visitor.state.authority);
        let cookie = request.cookie(REFRESH_COOKIE);
        let kept = cookie.as_ref().map(Cookie::value);
        if let Some(shown) = asked.refresh_token.as_deref().or(kept) {
            sign_out::run(app, authority, &visitor.scope, shown).await?;
        }
        Ok(plain().cookie(refresh_cookie(&visitor, None)).json(json!({})))
    };
    done.await.unwrap_or_else(|error| refusal(&visitor, error))
}

/// Mails the way to another password, if there is an account. The answer is the same, and comes at once, if there is none.
pub(super) async fn reset(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    if form::is_form(&request) {
        return pages::reset(visitor, request, body).await;
    }
    let asked: Result<Reset, AppError> = read(&request, body).await;
    let done = asked.map(|asked| {
        mail_reset(&visitor, asked.email);
        json!({})
    });
    answer(&visitor, done)
}

/// Mails it behind the answer, which therefore comes as fast where there is no account.
fn mail_reset(visitor: &Visitor, email: String) {
    let (app, scope) = (visitor.state.app.clone(), visitor.scope.clone());
    actix_web::rt::spawn(async move {
        if let Err(error) = request_reset::run(&app, &scope, &email).await {
            tracing::error!(tenant.id = %scope.tenant(), %error, "a password reset could not be mailed");
        }
    });
}

/// Takes an invitation or a reset: its holder chooses a password.
pub(super) async fn redeem(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    if form::is_form(&request) {
        return pages::redeem(visitor, request, body).await;
    }
    let done = async {
        let asked: Redeem = read(&request, body).await?;
        let (app, authority) = (&visitor.state.app, &*visitor.state.authority);
        let holder = redeem::run(app, authority, &visitor.scope, (&asked.ticket, &asked.password)).await?;
        Ok(json!({ "email": holder.email, "name": holder.name }))
    };
    answer(&visitor, done.await)
}

/// The ways in which people may sign in.
pub(super) async fn ways(visitor: Visitor) -> HttpResponse {
    let done = async {
        let title = provider_find::title(&visitor.state.app, &visitor.scope).await?;
        let begin = format!("{}/auth/oidc", visitor.base);
        Ok(json!({ "password": true, "provider": title.map(|title| json!({ "title": title, "begin": begin })) }))
    };
    answer(&visitor, done.await)
}

/// The keys that sign access tokens, for whoever checks them elsewhere (RFC 7517).
pub(super) async fn jwks(state: web::Data<crate::state::State>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "public, max-age=300"))
        .content_type("application/jwk-set+json")
        .body(state.tokens.jwks().to_string())
}

/// What is answered to an attempt that was not wrong.
fn attempt(visitor: &Visitor, attempted: Attempted, in_cookie: bool) -> Result<HttpResponse, AppError> {
    match attempted {
        Attempted::SignedIn(opened) => session(visitor, &opened, in_cookie),
        Attempted::MustEnrol(given) => {
            Ok(plain().json(json!({ "enrol": { "secret": given.secret, "url": given.url } })))
        }
    }
}

/// The tokens of a session.
fn session(visitor: &Visitor, opened: &Opened, in_cookie: bool) -> Result<HttpResponse, AppError> {
    let now = visitor.state.app.environment.now();
    let left = opened.until.micros().saturating_sub(now.micros()) / 60_000_000;
    let minutes = ACCESS_MINUTES.min(left.max(1));
    let subject = Subject { actor: opened.account, roles: opened.roles.clone(), session: Some(opened.id) };
    let token = visitor.state.tokens.mint(visitor.tenant.id, subject, (now, minutes));
    let token = token.map_err(|error| AppError::Unsound(error.to_string()))?;
    let mut answer = json!({
        "accessToken": token,
        "tokenType": "Bearer",
        "expiresIn": minutes * 60,
        "sessionExpiresAt": opened.until.to_string(),
        "account": {
            "id": opened.account,
            "name": opened.name,
            "roles": opened.roles.iter().map(|role| role.name()).collect::<Vec<_>>(),
        },
    });
    let mut response = plain();
    if in_cookie {
        response.cookie(refresh_cookie(visitor, Some(opened)));
    } else {
        answer["refreshToken"] = json!(opened.refresh_token);
    }
    Ok(response.json(answer))
}

/// The cookie with a session's refresh token, or one that takes it away.
fn refresh_cookie(visitor: &Visitor, opened: Option<&Opened>) -> Cookie<'static> {
    let now = visitor.state.app.environment.now().micros();
    let left = opened.map_or(0, |opened| opened.until.micros().saturating_sub(now) / 1_000_000);
    let token = opened.map_or_else(String::new, |opened| opened.refresh_token.clone());
    Cookie::build(REFRESH_COOKIE, token)
        .path(format!("{}/auth", visitor.base))
        .same_site(SameSite::Strict)
        .http_only(true)
        .secure(visitor.state.is_secure())
        .max_age(Duration::seconds(left))
        .finish()
}

fn plain() -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

/// A body of JSON. Nothing else is taken, so that no form of a foreign page can send it.
async fn read<T: DeserializeOwned>(request: &HttpRequest, body: web::Payload) -> Result<T, AppError> {
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = sent.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/json") {
        return Err(AppError::Unsupported("send application/json".to_owned()));
    }
    let bytes = body::whole(body, "auth", MAX_BODY).await?;
    // What was sent is not repeated: it may hold a password.
    serde_json::from_slice(&bytes).map_err(|error| {
        AppError::Argument(format!(
            "the body is not what is asked for (line {}, column {})",
            error.line(),
            error.column()
        ))
    })
}

/// What the browser says it is, and where it is.
fn client(visitor: &Visitor, request: &HttpRequest) -> (String, String) {
    let agent = request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    (agent.to_owned(), address::of(request, &visitor.state.trusted_proxies).to_string())
}

fn answer(visitor: &Visitor, done: Result<Json, AppError>) -> HttpResponse {
    match done {
        Ok(json) => plain().json(json),
        Err(error) => refusal(visitor, error),
    }
}

fn refusal(visitor: &Visitor, error: AppError) -> HttpResponse {
    let wait = match &error {
        AppError::Locked(until) => {
            let left = until.micros().saturating_sub(visitor.state.app.environment.now().micros());
            Some((left / 1_000_000).max(1))
        }
        _ => None,
    };
    let mut response = visitor.failure(error, Form::Problem).answer(&visitor.state);
    if let Some(seconds) = wait {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from(seconds));
    }
    response
}
