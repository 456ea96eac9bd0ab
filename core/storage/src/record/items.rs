//! The items of lists, a row each beside the record that holds the list: what lists are found by, and what refers from them.

use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::record::Changes;
use sunlit_domain::value::{Kind, Value};

use super::encoding::to_sql;
use crate::table::{ITEM, POSITION, RECORD};
use crate::{StorageError, Table, Work};

/// Rows of one statement.
const MAX_ROWS: usize = 5_000;

/// Writes the items of new records' lists.
pub(super) async fn put(
    scope: &Scope,
    work: &Work,
    table: &Table,
    records: &[(RecordId, &Changes)],
) -> Result<(), StorageError> {
    let columns = [RECORD, POSITION, ITEM].map(str::to_owned);
    for (index, field) in table.collection().fields.iter().enumerate() {
        let mut rows = Vec::new();
        for (id, changes) in records {
            let Some(Value::List(items)) = changes.get(&index) else { continue };
            let position = |at: usize| i64::try_from(at).unwrap_or(i64::MAX);
            let row = |(at, item)| vec![Expr::val(id.0), Expr::val(position(at)), Expr::val(to_sql(item))];
            rows.extend(items.iter().enumerate().map(row));
        }
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let batch = rows.by_ref().take(MAX_ROWS).collect();
            work.execute(&work.insert_rows(scope, &table.items_name(field), &columns, batch)?).await?;
        }
    }
    Ok(())
}

/// Writes the items of changed lists anew.
pub(super) async fn replace(
    scope: &Scope,
    work: &Work,
    table: &Table,
    id: RecordId,
    changes: &Changes,
) -> Result<(), StorageError> {
    for index in changes.keys() {
        let Some(field) = table.collection().fields.get(*index) else { continue };
        if matches!(field.kind(), Kind::List(_)) {
            let mut delete = work.delete(scope, &table.items_name(field))?;
            delete.and_where(Expr::col(Alias::new(RECORD)).eq(id.0));
            work.execute(&delete).await?;
        }
    }
    put(scope, work, table, &[(id, changes)]).await
}
