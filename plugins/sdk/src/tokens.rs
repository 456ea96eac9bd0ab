//! How values cross: a flat stream of typed tokens, written and read through serde with no text form in between.
//!
//! The types here are `token` and `data` of `wit/deps/types`, case by case. Structs and maps with text keys are objects,
//! [`Point`](crate::Point) and [`Decimal`] are tokens of their own, an enum without data is its variant's name.

mod de;
mod error;
mod ser;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use error::TokenError;

use crate::{Decimal, Point};

/// The deepest nesting of lists and objects that is read or written.
pub const MAX_DEPTH: usize = 32;

/// One token of a value in preorder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Token {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Int(i64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Text, an id, a date or a time.
    Text(String),
    /// A point.
    Point(Point),
    /// A list: this many values follow.
    Items(u32),
    /// An object: one value follows for each name of this shape.
    Object(u32),
}

/// One value: the names of its objects and its tokens.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Data {
    /// The field names of each kind of object in the stream.
    pub shapes: Vec<Vec<String>>,
    /// The value in preorder.
    pub tokens: Vec<Token>,
}

/// Reads a value.
///
/// # Errors
/// When the value is not of the wanted shape, or the stream is not exactly one value.
pub fn from_data<T: DeserializeOwned>(data: Data) -> Result<T, TokenError> {
    de::read(data)
}

/// Writes a value.
///
/// # Errors
/// When it holds what has no token (a float, an enum with data, a number beyond 64 bits), or is nested too deeply.
pub fn to_data<T: Serialize + ?Sized>(value: &T) -> Result<Data, TokenError> {
    ser::write(value)
}
