//! Inserts, changes and deletions. They only exist on a [`Work`], so that audit and outbox share their transaction.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Value as Sql};
use sunlit_domain::Scope;
use sunlit_domain::filter::Filter;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Slot, Standard};
use sunlit_domain::record::{Changes, Record};
use sunlit_domain::value::{Timestamp, Value};

use super::encoding::columns_of;
use super::items;
use super::read::get;
use super::sealed::Seal;
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
    let record = fresh(scope, table, id, changes, stamp);
    let seal = Seal::of(scope, work, table).await?;
    let statement = work.insert(scope, table.name(), row_of(&seal, &record)?)?;
    work.execute(&statement).await.map_err(|error| which_unique(table, error))?;
    items::put(scope, work, table, &[(id, changes)]).await?;
    Ok(record)
}

/// A new record with these values.
pub(super) fn fresh(scope: &Scope, table: &Table, id: RecordId, changes: &Changes, stamp: Stamp) -> Record {
    let mut record = Record::new(id, table.collection());
    let actor = scope.actor().id().map_or(Value::Null, |actor| Value::Id(actor.0));
    let at = Value::DateTime(stamp.at);
    record.set(Slot::Standard(Standard::State), Value::Text(table.collection().initial_state().to_owned()));
    record.set(Slot::Standard(Standard::Version), Value::Int(1));
    for standard in [Standard::Owner, Standard::CreatedBy, Standard::UpdatedBy] {
        record.set(Slot::Standard(standard), actor.clone());
    }
    for standard in [Standard::CreatedAt, Standard::UpdatedAt] {
        record.set(Slot::Standard(standard), at.clone());
    }
    if table.collection().is_published(table.collection().initial_state()) {
        record.set(Slot::Standard(Standard::PublishedAt), at);
    }
    for (index, value) in changes {
        record.set(Slot::Field(*index), value.clone());
    }
    record
}

/// The columns of a record and what goes into them.
pub(super) fn row_of(seal: &Seal<'_>, record: &Record) -> Result<Vec<(String, Expr)>, StorageError> {
    let table = seal.table();
    let mut values: Vec<(String, Expr)> = Vec::new();
    for slot in table.collection().slots() {
        let columns = table.columns(slot).into_iter();
        let written = seal.columns_of(slot, record.id, record.get(slot))?;
        values.extend(columns.zip(written).map(|(name, sql)| (name, Expr::val(sql))));
    }
    Ok(values)
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
    match change(scope, work, table, &before, changes, stamp).await? {
        Some(after) => Ok((before, after)),
        None => Err(lost(scope, work, table, target).await),
    }
}

/// Changes a record that was read in this very transaction, and that the caller may change; answers it afterwards, or none
/// when it is no longer at the version that was read.
///
/// # Errors
/// [`StorageError::NotUnique`], [`StorageError::BrokenReference`], or the database's.
pub async fn change(
    scope: &Scope,
    work: &Work,
    table: &Table,
    before: &Record,
    changes: &Changes,
    stamp: Stamp,
) -> Result<Option<Record>, StorageError> {
    let mut after = before.clone();
    let actor = scope.actor().id().map_or(Value::Null, |actor| Value::Id(actor.0));
    after.set(Slot::Standard(Standard::Version), Value::Int(before.version() + 1));
    after.set(Slot::Standard(Standard::UpdatedAt), Value::DateTime(stamp.at));
    after.set(Slot::Standard(Standard::UpdatedBy), actor);
    let mut statement = work.update(scope, table.name())?;
    let seal = Seal::of(scope, work, table).await?;
    for (index, value) in changes {
        if table.collection().fields.get(*index).is_none() {
            continue;
        }
        let slot = Slot::Field(*index);
        after.set(slot, value.clone());
        for (column, sql) in table.columns(slot).into_iter().zip(seal.columns_of(slot, before.id, value)?) {
            statement.value(Alias::new(column), sql);
        }
    }
    for standard in [Standard::Version, Standard::UpdatedAt, Standard::UpdatedBy] {
        let sql = columns_of(standard.kind(), after.get(Slot::Standard(standard))).pop().unwrap_or(Sql::String(None));
        statement.value(Alias::new(standard.name()), sql);
    }
    statement
        .and_where(Expr::col(Alias::new("id")).eq(before.id.0))
        .and_where(Expr::col(Alias::new("version")).eq(before.version()));
    let done = work.execute(&statement).await.map_err(|error| which_unique(table, error))?;
    if done.rows_affected() != 1 {
        return Ok(None);
    }
    items::replace(scope, work, table, before.id, changes).await?;
    Ok(Some(after))
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

/// Finds the field whose index, or on SQLite whose column, the engine's message names.
pub(super) fn which_unique(table: &Table, error: StorageError) -> StorageError {
    let StorageError::NotUnique { detail, .. } = error else { return error };
    let named = |name: &str| {
        let (column, index) = (format!("{}.{name}", table.name()), table.index_name(name));
        detail.split([',', ' ', '"']).any(|word| word == column || word == index)
    };
    let field = table.collection().fields.iter().position(|field| field.unique && named(field.name.as_str()));
    StorageError::NotUnique { field, detail }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sunlit_domain::Manifest;

    use super::*;

    #[test]
    fn a_field_is_told_from_one_whose_name_goes_on() {
        let text = r#"
[plugin]
id = "names"
version = "1.0.0"
api = "0.1"
title = { zh = "名称" }
vendor = "sunlit"
[[collection]]
name = "item"
title = { zh = "条目" }
field = [
  { name = "code", type = "string", unique = true },
  { name = "code_old", type = "string", unique = true },
  { name = "old", type = "string", unique = true },
]
[collection.access]
read = [{ role = "public" }]
"#;
        let manifest = Arc::new(Manifest::parse("plugin.toml", text).map_err(|error| error.to_string()).unwrap());
        let table = Table::of(&manifest, "item").unwrap();
        let check = |detail: String, expect: Option<usize>| {
            let told = which_unique(&table, StorageError::NotUnique { field: None, detail });
            assert!(matches!(&told, StorageError::NotUnique { field, .. } if *field == expect), "{told:?}");
        };
        for (index, name) in ["code", "code_old", "old"].into_iter().enumerate() {
            let postgres = table.index_name(name);
            check(format!("duplicate key value violates unique constraint \"{postgres}\""), Some(index));
            let own = table.name();
            check(format!("(code: 2067) UNIQUE constraint failed: {own}.tenant_id, {own}.{name}"), Some(index));
        }
        check("duplicate key value violates unique constraint \"c_names__v1__item_pkey\"".to_owned(), None);
        check("UNIQUE constraint failed: another_table.tenant_id, another_table.code".to_owned(), None);
    }
}
