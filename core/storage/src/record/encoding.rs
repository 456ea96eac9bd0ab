//! Values to and from columns: the one encoding of `sunlit_domain::value`.

use sea_orm::QueryResult;
use sea_orm::sea_query::Value as Sql;
use sunlit_domain::geometry::Point;
use sunlit_domain::value::{Decimal, Kind, Timestamp, Value};
use uuid::Uuid;

use crate::StorageError;

/// A value for a single column. A point has two and is written by [`columns_of`].
pub(super) fn to_sql(value: &Value) -> Sql {
    match value {
        Value::Null | Value::Point(_) => Sql::String(None),
        Value::Bool(value) => Sql::BigInt(Some(i64::from(*value))),
        Value::Int(value) => Sql::BigInt(Some(*value)),
        Value::Decimal(decimal) => Sql::BigInt(Some(decimal.unscaled)),
        Value::Text(text) => Sql::String(Some(text.clone())),
        Value::Date(date) => Sql::String(Some(date.to_string())),
        Value::DateTime(instant) => Sql::String(Some(instant.to_string())),
        Value::Id(id) => Sql::Uuid(Some(*id)),
    }
}

/// The columns of a value: two for a point, one for everything else.
pub(super) fn columns_of(kind: Kind, value: &Value) -> Vec<Sql> {
    match (kind, value) {
        (Kind::Point, Value::Point(point)) => {
            vec![Sql::BigInt(Some(point.lat_e6.into())), Sql::BigInt(Some(point.lng_e6.into()))]
        }
        (Kind::Point, _) => vec![Sql::BigInt(None), Sql::BigInt(None)],
        (Kind::Id, Value::Null) => vec![Sql::Uuid(None)],
        (Kind::Int | Kind::Decimal(_) | Kind::Bool, Value::Null) => vec![Sql::BigInt(None)],
        (_, value) => vec![to_sql(value)],
    }
}

/// Reads one value from `row`, moving `index` past its columns.
pub(super) fn read(row: &QueryResult, index: &mut usize, kind: Kind, name: &str) -> Result<Value, StorageError> {
    let corrupt = || StorageError::Corrupt(name.to_owned());
    let at = *index;
    *index += if kind == Kind::Point { 2 } else { 1 };
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
    };
    Ok(value.unwrap_or(Value::Null))
}
