//! Values to and from columns: the one encoding of `sunlit_domain::value`.

use sea_orm::QueryResult;
use sea_orm::sea_query::Value as Sql;
use sunlit_domain::geometry::Point;
use sunlit_domain::value::{Decimal, JsonText, Kind, Timestamp, Value};
use uuid::Uuid;

use crate::StorageError;

/// A value for a single column. Points and areas have several and are written by [`columns_of`].
pub(super) fn to_sql(value: &Value) -> Sql {
    match value {
        Value::Null | Value::Point(_) | Value::Area(_) => Sql::String(None),
        Value::Json(text) => Sql::String(Some(text.as_str().to_owned())),
        Value::List(_) => Sql::String(Some(value.to_json().to_string())),
        Value::Bool(value) => Sql::BigInt(Some(i64::from(*value))),
        Value::Int(value) => Sql::BigInt(Some(*value)),
        Value::Decimal(decimal) => Sql::BigInt(Some(decimal.unscaled)),
        Value::Text(text) => Sql::String(Some(text.clone())),
        Value::Date(date) => Sql::String(Some(date.to_string())),
        Value::DateTime(instant) => Sql::String(Some(instant.to_string())),
        Value::Id(id) => Sql::Uuid(Some(*id)),
    }
}

/// The columns of a value, as many as [`sunlit_domain::manifest::Field::columns`] names.
pub(super) fn columns_of(kind: Kind, value: &Value) -> Vec<Sql> {
    let numbers = |numbers: &[i32]| numbers.iter().map(|n| Sql::BigInt(Some((*n).into()))).collect::<Vec<_>>();
    match (kind, value) {
        (Kind::Point, Value::Point(point)) => numbers(&[point.lat_e6, point.lng_e6]),
        (Kind::Point, _) => vec![Sql::BigInt(None); 2],
        (Kind::Area, Value::Area(area)) => {
            let (low, high) = (area.bounds().south_west, area.bounds().north_east);
            let sides = numbers(&[low.lat_e6, low.lng_e6, high.lat_e6, high.lng_e6]);
            [Sql::String(Some(area.to_geojson().to_string()))].into_iter().chain(sides).collect()
        }
        (Kind::Area, _) => [Sql::String(None)].into_iter().chain(vec![Sql::BigInt(None); 4]).collect(),
        (Kind::Id, Value::Null) => vec![Sql::Uuid(None)],
        (Kind::Int | Kind::Decimal(_) | Kind::Bool, Value::Null) => vec![Sql::BigInt(None)],
        (_, value) => vec![to_sql(value)],
    }
}

/// How many columns the values of `kind` have.
fn width(kind: Kind) -> usize {
    match kind {
        Kind::Point => 2,
        Kind::Area => 5,
        _ => 1,
    }
}

/// Reads one value from `row`, moving `index` past its columns.
pub(super) fn read(row: &QueryResult, index: &mut usize, kind: Kind, name: &str) -> Result<Value, StorageError> {
    let corrupt = || StorageError::Corrupt(name.to_owned());
    let at = *index;
    *index += width(kind);
    let text = || row.try_get_by_index::<Option<String>>(at);
    let number = |at| row.try_get_by_index::<Option<i64>>(at);
    let value = match kind {
        Kind::Text => text()?.map(Value::Text),
        Kind::Int => number(at)?.map(Value::Int),
        Kind::Decimal(scale) => number(at)?.map(|unscaled| Value::Decimal(Decimal { unscaled, scale })),
        Kind::Bool => number(at)?.map(|bit| Value::Bool(bit != 0)),
        Kind::Date => text()?.map(|text| text.parse().map(Value::Date)).transpose().map_err(|_| corrupt())?,
        Kind::DateTime => {
            text()?.map(|text| text.parse::<Timestamp>().map(Value::DateTime)).transpose().map_err(|_| corrupt())?
        }
        Kind::Id => row.try_get_by_index::<Option<Uuid>>(at)?.map(Value::Id),
        Kind::Point => match (number(at)?, number(at + 1)?) {
            (Some(lat), Some(lng)) => Some(Value::Point(Point::from_e6(lat, lng).ok_or_else(corrupt)?)),
            _ => None,
        },
        Kind::Area | Kind::List(_) => text()?.map(|text| json_of(kind, &text).ok_or_else(corrupt)).transpose()?,
        Kind::Json => text()?.map(|text| JsonText::parse(&text).map(Value::Json).ok_or_else(corrupt)).transpose()?,
    };
    Ok(value.unwrap_or(Value::Null))
}

/// A value that is kept as JSON text.
fn json_of(kind: Kind, text: &str) -> Option<Value> {
    Value::from_json(kind, &serde_json::from_str(text).ok()?).ok()
}
