//! Why a value could not be read or written, and where in it.

use std::fmt;

use serde::de::{self, Expected, Unexpected};
use serde::ser;

use super::Token;

/// A value does not fit: where in it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenError {
    path: String,
    message: String,
}

impl TokenError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { path: String::new(), message: message.into() }
    }

    #[cold]
    pub(super) fn unexpected(token: &Token, expected: &dyn Expected) -> Self {
        let found = match token {
            Token::Null => "null",
            Token::Boolean(_) => "a boolean",
            Token::Int(_) => "an int",
            Token::Decimal(_) => "a decimal",
            Token::Text(_) => "text",
            Token::Point(_) => "a point",
            Token::Items(_) => "a list",
            Token::Object(_) => "an object",
        };
        Self::found(found, expected)
    }

    fn found(found: &str, expected: &dyn Expected) -> Self {
        Self::new(format!("{found} stands where {expected} is expected"))
    }

    #[cold]
    pub(super) fn in_field(self, name: &str) -> Self {
        self.below(name.to_owned())
    }

    #[cold]
    pub(super) fn in_item(self, index: u32) -> Self {
        self.below(format!("[{index}]"))
    }

    fn below(mut self, step: String) -> Self {
        let joint = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = step + joint + &self.path;
        self
    }
}

impl fmt::Display for TokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for TokenError {}

/// Two messages are our own, because those of serde can print a float, and that alone is a tenth of a small plugin.
impl de::Error for TokenError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::found(&name(found), expected)
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::found(&name(found), expected)
    }
}

#[cold]
fn name(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Bool(value) => value.to_string(),
        Unexpected::Signed(value) => value.to_string(),
        Unexpected::Unsigned(value) => value.to_string(),
        Unexpected::Float(_) => "a decimal".to_owned(),
        Unexpected::Char(value) => value.to_string(),
        Unexpected::Str(value) => format!("\"{value}\""),
        Unexpected::Unit | Unexpected::Option => "null".to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        Unexpected::Map => "an object".to_owned(),
        Unexpected::Other(what) => what.to_owned(),
        _ => "another kind of value".to_owned(),
    }
}

impl ser::Error for TokenError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}
