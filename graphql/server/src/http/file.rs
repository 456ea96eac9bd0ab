//! Files in and out: `POST …/files` takes the bytes of one file, `GET …/files/{id}/{name}` gives them to whoever may read them,
//! or has an address with a token (`?token=`) that was given to somebody who might; with `?width=` the picture in small.
//!
//! An upload is the raw body with its own `Content-Type`, not `multipart/form-data`: a browser sends a `File` so with one
//! `fetch`, nothing has to be taken apart on the way, and a foreign page's form cannot post it. Where it could (`text/plain`),
//! the request must carry a header that a form cannot set.

use actix_web::body::SizedStream;
use actix_web::http::header::{
    self, ByteRangeSpec, Charset, ContentDisposition, DispositionParam, DispositionType, EntityTag, ExtendedValue,
    Header, IfNoneMatch, IfRange, Range,
};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use futures_util::{Stream, stream};
use serde::Deserialize;
use serde_json::json;
use sunlit_app::command::file::upload::{self, Said};
use sunlit_app::query::file_get::{self, File};
use sunlit_app::query::file_thumbnail;
use sunlit_app::{App, AppError};
use sunlit_domain::Scope;
use sunlit_domain::file::{MediaType, fitting_name};
use sunlit_domain::id::RecordId;

use super::body::{WHOLE_TIME, pieces, too_slow};
use super::failure::{Failure, Form};
use super::visitor::Visitor;
use crate::state::State;

/// Rights change, so a browser asks each time; the content behind a tag never does.
const CACHING: &str = "private, no-cache";
/// A file's own policy: whatever it holds loads nothing, runs nothing and is nobody's origin.
const POLICY: &str = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox";
/// Chromium shows no PDF in a sandbox; its reader has one of its own.
const PDF_POLICY: &str = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'none'";

#[derive(Debug, Default, Deserialize)]
struct Query {
    #[serde(default)]
    name: String,
}

/// What is asked of a file.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    /// Of an address that was handed on.
    token: Option<String>,
    /// Of the picture in small that is asked for.
    width: Option<i64>,
}

/// A file that may be given.
struct Granted {
    file: File,
    /// How long it may be kept.
    caching: String,
}

/// Takes a file in.
pub(super) async fn post(
    visitor: Result<Visitor, Failure>,
    request: HttpRequest,
    state: web::Data<State>,
    body: web::Payload,
) -> HttpResponse {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(failure) => return failure.answer(&state),
    };
    let taken = match said(&request) {
        Ok((name, content_type, size)) => {
            let said = Said { name: &name, content_type, size };
            take(&state.app, &visitor.scope, said, pieces(body, "upload")).await
        }
        Err(error) => Err(error),
    };
    match taken {
        Ok(file) => HttpResponse::Created().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
            "id": file.id.to_string(),
            "name": file.name,
            "size": file.size,
            "contentType": file.content_type,
            "sha256": file.sha256,
        })),
        Err(error) => {
            if let AppError::Storage(full) = &error {
                tracing::error!(error = full as &dyn std::error::Error, "an upload could not be kept");
            }
            let mut response = visitor.failure(error, Form::Problem).answer(&visitor.state);
            // What is left of the body is not read: the connection serves nothing after it.
            response.head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
            response
        }
    }
}

/// What the request says of its file.
fn said(request: &HttpRequest) -> Result<(String, Option<MediaType>, Option<u64>), AppError> {
    let query = web::Query::<Query>::from_query(request.query_string())
        .map_err(|error| AppError::Argument(format!("the query cannot be read: {error}")))?;
    let text = |name| request.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    let content_type = match request.headers().contains_key(header::CONTENT_TYPE) {
        true => Some(text(header::CONTENT_TYPE).and_then(MediaType::of_header).ok_or_else(|| {
            AppError::Unsupported("the Content-Type is malformed: send one like image/png".to_owned())
        })?),
        false => None,
    };
    match content_type.as_ref().map(MediaType::as_str) {
        Some("multipart/form-data" | "application/x-www-form-urlencoded") => {
            return Err(AppError::Unsupported(
                "send the bytes of one file as the body, with its own Content-Type and its name as ?name=".to_owned(),
            ));
        }
        None | Some("text/plain") if !comes_from_a_program(request) => {
            return Err(AppError::Unsupported("send an X-Requested-With header with files of this type".to_owned()));
        }
        _ => {}
    }
    let size = text(header::CONTENT_LENGTH).and_then(|length| length.parse().ok());
    Ok((query.into_inner().name, content_type, size))
}

