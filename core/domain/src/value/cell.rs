//! Values as the text of a spreadsheet's cell, both ways: nothing is lost on the way there and back.
//!
//! | kind | out | in |
//! |---|---|---|
//! | text | itself; an empty text as two quotation marks, to tell it from no value | itself |
//! | int, decimal | plain digits | the same |
//! | bool | `true`, `false` | also `1` `0`, `是` `否`, `yes` `no` |
//! | date | `2026-11-22` | also `2026/11/22`, `2026年11月22日`, as spreadsheets in China write it |
//! | datetime | `2026-11-22T08:30:00.000000Z` | any RFC 3339 time; also `2026/11/22 16:30`, the time in China |
//! | point | `34.293001,108.946500` | the same, or its JSON |
//! | every other | its JSON as text | the same |
//!
//! An empty cell is no value.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::{Kind, Value, ValueError};
use crate::geometry::Point;

impl Value {
    /// The text of a cell with this value.
    #[must_use]
    pub fn to_cell(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) if is_quotes(text) => format!("\"\"{text}"),
            Self::Json(text) => text.as_str().to_owned(),
            Self::Point(point) => format!("{},{}", degrees(point.lat_e6), degrees(point.lng_e6)),
            other => match other.to_json() {
                Json::String(text) => text,
                json => json.to_string(),
            },
        }
    }

    /// Reads a value of `kind` from the text of a cell; spaces around it count in texts only.
    ///
    /// # Errors
    /// As [`Value::from_json`].
    pub fn from_cell(kind: Kind, text: &str) -> Result<Self, ValueError> {
        if text.is_empty() {
            return Ok(Self::Null);
        }
        let plain = text.trim();
        let json = match kind {
            Kind::Text => Json::from(text.strip_prefix("\"\"").filter(|rest| is_quotes(rest)).unwrap_or(text)),
            _ if plain.is_empty() => Json::Null,
            Kind::Decimal(_) | Kind::Id => Json::from(plain),
            Kind::Int => plain.parse::<i64>().map_or_else(|_| Json::from(plain), Json::from),
            Kind::Bool => bool_of(plain).map_or_else(|| Json::from(plain), Json::from),
            Kind::Date => Json::from(date_of(plain).as_ref()),
            Kind::DateTime => Json::from(instant_of(plain).as_ref()),
            Kind::Point if !plain.starts_with('{') => return point_of(plain),
            _ => serde_json::from_str(plain).map_err(|error| ValueError(format!("expected JSON: {error}")))?,
        };
        Self::from_json(kind, &json)
    }
}

/// Whether it is nothing but quotation marks, none included; a single one is left alone.
fn is_quotes(text: &str) -> bool {
    text.len() != 1 && text.bytes().all(|byte| byte == b'"')
}

fn bool_of(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "是" | "yes" => Some(true),
        "false" | "0" | "否" | "no" => Some(false),
        _ => None,
    }
}

/// `2026/1/5` and `2026年1月5日` as `2026-01-05`; anything else as it is.
fn date_of(text: &str) -> Cow<'_, str> {
    let parts: Vec<&str> = text.trim_end_matches('日').split(['/', '-', '年', '月']).collect();
    let are_digits = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    match parts.as_slice() {
        [year, month, day] if are_digits && year.len() == 4 && month.len() <= 2 && day.len() <= 2 => {
            Cow::Owned(format!("{year}-{month:0>2}-{day:0>2}"))
        }
        _ => Cow::Borrowed(text),
    }
}

/// A day, or a day and a time without zone, as an instant in China (UTC+8 all year); anything else as it is.
fn instant_of(text: &str) -> Cow<'_, str> {
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, "0:00"));
    let day = date_of(day);
    let parts: Vec<&str> = time.trim().split(':').collect();
    let is_time = (2..=3).contains(&parts.len())
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    if day.len() != 10 || !is_time {
        return Cow::Borrowed(text);
    }
    let second = parts.get(2).copied().unwrap_or("00");
    Cow::Owned(format!("{day}T{:0>2}:{}:{second:0>2}+08:00", parts[0], parts[1]))
}

fn degrees(e6: i32) -> String {
    let sign = if e6 < 0 { "-" } else { "" };
    let digits = e6.unsigned_abs();
    format!("{sign}{}.{:06}", digits / 1_000_000, digits % 1_000_000)
}

