//! The platform's one filter language, as a typed builder.
//!
//! It crosses as an object, `{ "state": { "eq": "published" } }`, the same that access rules and GraphQL write.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use crate::{Decimal, Id};

/// Which records are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter(Node);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Node {
    Field { name: String, operator: &'static str, operand: Operand },
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
enum Operand {
    One(Value),
    Many(Vec<Value>),
    Area(Area),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Area {
    south: Decimal,
    west: Decimal,
    north: Decimal,
    east: Decimal,
}

/// What a field is compared with. Dates, times and the values of an `enum` field are text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Value {
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An exact decimal.
    Decimal(Decimal),
    /// Text, an id, a date or a time.
    Text(String),
}

impl Filter {
    /// The field has this value.
    pub fn eq(field: &str, value: impl Into<Value>) -> Self {
        Self::compare(field, "eq", value)
    }

    /// The field has another value.
    pub fn ne(field: &str, value: impl Into<Value>) -> Self {
        Self::compare(field, "ne", value)
    }

    /// The field has one of these values.
    pub fn is_in<V: Into<Value>>(field: &str, values: impl IntoIterator<Item = V>) -> Self {
        Self::field(field, "in", Operand::Many(values.into_iter().map(Into::into).collect()))
    }

    /// The field has none of these values.
    pub fn not_in<V: Into<Value>>(field: &str, values: impl IntoIterator<Item = V>) -> Self {
        Self::field(field, "not_in", Operand::Many(values.into_iter().map(Into::into).collect()))
    }

    /// The field is less.
    pub fn lt(field: &str, value: impl Into<Value>) -> Self {
        Self::compare(field, "lt", value)
    }

    /// The field is less or equal.
    pub fn lte(field: &str, value: impl Into<Value>) -> Self {
        Self::compare(field, "lte", value)
    }

    /// The field is greater.
    pub fn gt(field: &str, value: impl Into<Value>) -> Self {
        Self::compare(field, "gt", value)
    }

    /// The field is greater or equal.
    pub fn gte(field: &str, value: impl Into<Value>) -> Self {
        Self::compare(field, "gte", value)
    }

    /// The text contains this one.
    pub fn contains(field: &str, part: &str) -> Self {
        Self::compare(field, "contains", part)
    }

    /// The text begins with this one.
    pub fn starts_with(field: &str, start: &str) -> Self {
        Self::compare(field, "starts_with", start)
    }

    /// The field has no value, or with `false` has one.
    pub fn is_null(field: &str, null: bool) -> Self {
        Self::compare(field, "is_null", null)
    }

    /// The point lies in the box, borders included; all four in millionths of a degree.
    #[must_use]
    pub fn within(field: &str, south: i32, west: i32, north: i32, east: i32) -> Self {
        let degrees = |e6: i32| Decimal::new(e6.into(), 6);
        let area = Area { south: degrees(south), west: degrees(west), north: degrees(north), east: degrees(east) };
        Self::field(field, "within", Operand::Area(area))
    }

    /// All of these hold.
    pub fn and(filters: impl IntoIterator<Item = Self>) -> Self {
        Self(Node::And(filters.into_iter().collect()))
    }

    /// One of these holds.
    pub fn or(filters: impl IntoIterator<Item = Self>) -> Self {
        Self(Node::Or(filters.into_iter().collect()))
    }

    fn compare(field: &str, operator: &'static str, value: impl Into<Value>) -> Self {
        Self::field(field, operator, Operand::One(value.into()))
    }

    fn field(name: &str, operator: &'static str, operand: Operand) -> Self {
        Self(Node::Field { name: name.to_owned(), operator, operand })
    }
}

/// `!filter`: this does not hold.
impl std::ops::Not for Filter {
    type Output = Self;

    fn not(self) -> Self {
        Self(Node::Not(Box::new(self)))
    }
}

impl Serialize for Filter {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Node::Field { name, operator, operand } => entry(serializer, name, &Entry(operator, operand)),
            Node::And(filters) => entry(serializer, "and", filters),
            Node::Or(filters) => entry(serializer, "or", filters),
            Node::Not(filter) => entry(serializer, "not", filter),
        }
    }
}

struct Entry<'a>(&'static str, &'a Operand);

impl Serialize for Entry<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        entry(serializer, self.0, self.1)
    }
}

fn entry<S: Serializer>(serializer: S, key: &str, value: &impl Serialize) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(1))?;
    map.serialize_entry(key, value)?;
    map.end()
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<Decimal> for Value {
    fn from(value: Decimal) -> Self {
        Self::Decimal(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Id> for Value {
    fn from(value: Id) -> Self {
        Self::Text(value.into())
    }
}

impl From<&Id> for Value {
    fn from(value: &Id) -> Self {
        Self::Text(value.as_str().to_owned())
    }
}
