//! Many records at once, for imports: rows share statements, of which each is parsed and planned once.

use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::record::{Changes, Record};

use super::items;
use super::sealed::Seal;
use super::write::{Stamp, fresh, row_of, which_unique};
use crate::{StorageError, Table, Work};

/// Variables of one statement: within SQLite's 32,766 and PostgreSQL's 65,535.
pub(super) const MAX_VARIABLES: usize = 30_000;
/// Rows of one statement: more are no faster, and keep more in memory.
pub(super) const MAX_ROWS: usize = 200;

/// Inserts records with these values, as [`super::insert`] does for one; answers them in their order.
///
/// # Errors
/// [`StorageError::NotUnique`], [`StorageError::BrokenReference`], or the database's; of which record is not known.
pub async fn insert_many(
    scope: &Scope,
    work: &Work,
    table: &Table,
    rows: &[(RecordId, &Changes)],
    stamp: Stamp,
) -> Result<Vec<Record>, StorageError> {
    let mut records = Vec::with_capacity(rows.len());
    let width = table.collection().slots().map(|slot| table.columns(slot).len()).sum::<usize>() + 1;
    let seal = Seal::of(scope, work, table).await?;
    for chunk in rows.chunks((MAX_VARIABLES / width).clamp(1, MAX_ROWS)) {
        let start = records.len();
        records.extend(chunk.iter().map(|(id, changes)| fresh(scope, table, *id, changes, stamp)));
        let (mut columns, mut values) = (Vec::new(), Vec::new());
        for record in &records[start..] {
            let (names, row): (Vec<String>, Vec<_>) = row_of(&seal, record)?.into_iter().unzip();
            columns = names;
            values.push(row);
        }
        let statement = work.insert_rows(scope, table.name(), &columns, values)?;
        work.execute(&statement).await.map_err(|error| which_unique(table, error))?;
        items::put(scope, work, table, chunk).await?;
    }
    Ok(records)
}
