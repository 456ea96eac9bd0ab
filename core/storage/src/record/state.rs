//! The state of a record's workflow: the one change that is not of declared fields.

use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use sunlit_domain::Scope;
use sunlit_domain::manifest::{Slot, Standard};
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;

use super::encoding::to_sql;
use super::write::Stamp;
use crate::{StorageError, Table, Work};

/// Puts the record, as it was read in this transaction, into another state; the first time that it is published, the time
/// of that is kept. Answers it afterwards.
///
/// # Errors
/// [`StorageError::Conflict`] when it is no longer at the version that was read, or the database's.
pub async fn enter(
    scope: &Scope,
    work: &Work,
    table: &Table,
    before: &Record,
    state: &str,
    stamp: Stamp,
) -> Result<Record, StorageError> {
    let mut after = before.clone();
    let expected = before.version();
    let mut set = vec![
        (Standard::State, Value::Text(state.to_owned())),
        (Standard::Version, Value::Int(expected + 1)),
        (Standard::UpdatedAt, Value::DateTime(stamp.at)),
    ];
    if table.collection().is_published(state) && before.get(Slot::Standard(Standard::PublishedAt)).is_null() {
        set.push((Standard::PublishedAt, Value::DateTime(stamp.at)));
    }
    let actor = scope.actor().id();
    after.set(Slot::Standard(Standard::UpdatedBy), actor.map_or(Value::Null, |actor| Value::Id(actor.0)));
    let mut statement = work.update(scope, table.name())?;
    statement.value(Alias::new(Standard::UpdatedBy.name()), actor.map(|actor| actor.0));
    for (standard, value) in set {
        statement.value(Alias::new(standard.name()), to_sql(&value));
        after.set(Slot::Standard(standard), value);
    }
    statement
        .and_where(Expr::col(Alias::new("id")).eq(before.id.0))
        .and_where(Expr::col(Alias::new("version")).eq(expected));
    let done = work.execute(&statement).await?;
    if done.rows_affected() == 1 { Ok(after) } else { Err(StorageError::Conflict { expected, found: expected + 1 }) }
}
