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
//! | area | rings of microdegrees | GeoJSON `Polygon` or `MultiPolygon` | the same |
//! | json | text with one spelling | any JSON | any JSON |
//! | list | values | array | array |

mod cell;
mod decimal;
mod json_text;
mod month;
mod time;

use serde_json::{Value as Json, json};
use uuid::Uuid;

pub use decimal::{Decimal, MAX_SCALE, Total};
pub use json_text::JsonText;
pub use month::Month;
pub use time::{Date, Timestamp};

use crate::geometry::{Area, Point, degrees_to_e6};

/// How many items a list may hold at all; a field may allow fewer.
pub const MAX_LIST: usize = 500;

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
    /// An area on the map.
    Area,
    /// JSON of any form, which is kept and never looked into.
    Json,
    /// A list.
    List(Element),
}

/// The kinds that a list may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// See [`Kind::Text`].
    Text,
    /// See [`Kind::Int`].
    Int,
    /// See [`Kind::Decimal`].
    Decimal(u8),
    /// See [`Kind::Date`].
    Date,
    /// See [`Kind::Id`].
    Id,
}

impl Element {
    /// The kind of each item.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Text => Kind::Text,
            Self::Int => Kind::Int,
            Self::Decimal(scale) => Kind::Decimal(scale),
            Self::Date => Kind::Date,
            Self::Id => Kind::Id,
        }
    }
}

impl Kind {
    /// A list's kind whose items are of this kind; none where no list may hold it.
    #[must_use]
    pub fn listed(self) -> Option<Self> {
        Some(Self::List(match self {
            Self::Text => Element::Text,
            Self::Int => Element::Int,
            Self::Decimal(scale) => Element::Decimal(scale),
            Self::Date => Element::Date,
            Self::Id => Element::Id,
            _ => return None,
        }))
    }

    /// Whether values of this kind can be put in an order that means something.
    #[must_use]
    pub fn is_ordered(self) -> bool {
        !matches!(self, Self::Point | Self::Area | Self::Json | Self::List(_))
    }
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
    /// See [`Kind::Area`].
    Area(Area),
    /// See [`Kind::Json`].
    Json(JsonText),
    /// See [`Kind::List`]. Never empty: an empty list is no value.
    List(Vec<Value>),
}

/// Why a JSON value is not a value of the wanted kind. The text names the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ValueError(pub String);

impl Value {
    /// A list, or no value when it is empty.
    #[must_use]
    pub fn list(items: Vec<Self>) -> Self {
        if items.is_empty() { Self::Null } else { Self::List(items) }
    }

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
            Kind::Area => Self::Area(Area::from_geojson(json).map_err(ValueError)?),
            Kind::Json => Self::Json(JsonText::of(json).map_err(ValueError)?),
            Kind::List(element) => Self::list(list_from_json(element, json)?),
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
            Self::Area(area) => area.to_geojson(),
            Self::Json(text) => text.to_json(),
            Self::List(items) => items.iter().map(Self::to_json).collect(),
        }
    }

    /// Roughly the bytes that it takes beside its own place.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Area(area) => area.points().count() * size_of::<Point>(),
            Self::Json(text) => text.as_str().len(),
            Self::List(items) => items.iter().map(|item| size_of::<Self>() + item.size_bytes()).sum(),
            _ => 0,
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

fn list_from_json(element: Element, json: &Json) -> Result<Vec<Value>, ValueError> {
    let Some(items) = json.as_array() else {
        return Err(ValueError(format!("expected a list, found {}", describe(json))));
    };
    if items.len() > MAX_LIST {
        return Err(ValueError(format!("a list of {} items: at most {MAX_LIST}", items.len())));
    }
    let item = |(index, item): (usize, &Json)| match Value::from_json(element.kind(), item) {
        Ok(Value::Null) => Err(ValueError(format!("item {index} is nothing: leave it out"))),
        Ok(value) => Ok(value),
        Err(error) => Err(ValueError(format!("item {index}: {error}"))),
    };
    items.iter().enumerate().map(item).collect()
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
        check(Kind::List(Element::Decimal(1)), json!(["0.5", "-3.0"]));
        check(Kind::Json, json!({ "b": [1, 2.5, null], "a": { "文": true } }));
        let square = json!([[108.9, 34.2], [109.0, 34.2], [109.0, 34.3], [108.9, 34.2]]);
        check(Kind::Area, json!({ "type": "Polygon", "coordinates": [square] }));
        check(Kind::Area, json!({ "type": "MultiPolygon", "coordinates": [[square], [square]] }));
    }

    #[test]
    fn an_empty_list_is_no_value() {
        assert_eq!(Value::from_json(Kind::List(Element::Int), &json!([])).unwrap(), Value::Null);
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
        refuse(Kind::List(Element::Int), json!(1));
        refuse(Kind::List(Element::Int), json!([1, null]));
        refuse(Kind::List(Element::Int), json!([1, "2"]));
        refuse(Kind::List(Element::Int), json!(vec![1; MAX_LIST + 1]));
        refuse(Kind::Json, (0..40).fold(json!(1), |inner, _| json!([inner])));
        refuse(Kind::Json, json!("x".repeat(70_000)));
        refuse(Kind::Json, json!({ "a": "\0" }));
    }
}
