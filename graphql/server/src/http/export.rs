//! `GET …/export`: everything that a tenant has, for its administrator, as one archive.
//!
//! It is written while it is sent: nothing of it is kept here. Whoever asks says what seals it, `recipient=age1…`, or that nothing
//! does, `plain=true`.

use std::io::Write;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::{Stream, stream};
use sunlit_app::AppError;
use sunlit_app::query::tenant_snapshot;
use sunlit_tenants::ArchiveError;
use sunlit_tenants::archive::Sealing;
use sunlit_tenants::export::Export;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::failure::{Failure, Form};
use super::visitor::Visitor;
use crate::state::State;

/// Pieces that wait to be sent.
const WAITING: usize = 4;
/// How long a reader may take for the next piece.
const PIECE_TIME: Duration = Duration::from_secs(30);

/// Gives the archive.
pub(super) async fn get(
    visitor: Result<Visitor, Failure>,
    request: HttpRequest,
    state: web::Data<State>,
) -> HttpResponse {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(failure) => return failure.answer(&state),
    };
    match begin(&visitor, &request).await {
        Ok((export, sealing)) => give(&visitor, export, sealing),
        Err(error) => visitor.failure(error, Form::Problem).answer(&state),
    }
}

async fn begin(visitor: &Visitor, request: &HttpRequest) -> Result<(Export, Sealing), AppError> {
    tenant_snapshot::may_take(&visitor.scope)?;
    let sealing = sealing(request)?;
    let export = Export::begin(&visitor.state.app, &visitor.scope).await.map_err(told)?;
    Ok((export, sealing))
}

fn sealing(request: &HttpRequest) -> Result<Sealing, AppError> {
    let asked = web::Query::<Vec<(String, String)>>::from_query(request.query_string());
    let asked = asked.map_err(|error| AppError::Argument(format!("the query cannot be read: {error}")))?.into_inner();
    if let Some((name, _)) = asked.iter().find(|(name, _)| name != "plain" && name != "recipient") {
        return Err(AppError::Argument(format!("`{name}` is not known here: name recipient or plain")));
    }
    let recipients: Vec<&str> =
        asked.iter().filter(|(name, _)| name == "recipient").map(|(_, value)| value.as_str()).collect();
    let plain = asked.iter().any(|(name, value)| name == "plain" && value == "true");
    match (recipients.is_empty(), plain) {
        (false, false) => Sealing::recipients(recipients).map_err(told),
        (true, true) => Ok(Sealing::Plain),
        _ => Err(AppError::Argument(
            "the archive holds personal data: name who can open it with recipient=age1…, or say plain=true".to_owned(),
        )),
    }
}

fn told(error: ArchiveError) -> AppError {
    match error {
        ArchiveError::App(error) => error,
        other => AppError::Argument(other.to_string()),
    }
}

fn give(visitor: &Visitor, export: Export, sealing: Sealing) -> HttpResponse {
    let day = visitor.state.app.environment.now().date_in_china();
    let extension = if matches!(sealing, Sealing::Plain) { "tar.gz" } else { "tar.gz.age" };
    let name = format!("{}-{day}.{extension}", visitor.tenant.slug);
    let root = export.manifest().root.clone();
    HttpResponse::Ok()
        .content_type("application/octet-stream")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // It is packed already.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("x-archive-root", root))
        .streaming(pieces(export, sealing))
}

/// The archive as it is written. An export that fails breaks the answer off, so that nobody takes it for whole.
fn pieces(export: Export, sealing: Sealing) -> impl Stream<Item = Result<Bytes, AppError>> {
    let (sender, receiver) = mpsc::channel(WAITING);
    let out = Outgoing { sender: sender.clone(), handle: Handle::current() };
    actix_web::rt::spawn(async move {
        if let Err(error) = export.write(out, sealing).await {
            tracing::warn!(%error, "a tenant's export broke off");
            let broken = AppError::Life("the export broke off".to_owned());
            let _ = tokio::time::timeout(PIECE_TIME, sender.send(Err(broken))).await;
        }
    });
    stream::unfold(Some(receiver), |receiver| async {
        let mut receiver = receiver?;
        match receiver.recv().await? {
            Ok(piece) => Some((Ok(piece), Some(receiver))),
            Err(error) => Some((Err(error), None)),
        }
    })
}

/// What the packing thread writes to.
struct Outgoing {
    sender: mpsc::Sender<Result<Bytes, AppError>>,
    handle: Handle,
}

impl Write for Outgoing {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let piece = Ok(Bytes::copy_from_slice(bytes));
        let sent = self.handle.block_on(async { tokio::time::timeout(PIECE_TIME, self.sender.send(piece)).await });
        match sent {
            Ok(Ok(())) => Ok(bytes.len()),
            Ok(Err(_)) => Err(std::io::Error::other("the reader is gone")),
            Err(_) => Err(std::io::Error::other("the reader is too slow")),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
