//! Subscriptions over a WebSocket: `graphql-transport-ws`, the protocol of the npm package graphql-ws.
//!
//! The loop is our own: async-graphql's cannot answer `error`, closes with 1011 where the protocol has codes of its own,
//! silently replaces an operation whose id is used twice, and bounds neither operations nor silence. Each operation is a
//! task, so that one that waits holds up no other; all of them end with the connection.

mod message;

use std::collections::HashMap;
use std::ops::ControlFlow;

use actix_web::http::StatusCode;
use actix_web::rt::task::JoinHandle;
use actix_web::{HttpRequest, HttpResponse, web};
use actix_ws::{AggregatedMessage, AggregatedMessageStream, CloseCode, CloseReason, Session};
use serde_json::{Map, Value as Json};
use sunlit_app::AppError;
use sunlit_domain::ErrorCode;
use sunlit_schema::{Ask, Begun, Carries, Execution, begin, failure, refusal};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};
use tracing::Instrument as _;

use self::message::{Heard, Said};
use super::events::{ended, visitor_span};
use super::failure::Form;
use super::graphql::{MAX_BODY, plain};
use super::visitor::Visitor;
use crate::live::Seat;

const PROTOCOL: &str = "graphql-transport-ws";
/// How many messages of all operations wait for a slow client before the operations wait too.
const WAITING: usize = 16;
/// Characters of an operation's id.
const MAX_ID: usize = 128;

/// Opens the connection. The origin was checked before, as for any request.
pub(super) fn open(visitor: Visitor, request: &HttpRequest, body: web::Payload) -> HttpResponse {
    let offered = request.headers().get_all("sec-websocket-protocol").filter_map(|value| value.to_str().ok());
    if !offered.flat_map(|value| value.split(',')).any(|protocol| protocol.trim() == PROTOCOL) {
        let detail = "offer the WebSocket protocol graphql-transport-ws";
        return plain(StatusCode::BAD_REQUEST, ErrorCode::Unsupported, detail, visitor.locale());
    }
    let Some(seat) = visitor.state.live.enter(visitor.tenant.id) else {
        let error = AppError::Overloaded("too many connections are open for this tenant: close some".to_owned());
        return visitor.failure(error, Form::Json).answer(&visitor.state);
    };
    match actix_ws::handle_with_protocols(request, body, &[PROTOCOL]) {
        Ok((response, session, messages)) => {
            let messages = messages.max_frame_size(MAX_BODY).aggregate_continuations().max_continuation_size(MAX_BODY);
            let span = visitor_span(&visitor);
            actix_web::rt::spawn(Connection::new(visitor, session).run(messages, seat).instrument(span));
            response
        }
        Err(error) => error.error_response(),
    }
}

