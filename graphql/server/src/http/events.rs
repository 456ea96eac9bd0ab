//! Subscriptions as an event stream: the distinct connections mode of graphql-sse. Each answer is an event `next`, and
//! `complete` comes last; a comment now and then shows that the connection lives.

use std::convert::Infallible;

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use futures_util::stream;
use sunlit_app::AppError;
use sunlit_domain::ErrorCode;
use sunlit_schema::{Ask, Begun, Carries, Execution, Live, begin, refusal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{Instrument as _, Span};

use super::failure::Form;
use super::media::Media;
use super::visitor::Visitor;
use crate::live::Seat;

/// How many events wait for a slow client before the subscription waits too.
const WAITING: usize = 8;
const COMPLETE: &str = "event: complete\ndata:\n\n";
const HEARTBEAT: &str = ":\n\n";

/// Answers with a stream, whatever the operation is.
pub(super) async fn open(visitor: Visitor, ask: Ask, carries: Carries) -> HttpResponse {
    let Some(seat) = visitor.state.live.enter(visitor.tenant.id) else {
        let error = AppError::Overloaded("too many connections are open for this tenant: close some".to_owned());
        return visitor.failure(error, Form::Json).answer(&visitor.state);
    };
    let begun = async {
        // A subscription has its place while it begins; then its seat bounds it.
        let _place = visitor.purse.place().await?;
        let (schema, call) = visitor.call(Carries { subscriptions: true, ..carries }).await?;
        Ok(begin(&schema, ask, call).await)
    };
    let begun = match begun.await {
        Ok(begun) => begun,
        Err(error) => return visitor.failure(error, Form::Json).answer(&visitor.state),
    };
    let (events, waiting) = mpsc::channel(WAITING);
    let writer = Writer { ends: visitor.ends(), visitor, seat, events };
    let span = visitor_span(&writer.visitor);
    actix_web::rt::spawn(writer.run(begun).instrument(span));
    let body = stream::unfold(waiting, |mut waiting: mpsc::Receiver<web::Bytes>| async move {
        waiting.recv().await.map(|event| (Ok::<_, Infallible>(event), waiting))
    });
    HttpResponse::Ok()
        .content_type(format!("{}; charset=utf-8", Media::Events.name()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        // Neither our compression nor a proxy may hold events back.
        .insert_header((header::CONTENT_ENCODING, "identity"))
        .insert_header(("x-accel-buffering", "no"))
        .append_header((header::VARY, "Accept"))
        .streaming(body)
}

/// The span of a connection that lives on after its request: of the same trace, and no part of the request's own span, which would
/// not end before it.
pub(super) fn visitor_span(visitor: &Visitor) -> Span {
    tracing::error_span!(parent: None, "live", otel.kind = "server", tenant.id = %visitor.tenant.id, trace.id = visitor.trace.0)
}

/// Writes one stream until its operation, its client, its credential or the server ends.
struct Writer {
    visitor: Visitor,
    seat: Seat,
    events: mpsc::Sender<web::Bytes>,
    ends: Option<Instant>,
}

impl Writer {
    async fn run(mut self, begun: Begun) {
        match begun {
            Begun::Once(execution) => {
                self.next(&execution).await;
                self.send(COMPLETE.to_owned()).await;
            }
            Begun::Live(live) => self.follow(*live).await,
        }
    }

    async fn follow(&mut self, mut live: Live) {
        let locale = self.visitor.locale();
        loop {
            let last = match self.heed(&mut live).await {
                Told::Answer(execution) => {
                    let last = execution.failed.is_some();
                    if !self.next(&execution).await {
                        return;
                    }
                    last
                }
                Told::Expired => {
                    let detail = "the token has expired: subscribe again with a new one";
                    self.next(&refusal(ErrorCode::Unauthenticated, detail, locale, None)).await;
                    true
                }
                Told::Nothing => true,
                Told::Gone => return,
            };
            if last {
                self.send(COMPLETE.to_owned()).await;
                return;
            }
        }
    }

    /// The next answer, with a sign of life in the meantime.
    async fn heed(&mut self, live: &mut Live) -> Told {
        let (ends, heartbeat) = (self.ends, self.visitor.state.live.limits.heartbeat);
        let next = live.next();
        tokio::pin!(next);
        loop {
            tokio::select! {
                told = &mut next => return told.map_or(Told::Nothing, |execution| Told::Answer(Box::new(execution))),
                () = ended(ends) => return Told::Expired,
                () = self.seat.ended() => return Told::Nothing,
                () = self.events.closed() => return Told::Gone,
                () = tokio::time::sleep(heartbeat) => {
                    if !self.send(HEARTBEAT.to_owned()).await {
                        return Told::Gone;
                    }
                }
            }
        }
    }

    async fn next(&mut self, execution: &Execution) -> bool {
        self.send(format!("event: next\ndata: {}\n\n", execution.to_json().0)).await
    }

    /// False when the client is gone, or takes nothing for longer than two heartbeats.
    async fn send(&mut self, event: String) -> bool {
        let patience = self.visitor.state.live.limits.heartbeat * 2;
        matches!(timeout(patience, self.events.send(event.into())).await, Ok(Ok(())))
    }
}

/// What ends a wait.
enum Told {
    Answer(Box<Execution>),
    Expired,
    Nothing,
    Gone,
}

/// Waits for an instant; for ever when there is none.
pub(super) async fn ended(ends: Option<Instant>) {
    match ends {
        Some(ends) => sleep_until(ends).await,
        None => std::future::pending().await,
    }
}
