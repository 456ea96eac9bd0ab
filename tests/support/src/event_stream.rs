//! An answer that comes event by event (`text/event-stream`), as a client reads it.

use std::pin::Pin;
use std::time::Duration;

use actix_web::body::{BoxBody, MessageBody as _};
use futures_util::FutureExt as _;
use futures_util::future::poll_fn;
use serde_json::Value as Json;

/// How long a test waits for an event that must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A stream of events; dropped, its client is gone.
#[derive(Debug)]
pub struct EventStream(pub BoxBody);

impl EventStream {
    /// The next event with its data; none at the end. Signs of life are passed over.
    pub async fn event(&mut self) -> Option<(String, Json)> {
        let event = async {
            loop {
                let next = poll_fn(|context| Pin::new(&mut self.0).poll_next(context)).await;
                match next.map(|bytes| read(&bytes.unwrap())) {
                    Some(None) => {}
                    Some(event) => return event,
                    None => return None,
                }
            }
        };
        tokio::time::timeout(PATIENCE, event).await.expect("nothing is told")
    }

    /// Whether nothing was told by now.
    pub fn is_silent(&mut self) -> bool {
        while let Some(next) = poll_fn(|context| Pin::new(&mut self.0).poll_next(context)).now_or_never() {
            if next.is_none_or(|bytes| read(&bytes.unwrap()).is_some()) {
                return false;
            }
        }
        true
    }
}

fn read(bytes: &[u8]) -> Option<(String, Json)> {
    let text = std::str::from_utf8(bytes).unwrap();
    let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    Some((line("event:")?.to_owned(), serde_json::from_str(line("data:").unwrap_or_default()).unwrap_or_default()))
}
