//! Who asks, and of which tenant: from path or host name, cookie, and token.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::{Method, header};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use sunlit_app::query::tenant_find;
use sunlit_app::{AppError, Reading};
use sunlit_domain::plan::Quota;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Locale, Scope};
use sunlit_schema::{Allowance as _, Call, Carries, Limits, TenantSchema, TraceId};
use sunlit_storage::platform::tenant::Tenant;
use tokio::time::Instant;

use super::failure::{Failure, Form};
use super::preferences::Chosen;
use super::{address, credential};
use crate::fairness::{Caller, Purse, price};
use crate::state::State;
pub(super) use crate::telemetry::request::trace;

/// A request to one tenant.
#[derive(Clone)]
pub(super) struct Visitor {
    pub(super) state: web::Data<State>,
    pub(super) tenant: Arc<Tenant>,
    pub(super) scope: Scope,
    /// When the credential ends; none for the anonymous.
    pub(super) until: Option<Timestamp>,
    pub(super) chosen: Chosen,
    /// `/t/<slug>`, or nothing on the tenant's own host name.
    pub(super) base: String,
    /// Path and query as asked for.
    pub(super) path: String,
    pub(super) trace: TraceId,
    /// What it may still spend.
    pub(super) purse: Purse,
}

impl Visitor {
    pub(super) fn locale(&self) -> Locale {
        self.chosen.locale
    }

    pub(super) async fn reading(&self) -> Result<Reading, AppError> {
        let reading = Reading::begin(&self.state.app, self.scope.clone(), self.locale()).await?;
        Ok(reading.below(&self.base))
    }

    /// What the API needs to answer: the tenant's schema, and who asks for what.
    pub(super) async fn call(&self, carries: Carries) -> Result<(Arc<TenantSchema>, Call), AppError> {
        let reading = self.reading().await?;
        // A connection may be older than the tenant's state.
        serves(&*tenant_find::by_slug(&self.state.app, self.tenant.slug.as_str()).await?)?;
        self.within_quota()?;
        // A key that reaches some packages only has the schema of all: what it does not reach is not found.
        let schema = self.state.schema(&*self.state.app.context(&self.scope).await?).await?;
        let limits = if self.scope.actor().id().is_some() { Limits::SIGNED_IN } else { Limits::ANONYMOUS };
        let allowance = Arc::new(self.purse.clone());
        Ok((schema, Call { reading, limits, carries, trace: self.trace.clone(), allowance }))
    }

    /// Refuses programs, and visitors who have not signed in, once the requests of the month are used up. Whoever has signed in
    /// goes on working, and pages stay there for citizens.
    pub(super) fn within_quota(&self) -> Result<(), AppError> {
        if self.scope.actor().session().is_some() {
            return Ok(());
        }
        let app = &self.state.app;
        app.usage.admit(self.tenant.id, &app.plan_of(&self.tenant), Quota::Requests)
    }

    /// When the credential ends, on the clock of timers; none for the anonymous.
    pub(super) fn ends(&self) -> Option<Instant> {
        let left = self.until?.micros().saturating_sub(self.state.app.environment.now().micros());
        Some(Instant::now() + Duration::from_micros(u64::try_from(left).unwrap_or(0)))
    }

    /// Speaks for whom an `Authorization` value says from now on.
    pub(super) async fn sign_in(&mut self, authorization: &str) -> Result<(), AppError> {
        let checked = credential::check(&self.state, self.tenant.id, authorization).await?;
        if let Some(id) = checked.scope.actor().id() {
            self.purse = purse(&self.state, &self.tenant, Caller::Actor(id), checked.scope.actor());
        }
        self.scope = checked.scope;
        self.until = Some(checked.until);
        Ok(())
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
    tracing::Span::current().record("tenant.id", tracing::field::display(tenant.id));
    let scope = state.authority.scope(tenant.id, Actor::anonymous());
    let caller = Caller::at(address::of(request, &state.trusted_proxies));
    let purse = purse(&state, &tenant, caller, scope.actor());
    let mut visitor = Visitor { state, tenant, scope, until: None, chosen, base, path, trace, purse };
    let admitted = admit(&mut visitor, request, caller).await;
    admitted.map_err(|error| visitor.failure(error, form))?;
    Ok(visitor)
}

/// Takes up the credential, and charges whoever asks. A request without a body gets its place here, which it keeps until its answer
/// begins; one with a body would keep it for as long as the sender likes.
async fn admit(visitor: &mut Visitor, request: &HttpRequest, caller: Caller) -> Result<(), AppError> {
    serves(&visitor.tenant)?;
    let price = price::of(request);
    if request.method() == Method::POST && request.path().contains("/auth/") {
        visitor.state.fairness.attempt(Some(visitor.tenant.id), caller)?;
    }
    if let Some(header) = request.headers().get(header::AUTHORIZATION) {
        let signed_in = match header.to_str() {
            Ok(value) => visitor.sign_in(value).await,
            Err(_) => Err(AppError::Unauthenticated),
        };
        if let Err(error) = signed_in {
            // Whoever guesses is charged as the stranger that they are.
            visitor.purse.spend(price)?;
            return Err(error);
        }
    }
    visitor.purse.spend(price)?;
    // What is refused as too much uses nothing up.
    visitor.state.app.usage.request(visitor.tenant.id);
    let is_graphql = request.path().ends_with("/graphql");
    if !is_graphql && matches!(*request.method(), Method::GET | Method::HEAD) {
        let place = visitor.purse.place().await?;
        request.extensions_mut().insert(place);
    }
    Ok(())
}

/// What a caller may spend at a tenant: as its plan says.
fn purse(state: &State, tenant: &Tenant, caller: Caller, actor: &Actor) -> Purse {
    state.fairness.purse((tenant.id, state.app.plan_of(tenant).limits), caller, actor)
}

/// A suspended tenant answers nobody.
fn serves(tenant: &Tenant) -> Result<(), AppError> {
    if tenant.state == TenantState::Suspended { Err(AppError::Suspended) } else { Ok(()) }
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
