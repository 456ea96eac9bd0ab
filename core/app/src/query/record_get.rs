//! Single records by id or by a unique field, with the viewer's rights.

use sunlit_domain::filter::{Filter, Test};
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Attribute, RunsAs, Slot, Spelling};
use sunlit_domain::record::Record;
use sunlit_domain::value::{Kind, Value};
use sunlit_storage::Table;
use sunlit_storage::record::{self, ListQuery};

use crate::{AppError, Package, Reading};

/// How many records one statement asks for by id: each is a variable of it.
const BATCH: usize = 1_000;

/// Those of the given records that are there and that the viewer may read, by id.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] when no rule lets the viewer read at all.
pub async fn by_ids(
    reading: &Reading,
    package: &Package,
    collection: &str,
    ids: &[RecordId],
) -> Result<Vec<Record>, AppError> {
    let table = package.table(collection)?;
    by_ids_within(reading, table, ids, (RunsAs::Caller, &reading.readable(table.collection())?)).await
}

/// As [`by_ids`], of the records that `readable` admits.
pub(crate) async fn by_ids_within(
    reading: &Reading,
    table: &Table,
    ids: &[RecordId],
    (runs_as, readable): (RunsAs, &Filter),
) -> Result<Vec<Record>, AppError> {
    let session = reading.session().await?;
    let mut records = Vec::with_capacity(ids.len());
    for batch in ids.chunks(BATCH) {
        let found = record::get_many(reading.scope(), &session, table, batch, Some(readable)).await?;
        records.extend(reading.shown_as(runs_as, table.collection(), found)?);
    }
    Ok(records)
}

/// The record whose unique text field has this value, if the viewer may read it.
///
/// # Errors
/// As [`by_ids`]; [`AppError::NotFound`] when there is no such field or record.
pub async fn by_field(
    reading: &Reading,
    package: &Package,
    collection: &str,
    field: &str,
    value: &str,
) -> Result<Record, AppError> {
    let table = package.table(collection)?;
    let (index, field) = table.collection().field(field, Spelling::Manifest).ok_or(AppError::NotFound)?;
    let attribute = Attribute { slot: Slot::Field(index), kind: field.kind() };
    let value = Value::from_json(Kind::Text, &value.into()).map_err(|_| AppError::NotFound)?;
    let test = Filter::Test(attribute, Test::Eq(value));
    let readable = reading.readable(table.collection())?;
    let query = ListQuery { filter: Some(readable.and(test)), first: 1, ..ListQuery::default() };
    let found = record::list(reading.scope(), &*reading.session().await?, table, &query).await?;
    reading.shown(table.collection(), found.records)?.pop().ok_or(AppError::NotFound)
}

/// A record that was just written, as the viewer may read it; none when they may not.
#[must_use]
pub fn written(reading: &Reading, package: &Package, collection: &str, record: Record) -> Option<Record> {
    let collection = package.table(collection).ok()?.collection();
    let filter = reading.readable(collection).ok()?;
    let readable = filter.matches(&|attribute: Attribute| record.get(attribute.slot).clone());
    reading.shown(collection, vec![record]).ok()?.pop().filter(|_| readable)
}
