//! Who asks, and of which tenant: from path or host name, cookie, and token.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use sunlit_app::query::tenant_find;
use sunlit_app::{AppError, Reading};
use sunlit_domain::{Actor, Locale, Scope};
use sunlit_schema::TraceId;
use sunlit_storage::platform::tenant::Tenant;
use tracing_actix_web::RequestId;

use super::failure::{Failure, Form};
use super::preferences::Chosen;
use crate::state::State;

/// A request to one tenant.
pub(super) struct Visitor {
    pub(super) state: web::Data<State>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) scope: Scope,
    pub(super) chosen: Chosen,
    /// `/t/<slug>`, or nothing on the tenant's own host name.
    pub(super) base: String,
    /// Path and query as asked for.
    pub(super) path: String,
    pub(super) trace: TraceId,
}

impl Visitor {
    pub(super) fn locale(&self) -> Locale {
        self.chosen.locale
    }

    pub(super) async fn reading(&self) -> Result<Reading, AppError> {
        let reading = Reading::begin(&self.state.app, self.scope.clone(), self.locale()).await?;
        Ok(reading.below(&self.base))
    }

    pub(super) fn failure(&self, error: AppError, form: Form) -> Failure {
        Failure::new(error, form, self.chosen, self.trace.clone()).at(&self.path).of(&self.tenant, &self.base)
    }
}

impl FromRequest for Visitor {
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Failure>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { visitor(&request).await })
    }
}

async fn visitor(request: &HttpRequest) -> Result<Visitor, Failure> {
    let chosen = Chosen::of(request);
    let trace = trace(request);
    let form = Form::of(request);
    let path = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    let fail = |error| Failure::new(error, form, chosen, trace.clone()).at(&path);
    let Some(state) = request.app_data::<web::Data<State>>().cloned() else { return Err(fail(AppError::NotFound)) };
    let (tenant, base) = tenant(&state, request).await.map_err(&fail)?;
    let actor = actor(&state, request, &tenant).map_err(|error| fail(error).of(&tenant, &base))?;
    tracing::Span::current().record("tenant.id", tracing::field::display(tenant.id));
    let scope = state.authority.scope(tenant.id, actor);
    Ok(Visitor { state, tenant, scope, chosen, base, path, trace })
}

/// The tenant that the address is for, with what comes before its paths.
pub(super) async fn tenant(state: &State, request: &HttpRequest) -> Result<(Arc<Tenant>, String), AppError> {
    // A path that no route knows has no match, but still stands below its tenant's address.
    let below = request.path().strip_prefix("/t/").and_then(|rest| rest.split('/').next());
    if let Some(slug) = request.match_info().get("tenant").or(below) {
        let tenant = tenant_find::by_slug(&state.app, slug).await?;
        return Ok((tenant, format!("/t/{slug}")));
    }
    let host = host(request).ok_or(AppError::NotFound)?;
    Ok((tenant_find::by_host(&state.app, &host).await?, String::new()))
}

/// The host name that was asked for: the request's own, never a forwarded one, without port and final point.
pub(super) fn host(request: &HttpRequest) -> Option<String> {
    let host =
        request.headers().get(header::HOST).and_then(|host| host.to_str().ok()).or_else(|| request.uri().host())?;
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    Some(name.trim_end_matches('.').to_ascii_lowercase())
}

/// The anonymous actor without a token; with a token the one it speaks for, or a refusal: never a silent fall-back.
fn actor(state: &State, request: &HttpRequest, tenant: &Tenant) -> Result<Actor, AppError> {
    let Some(header) = request.headers().get(header::AUTHORIZATION) else { return Ok(Actor::anonymous()) };
    let token = header.to_str().ok().and_then(|value| value.strip_prefix("Bearer "));
    let checked = token.map(|token| state.tokens.check(token.trim(), tenant.id));
    match checked {
        Some(Ok(actor)) => Ok(actor),
        Some(Err(error)) => {
            tracing::info!(%error, "a token was refused");
            Err(AppError::Unauthenticated)
        }
        None => Err(AppError::Unauthenticated),
    }
}

pub(super) fn trace(request: &HttpRequest) -> TraceId {
    TraceId(request.extensions().get::<RequestId>().map_or_else(String::new, ToString::to_string))
}
