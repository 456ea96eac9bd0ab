//! Bodies that take a while: read piece by piece, and given up when their sender falls silent or is too slow.

use std::time::Duration;

use actix_web::web;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use sunlit_app::AppError;

use crate::telemetry::numbers::took_in;

/// How long the next piece may take to come.
const PIECE_TIME: Duration = Duration::from_secs(30);
/// How long a whole body may take: 100 MiB in this time are 120 KiB a second.
pub(super) const WHOLE_TIME: Duration = Duration::from_secs(15 * 60);

/// The body, given up when its sender falls silent. What came is counted as bytes of `of`.
pub(super) fn pieces(body: web::Payload, of: &'static str) -> impl Stream<Item = Result<Bytes, String>> {
    stream::unfold(Some(body), move |body| async move {
        let mut body = body?;
        match tokio::time::timeout(PIECE_TIME, body.next()).await {
            Ok(Some(Ok(piece))) => {
                took_in(of, piece.len());
                Some((Ok(piece), Some(body)))
            }
            Ok(Some(Err(error))) => Some((Err(error.to_string()), None)),
            Ok(None) => None,
            Err(_) => Some((Err(format!("nothing came for {} s", PIECE_TIME.as_secs())), None)),
        }
    })
}

/// The whole body in memory.
///
/// # Errors
/// [`AppError::TooLarge`] beyond `most` bytes, [`AppError::Argument`] when it broke off, [`AppError::Limit`] when it took too
/// long.
pub(super) async fn whole(body: web::Payload, of: &'static str, most: usize) -> Result<Vec<u8>, AppError> {
    let gather = async {
        let mut pieces = std::pin::pin!(pieces(body, of));
        let mut whole = Vec::new();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| AppError::Argument(format!("the body broke off: {error}")))?;
            if whole.len() + piece.len() > most {
                return Err(AppError::TooLarge(u64::try_from(most).unwrap_or(u64::MAX)));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    };
    tokio::time::timeout(WHOLE_TIME, gather).await.unwrap_or_else(|_| Err(too_slow()))
}

/// A body that took longer than [`WHOLE_TIME`].
pub(super) fn too_slow() -> AppError {
    AppError::Limit(format!("the body took longer than {} s to come", WHOLE_TIME.as_secs()))
}
