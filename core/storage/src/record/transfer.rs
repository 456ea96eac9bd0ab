//! Moving records into the table of a new major version: the new table is made equal to the old one by (id, version), in
//! any number of steps that may be cut off and begun again.
//!
//! A row of version 0 is a place kept for a record that is not wholly there yet. Nobody reads the new table until it serves.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, OnConflict, Order as SqlOrder, Query, SelectStatement, SimpleExpr};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Slot;
use sunlit_domain::record::{Changes, Record};
use sunlit_domain::value::Kind;

use super::encoding::columns_of;
use super::items;
use super::sealed::Seal;
use super::write::{row_of, which_unique};
use crate::session::TENANT;
use crate::table::RECORD;
use crate::{Session, StorageError, Table, Work};

const ID: &str = "id";
const VERSION: &str = "version";

/// The records of `old` that `new` does not have in their version: at most `first` of them, after the id `after`, by id.
///
/// # Errors
/// The database's.
pub async fn changed(
    scope: &Scope,
    session: &Session,
    (old, new): (&Table, &Table),
    after: Option<RecordId>,
    first: u64,
) -> Result<Vec<RecordId>, StorageError> {
    let mut select = session.select(scope, old.name())?;
    select.column(Alias::new(ID)).and_where(Expr::exists(twin(new, old, true)).not());
    if let Some(after) = after {
        select.and_where(Expr::col(Alias::new(ID)).gt(after.0));
    }
    select.order_by(Alias::new(ID), SqlOrder::Asc);
    let rows = session.first(&select, first).await?;
    rows.iter().map(|row| Ok(RecordId(row.try_get_by_index(0)?))).collect()
}

/// Empties what `new` holds of records that `old` no longer has in that version, so that neither a unique value nor a
/// reference of theirs is in the way; everything without `old`. The rows stay, as version 0.
///
/// # Errors
/// The database's.
pub async fn clear(scope: &Scope, work: &Work, old: Option<&Table>, new: &Table) -> Result<(), StorageError> {
    let collection = new.collection();
    let mut update = work.update(scope, new.name())?;
    for (index, field) in collection.fields.iter().enumerate() {
        let nothing = columns_of(field.kind(), &sunlit_domain::Value::Null);
        for (column, sql) in new.columns(Slot::Field(index)).into_iter().zip(nothing) {
            update.value(Alias::new(column), sql);
        }
    }
    update.value(Alias::new(VERSION), 0_i64);
    if let Some(old) = old {
        update.and_where(Expr::exists(twin(old, new, true)).not());
    }
    work.execute(&update).await?;
    for field in collection.fields.iter().filter(|field| matches!(field.kind(), Kind::List(_))) {
        let mut cleared = work.select(scope, new.name())?;
        cleared.column(Alias::new(ID)).and_where(Expr::col(Alias::new(VERSION)).eq(0_i64));
        let mut delete = work.delete(scope, &new.items_name(field))?;
        delete.and_where(Expr::col(Alias::new(RECORD)).in_subquery(cleared));
        work.execute(&delete).await?;
    }
    Ok(())
}

/// Deletes the cleared rows of records that `old` no longer has; every cleared row without `old`. To be called when every
/// table of the package is cleared, so that nothing refers to them.
///
/// # Errors
/// The database's.
pub async fn prune(scope: &Scope, work: &Work, old: Option<&Table>, new: &Table) -> Result<(), StorageError> {
    let mut delete = work.delete(scope, new.name())?;
    delete.and_where(Expr::col(Alias::new(VERSION)).eq(0_i64));
    if let Some(old) = old {
        delete.and_where(Expr::exists(twin(old, new, false)).not());
    }
    work.execute(&delete).await?;
    Ok(())
}

/// Which of these records the table has, wholly or as a kept place.
///
/// # Errors
/// The database's.
pub async fn present(
    scope: &Scope,
    session: &Session,
    table: &Table,
    ids: &[RecordId],
) -> Result<BTreeSet<RecordId>, StorageError> {
    let mut select = session.select(scope, table.name())?;
    select.column(Alias::new(ID)).and_where(Expr::col(Alias::new(ID)).is_in(ids.iter().map(|id| id.0)));
    let rows = session.all(&select).await?;
    rows.iter().map(|row| Ok(RecordId(row.try_get_by_index(0)?))).collect()
}

/// Writes a record as it is, standard fields included, in place of what the table has of it.
///
/// # Errors
/// [`StorageError::NotUnique`], [`StorageError::BrokenReference`], or the database's.
pub async fn put(scope: &Scope, work: &Work, table: &Table, record: &Record) -> Result<(), StorageError> {
    let seal = Seal::of(scope, work, table).await?;
    let values = row_of(&seal, record)?;
    let names: Vec<Alias> =
        values.iter().map(|(name, _)| Alias::new(name)).filter(|name| *name != Alias::new(ID)).collect();
    let mut insert = work.insert(scope, table.name(), values)?;
    insert.on_conflict(OnConflict::columns([Alias::new(TENANT), Alias::new(ID)]).update_columns(names).to_owned());
    work.execute(&insert).await.map_err(|error| which_unique(table, error))?;
    let lists: Changes = record.values.iter().cloned().enumerate().collect();
    items::replace(scope, work, table, record.id, &lists).await
}

/// The rows of `inner` that are the same record as a row of the enclosing `outer`, and of the same version where asked.
fn twin(inner: &Table, outer: &Table, same_version: bool) -> SelectStatement {
    let column = |table: &Table, name: &str| SimpleExpr::from(Expr::col((Alias::new(table.name()), Alias::new(name))));
    let mut select = Query::select();
    select.expr(Expr::val(1_i64)).from(Alias::new(inner.name()));
    for name in [TENANT, ID].into_iter().chain(same_version.then_some(VERSION)) {
        select.and_where(column(inner, name).eq(column(outer, name)));
    }
    select
}
