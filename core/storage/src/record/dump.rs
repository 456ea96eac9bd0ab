//! Records wholly, as they are: page by page out of a snapshot, and back into an empty table. Outside they are in clear: an archive
//! can be read where the keys of the store are not, and is sealed as a whole.

use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Order as SqlOrder};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Slot;
use sunlit_domain::record::{Changes, Record};

use super::bulk::{MAX_ROWS, MAX_VARIABLES};
use super::items;
use super::read::{chosen, columns, read_record};
use super::sealed::{self, Seal};
use super::write::{row_of, which_unique};
use crate::{Session, StorageError, Table, Work};

/// The slots of a collection whose columns the database has: a file that never had a later minor version lacks those of its
/// fields. None when the table is not there.
///
/// # Errors
/// The database's.
pub async fn slots_there(scope: &Scope, session: &Session, table: &Table) -> Result<Option<Vec<Slot>>, StorageError> {
    let there = table.columns_there(scope, session).await?;
    if there.is_empty() {
        return Ok(None);
    }
    let slots = table.collection().slots();
    Ok(Some(slots.filter(|slot| table.columns(*slot).iter().all(|column| there.contains(column))).collect()))
}

/// The records after the id `after`, by id, at most `first`, in clear.
///
/// # Errors
/// The database's.
pub async fn dump(
    scope: &Scope,
    session: &Session,
    table: &Table,
    slots: &[Slot],
    (after, first): (Option<RecordId>, u64),
) -> Result<Vec<Record>, StorageError> {
    let slots = chosen(table, Some(slots));
    let mut select = columns(session.select(scope, table.name())?, table, &slots);
    if let Some(after) = after {
        select.and_where(Expr::col(Alias::new("id")).gt(after.0));
    }
    select.order_by(Alias::new("id"), SqlOrder::Asc);
    let rows = session.first(&select, first).await?;
    let mut records = rows.iter().map(|row| read_record(row, table, &slots)).collect::<Result<Vec<_>, _>>()?;
    sealed::open(scope, session, table, &mut records).await?;
    Ok(records)
}

/// Writes records as they are, standard fields included, with the items of their lists. What is sensitive is sealed anew, with the
/// keys that the tenant has here.
///
/// # Errors
/// [`StorageError::NotUnique`], [`StorageError::BrokenReference`], or the database's.
pub async fn restore_many(scope: &Scope, work: &Work, table: &Table, records: &[Record]) -> Result<(), StorageError> {
    let slots = table.collection().slots();
    let names: Vec<String> = slots.flat_map(|slot| table.columns(slot)).collect();
    let seal = Seal::of(scope, work, table).await?;
    for chunk in records.chunks((MAX_VARIABLES / (names.len() + 1)).clamp(1, MAX_ROWS)) {
        let row = |record| Ok(row_of(&seal, record)?.into_iter().map(|(_, value)| value).collect());
        let rows = chunk.iter().map(row).collect::<Result<Vec<Vec<Expr>>, StorageError>>()?;
        let insert = work.insert_rows(scope, table.name(), &names, rows)?;
        work.execute(&insert).await.map_err(|error| which_unique(table, error))?;
        let lists: Vec<(RecordId, Changes)> =
            chunk.iter().map(|record| (record.id, record.values.iter().cloned().enumerate().collect())).collect();
        let lists: Vec<(RecordId, &Changes)> = lists.iter().map(|(id, changes)| (*id, changes)).collect();
        items::put(scope, work, table, &lists).await?;
    }
    Ok(())
}
