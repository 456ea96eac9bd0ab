//! Rows of the fixed tables as lines of JSON, out and in: what an archive carries of them. The tenant stands in no line, and what its
//! vault seals stands there in clear, as base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sea_orm::QueryResult;
use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Order, Value as Sql};
use serde_json::{Map, Value as Json};
use sunlit_domain::Scope;
use sunlit_domain::record::line::line;

use super::catalogue::{Column, Fate, FixedTable, PlaceOf, Sort};
use crate::{Session, StorageError, Work};

/// Variables of one statement: within SQLite's 32,766 and PostgreSQL's 65,535.
const MAX_VARIABLES: usize = 30_000;
/// Rows of one statement.
const MAX_ROWS: usize = 200;

/// Where a page ended: the key of its last row.
#[derive(Debug, Clone)]
pub struct Place(Vec<Sql>);

/// A page of lines in the order of their keys.
#[derive(Debug, Clone)]
pub struct Lines {
    /// Each without its end.
    pub lines: Vec<String>,
    /// Where the next page begins; none after the last.
    pub next: Option<Place>,
}

/// The rows of `table` that are carried, after `after`, at most `first`; none of a table that stays behind.
///
/// # Errors
/// The database's.
pub async fn page(
    scope: &Scope,
    session: &Session,
    table: &FixedTable,
    after: Option<&Place>,
    first: u64,
) -> Result<Lines, StorageError> {
    let mut select = session.select(scope, table.name)?;
    match table.fate {
        Fate::Carried => {}
        Fate::But(condition, _) => {
            select.and_where(condition().not());
        }
        Fate::Left(_) => return Ok(Lines { lines: Vec::new(), next: None }),
    }
    for column in &table.columns {
        select.column(Alias::new(&column.name));
    }
    let names = table.key.iter().map(|column| Alias::new(&column.name));
    for name in names.clone() {
        select.order_by(name, Order::Asc);
    }
    if let Some(Place(values)) = after {
        let key = Expr::tuple(names.map(Expr::col));
        select.and_where(key.gt(Expr::tuple(values.iter().cloned().map(Expr::val))));
    }
    let rows = session.first(&select, first).await?;
    let sealed = sealed_of(table);
    let mut lines = Vec::with_capacity(rows.len());
    let mut last = None;
    for row in &rows {
        let mut values: Vec<Json> = table
            .columns
            .iter()
            .enumerate()
            .map(|(at, column)| read(row, at, column))
            .collect::<Result<_, StorageError>>()?;
        if let Some((at, context)) = &sealed
            && let Some(text) = values.get(*at).and_then(Json::as_str)
        {
            let plain = session.vault().open(scope, session, &context(id_of(table, &values)), text).await?;
            values[*at] = Json::from(STANDARD.encode(plain));
        }
        last = Some(values.clone());
        let named = table.columns.iter().map(|column| column.name.as_str()).zip(values);
        lines.push(line(named.filter(|(_, value)| !value.is_null())));
    }
    let is_full = u64::try_from(rows.len()).is_ok_and(|rows| rows == first) && !table.key.is_empty();
    let next = last.filter(|_| is_full).map(|values| place(table, &values)).transpose()?;
    Ok(Lines { lines, next })
}

fn place(table: &FixedTable, values: &[Json]) -> Result<Place, StorageError> {
    let value = |key: &Column| {
        let at = table.columns.iter().position(|column| column == key);
        let json = at.and_then(|at| values.get(at)).unwrap_or(&Json::Null);
        to_sql(table, key, Some(json))
    };
    Ok(Place(table.key.iter().map(value).collect::<Result<_, _>>()?))
}

/// Writes rows that [`page`] gave, as they were.
///
/// # Errors
/// [`StorageError::BadRow`] for a line that is no row of the table, [`StorageError::NotUnique`], or the database's.
pub async fn put(scope: &Scope, work: &Work, table: &FixedTable, lines: &[String]) -> Result<(), StorageError> {
    if let Fate::Left(_) = table.fate {
        return Err(StorageError::BadRow(format!("the table {} stays behind, and has rows", table.name)));
    }
    let columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    for chunk in lines.chunks((MAX_VARIABLES / (columns.len() + 1)).clamp(1, MAX_ROWS)) {
        let mut rows = Vec::with_capacity(chunk.len());
        for line in chunk {
            rows.push(row_of(scope, work, table, line).await?);
        }
        work.execute(&work.insert_rows(scope, table.name, &columns, rows)?).await?;
    }
    Ok(())
}

