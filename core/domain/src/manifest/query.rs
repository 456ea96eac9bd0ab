//! Queries that a component resolves, and the object types they answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Collection, Field};
use crate::id::FieldName;
use crate::locale::LocalText;
use crate::value::Kind;

/// An object type that queries answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectType {
    /// Its name, in upper camel case in the API.
    pub name: FieldName,
    /// What it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<LocalText>,
    /// Its fields.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
}

/// A typed query field that the component resolves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Its name, in camel case in the API.
    pub name: FieldName,
    /// What it answers.
    pub title: LocalText,
    /// More on it, for the API's documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<LocalText>,
    /// Its arguments.
    #[serde(default, rename = "arg")]
    pub args: Vec<Field>,
    /// `T` or `[T]`.
    pub returns: Returns,
}

/// The type that a query returns: `T` or `[T]`, where T is a scalar (`string`, `text`, `int`, `decimal(2)`, `bool`, `date`,
/// `datetime`, `point`), an object type, or a collection (the component answers ids; the platform reads the records with
/// the viewer's rights).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Returns(String);

impl Returns {
    /// Whether a list is returned.
    #[must_use]
    pub fn is_list(&self) -> bool {
        self.0.starts_with('[') && self.0.ends_with(']')
    }

    /// The item type's name and, for `decimal(2)`, its scale.
    #[must_use]
    pub fn parts(&self) -> (&str, Option<u8>) {
        let item = if self.is_list() { &self.0[1..self.0.len() - 1] } else { self.0.as_str() };
        match item.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((name, scale)) => (name, scale.parse().ok()),
            None => (item, None),
        }
    }

    /// As written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a [`Returns`] stands for.
#[derive(Debug, Clone, Copy)]
pub enum Returned<'a> {
    /// A scalar.
    Scalar(Kind),
    /// One of the package's object types.
    Object(&'a ObjectType),
    /// Records of one of the package's collections.
    Collection(&'a Collection),
}
