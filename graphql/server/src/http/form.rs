//! Forms of our own pages: browsers name the origin of every form that they post (Fetch, §3.2), and one that names another, or none, is
//! refused.

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde::de::DeserializeOwned;
use sunlit_app::AppError;

use super::{body, cors};

/// Whether a form was posted.
pub(super) fn is_form(request: &HttpRequest) -> bool {
    is_of_type(request, "application/x-www-form-urlencoded")
}

/// Whether the body is of that content type.
pub(super) fn is_of_type(request: &HttpRequest, content_type: &str) -> bool {
    let sent = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    sent.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(content_type)
}

/// What was filled in on one of our own pages.
///
/// # Errors
/// [`AppError::Denied`] for a foreign page, [`AppError::Unsupported`] for a browser that does not say which, and those of
/// [`body::whole`]. What was sent is not repeated: it may hold names, addresses and passwords.
pub(super) async fn posted<T: DeserializeOwned>(
    request: &HttpRequest,
    body: web::Payload,
    of: &'static str,
    most: usize,
) -> Result<T, AppError> {
    refuse_foreign(request)?;
    let is_same = request.headers().get("sec-fetch-site").is_some_and(|site| site == "same-origin");
    if !request.headers().contains_key(header::ORIGIN) && !is_same {
        return Err(AppError::Unsupported("a form names its origin: use a current browser".to_owned()));
    }
    let bytes = body::whole(body, of, most).await?;
    let malformed = || AppError::Argument("the form cannot be read".to_owned());
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    web::Query::<T>::from_query(&text).map(web::Query::into_inner).map_err(|_| malformed())
}

/// Refuses what another site's page has sent.
///
/// # Errors
/// [`AppError::Denied`].
pub(super) fn refuse_foreign(request: &HttpRequest) -> Result<(), AppError> {
    let Some(origin) = request.headers().get(header::ORIGIN) else { return Ok(()) };
    if origin.to_str().is_ok_and(|origin| cors::is_own(request, origin)) { Ok(()) } else { Err(AppError::Denied) }
}
