//! Log-in through the tenant's provider of identities: there by [`begin`], and back to [`callback`].
//!
//! What has to be remembered meanwhile is sealed into a cookie of ten minutes, bound to the tenant, so that nobody can come back with
//! an answer that they did not ask for. Whoever comes back gets the refresh token as a cookie that only `/auth` is sent.

use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use sunlit_app::AppError;
use sunlit_app::command::session::Client;
use sunlit_app::command::session::sign_in_external::{self, VouchedFor};
use sunlit_app::query::provider_find;

use super::{client, refresh_cookie};
use crate::http::failure::Form;
use crate::http::visitor::Visitor;
use crate::oidc::Pending;

const COOKIE: &str = "sunlit_oidc";
/// How long somebody may be at the provider.
const MINUTES: i64 = 10;

/// What the provider sends back.
#[derive(Deserialize)]
pub(in crate::http) struct Answer {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    pending: Pending,
    until_micros: i64,
}

/// Leads to the provider.
pub(in crate::http) async fn begin(visitor: Visitor) -> HttpResponse {
    match start(&visitor).await {
        Ok((address, cookie)) => HttpResponse::SeeOther()
            .cookie(cookie)
            .insert_header((header::LOCATION, address))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish(),
        Err(error) => visitor.failure(error, Form::Page).answer(&visitor.state),
    }
}

async fn start(visitor: &Visitor) -> Result<(String, Cookie<'static>), AppError> {
    let state = &visitor.state;
    let provider = provider_find::opened(&state.app, &visitor.scope).await?;
    let begun = state.providers.begin(&provider, &redirect(visitor)).await;
    let (address, pending) = begun.map_err(|error| refused(visitor, &error))?;
    let until_micros = state.app.environment.now().micros() + MINUTES * 60_000_000;
    let kept = serde_json::to_vec(&Kept { pending, until_micros }).map_err(|_| AppError::Unauthenticated)?;
    let sealed = state.app.vault.seal_platform(&context(visitor), &kept)?;
    Ok((address, cookie(visitor, sealed, MINUTES)))
}

/// Takes whoever comes back.
pub(in crate::http) async fn callback(
    visitor: Visitor,
    request: HttpRequest,
    answer: web::Query<Answer>,
) -> HttpResponse {
    let response = match finish(&visitor, &request, answer.into_inner()).await {
        Ok(VouchedFor::SignedIn(opened)) => {
            let mut response = leads_to(format!("{}/auth/account", visitor.base));
            response.cookie(refresh_cookie(&visitor, Some(&opened)));
            response
        }
        Ok(VouchedFor::NeedsCode(ticket)) => leads_to(format!("{}/auth/second-factor?t={ticket}", visitor.base)),
        Err(error) => {
            let mut failed = visitor.failure(error, Form::Page).answer(&visitor.state);
            let _ = failed.add_removal_cookie(&cookie(&visitor, String::new(), 0));
            return failed;
        }
    };
    let mut response = response;
    response.cookie(cookie(&visitor, String::new(), 0));
    response.finish()
}

fn leads_to(address: String) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((header::LOCATION, address)).insert_header((header::CACHE_CONTROL, "no-store"));
    response
}

async fn finish(visitor: &Visitor, request: &HttpRequest, answer: Answer) -> Result<VouchedFor, AppError> {
    let state = &visitor.state;
    let pending = kept(visitor, request)?;
    if !answer.state.as_deref().is_some_and(|given| pending.is_answered_by(given)) {
        return Err(AppError::SpentTicket);
    }
    if let Some(error) = answer.error {
        tracing::info!(tenant.id = %visitor.tenant.id, error, "the identity provider sent somebody back");
        return Err(AppError::Denied);
    }
    let code = answer.code.ok_or(AppError::SpentTicket)?;
    let provider = provider_find::opened(&state.app, &visitor.scope).await?;
    let vouched = state.providers.finish(&provider, &redirect(visitor), (pending, code)).await;
    let vouched = vouched.map_err(|error| refused(visitor, &error))?;
    let (agent, address) = client(visitor, request);
    let client = Client { agent: &agent, address: &address };
    sign_in_external::run(&state.app, &state.authority, &visitor.scope, (&vouched, client)).await
}

/// What was remembered; a cookie that is not ours, of another tenant or too old is none.
fn kept(visitor: &Visitor, request: &HttpRequest) -> Result<Pending, AppError> {
    let cookie = request.cookie(COOKIE).ok_or(AppError::SpentTicket)?;
    let opened = visitor.state.app.vault.open_platform(&context(visitor), cookie.value());
    let opened = opened.map_err(|_| AppError::SpentTicket)?;
    let kept: Kept = serde_json::from_slice(&opened).map_err(|_| AppError::SpentTicket)?;
    if kept.until_micros < visitor.state.app.environment.now().micros() {
        return Err(AppError::SpentTicket);
    }
    Ok(kept.pending)
}

/// What people are told: that it did not work. Why stands in the log.
fn refused(visitor: &Visitor, error: &crate::oidc::OidcError) -> AppError {
    tracing::warn!(tenant.id = %visitor.tenant.id, %error, "a log-in through the identity provider failed");
    match error {
        crate::oidc::OidcError::Unavailable(_) => {
            AppError::Overloaded("the identity provider does not answer: try again in a moment".to_owned())
        }
        crate::oidc::OidcError::NotBelieved(_) => AppError::Denied,
    }
}

/// Where the provider sends people back to: this is what has to be registered there.
fn redirect(visitor: &Visitor) -> String {
    format!("{}/auth/oidc/callback", visitor.state.app.address_of(&visitor.tenant))
}

fn context(visitor: &Visitor) -> String {
    format!("oidc/{}", visitor.tenant.id)
}

fn cookie(visitor: &Visitor, value: String, minutes: i64) -> Cookie<'static> {
    Cookie::build(COOKIE, value)
        .path(format!("{}/auth/oidc", visitor.base))
        // The way back begins at the provider's site.
        .same_site(SameSite::Lax)
        .http_only(true)
        .secure(visitor.state.is_secure())
        .max_age(Duration::minutes(minutes))
        .finish()
}
