//! Lists, counts and single records.

use sea_orm::QueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Order as SqlOrder, SelectStatement};
use sunlit_domain::Scope;
use sunlit_domain::filter::Filter;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Slot, Standard};
use sunlit_domain::page::{self, Order};
use sunlit_domain::record::Record;
use sunlit_domain::value::Kind;

use super::condition::condition;
use super::{encoding, sealed};
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
    /// What to read of each record beside its id; none means everything.
    pub slots: Option<Vec<Slot>>,
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
    let slots = chosen(table, query.slots.as_deref());
    let mut select = columns(session.select(scope, table.name())?, table, &slots);
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
    let rows = session.first(&select, u64::from(query.first) + 1).await?;
    let wanted = usize::try_from(query.first).unwrap_or(usize::MAX);
    let has_next = rows.len() > wanted;
    let read = rows.iter().take(wanted).map(|row| read_record(row, table, &slots));
    let mut records = read.collect::<Result<Vec<_>, _>>()?;
    sealed::open(scope, session, table, &mut records).await?;
    Ok(RecordPage { records, has_next })
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
    Ok(get_many(scope, session, table, &[id], filter).await?.pop())
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
) -> Result<Vec<Record>, StorageError> {
    let slots = chosen(table, None);
    let mut select = columns(session.select(scope, table.name())?, table, &slots);
    select.and_where(Expr::col(Alias::new("id")).is_in(ids.iter().map(|id| id.0)));
    apply(&mut select, session, table, filter);
    select.order_by(Alias::new("id"), SqlOrder::Asc);
    let rows = session.all(&select).await?;
    let mut records = rows.iter().map(|row| read_record(row, table, &slots)).collect::<Result<Vec<_>, _>>()?;
    sealed::open(scope, session, table, &mut records).await?;
    Ok(records)
}

pub(super) fn apply(select: &mut SelectStatement, session: &Session, table: &Table, filter: Option<&Filter>) {
    if let Some(filter) = filter.filter(|filter| !filter.is_everything()) {
        select.and_where(condition(session.engine(), table, filter));
    }
}

pub(super) fn columns(mut select: SelectStatement, table: &Table, slots: &[Slot]) -> SelectStatement {
    select.column(Alias::new(Standard::Id.name()));
    for slot in slots {
        for column in table.columns(*slot) {
            select.column(Alias::new(column));
        }
    }
    select
}

/// The slots to read beside the id, each once.
pub(super) fn chosen(table: &Table, slots: Option<&[Slot]>) -> Vec<Slot> {
    let mut chosen: Vec<Slot> = match slots {
        Some(slots) => slots.to_vec(),
        None => table.collection().slots().collect(),
    };
    chosen.retain(|slot| *slot != Slot::Standard(Standard::Id));
    chosen.sort_unstable();
    chosen.dedup();
    chosen
}

/// A record as its row has it: what is sealed is still to be opened.
pub(super) fn read_record(row: &QueryResult, table: &Table, slots: &[Slot]) -> Result<Record, StorageError> {
    let collection = table.collection();
    let mut record = Record::new(RecordId(row.try_get_by_index(0)?), collection);
    let mut at = 1;
    for slot in slots {
        let kind = if collection.is_sealed(*slot) { Kind::Text } else { collection.kind_of(*slot) };
        record.set(*slot, encoding::read(row, &mut at, kind, collection.slot_name(*slot))?);
    }
    Ok(record)
}