/// Why a connection ends: a close code and its reason. Those from 4400 on are the protocol's.
type Close = (u16, &'static str);

/// An operation that runs; it ends when it is dropped.
struct Operation {
    serial: u64,
    task: JoinHandle<()>,
}

impl Drop for Operation {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Connection {
    visitor: Visitor,
    session: Session,
    operations: HashMap<String, Operation>,
    serial: u64,
    says: mpsc::Sender<(u64, Said)>,
    said: mpsc::Receiver<(u64, Said)>,
    acknowledged: bool,
    /// When it ends by itself: without `connection_init`, or with its token.
    ends: Option<Instant>,
    /// Heartbeats since the client was heard.
    silent: u32,
}

impl Connection {
    fn new(visitor: Visitor, session: Session) -> Self {
        let (says, said) = mpsc::channel(WAITING);
        let ends = Some(Instant::now() + visitor.state.live.limits.init);
        let operations = HashMap::new();
        Self { visitor, session, operations, serial: 0, says, said, acknowledged: false, ends, silent: 0 }
    }

    async fn run(mut self, mut messages: AggregatedMessageStream, mut seat: Seat) {
        let heartbeat = self.visitor.state.live.limits.heartbeat;
        let mut beats = interval_at(Instant::now() + heartbeat, heartbeat);
        let close = loop {
            let step = tokio::select! {
                () = seat.ended() => ControlFlow::Break(Some((1001, "the server stops"))),
                () = ended(self.ends) => ControlFlow::Break(Some(self.too_late())),
                _ = beats.tick() => self.beat().await,
                Some((serial, said)) = self.said.recv() => self.tell(serial, said).await,
                message = messages.recv() => match message {
                    Some(Ok(message)) => self.hear(message).await,
                    Some(Err(_)) => ControlFlow::Break(Some((1009, "a frame is malformed or too large"))),
                    None => ControlFlow::Break(None),
                },
            };
            if let ControlFlow::Break(close) = step {
                break close;
            }
        };
        self.operations.clear();
        if let Some((code, reason)) = close {
            let reason = CloseReason { code: CloseCode::from(code), description: Some(reason.to_owned()) };
            // Whoever no longer takes anything is not waited for.
            let _ = timeout(heartbeat, self.session.close(Some(reason))).await;
        }
    }

    fn too_late(&self) -> Close {
        if self.acknowledged {
            (4403, "Forbidden: the token has expired")
        } else {
            (4408, "Connection initialisation timeout")
        }
    }

    async fn beat(&mut self) -> ControlFlow<Option<Close>> {
        self.silent += 1;
        if self.silent > 2 || self.session.ping(b"").await.is_err() {
            return ControlFlow::Break(Some((1001, "the client is silent")));
        }
        ControlFlow::Continue(())
    }

    async fn hear(&mut self, message: AggregatedMessage) -> ControlFlow<Option<Close>> {
        self.silent = 0;
        let text = match message {
            AggregatedMessage::Text(text) => text,
            AggregatedMessage::Binary(_) => return ControlFlow::Break(Some((4400, "messages are text"))),
            AggregatedMessage::Ping(bytes) => {
                let sent = self.session.pong(&bytes).await.is_ok();
                return self.sent(sent);
            }
            AggregatedMessage::Pong(_) => return ControlFlow::Continue(()),
            AggregatedMessage::Close(reason) => return ControlFlow::Break(reason.map(|_| (1000, ""))),
        };
        match serde_json::from_str::<Heard>(&text) {
            Ok(Heard::ConnectionInit { payload }) => self.init(payload).await,
            Ok(Heard::Ping { payload }) => self.say(&Said::Pong(payload)).await,
            Ok(Heard::Pong { .. }) => ControlFlow::Continue(()),
            Ok(Heard::Complete { id }) => {
                self.operations.remove(&id);
                ControlFlow::Continue(())
            }
            Ok(Heard::Subscribe { id, payload }) => self.subscribe(id, payload).await,
            Err(_) => ControlFlow::Break(Some((4400, "Invalid message"))),
        }
    }

    async fn init(&mut self, payload: Option<Map<String, Json>>) -> ControlFlow<Option<Close>> {
        if self.acknowledged {
            return ControlFlow::Break(Some((4429, "Too many initialisation requests")));
        }
        let payload = payload.unwrap_or_default();
        let credential = payload.iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if let Some((_, credential)) = credential {
            let signed_in = match credential.as_str() {
                Some(credential) => self.visitor.sign_in(credential).await.is_ok(),
                None => false,
            };
            if !signed_in {
                return ControlFlow::Break(Some((4403, "Forbidden")));
            }
        }
        self.acknowledged = true;
        self.ends = self.visitor.ends();
        self.say(&Said::Acknowledged).await
    }

    async fn subscribe(&mut self, id: String, ask: Ask) -> ControlFlow<Option<Close>> {
        if !self.acknowledged {
            return ControlFlow::Break(Some((4401, "Unauthorized")));
        }
        if id.is_empty() || id.len() > MAX_ID {
            return ControlFlow::Break(Some((4400, "Invalid message: the id has 1 to 128 characters")));
        }
        if self.operations.contains_key(&id) {
            return ControlFlow::Break(Some((4409, "Subscriber for this id already exists")));
        }
        let most = self.visitor.state.live.limits.operations;
        if self.operations.len() >= most {
            let detail = format!("at most {most} operations run on one connection: complete some first");
            let refused = refusal(ErrorCode::LimitExceeded, &detail, self.visitor.locale(), None);
            return self.say(&Said::Error(id, refused.errors_json())).await;
        }
        self.serial += 1;
        let (serial, says) = (self.serial, self.says.clone());
        let operation = operate(self.visitor.clone(), ask, id.clone(), serial, says);
        let task = actix_web::rt::spawn(operation.in_current_span());
        self.operations.insert(id, Operation { serial, task });
        ControlFlow::Continue(())
    }

    /// Passes on what an operation says, unless the client has completed it meanwhile.
    async fn tell(&mut self, serial: u64, said: Said) -> ControlFlow<Option<Close>> {
        let (id, last) = match &said {
            Said::Next(id, _) => (id, false),
            Said::Error(id, _) | Said::Complete(id) => (id, true),
            Said::Acknowledged | Said::Pong(_) => return ControlFlow::Continue(()),
        };
        if self.operations.get(id).is_none_or(|operation| operation.serial != serial) {
            return ControlFlow::Continue(());
        }
        if last {
            self.operations.remove(id);
        }
        self.say(&said).await
    }

    /// Sends a message; a client that takes nothing for two heartbeats is gone.
    async fn say(&mut self, said: &Said) -> ControlFlow<Option<Close>> {
        let patience = self.visitor.state.live.limits.heartbeat * 2;
        let sent = timeout(patience, self.session.text(said.to_json())).await;
        self.sent(matches!(sent, Ok(Ok(()))))
    }

    fn sent(&self, good: bool) -> ControlFlow<Option<Close>> {
        if good { ControlFlow::Continue(()) } else { ControlFlow::Break(None) }
    }
}

/// Runs one operation and says what comes of it.
async fn operate(visitor: Visitor, ask: Ask, id: String, serial: u64, says: mpsc::Sender<(u64, Said)>) {
    let carries = Carries { mutations: true, subscriptions: true };
    let begun = async {
        let _place = visitor.purse.place().await?;
        let (schema, call) = visitor.call(carries).await?;
        Ok(begin(&schema, ask, call).await)
    };
    let begun: Begun = match begun.await {
        Ok(begun) => begun,
        Err(error) => Begun::Once(Box::new(failure(&error, visitor.locale(), &visitor.trace))),
    };
    let said = |execution: &Execution| match execution.failed {
        Some(_) => Said::Error(id.clone(), execution.errors_json()),
        None => Said::Next(id.clone(), execution.to_json().0),
    };
    match begun {
        Begun::Once(execution) => {
            let failed = execution.failed.is_some();
            if says.send((serial, said(&execution))).await.is_err() || failed {
                return;
            }
        }
        Begun::Live(mut live) => {
            while let Some(execution) = live.next().await {
                let failed = execution.failed.is_some();
                if says.send((serial, said(&execution))).await.is_err() || failed {
                    return;
                }
            }
        }
    }
    // When the connection is gone, nobody needs to know.
    let _ = says.send((serial, Said::Complete(id))).await;
}
