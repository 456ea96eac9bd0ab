//! The messages of graphql-transport-ws.

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sunlit_schema::Ask;

/// What a client says.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Heard {
    /// Begins the connection; may hold `authorization`.
    ConnectionInit {
        #[serde(default)]
        payload: Option<Map<String, Json>>,
    },
    /// Begins an operation.
    Subscribe { id: String, payload: Ask },
    /// Ends an operation.
    Complete { id: String },
    /// Asks for a sign of life.
    Ping {
        #[serde(default)]
        payload: Option<Map<String, Json>>,
    },
    /// Gives one.
    Pong {},
}

/// What the server says. Payloads are JSON already.
#[derive(Debug, Clone)]
pub(super) enum Said {
    /// The connection may be used.
    Acknowledged,
    /// An answer to an operation.
    Next(String, String),
    /// The errors of an operation that is refused or given up; it ends with them.
    Error(String, String),
    /// An operation has ended.
    Complete(String),
    /// A sign of life, with what the client sent.
    Pong(Option<Map<String, Json>>),
}

impl Said {
    pub(super) fn to_json(&self) -> String {
        let text = |id: &str| Json::from(id).to_string();
        match self {
            Self::Acknowledged => r#"{"type":"connection_ack"}"#.to_owned(),
            Self::Next(id, payload) => format!(r#"{{"id":{},"type":"next","payload":{payload}}}"#, text(id)),
            Self::Error(id, errors) => format!(r#"{{"id":{},"type":"error","payload":{errors}}}"#, text(id)),
            Self::Complete(id) => format!(r#"{{"id":{},"type":"complete"}}"#, text(id)),
            Self::Pong(None) => r#"{"type":"pong"}"#.to_owned(),
            Self::Pong(Some(payload)) => {
                format!(r#"{{"type":"pong","payload":{}}}"#, Json::Object(payload.clone()))
            }
        }
    }
}
