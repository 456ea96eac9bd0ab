//! The one filter language: access rules, the API, views and host calls all speak it.
//!
//! ```json
//! { "state": { "eq": "published" }, "or": [{ "rent": { "lte": "40.00" } }, { "name": { "contains": "园" } }] }
//! ```
//!
//! Boxes and circles test points; areas are tested by the smallest box that holds them. Lists know `has` and `hasAny`.
//! Several keys mean *and*. A test of a value that is not there is false, `ne` and `notIn` of it are true: every filter is
//! true or false of every record, never unknown, and [`Filter::matches`] says the same as the SQL of the storage.

mod parse;

use std::cmp::Ordering;
use std::collections::BTreeSet;

pub use parse::{FilterError, Purpose, parse};
use uuid::Uuid;

use crate::geometry::{BoundingBox, Circle};
use crate::manifest::{Attribute, Collection, Slot};
use crate::value::{Kind, Value};

/// A filter over the records of one collection.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these; of none, everything.
    And(Vec<Filter>),
    /// Any of these; of none, nothing.
    Or(Vec<Filter>),
    /// Not this.
    Not(Box<Filter>),
    /// A test of one attribute.
    Test(Attribute, Test),
}

/// A test of one value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// Equal to.
    Eq(Value),
    /// Not equal to; true where there is no value.
    Ne(Value),
    /// One of.
    In(Vec<Value>),
    /// None of; true where there is no value.
    NotIn(Vec<Value>),
    /// Less than.
    Lt(Value),
    /// Less than or equal to.
    Lte(Value),
    /// Greater than.
    Gt(Value),
    /// Greater than or equal to.
    Gte(Value),
    /// Contains this text, by code points.
    Contains(String),
    /// Begins with this text, by code points.
    StartsWith(String),
    /// Whether there is no value.
    IsNull(bool),
    /// A point within this box, or an area whose own box is; borders included.
    Within(BoundingBox),
    /// A point within this circle.
    Near(Circle),
    /// An area whose own box shares a point with this one.
    Intersects(BoundingBox),
    /// A list that holds one of these.
    HasAny(Vec<Value>),
}

impl Filter {
    /// True of everything.
    #[must_use]
    pub fn everything() -> Self {
        Self::And(Vec::new())
    }

    /// True of the records of `collection` whose field of that index, a reference, a file or a list of them, holds `id`.
    #[must_use]
    pub fn refers(collection: &Collection, field: usize, id: Uuid) -> Self {
        let kind = collection.fields[field].kind();
        let test = match kind {
            Kind::List(_) => Test::HasAny(vec![Value::Id(id)]),
            _ => Test::Eq(Value::Id(id)),
        };
        Self::Test(Attribute { slot: Slot::Field(field), kind }, test)
    }

    /// Whether it is true of everything by its form.
    #[must_use]
    pub fn is_everything(&self) -> bool {
        matches!(self, Self::And(all) if all.iter().all(Self::is_everything))
    }

    /// What it tests.
    #[must_use]
    pub fn slots(&self) -> BTreeSet<Slot> {
        match self {
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::slots).collect(),
            Self::Not(inner) => inner.slots(),
            Self::Test(attribute, _) => BTreeSet::from([attribute.slot]),
        }
    }

    /// Both this and that.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::And(mut all), Self::And(more)) => {
                all.extend(more);
                Self::And(all)
            }
            (Self::And(mut all), one) | (one, Self::And(mut all)) => {
                all.push(one);
                Self::And(all)
            }
            (one, other) => Self::And(vec![one, other]),
        }
    }

    /// Whether it is true of a record, whose values `value_of` gives.
    pub fn matches(&self, value_of: &impl Fn(Attribute) -> Value) -> bool {
        match self {
            Self::And(all) => all.iter().all(|filter| filter.matches(value_of)),
            Self::Or(any) => any.iter().any(|filter| filter.matches(value_of)),
            Self::Not(filter) => !filter.matches(value_of),
            Self::Test(attribute, test) => test.matches(&value_of(*attribute)),
        }
    }
}

impl Test {
    /// Whether it is true of `value`.
    #[must_use]
    pub fn matches(&self, value: &Value) -> bool {
        let compare = |other: &Value| (!value.is_null()).then(|| value.cmp(other));
        match self {
            Self::Eq(other) => compare(other) == Some(Ordering::Equal),
            Self::Ne(other) => compare(other) != Some(Ordering::Equal),
            Self::In(others) => !value.is_null() && others.contains(value),
            Self::NotIn(others) => value.is_null() || !others.contains(value),
            Self::Lt(other) => compare(other).is_some_and(Ordering::is_lt),
            Self::Lte(other) => compare(other).is_some_and(Ordering::is_le),
            Self::Gt(other) => compare(other).is_some_and(Ordering::is_gt),
            Self::Gte(other) => compare(other).is_some_and(Ordering::is_ge),
            Self::Contains(part) => value.as_text().is_some_and(|text| text.contains(part.as_str())),
            Self::StartsWith(part) => value.as_text().is_some_and(|text| text.starts_with(part.as_str())),
            Self::IsNull(expected) => value.is_null() == *expected,
            Self::Within(bounds) => match value {
                Value::Point(point) => bounds.contains(*point),
                Value::Area(area) => bounds.covers(&area.bounds()),
                _ => false,
            },
            Self::Near(circle) => matches!(value, Value::Point(point) if circle.contains(*point)),
            Self::Intersects(bounds) => matches!(value, Value::Area(area) if bounds.intersects(&area.bounds())),
            Self::HasAny(wanted) => {
                matches!(value, Value::List(items) if items.iter().any(|item| wanted.contains(item)))
            }
        }
    }
}
