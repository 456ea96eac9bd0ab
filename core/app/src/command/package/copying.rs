//! Copies the records of one major version into the tables of another, in batches, by a plan.
//!
//! Each pass makes the new tables equal to the old ones, so that passes may be cut off and begun again. A record whose
//! references lead to records that are not copied yet keeps a place as version 0, and is completed by the next pass.

use std::collections::BTreeSet;
use std::sync::Arc;

use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Field, FieldType, Slot, Standard};
use sunlit_domain::migration::{Move, Plan};
use sunlit_domain::page;
use sunlit_domain::record::{Problem, Record};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{ErrorCode, Manifest, Scope, Value};
use sunlit_storage::record::{self, ListQuery, transfer};
use sunlit_storage::{StorageError, Table, Work};

use crate::command::record::attachment;
use crate::unfit::UnfitRecords;
use crate::{AppError, unfit};

/// Records that one transaction copies.
pub(super) const BATCH: u64 = 500;
/// Records of a page when all are looked at.
const PAGE: u32 = 500;
/// Ids that one statement asks for.
const IDS: usize = 500;

/// A copy from one major version to another.
pub(super) struct Copying {
    steps: Vec<Step>,
    /// Every table of the new version, also those that nothing moves into.
    tables: Vec<Table>,
}

struct Step {
    plan: Move,
    old: Table,
    new: Table,
}

/// How far a pass is: a step, and the last id that was looked at.
#[derive(Default)]
pub(super) struct Place {
    step: usize,
    after: Option<RecordId>,
}

impl Copying {
    /// A copy by `plan`.
    pub(super) fn new(plan: Plan, source: &Arc<Manifest>, target: &Arc<Manifest>) -> Result<Self, AppError> {
        let table = |manifest, name: &str| Table::of(manifest, name).ok_or(AppError::NotFound);
        let step = |plan: Move| {
            let (old, new) = (table(source, plan.from.name.as_str())?, table(target, plan.to.name.as_str())?);
            Ok(Step { plan, old, new })
        };
        let names = target.collections.iter().map(|collection| collection.name.as_str());
        Ok(Self {
            steps: plan.moves.into_iter().map(step).collect::<Result<_, AppError>>()?,
            tables: names.map(|name| table(target, name)).collect::<Result<_, _>>()?,
        })
    }

    /// Removes everything from the new tables.
    pub(super) async fn empty(&self, scope: &Scope, work: &Work) -> Result<(), AppError> {
        for table in &self.tables {
            transfer::clear(scope, work, None, table).await?;
        }
        for table in &self.tables {
            transfer::prune(scope, work, None, table).await?;
        }
        Ok(())
    }

