//! Inserts, changes and deletions. They only exist on a [`Work`], so that audit and outbox share their transaction.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Value as Sql};
use sunlit_domain::Scope;
use sunlit_domain::filter::Filter;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{STANDARD_FIELDS, Slot, Standard};
use sunlit_domain::record::{Changes, PUBLISHED, Record};
use sunlit_domain::value::{Timestamp, Value};

use super::encoding::columns_of;
use super::items;
use super::read::get;
use crate::{StorageError, Table, Work};

/// When something is written. Who writes is the scope's actor.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    /// The instant, from the caller (invariant 13).
    pub at: Timestamp,
}

/// The record that a write is about, as the caller knows it.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// Its id.
    pub id: RecordId,
    /// The version that the caller read.
    pub version: i64,
    /// Which records the caller may write at all; others are not found.
    pub filter: &'a Filter,
}

/// Inserts a record with these values; fields that are not named are null.
///
/// # Errors
/// [`StorageError::NotUnique`], [`StorageError::BrokenReference`], or the database's.
pub async fn insert(
    scope: &Scope,
    work: &Work,
    table: &Table,
    id: RecordId,
    changes: &Changes,
    stamp: Stamp,
) -> Result<Record, StorageError> {
    let collection = table.collection();
    let mut record = Record::new(id, collection);
    let actor = scope.actor().id().map_or(Value::Null, |actor| Value::Id(actor.0));
    let at = Value::DateTime(stamp.at);
    record.set(Slot::Standard(Standard::State), Value::Text(PUBLISHED.to_owned()));
    record.set(Slot::Standard(Standard::Version), Value::Int(1));
    for standard in [Standard::Owner, Standard::CreatedBy, Standard::UpdatedBy] {
        record.set(Slot::Standard(standard), actor.clone());
    }
    for standard in [Standard::CreatedAt, Standard::UpdatedAt, Standard::PublishedAt] {
        record.set(Slot::Standard(standard), at.clone());
    }
    for (index, value) in changes {
        record.set(Slot::Field(*index), value.clone());
    }
    let mut values: Vec<(String, Expr)> = Vec::new();
    let standard = STANDARD_FIELDS.into_iter().map(|standard| (Slot::Standard(standard), standard.kind()));
    let declared = collection.fields.iter().enumerate().map(|(index, field)| (Slot::Field(index), field.kind()));
    for (slot, kind) in standard.chain(declared) {
        let columns = table.columns(slot).into_iter();
        values.extend(columns.zip(columns_of(kind, record.get(slot))).map(|(name, sql)| (name, Expr::val(sql))));
    }
    let statement = work.insert(scope, table.name(), values)?;
    work.execute(&statement).await.map_err(|error| which_unique(table, error))?;
    items::put(scope, work, table, id, changes).await?;
    Ok(record)
}

/// Changes the target; answers it before and after.
///
/// # Errors
/// [`StorageError::NotFound`], [`StorageError::Conflict`], [`StorageError::NotUnique`],
/// [`StorageError::BrokenReference`], or the database's.
pub async fn update(
    scope: &Scope,
    work: &Work,
    table: &Table,
    target: Target<'_>,
    changes: &Changes,
    stamp: Stamp,
) -> Result<(Record, Record), StorageError> {
    let before = current(scope, work, table, target).await?;
    let mut after = before.clone();
    let actor = scope.actor().id().map_or(Value::Null, |actor| Value::Id(actor.0));
    after.set(Slot::Standard(Standard::Version), Value::Int(target.version + 1));
    after.set(Slot::Standard(Standard::UpdatedAt), Value::DateTime(stamp.at));
    after.set(Slot::Standard(Standard::UpdatedBy), actor);
    let mut statement = work.update(scope, table.name())?;
    for (index, value) in changes {
        let Some(field) = table.collection().fields.get(*index) else { continue };
        after.set(Slot::Field(*index), value.clone());
        for (column, sql) in table.columns(Slot::Field(*index)).into_iter().zip(columns_of(field.kind(), value)) {
            statement.value(Alias::new(column), sql);
        }
    }
    for standard in [Standard::Version, Standard::UpdatedAt, Standard::UpdatedBy] {
        let sql = columns_of(standard.kind(), after.get(Slot::Standard(standard))).pop().unwrap_or(Sql::String(None));
        statement.value(Alias::new(standard.name()), sql);
    }
    statement
        .and_where(Expr::col(Alias::new("id")).eq(target.id.0))
        .and_where(Expr::col(Alias::new("version")).eq(target.version));
    let done = work.execute(&statement).await.map_err(|error| which_unique(table, error))?;
    if done.rows_affected() != 1 {
        return Err(lost(scope, work, table, target).await);
    }
    items::replace(scope, work, table, target.id, changes).await?;
    Ok((before, after))
}

/// Deletes the target; answers it as it was.
///
/// # Errors
/// [`StorageError::NotFound`], [`StorageError::Conflict`], [`StorageError::BrokenReference`] when others refer to it, or
/// the database's.
pub async fn delete(scope: &Scope, work: &Work, table: &Table, target: Target<'_>) -> Result<Record, StorageError> {
    let before = current(scope, work, table, target).await?;
    let mut statement = work.delete(scope, table.name())?;
    statement
        .and_where(Expr::col(Alias::new("id")).eq(target.id.0))
        .and_where(Expr::col(Alias::new("version")).eq(target.version));
    let done = work.execute(&statement).await?;
    if done.rows_affected() == 1 { Ok(before) } else { Err(lost(scope, work, table, target).await) }
}

async fn current(scope: &Scope, work: &Work, table: &Table, target: Target<'_>) -> Result<Record, StorageError> {
    let record = get(scope, work, table, target.id, Some(target.filter)).await?.ok_or(StorageError::NotFound)?;
    if record.version() == target.version {
        Ok(record)
    } else {
        Err(StorageError::Conflict { expected: target.version, found: record.version() })
    }
}

/// Why a record that was there a moment ago was not written: another transaction came first.
async fn lost(scope: &Scope, work: &Work, table: &Table, target: Target<'_>) -> StorageError {
    match current(scope, work, table, target).await {
        Ok(_) => StorageError::Interrupted,
        Err(error) => error,
    }
}

/// Finds the field whose column or index the engine's message names.
pub(super) fn which_unique(table: &Table, error: StorageError) -> StorageError {
    let StorageError::NotUnique { detail, .. } = error else { return error };
    let named = |name: &str| {
        let column = format!(".{name}");
        let whole = detail.split([',', ' ', '"']).any(|word| word.ends_with(&column));
        whole || detail.contains(&table.index_name(name))
    };
    let field = table.collection().fields.iter().position(|field| field.unique && named(field.name.as_str()));
    StorageError::NotUnique { field, detail }
}
