//! The one error of the platform's contract, for host calls and for a plugin's own answers.

use std::fmt;

use crate::tokens::TokenError;

/// Why something asked for cannot be done. The cases and their order are those of `error` in `wit/deps/types`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// Whoever asked, or this plugin, may not.
    Denied(String),
    /// There is no such thing.
    NotFound(String),
    /// What was asked makes no sense: the asker has to change it.
    Invalid(String),
    /// A limit was reached.
    Limit(String),
    /// Not now; the same question may be answered later.
    Unavailable(String),
    /// A numbered reason, for those that later versions bring.
    Other((u32, String)),
}

impl Error {
    /// The number of [`Error::Other`] by which a plugin says that it is itself at fault.
    pub const PLUGIN_FAULT: u32 = 1;
    /// The number of [`Error::Other`] by which the host says that a record is at another version than the one that was
    /// read. An action that passes it on tells its caller CONFLICT.
    pub const CONFLICT: u32 = 2;

    /// Whoever asked may not.
    pub fn denied(message: impl Into<String>) -> Self {
        Self::Denied(message.into())
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::NotFound(message.into())
    }

    /// What was asked makes no sense.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::Invalid(message.into())
    }

    /// A limit was reached.
    pub fn limit(message: impl Into<String>) -> Self {
        Self::Limit(message.into())
    }

    /// Not now, perhaps later.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::Unavailable(message.into())
    }

    /// The plugin itself is at fault.
    pub fn fault(message: impl Into<String>) -> Self {
        Self::Other((Self::PLUGIN_FAULT, message.into()))
    }

    /// The record is at another version than the one that was read.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::Other((Self::CONFLICT, message.into()))
    }

    /// The message, without the kind.
    #[must_use]
    pub fn message(&self) -> &str {
        match self {
            Self::Denied(message)
            | Self::NotFound(message)
            | Self::Invalid(message)
            | Self::Limit(message)
            | Self::Unavailable(message)
            | Self::Other((_, message)) => message,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Denied(_) => "denied",
            Self::NotFound(_) => "not found",
            Self::Invalid(_) => "invalid",
            Self::Limit(_) => "limit",
            Self::Unavailable(_) => "unavailable",
            Self::Other((Self::PLUGIN_FAULT, _)) => "plugin fault",
            Self::Other((Self::CONFLICT, _)) => "conflict",
            Self::Other(_) => "other",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind(), self.message())
    }
}

impl std::error::Error for Error {}

/// A value that does not fit the vendor's struct, or cannot cross: the plugin and its manifest disagree.
impl From<TokenError> for Error {
    fn from(error: TokenError) -> Self {
        Self::fault(error.to_string())
    }
}