/// Where the sealed column stands among the table's, and what its places are called.
fn sealed_of(table: &FixedTable) -> Option<(usize, PlaceOf)> {
    let (name, context) = table.sealed?;
    let at = table.columns.iter().position(|column| column.name == name)?;
    Some((at, context))
}

/// The id of a row; none of a table without ids.
fn id_of(table: &FixedTable, values: &[Json]) -> Option<Uuid> {
    let at = table.columns.iter().position(|column| column.name == "id")?;
    Uuid::try_parse(values.get(at)?.as_str()?).ok()
}

async fn row_of(scope: &Scope, work: &Work, table: &FixedTable, line: &str) -> Result<Vec<Expr>, StorageError> {
    let bad = |what: String| StorageError::BadRow(format!("a row of the table {}: {what}", table.name));
    let mut named: Map<String, Json> =
        serde_json::from_str(line).map_err(|error| bad(format!("not an object of JSON: {error}")))?;
    if let Some(name) = named.keys().find(|name| !table.columns.iter().any(|column| column.name == **name)) {
        return Err(bad(format!("there is no column `{name}`: was it written by a later version of Sunlit?")));
    }
    let mut values: Vec<Json> =
        table.columns.iter().map(|column| named.remove(&column.name).unwrap_or_default()).collect();
    if let Some((at, context)) = sealed_of(table)
        && !values[at].is_null()
    {
        let plain = values[at].as_str().and_then(|text| STANDARD.decode(text).ok());
        let plain = plain.ok_or_else(|| bad(format!("`{}` is of another kind", table.columns[at].name)))?;
        let vault = work.vault().clone();
        values[at] = Json::from(vault.seal(scope, work, &context(id_of(table, &values)), &plain).await?);
    }
    let value = |(column, json): (&Column, &Json)| to_sql(table, column, Some(json)).map(Expr::val);
    table.columns.iter().zip(&values).map(value).collect()
}

fn read(row: &QueryResult, at: usize, column: &Column) -> Result<Json, StorageError> {
    Ok(match column.sort {
        Sort::Id => row.try_get_by_index::<Option<Uuid>>(at)?.map_or(Json::Null, |id| Json::from(id.to_string())),
        Sort::Text => row.try_get_by_index::<Option<String>>(at)?.map_or(Json::Null, Json::from),
        Sort::Number => row.try_get_by_index::<Option<i64>>(at)?.map_or(Json::Null, Json::from),
        Sort::Truth => row.try_get_by_index::<Option<bool>>(at)?.map_or(Json::Null, Json::from),
        Sort::Bytes => {
            let bytes = row.try_get_by_index::<Option<Vec<u8>>>(at)?;
            bytes.map_or(Json::Null, |bytes| Json::from(STANDARD.encode(bytes)))
        }
        Sort::Unknown => return Err(StorageError::Corrupt(column.name.clone())),
    })
}

fn to_sql(table: &FixedTable, column: &Column, json: Option<&Json>) -> Result<Sql, StorageError> {
    let json = json.filter(|json| !json.is_null());
    let wrong =
        || StorageError::BadRow(format!("a row of the table {}: `{}` is of another kind", table.name, column.name));
    let text = |json: &Json| json.as_str().filter(|text| !text.contains('\0')).map(str::to_owned).ok_or_else(wrong);
    Ok(match column.sort {
        Sort::Id => {
            let id = |json: &Json| Uuid::try_parse(&text(json)?).map_err(|_| wrong());
            Sql::Uuid(json.map(id).transpose()?)
        }
        Sort::Text => Sql::String(json.map(text).transpose()?),
        Sort::Number => Sql::BigInt(json.map(|json| json.as_i64().ok_or_else(wrong)).transpose()?),
        Sort::Truth => Sql::Bool(json.map(|json| json.as_bool().ok_or_else(wrong)).transpose()?),
        Sort::Bytes => {
            let bytes = |json: &Json| STANDARD.decode(text(json)?).map_err(|_| wrong());
            Sql::Bytes(json.map(bytes).transpose()?)
        }
        Sort::Unknown => return Err(wrong()),
    })
}
