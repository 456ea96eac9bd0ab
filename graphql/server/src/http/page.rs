//! Pages for people: a tenant's home, the pages that its packages declare, and the platform's index.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use sunlit_app::query::tenant_find;
use sunlit_app::{AppError, Reading, subscription};
use sunlit_domain::error_code::message;
use sunlit_pages::{Link, Page, PlatformBody, PlatformPage, RenderError, TenantLink};

use super::failure::{Failure, Form};
use super::preferences::Chosen;
use super::visitor::{self, Visitor};
use crate::portal::{self, Frame};
use crate::state::State;

/// How long a browser may show a page without asking again.
const FRESH: &str = "private, max-age=0, must-revalidate";

/// A tenant's home; on a host name of no tenant, the index of tenants.
pub(super) async fn home(
    request: HttpRequest,
    state: web::Data<State>,
    visitor: Result<Visitor, Failure>,
) -> HttpResponse {
    match visitor {
        Ok(visitor) => answer(&visitor, portal::home::page).await,
        // A host name of no tenant is the platform's own.
        Err(failure) if failure.is_not_found() && request.match_info().get("tenant").is_none() => {
            index(&request, &state).await
        }
        Err(failure) => failure.answer(&state),
    }
}

/// A page that a package declares.
pub(super) async fn view(
    request: HttpRequest,
    state: web::Data<State>,
    visitor: Result<Visitor, Failure>,
) -> HttpResponse {
    let part = |name: &str| request.match_info().get(name).unwrap_or_default().to_owned();
    let (package, path) = (part("package"), format!("/{}", part("path")));
    match visitor {
        Ok(visitor) => {
            answer(&visitor, async |reading, frame| portal::view::page(reading, frame, &package, &path).await).await
        }
        Err(failure) => failure.answer(&state),
    }
}

/// A path that is nobody's; below a tenant's address it leads to the tenant's home.
pub(super) async fn nothing(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let failure = Failure::new(AppError::NotFound, Form::of(&request), Chosen::of(&request), visitor::trace(&request));
    let failure = failure.at(&request.uri().path_and_query().map_or_else(String::new, ToString::to_string));
    match visitor::tenant(&state, &request).await {
        Ok((tenant, base)) => failure.of(&tenant, &base).answer(&state),
        Err(_) => failure.answer(&state),
    }
}

async fn answer(
    visitor: &Visitor,
    page: impl AsyncFnOnce(&Reading, &Frame<'_>) -> Result<Page, AppError>,
) -> HttpResponse {
    let frame = Frame {
        tenant: &visitor.tenant,
        locale: visitor.locale(),
        base: &visitor.base,
        path: &visitor.path,
        preferences: visitor.chosen.preferences,
    };
    let made = async {
        let reading = visitor.reading().await?;
        page(&reading, &frame).await
    };
    match made.await {
        Ok(page) => rendered(visitor.state.renderer.render_page(&page)),
        Err(error) => visitor.failure(error, Form::Page).answer(&visitor.state),
    }
}

async fn index(request: &HttpRequest, state: &web::Data<State>) -> HttpResponse {
    let chosen = Chosen::of(request);
    let tenants = match tenant_find::all(&state.app).await {
        Ok(tenants) => tenants,
        Err(error) => {
            return Failure::new(error, Form::Page, chosen, visitor::trace(request)).answer(state);
        }
    };
    let links = tenants.into_iter().map(|tenant| TenantLink {
        name: tenant.name.get(chosen.locale).to_owned(),
        summary: Some(tenant.code),
        href: format!("/t/{}/", tenant.slug),
    });
    let subscribe = subscription::is_open(&state.app)
        .then(|| Link { title: message("subscribe.title", chosen.locale).to_owned(), href: "/subscribe".to_owned() });
    let page = PlatformPage {
        locale: portal::locale(chosen.locale),
        path: request.uri().path_and_query().map_or_else(String::new, ToString::to_string),
        name: portal::platform_name(chosen.locale),
        body: PlatformBody::Tenants { tenants: links.collect(), subscribe },
        preferences: chosen.preferences,
    };
    rendered(state.renderer.render_platform(&page))
}

fn rendered(html: Result<String, RenderError>) -> HttpResponse {
    match html {
        Ok(html) => HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, FRESH))
            .insert_header((header::VARY, "Cookie, Accept-Language"))
            .body(html),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page could not be rendered");
            HttpResponse::InternalServerError().content_type("text/plain; charset=utf-8").body("系统出错，请稍后再试\n")
        }
    }
}
