//! Lists, counts and single records.

use sea_orm::QueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Order as SqlOrder, SelectStatement};
use sunlit_domain::Scope;
use sunlit_domain::filter::Filter;
use sunlit_domain::id::{ActorId, RecordId};
use sunlit_domain::manifest::{STANDARD_FIELDS, Slot};
use sunlit_domain::page::{self, Order};
use sunlit_domain::record::Record;
use sunlit_domain::value::{Timestamp, Value};
use uuid::Uuid;

use super::condition::condition;
use super::encoding;
use crate::{Session, StorageError, Table};

/// What a list asks for.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    /// Which records; none means all.
    pub filter: Option<Filter>,
    /// In which order; by id when it names nothing.
    pub order: Order,
    /// How many at most.
    pub first: u32,
    /// Only what comes after this cursor.
    pub after: Option<String>,
    /// The declared fields to read, by index; none means all.
    pub fields: Option<Vec<usize>>,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordPage {
    /// Its records, in order.
    pub records: Vec<Record>,
    /// Whether more follow.
    pub has_next: bool,
}

/// A page of the records that the query admits.
///
/// # Errors
/// A cursor of another list, or the database's.
pub async fn list(
    scope: &Scope,
    session: &Session,
    table: &Table,
    query: &ListQuery,
) -> Result<RecordPage, StorageError> {
    let mut select = columns(session.select(scope, table.name())?, table, query.fields.as_deref());
    apply(&mut select, session, table, query.filter.as_ref());
    if let Some(cursor) = &query.after {
        apply(&mut select, session, table, Some(&page::after(table.collection(), &query.order, cursor)?));
    }
    for term in query.order.with_id() {
        let direction = if term.descending { SqlOrder::Desc } else { SqlOrder::Asc };
        for column in table.columns(term.attribute.slot) {
            match session.engine().nulls(term.descending) {
                Some(nulls) => select.order_by_with_nulls(Alias::new(column), direction.clone(), nulls),
                None => select.order_by(Alias::new(column), direction.clone()),
            };
        }
    }
    select.limit(u64::from(query.first) + 1);
    let rows = session.all(&select).await?;
    let wanted = usize::try_from(query.first).unwrap_or(usize::MAX);
    let has_next = rows.len() > wanted;
    let read = rows.iter().take(wanted).map(|row| read_record(row, table, query.fields.as_deref()));
    Ok(RecordPage { records: read.collect::<Result<_, _>>()?, has_next })
}

/// How many records the filter admits.
///
/// # Errors
/// The database's.
pub async fn count(
    scope: &Scope,
    session: &Session,
    table: &Table,
    filter: Option<&Filter>,
) -> Result<i64, StorageError> {
    let mut select = session.select(scope, table.name())?;
    select.expr(Func::count(Expr::col(Alias::new("id"))));
    apply(&mut select, session, table, filter);
    let row = session.one(&select).await?;
    Ok(row.map(|row| row.try_get_by_index::<i64>(0)).transpose()?.unwrap_or(0))
}

/// One record by id, when it is there and the filter admits it.
///
/// # Errors
/// The database's.
pub async fn get(
    scope: &Scope,
    session: &Session,
    table: &Table,
    id: RecordId,
    filter: Option<&Filter>,
) -> Result<Option<Record>, StorageError> {
    Ok(get_many(scope, session, table, &[id], filter, None).await?.pop())
}

/// Those of the given records that are there and that the filter admits, in the order of their ids.
///
/// # Errors
/// The database's.
pub async fn get_many(
    scope: &Scope,
    session: &Session,
    table: &Table,
    ids: &[RecordId],
    filter: Option<&Filter>,
    fields: Option<&[usize]>,
) -> Result<Vec<Record>, StorageError> {
    let mut select = columns(session.select(scope, table.name())?, table, fields);
    select.and_where(Expr::col(Alias::new("id")).is_in(ids.iter().map(|id| id.0)));
    apply(&mut select, session, table, filter);
    select.order_by(Alias::new("id"), SqlOrder::Asc);
    let rows = session.all(&select).await?;
    rows.iter().map(|row| read_record(row, table, fields)).collect()
}

fn apply(select: &mut SelectStatement, session: &Session, table: &Table, filter: Option<&Filter>) {
    if let Some(filter) = filter.filter(|filter| !filter.is_everything()) {
        select.and_where(condition(session.engine(), table, filter));
    }
}

fn columns(mut select: SelectStatement, table: &Table, fields: Option<&[usize]>) -> SelectStatement {
    for standard in STANDARD_FIELDS {
        select.column(Alias::new(standard.name()));
    }
    for index in chosen(table, fields) {
        for column in table.columns(Slot::Field(index)) {
            select.column(Alias::new(column));
        }
    }
    select
}

fn chosen<'a>(table: &Table, fields: Option<&'a [usize]>) -> Box<dyn Iterator<Item = usize> + 'a> {
    match fields {
        Some(fields) => Box::new(fields.iter().copied()),
        None => Box::new(0..table.collection().fields.len()),
    }
}

fn read_record(row: &QueryResult, table: &Table, fields: Option<&[usize]>) -> Result<Record, StorageError> {
    let actor = |at| row.try_get_by_index::<Option<Uuid>>(at).map(|id| id.map(ActorId));
    let time = |at: usize, name: &str| -> Result<Option<Timestamp>, StorageError> {
        let text = row.try_get_by_index::<Option<String>>(at)?;
        text.map(|text| text.parse()).transpose().map_err(|_| StorageError::Corrupt(name.to_owned()))
    };
    let there = |time: Option<Timestamp>, name: &str| time.ok_or_else(|| StorageError::Corrupt(name.to_owned()));
    let collection = table.collection();
    let mut values = vec![Value::Null; collection.fields.len()];
    let mut at = STANDARD_FIELDS.len();
    for index in chosen(table, fields) {
        let field = &collection.fields[index];
        values[index] = encoding::read(row, &mut at, field.kind(), field.name.as_str())?;
    }
    Ok(Record {
        id: RecordId(row.try_get_by_index(0)?),
        state: row.try_get_by_index(1)?,
        version: row.try_get_by_index(2)?,
        owner: actor(3)?,
        created_at: there(time(4, "created_at")?, "created_at")?,
        created_by: actor(5)?,
        updated_at: there(time(6, "updated_at")?, "updated_at")?,
        updated_by: actor(7)?,
        published_at: time(8, "published_at")?,
        values,
    })
}