fn point_of(text: &str) -> Result<Value, ValueError> {
    let wrong = || ValueError("expected latitude,longitude in degrees such as 34.293001,108.946500".to_owned());
    let (lat, lng) = text.split_once([',', '，']).ok_or_else(wrong)?;
    let degrees = |part: &str| part.trim().parse::<f64>().map_err(|_| wrong());
    Point::from_degrees(degrees(lat)?, degrees(lng)?).map(Value::Point).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_kind_survives_a_round_trip_through_a_cell() {
        let check = |kind, json: Json, cell: &str| {
            let value = Value::from_json(kind, &json).unwrap();
            assert_eq!(value.to_cell(), cell, "{kind:?}");
            assert_eq!(Value::from_cell(kind, cell), Ok(value), "{kind:?}");
        };
        for text in [" 甲 ", "true", "007", "=1", "'", "\"", "a\"\"", "{}", "null"] {
            check(Kind::Text, json!(text), text);
        }
        check(Kind::Text, json!(""), "\"\"");
        check(Kind::Text, json!("\"\""), "\"\"\"\"");
        check(Kind::Text, Json::Null, "");
        check(Kind::Int, json!(-7), "-7");
        check(Kind::Decimal(2), json!("-0.05"), "-0.05");
        check(Kind::Decimal(9), json!("123456789.123456789"), "123456789.123456789");
        check(Kind::Bool, json!(false), "false");
        check(Kind::Date, json!("2026-02-28"), "2026-02-28");
        check(Kind::DateTime, json!("2026-11-22T08:30:00.000001Z"), "2026-11-22T08:30:00.000001Z");
        check(Kind::Point, json!({ "lat": 34.293_001, "lng": -0.946_5 }), "34.293001,-0.946500");
        check(Kind::Id, json!("018f3b1e-0000-7000-8000-000000000001"), "018f3b1e-0000-7000-8000-000000000001");
    }

    #[test]
    fn every_microdegree_survives() {
        for e6 in [-180_000_000, -90_000_001, -1, 0, 1, 34_293_001, 108_946_503, 179_999_999] {
            let point = Value::Point(Point { lat_e6: e6 / 2, lng_e6: e6 });
            assert_eq!(Value::from_cell(Kind::Point, &point.to_cell()), Ok(point));
        }
    }

    #[test]
    fn what_spreadsheets_in_china_write_is_read() {
        let check = |kind, cell: &str, json: Json| {
            assert_eq!(Value::from_cell(kind, cell).unwrap().to_json(), json, "{kind:?} {cell}");
        };
        check(Kind::Date, "2026/1/5", json!("2026-01-05"));
        check(Kind::Date, "2026年1月5日", json!("2026-01-05"));
        check(Kind::DateTime, "2026/1/5 8:30", json!("2026-01-05T00:30:00.000000Z"));
        check(Kind::DateTime, "2026-01-05 08:30:15", json!("2026-01-05T00:30:15.000000Z"));
        check(Kind::DateTime, "2026-01-05", json!("2026-01-04T16:00:00.000000Z"));
        check(Kind::DateTime, "2026-01-05T08:30:00+08:00", json!("2026-01-05T00:30:00.000000Z"));
        check(Kind::Bool, "TRUE", json!(true));
        check(Kind::Bool, "否", json!(false));
        check(Kind::Int, " 12 ", json!(12));
        check(Kind::Decimal(2), "12.5", json!("12.50"));
        check(Kind::Point, "{\"lat\":1,\"lng\":2}", json!({ "lat": 1.0, "lng": 2.0 }));
        check(Kind::Point, "34.2，108.9", json!({ "lat": 34.2, "lng": 108.9 }));
        check(Kind::Int, "  ", Json::Null);
    }

    #[test]
    fn what_is_not_of_the_kind_is_refused() {
        for (kind, cell) in [
            (Kind::Int, "1.5"),
            (Kind::Int, "一"),
            (Kind::Int, "2147483648"),
            (Kind::Decimal(2), "1.005"),
            (Kind::Decimal(2), "1,000"),
            (Kind::Bool, "maybe"),
            (Kind::Date, "2026/2/30"),
            (Kind::Date, "5/1/2026"),
            (Kind::DateTime, "8:30"),
            (Kind::DateTime, "2026/1/5 25:00"),
            (Kind::Point, "91,0"),
            (Kind::Point, "1"),
            (Kind::Point, "{"),
            (Kind::Point, "NaN,0"),
            (Kind::Id, "1"),
            (Kind::Text, "a\0b"),
        ] {
            assert!(Value::from_cell(kind, cell).is_err(), "{kind:?} {cell}");
        }
    }
}
