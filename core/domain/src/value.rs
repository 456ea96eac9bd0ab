//! Values and their one encoding: what JSON, TOML, the API and both database engines agree on.
//!
//! | kind | in memory | JSON out | JSON in |
//! |---|---|---|---|
//! | string, text, enum | text | string | string |
//! | int | 32-bit range | number | number |
//! | decimal | `unscaled / 10^scale` | string `"12.50"` | string or number |
//! | bool | bool | boolean | boolean |
//! | date | civil date | `2026-11-22` | the same |
//! | datetime | µs since the epoch, UTC | `2026-11-22T08:30:00.000000Z` | any RFC 3339 time |
//! | point | microdegrees | `{ "lat": 34.3, "lng": 108.9 }` | the same, numbers or strings |
//! | ref, id | UUID | string | string |

mod cell;
mod decimal;
mod time;

use serde_json::{Value as Json, json};
use uuid::Uuid;

pub use decimal::{Decimal, MAX_SCALE};
pub use time::{Date, Timestamp};

use crate::geometry::{Point, degrees_to_e6};

/// The kind of a value, as far as storing, comparing and encoding go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Text; also the values of an enum.
    Text,
    /// A whole number in 32 bits, as GraphQL's `Int`.
    Int,
    /// An exact decimal of this scale.
    Decimal(u8),
    /// True or false.
    Bool,
    /// A day.
    Date,
    /// An instant.
    DateTime,
    /// A point on the map.
    Point,
    /// An id: of the record itself or of another.
    Id,
}

/// One value.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// See [`Kind::Bool`].
    Bool(bool),
    /// See [`Kind::Int`].
    Int(i64),
    /// See [`Kind::Decimal`].
    Decimal(Decimal),
    /// See [`Kind::Text`]; orders by code point.
    Text(String),
    /// See [`Kind::Date`].
    Date(Date),
    /// See [`Kind::DateTime`].
    DateTime(Timestamp),
    /// See [`Kind::Point`].
    Point(Point),
    /// See [`Kind::Id`].
    Id(Uuid),
}

/// Why a JSON value is not a value of the wanted kind. The text names the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub String);

impl Value {
    /// Whether there is no value.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The text of a text value.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Reads a value of `kind` from JSON; null is [`Value::Null`].
    ///
    /// # Errors
    /// When the JSON has another form, or the value is out of range.
    pub fn from_json(kind: Kind, json: &Json) -> Result<Self, ValueError> {
        let wrong = |expected: &str| ValueError(format!("expected {expected}, found {}", describe(json)));
        let text = |expected: &'static str| json.as_str().ok_or_else(|| wrong(expected));
        Ok(match kind {
            _ if json.is_null() => Self::Null,
            Kind::Text => Self::Text(clean_text(text("a string")?)?),
            Kind::Bool => Self::Bool(json.as_bool().ok_or_else(|| wrong("true or false"))?),
            Kind::Int => {
                let number = json.as_i64().and_then(|n| i32::try_from(n).ok());
                Self::Int(number.ok_or_else(|| wrong("a whole number from -2147483648 to 2147483647"))?.into())
            }
            Kind::Decimal(scale) => Self::Decimal(decimal_from_json(scale, json)?),
            Kind::Date => Self::Date(text("a date like 2026-11-22")?.parse()?),
            Kind::DateTime => Self::DateTime(text("a time like 2026-11-22T08:30:00Z")?.parse()?),
            Kind::Point => Self::Point(point_from_json(json)?),
            Kind::Id => {
                let id: crate::id::RecordId = text("an id")?.parse().map_err(|_| wrong("an id (UUID)"))?;
                Self::Id(id.0)
            }
        })
    }

    /// The value as JSON, in the one outgoing form of its kind.
    #[must_use]
    pub fn to_json(&self) -> Json {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => json!(value),
            Self::Int(value) => json!(value),
            Self::Decimal(value) => json!(value.to_string()),
            Self::Text(value) => json!(value),
            Self::Date(value) => json!(value.to_string()),
            Self::DateTime(value) => json!(value.to_string()),
            Self::Point(point) => json!({ "lat": point.lat(), "lng": point.lng() }),
            Self::Id(id) => json!(id.to_string()),
        }
    }
}

/// Refuses what no engine can keep or no reader can see: NUL (PostgreSQL has no place for it).
fn clean_text(text: &str) -> Result<String, ValueError> {
    if text.contains('\0') {
        return Err(ValueError("the text holds a NUL character: remove it".to_owned()));
    }
    Ok(text.to_owned())
}

fn decimal_from_json(scale: u8, json: &Json) -> Result<Decimal, ValueError> {
    match json {
        Json::String(text) => Decimal::parse(text, scale),
        Json::Number(number) => Decimal::parse(&number.to_string(), scale),
        other => Err(ValueError(format!("expected a decimal number, found {}", describe(other)))),
    }
}

/// Reads a coordinate in degrees, a number or a string of one, as microdegrees.
pub(crate) fn e6_from_json(json: Option<&Json>) -> Option<i64> {
    match json? {
        Json::Number(number) => degrees_to_e6(number.as_f64()?),
        Json::String(text) => degrees_to_e6(text.parse().ok()?),
        _ => None,
    }
}

fn point_from_json(json: &Json) -> Result<Point, ValueError> {
    let object = json.as_object().filter(|object| object.len() == 2);
    object
        .and_then(|object| Point::from_e6(e6_from_json(object.get("lat"))?, e6_from_json(object.get("lng"))?))
        .ok_or_else(|| {
            ValueError("expected { lat, lng } in degrees, lat from -90 to 90 and lng from -180 to 180".to_owned())
        })
}

fn describe(json: &Json) -> String {
    match json {
        Json::Null => "nothing".to_owned(),
        Json::Bool(value) => format!("{value}"),
        Json::Number(value) => format!("the number {value}"),
        Json::String(value) => format!("\"{}\"", value.chars().take(40).collect::<String>()),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_survives_a_round_trip_through_json() {
        let check = |kind, json: Json| {
            let value = Value::from_json(kind, &json).unwrap();
            assert_eq!(value.to_json(), json, "{kind:?}");
        };
        check(Kind::Text, json!("未央宫"));
        check(Kind::Int, json!(-7));
        check(Kind::Decimal(2), json!("-0.05"));
        check(Kind::Bool, json!(true));
        check(Kind::Date, json!("2026-02-28"));
        check(Kind::DateTime, json!("2026-11-22T08:30:00.000001Z"));
        check(Kind::Point, json!({ "lat": 34.293_001, "lng": 108.946_5 }));
        check(Kind::Id, json!("018f3b1e-0000-7000-8000-000000000001"));
        check(Kind::Int, Json::Null);
    }

    #[test]
    fn what_is_out_of_range_or_of_another_form_is_refused() {
        let refuse = |kind, json: Json| assert!(Value::from_json(kind, &json).is_err(), "{kind:?} {json}");
        refuse(Kind::Text, json!(1));
        refuse(Kind::Text, json!("a\0b"));
        refuse(Kind::Int, json!(2_147_483_648_i64));
        refuse(Kind::Int, json!(1.5));
        refuse(Kind::Decimal(2), json!("1.005"));
        refuse(Kind::Decimal(2), json!("NaN"));
        refuse(Kind::Date, json!("2026-02-30"));
        refuse(Kind::DateTime, json!("2026-11-22"));
        refuse(Kind::Point, json!({ "lat": 91, "lng": 0 }));
        refuse(Kind::Point, json!({ "lat": 1, "lng": 0, "alt": 3 }));
        refuse(Kind::Id, json!("1"));
    }
}