/// Whether the request has a header that no form can set, and no foreign script without being asked for (Fetch, §4.8).
fn comes_from_a_program(request: &HttpRequest) -> bool {
    request.headers().contains_key(header::AUTHORIZATION) || request.headers().contains_key("x-requested-with")
}

async fn take(
    app: &App,
    scope: &Scope,
    said: Said<'_>,
    pieces: impl Stream<Item = Result<Bytes, String>>,
) -> Result<File, AppError> {
    // Dropped when the time is over, the upload takes what it has written with it.
    let taken = tokio::time::timeout(WHOLE_TIME, upload::run(app, scope, said, pieces)).await;
    taken.unwrap_or_else(|_| Err(too_slow()))
}

/// Gives a file, or a part of it. The id alone tells which; the name in the address is for the eye.
pub(super) async fn get(
    visitor: Result<Visitor, Failure>,
    request: HttpRequest,
    state: web::Data<State>,
) -> HttpResponse {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(failure) => return failure.answer(&state),
    };
    let id = request.match_info().get("id").and_then(|id| id.parse::<RecordId>().ok());
    match give(&visitor, &request, id).await {
        Ok(response) => response,
        Err(error) => {
            if let AppError::Storage(failed) = &error {
                tracing::error!(error = failed as &dyn std::error::Error, "a file could not be read");
            }
            visitor.failure(error, Form::Page).answer(&state)
        }
    }
}

async fn give(visitor: &Visitor, request: &HttpRequest, id: Option<RecordId>) -> Result<HttpResponse, AppError> {
    let id = id.ok_or(AppError::NotFound)?;
    let asked = asked(request)?;
    let width = asked.width.map(file_thumbnail::width).transpose()?;
    let granted = grant(visitor, (id, width), asked.token.as_deref()).await?;
    if let Some(width) = width {
        return give_small(visitor, request, granted, width).await;
    }
    let file = &granted.file;
    let tag = EntityTag::new_strong(file.sha256.clone());
    if is_known(request, &tag) {
        return Ok(head(StatusCode::NOT_MODIFIED, &granted, &tag).finish());
    }
    let size = file.bytes();
    if request.method() == Method::HEAD {
        let nothing = stream::empty::<Result<Bytes, AppError>>();
        return Ok(head(StatusCode::OK, &granted, &tag).no_chunking(size).streaming(nothing));
    }
    let (app, scope) = (&visitor.state.app, &visitor.scope);
    match wanted(request, &tag, size) {
        Wanted::All => {
            let bytes = file_get::bytes(app, scope, file, None).await?;
            Ok(head(StatusCode::OK, &granted, &tag).body(SizedStream::new(size, bytes)))
        }
        Wanted::Part(first, last) => {
            let bytes = file_get::bytes(app, scope, file, Some(first..last + 1)).await?;
            let mut response = head(StatusCode::PARTIAL_CONTENT, &granted, &tag);
            response.insert_header((header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}")));
            Ok(response.body(SizedStream::new(last + 1 - first, bytes)))
        }
        Wanted::Nothing => {
            let mut response = HttpResponse::build(StatusCode::RANGE_NOT_SATISFIABLE);
            Ok(response.insert_header((header::CONTENT_RANGE, format!("bytes */{size}"))).finish())
        }
    }
}

/// Gives the file's picture in small, always whole.
async fn give_small(
    visitor: &Visitor,
    request: &HttpRequest,
    granted: Granted,
    width: u16,
) -> Result<HttpResponse, AppError> {
    let Granted { mut file, caching } = granted;
    let tag = EntityTag::new_strong(file_thumbnail::tag(&file, width));
    if is_known(request, &tag) {
        return Ok(head(StatusCode::NOT_MODIFIED, &Granted { file, caching }, &tag).finish());
    }
    let small = file_thumbnail::run(&visitor.state.app, &visitor.scope, &file, width).await?;
    small.content_type.clone_into(&mut file.content_type);
    file.name = fitting_name(&file.name, &file.content_type);
    let mut response = head(StatusCode::OK, &Granted { file, caching }, &tag);
    response.insert_header((header::ACCEPT_RANGES, "none"));
    if request.method() == Method::HEAD {
        let size = u64::try_from(small.bytes.len()).unwrap_or(u64::MAX);
        return Ok(response.no_chunking(size).streaming(stream::empty::<Result<Bytes, AppError>>()));
    }
    Ok(response.body(small.bytes))
}

fn asked(request: &HttpRequest) -> Result<Asked, AppError> {
    let asked = web::Query::<Asked>::from_query(request.query_string());
    Ok(asked.map_err(|error| AppError::Argument(format!("the query cannot be read: {error}")))?.into_inner())
}

/// The file, by its token where there is one, and else by the visitor's rights. A token that is not good is no wish to be asked
/// for rights. Any snapshot ends here: a slow reader holds none.
async fn grant(
    visitor: &Visitor,
    (id, width): (RecordId, Option<u16>),
    token: Option<&str>,
) -> Result<Granted, AppError> {
    match token {
        Some(token) => {
            let found = file_get::by_address(&visitor.state.app, &visitor.scope, token, (id.0, width)).await;
            let (file, left) = found?;
            Ok(Granted { file, caching: format!("private, max-age={left}") })
        }
        None => {
            let file = file_get::by_id(&visitor.reading().await?, id.0).await?;
            Ok(Granted { file, caching: CACHING.to_owned() })
        }
    }
}

/// What every answer about a file carries.
fn head(status: StatusCode, granted: &Granted, tag: &EntityTag) -> HttpResponseBuilder {
    let file = &granted.file;
    let policy = if file.content_type == "application/pdf" { PDF_POLICY } else { POLICY };
    let mut response = HttpResponse::build(status);
    response
        .content_type(served_type(&file.content_type))
        .insert_header((header::ETAG, tag.to_string()))
        .insert_header((header::CACHE_CONTROL, granted.caching.as_str()))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(file).to_string()))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // What is digested and cut is the file itself, so nobody compresses it on the way.
        .insert_header((header::CONTENT_ENCODING, "identity"));
    response
}