    /// Lets go of the files that records of the new tables refer to, before these are removed.
    pub(super) async fn let_go_of_files(&self, scope: &Scope, work: &Work, at: Timestamp) -> Result<(), AppError> {
        let holding = |table: &&Table| table.collection().fields.iter().any(Field::holds_files);
        for table in self.tables.iter().filter(holding) {
            let mut query = ListQuery { first: PAGE, ..ListQuery::default() };
            loop {
                let page = record::list(scope, work, table, &query).await?;
                for record in &page.records {
                    attachment::settle(scope, work, table.collection(), (Some(record), None), at).await?;
                }
                match page.records.last().filter(|_| page.has_next) {
                    Some(last) => query.after = Some(page::cursor(table.collection(), &query.order, last)),
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// Begins a pass: removes what the old tables no longer have as it was copied.
    pub(super) async fn begin(&self, scope: &Scope, work: &Work) -> Result<(), AppError> {
        for step in &self.steps {
            transfer::clear(scope, work, Some(&step.old), &step.new).await?;
        }
        for step in &self.steps {
            match work.attempt(transfer::prune(scope, work, Some(&step.old), &step.new)).await {
                Ok(()) => {}
                // A record was deleted under a minor version that does not know of the field that referred to it, and whose
                // record is therefore unchanged: the copies begin anew.
                Err(StorageError::BrokenReference) => return self.empty(scope, work).await,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Copies the next records, at most [`BATCH`]; answers whether there were any. In the `last` pass nothing is left for
    /// another one: what is not accepted is told, and a reference to a record that is not there is empty.
    pub(super) async fn batch(
        &self,
        scope: &Scope,
        work: &Work,
        place: &mut Place,
        (last, unfit): (bool, &mut UnfitRecords),
    ) -> Result<bool, AppError> {
        while let Some(step) = self.steps.get(place.step) {
            let ids = transfer::changed(scope, work, (&step.old, &step.new), place.after, BATCH).await?;
            if let Some(end) = ids.last() {
                place.after = Some(*end);
                self.copy(scope, work, step, &ids, (last, unfit)).await?;
                return Ok(true);
            }
            *place = Place { step: place.step + 1, after: None };
        }
        Ok(false)
    }

    /// How many records each new table has.
    pub(super) async fn counts(&self, scope: &Scope, work: &Work) -> Result<Vec<(String, i64)>, AppError> {
        let mut counts = Vec::new();
        for step in &self.steps {
            let count = record::count(scope, work, &step.new, None).await?;
            counts.push((step.new.collection().name.to_string(), count));
        }
        Ok(counts)
    }

    async fn copy(
        &self,
        scope: &Scope,
        work: &Work,
        step: &Step,
        ids: &[RecordId],
        (last, unfit): (bool, &mut UnfitRecords),
    ) -> Result<(), AppError> {
        let mut moved = Vec::new();
        let name = step.plan.from.name.as_str();
        for record in record::get_many(scope, work, &step.old, ids, None).await? {
            match step.plan.convert(&record) {
                Ok(record) => moved.push(record),
                Err(problems) => unfit.extend(name, record.id, &problems),
            }
        }
        let incomplete = self.lead(scope, work, step, &mut moved).await?;
        for mut record in moved {
            if incomplete.contains(&record.id) {
                if !last {
                    record.set(Slot::Standard(Standard::Version), Value::Int(0));
                } else if let Err(problems) = step.plan.check(&record) {
                    unfit.extend(name, record.id, &problems);
                    continue;
                }
            }
            match work.attempt(transfer::put(scope, work, &step.new, &record)).await {
                Ok(()) => {}
                // Another record may still be copied as it was before: only the last pass knows.
                Err(StorageError::NotUnique { field, .. }) => {
                    if last {
                        unfit.add(not_unique(step, record.id, field));
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes out references that lead to no record of the new tables yet; answers the records that had such.
    async fn lead(
        &self,
        scope: &Scope,
        work: &Work,
        step: &Step,
        records: &mut [Record],
    ) -> Result<BTreeSet<RecordId>, AppError> {
        let mut incomplete = BTreeSet::new();
        for (index, field) in step.plan.to.fields.iter().enumerate() {
            let own = field.to.as_ref().filter(|to| field.item_type() == FieldType::Ref && to.package().is_none());
            let target =
                own.and_then(|to| self.tables.iter().find(|table| table.collection().name == *to.collection()));
            let Some(target) = target else { continue };
            let slot = Slot::Field(index);
            let wanted: BTreeSet<RecordId> = records.iter().flat_map(|record| ids(record.get(slot))).collect();
            let mut there = BTreeSet::new();
            for part in wanted.into_iter().collect::<Vec<_>>().chunks(IDS) {
                there.extend(transfer::present(scope, work, target, part).await?);
            }
            for record in records.iter_mut() {
                if ids(record.get(slot)).iter().any(|id| !there.contains(id)) {
                    record.set(slot, only(record.get(slot), &there));
                    incomplete.insert(record.id);
                }
            }
        }
        Ok(incomplete)
    }
}

fn ids(value: &Value) -> Vec<RecordId> {
    match value {
        Value::Id(id) => vec![RecordId(*id)],
        Value::List(items) => items.iter().flat_map(ids).collect(),
        _ => Vec::new(),
    }
}

fn only(value: &Value, there: &BTreeSet<RecordId>) -> Value {
    let Value::List(items) = value else { return Value::Null };
    let left: Vec<Value> = items.iter().filter(|item| ids(item).iter().all(|id| there.contains(id))).cloned().collect();
    if left.is_empty() { Value::Null } else { Value::List(left) }
}

fn not_unique(step: &Step, id: RecordId, field: Option<usize>) -> unfit::UnfitRecord {
    let field = field.and_then(|index| step.plan.to.fields.get(index));
    let problem = field.map(|field| Problem::of(field, field.name.as_str(), ErrorCode::NotUnique, "unique", ""));
    unfit::UnfitRecord {
        collection: step.plan.from.name.to_string(),
        id,
        field: field.map(|field| field.name.to_string()).unwrap_or_default(),
        reason: problem.map(|problem| problem.message(sunlit_domain::Locale::En)).unwrap_or_default(),
    }
}
