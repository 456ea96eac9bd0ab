//! A request that failed, as a page for people or as JSON for programs.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};
use serde_json::json;
use sunlit_app::AppError;
use sunlit_domain::{ErrorCode, Locale};
use sunlit_pages::{ErrorNotice, PlatformBody, PlatformPage};
use sunlit_schema::{TraceId, refusal};
use sunlit_storage::platform::tenant::Tenant;

use super::preferences::Chosen;
use crate::portal::{self, Frame};
use crate::state::State;

/// What the caller reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Page,
    Json,
    /// RFC 9457, for the routes beside GraphQL.
    Problem,
}

impl Form {
    /// JSON for the API, a problem for uploads, imports and exports of a tenant, a page for everything else.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let is_post = request.method() == Method::POST;
        match request.path() {
            path if path.ends_with("/graphql") => Self::Json,
            path if path.ends_with("/auth") || (is_post && path.contains("/auth/")) => Self::Problem,
            path if path.ends_with("/export") => Self::Problem,
            path if is_post && (path.ends_with("/files") || path.contains("/records/")) => Self::Problem,
            _ => Self::Page,
        }
    }
}

/// A failure with what is needed to tell it.
#[derive(Debug)]
pub(super) struct Failure {
    error: AppError,
    form: Form,
    chosen: Chosen,
    trace: TraceId,
    tenant: Option<Arc<Tenant>>,
    base: String,
    path: String,
}

impl Failure {
    pub(super) fn new(error: AppError, form: Form, chosen: Chosen, trace: TraceId) -> Self {
        Self { error, form, chosen, trace, tenant: None, base: String::new(), path: "/".to_owned() }
    }

    /// The address to come back to.
    pub(super) fn at(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Whose page it would have been, and the way to its home.
    pub(super) fn of(mut self, tenant: &Arc<Tenant>, base: &str) -> Self {
        self.tenant = Some(Arc::clone(tenant));
        base.clone_into(&mut self.base);
        self
    }

    /// Whether nothing was there.
    pub(super) fn is_not_found(&self) -> bool {
        self.error.code() == ErrorCode::NotFound
    }

    /// The page for people.
    fn page(&self, renderer: &sunlit_pages::Renderer) -> Option<String> {
        let code = self.error.code();
        let locale = self.chosen.locale;
        let notice = ErrorNotice {
            code: code.http_status(),
            heading: code.message(locale).to_owned(),
            message: self.error.detail(locale).unwrap_or_default(),
            trace_id: (code == ErrorCode::Internal).then(|| self.trace.0.clone()),
            leads_home: code != ErrorCode::Suspended,
        };
        let preferences = self.chosen.preferences;
        match &self.tenant {
            Some(tenant) => {
                let frame = Frame { tenant, locale, base: &self.base, path: &self.path, preferences };
                renderer.render_page(&frame.error_page(notice)).ok()
            }
            None => {
                let page = PlatformPage {
                    locale: portal::locale(locale),
                    path: self.path.clone(),
                    name: portal::platform_name(locale),
                    body: PlatformBody::Error(notice),
                    preferences,
                };
                renderer.render_platform(&page).ok()
            }
        }
    }

    /// The answer, rendered with the server's templates; of a request that is one too many without them, for it must cost next to
    /// nothing.
    pub(super) fn answer(&self, state: &web::Data<State>) -> HttpResponse {
        if self.form != Form::Page || self.error.retry_after().is_some() {
            return self.error_response();
        }
        let response = match self.page(&state.renderer) {
            Some(html) => self
                .build()
                .content_type("text/html; charset=utf-8")
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .body(html),
            None => return self.error_response(),
        };
        self.log();
        response
    }

    /// An answer of its status, which says when to ask again where that is known.
    fn build(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::build(self.status_code());
        if let Some(wait) = self.error.retry_after() {
            response.insert_header((header::RETRY_AFTER, retry_after(wait)));
        }
        response
    }

    fn log(&self) {
        if self.error.code() == ErrorCode::Internal {
            tracing::error!(trace.id = self.trace.0, error = &self.error as &dyn std::error::Error, "a request failed");
        }
    }
}

/// The least that is a page. Its words are our own.
fn bare(locale: Locale, code: ErrorCode) -> String {
    let (language, words) = (locale.tag(), code.message(locale));
    format!(
        "<!doctype html>\n<html lang=\"{language}\"><head><meta charset=\"utf-8\"><title>{words}</title></head>\
         <body><h1>{words}</h1></body></html>\n"
    )
}

/// Whole seconds, at least one (RFC 9110, §10.2.3).
pub(super) fn retry_after(wait: Duration) -> header::HeaderValue {
    header::HeaderValue::from(wait.as_secs().saturating_add(1))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.error.code().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Without templates: an extractor's failure of the API, and the last resort of a page.
    fn error_response(&self) -> HttpResponse {
        self.log();
        let code = self.error.code();
        let locale = self.chosen.locale;
        match self.form {
            Form::Json => {
                let detail = self.error.detail(locale).unwrap_or_default();
                self.build()
                    .content_type("application/graphql-response+json; charset=utf-8")
                    .body(refusal(code, &detail, locale, Some(&self.trace)).to_json().0)
            }
            Form::Problem => {
                let mut problem = json!({
                    "type": "about:blank",
                    "title": code.message(locale),
                    "status": code.http_status(),
                    "code": code.code(),
                });
                if let Some(detail) = self.error.detail(locale) {
                    problem["detail"] = json!(detail);
                }
                if code == ErrorCode::Internal {
                    problem["traceId"] = json!(self.trace.0);
                }
                self.build()
                    .content_type("application/problem+json")
                    .insert_header((header::CACHE_CONTROL, "no-store"))
                    .body(problem.to_string())
            }
            Form::Page => self.build().content_type("text/html; charset=utf-8").body(bare(locale, code)),
        }
    }
}