/// The type that a file is served under. What could run a script in a browser, or style our own pages, is never called what
/// it is.
fn served_type(content_type: &str) -> &str {
    match content_type {
        "text/html" | "text/css" | "application/xhtml+xml" | "text/xml" | "application/xml" | "image/svg+xml" => {
            MediaType::UNKNOWN
        }
        other if other.ends_with("+xml") || other.contains("script") => MediaType::UNKNOWN,
        other => other,
    }
}

/// Shown in its place where that is safe, saved elsewhere; with its name in UTF-8 (RFC 6266, RFC 8187).
fn disposition(file: &File) -> ContentDisposition {
    let inline = MediaType::is_shown_inline(&file.content_type);
    let plain: String =
        file.name.chars().map(|c| if c.is_ascii_alphanumeric() || "._- ".contains(c) { c } else { '_' }).collect();
    let extended = ExtendedValue {
        charset: Charset::Ext("UTF-8".to_owned()),
        language_tag: None,
        value: file.name.clone().into_bytes(),
    };
    ContentDisposition {
        disposition: if inline { DispositionType::Inline } else { DispositionType::Attachment },
        parameters: vec![DispositionParam::Filename(plain), DispositionParam::FilenameExt(extended)],
    }
}

/// Whether the reader has this very content already (RFC 9110, §13.1.2).
fn is_known(request: &HttpRequest, tag: &EntityTag) -> bool {
    match IfNoneMatch::parse(request) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(known)) => known.iter().any(|known| known.weak_eq(tag)),
        Err(_) => false,
    }
}

enum Wanted {
    All,
    /// From the first to the last byte, both included.
    Part(u64, u64),
    Nothing,
}

/// Which part is asked for (RFC 9110, §14.2). Several parts at once, and what cannot be read, are answered with the whole.
fn wanted(request: &HttpRequest, tag: &EntityTag, size: u64) -> Wanted {
    if request.headers().contains_key(header::IF_RANGE) {
        match IfRange::parse(request) {
            Ok(IfRange::EntityTag(known)) if known.strong_eq(tag) => {}
            _ => return Wanted::All,
        }
    }
    match Range::parse(request) {
        Ok(Range::Bytes(parts)) => match parts.as_slice() {
            [ByteRangeSpec::FromTo(from, to)] if from > to => Wanted::All,
            [part] => {
                part.to_satisfiable_range(size).map_or(Wanted::Nothing, |(first, last)| Wanted::Part(first, last))
            }
            _ => Wanted::All,
        },
        _ => Wanted::All,
    }
}
