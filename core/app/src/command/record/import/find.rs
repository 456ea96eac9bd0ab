//! Finds the records that rows are about, and what else their values meet: in batches, not row by row.

use std::collections::{BTreeMap, BTreeSet};

use sunlit_domain::Scope;
use sunlit_domain::filter::{Filter, Test};
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Attribute, Slot};
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use sunlit_storage::record::{self, ListQuery};
use sunlit_storage::{Table, Work};

use super::rows::Row;
use crate::AppError;

/// Values of one query: each is a variable of its statement.
const BATCH: usize = 1_000;

/// The records that rows name and that the actor may change.
#[derive(Default)]
pub(super) struct Existing {
    by_id: BTreeMap<RecordId, Record>,
    by_key: BTreeMap<Value, RecordId>,
    key: Option<usize>,
    /// Ids of rows under which no record is, whoever may see it: those that may be given to new ones.
    free: BTreeSet<RecordId>,
}

/// What a row is about.
pub(super) enum Subject<'a> {
    New,
    There(&'a Record),
    Missing,
}

impl Existing {
    pub(super) async fn find(
        scope: &Scope,
        work: &Work,
        table: &Table,
        rows: &[Row],
        (key, update): (Option<usize>, Option<&Filter>),
    ) -> Result<Self, AppError> {
        let mut existing = Self { key, ..Self::default() };
        let Some(update) = update else { return Ok(existing) };
        let ids: Vec<RecordId> = rows.iter().filter_map(|row| row.id).collect();
        for batch in ids.chunks(BATCH) {
            let found = record::get_many(scope, work, table, batch, Some(update)).await?;
            existing.by_id.extend(found.into_iter().map(|record| (record.id, record)));
        }
        if let Some(key) = key {
            let unnamed = rows.iter().filter(|row| row.id.is_none());
            let values: Vec<Value> = unnamed.filter_map(|row| row.value(key).cloned()).collect();
            for record in with_values(scope, work, table, (key, &values), Some(update)).await? {
                existing.by_key.insert(record.get(Slot::Field(key)).clone(), record.id);
                existing.by_id.insert(record.id, record);
            }
        }
        Ok(existing)
    }

    /// Lets rows create records under their ids, where there is none of that id yet.
    pub(super) async fn admit_new(
        &mut self,
        scope: &Scope,
        work: &Work,
        table: &Table,
        rows: &[Row],
    ) -> Result<(), AppError> {
        let ids: BTreeSet<RecordId> = rows.iter().filter_map(|row| row.id).collect();
        self.free = missing(scope, work, table, &ids, &Filter::everything()).await?;
        Ok(())
    }

    pub(super) fn subject(&self, row: &Row) -> Subject<'_> {
        let found = match (row.id, self.key) {
            (Some(id), _) if self.free.contains(&id) => return Subject::New,
            (Some(id), _) => return self.by_id.get(&id).map_or(Subject::Missing, Subject::There),
            (None, Some(key)) => row.value(key).and_then(|value| self.by_key.get(value)),
            (None, None) => None,
        };
        found.and_then(|id| self.by_id.get(id)).map_or(Subject::New, Subject::There)
    }
}

/// The records that have one of `values` in a unique field.
pub(super) async fn with_values(
    scope: &Scope,
    work: &Work,
    table: &Table,
    (field, values): (usize, &[Value]),
    among: Option<&Filter>,
) -> Result<Vec<Record>, AppError> {
    let kind = table.collection().fields[field].kind();
    let attribute = Attribute { slot: Slot::Field(field), kind };
    let mut found = Vec::new();
    for batch in values.chunks(BATCH) {
        let wanted = Filter::Test(attribute, Test::In(batch.to_vec()));
        let filter = among.cloned().unwrap_or_else(Filter::everything).and(wanted);
        let first = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        let query = ListQuery { filter: Some(filter), first, ..ListQuery::default() };
        found.extend(record::list(scope, work, table, &query).await?.records);
    }
    Ok(found)
}

/// Those of `ids` that lead to no record that the filter admits.
pub(super) async fn missing(
    scope: &Scope,
    work: &Work,
    target: &Table,
    ids: &BTreeSet<RecordId>,
    readable: &Filter,
) -> Result<BTreeSet<RecordId>, AppError> {
    let mut missing = ids.clone();
    let ids: Vec<RecordId> = ids.iter().copied().collect();
    for batch in ids.chunks(BATCH) {
        for record in record::get_many(scope, work, target, batch, Some(readable)).await? {
            missing.remove(&record.id);
        }
    }
    Ok(missing)
}
