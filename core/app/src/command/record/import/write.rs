//! Checks rows against the records that are there, and writes them: all of it in the one transaction of the import.

use std::collections::{BTreeMap, BTreeSet};

use sunlit_domain::error_code::message;
use sunlit_domain::filter::Filter;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Field, RunsAs, Slot, Spelling};
use sunlit_domain::record::{Changes, Problem, Record, read_changes};
use sunlit_domain::value::{Timestamp, Value};
use sunlit_domain::{ErrorCode, Locale, Scope};
use sunlit_storage::record::{self, Stamp};
use sunlit_storage::{StorageError, Table, Work};

use super::columns::{Column, Columns};
use super::find::{self, Existing, Subject};
use super::rows::Row;
use super::{CellProblem, MAX_PROBLEMS, Rights};
use crate::command::record::{Writing, attachment, reference};
use crate::command::trail::{self, Done};
use crate::reading::readable;
use crate::{App, AppError, Change, Package, TenantContext};

/// Rows after which others get their turn on the thread.
const TURN: usize = 500;

/// What an import is made with.
pub(super) struct Step<'a> {
    pub(super) app: &'a App,
    pub(super) scope: &'a Scope,
    pub(super) work: &'a Work,
    pub(super) context: &'a TenantContext,
    pub(super) package: &'a Package,
    pub(super) table: &'a Table,
    pub(super) rights: &'a Rights,
    pub(super) columns: &'a Columns,
    pub(super) locale: Locale,
    pub(super) at: Timestamp,
}

/// What is to be written.
#[derive(Default)]
pub(super) struct Plan<'a> {
    pub(super) creates: Vec<Planned<'a>>,
    pub(super) updates: Vec<Planned<'a>>,
    pub(super) unchanged: usize,
}

/// One record: new, or there before.
pub(super) struct Planned<'a> {
    number: u32,
    id: RecordId,
    before: Option<&'a Record>,
    changes: Changes,
}

impl Step<'_> {
    /// Checks every row; what is wrong is added to `problems`.
    pub(super) async fn check<'r>(
        &self,
        rows: Vec<Row>,
        existing: &'r Existing,
        problems: &mut Vec<CellProblem>,
    ) -> Result<Plan<'r>, AppError> {
        let mut plan = Plan::default();
        let mut seen = BTreeSet::new();
        for (turn, row) in rows.into_iter().enumerate() {
            if problems.len() >= MAX_PROBLEMS {
                return Ok(plan);
            }
            if turn % TURN == TURN - 1 {
                tokio::task::yield_now().await;
            }
            let outcome = match existing.subject(&row) {
                Subject::Missing => {
                    Err(vec![self.problem(row.number, Column::Id, ErrorCode::NotFound, "import.missing")])
                }
                Subject::There(record) if !seen.insert(record.id) => {
                    Err(vec![self.problem(row.number, Column::Id, ErrorCode::NotUnique, "import.twice")])
                }
                Subject::There(record) => self.change(&row, record, &mut plan),
                Subject::New if row.id.is_some_and(|id| !seen.insert(id)) => {
                    Err(vec![self.problem(row.number, Column::Id, ErrorCode::NotUnique, "import.twice")])
                }
                Subject::New => self.create(&row, &mut plan),
            };
            if let Err(more) = outcome {
                problems.extend(more);
            }
        }
        self.check_unique(&plan, problems).await?;
        self.check_references(&plan, problems).await?;
        self.check_files(&plan, problems).await?;
        Ok(plan)
    }

    fn create(&self, row: &Row, plan: &mut Plan<'_>) -> Result<(), Vec<CellProblem>> {
        if self.rights.create.is_none() {
            return Err(vec![self.problem(row.number, Column::Id, ErrorCode::Denied, "import.no_create")]);
        }
        let changes = self.changes(row, true)?;
        let id = row.id.unwrap_or_else(|| RecordId(self.app.environment.new_id()));
        plan.creates.push(Planned { number: row.number, id, before: None, changes });
        Ok(())
    }

    fn change<'r>(&self, row: &Row, record: &'r Record, plan: &mut Plan<'r>) -> Result<(), Vec<CellProblem>> {
        if row.version.is_some_and(|read| read != record.version()) {
            return Err(vec![self.problem(row.number, Column::Version, ErrorCode::Conflict, "CONFLICT")]);
        }
        let mut changes = self.changes(row, false)?;
        // What the actor may not read came out empty when it was exported, and is no wish to empty it. Any other value there
        // is a change, whatever the record has: the count of unchanged records would tell.
        let collection = self.table.collection();
        changes.retain(|index, value| match Slot::Field(*index) {
            slot if collection.is_shown_in(record, slot, self.scope.actor()) => record.get(slot) != value,
            _ => !value.is_null(),
        });
        if changes.is_empty() {
            plan.unchanged += 1;
        } else {
            plan.updates.push(Planned { number: row.number, id: record.id, before: Some(record), changes });
        }
        Ok(())
    }

    fn changes(&self, row: &Row, creating: bool) -> Result<Changes, Vec<CellProblem>> {
        let collection = self.table.collection();
        let read = read_changes(collection, &row.input(collection, creating), Spelling::Manifest, creating);
        read.map_err(|problems| problems.iter().map(|problem| self.of_problem(row.number, problem)).collect())
    }

    /// Values of unique fields that two rows have, or a row and a record that it does not change.
    async fn check_unique(&self, plan: &Plan<'_>, problems: &mut Vec<CellProblem>) -> Result<(), AppError> {
        let fields = &self.table.collection().fields;
        for (index, field) in fields.iter().enumerate().filter(|(_, field)| field.unique) {
            let mut taken: BTreeMap<&Value, RecordId> = BTreeMap::new();
            let mut twice = Vec::new();
            for planned in plan.all() {
                let Some(value) = planned.changes.get(&index).filter(|value| !value.is_null()) else { continue };
                if taken.insert(value, planned.id).is_some() {
                    twice.push(planned.number);
                }
            }
            let values: Vec<Value> = taken.keys().map(|value| (*value).clone()).collect();
            let there = find::with_values(self.scope, self.work, self.table, (index, &values), None).await?;
            let there: BTreeMap<&Value, RecordId> =
                there.iter().map(|record| (record.get(Slot::Field(index)), record.id)).collect();
            let others = plan.all().filter(|planned| {
                let holder = planned.changes.get(&index).and_then(|value| there.get(value));
                holder.is_some_and(|holder| *holder != planned.id)
            });
            let found: BTreeSet<u32> = others.map(|planned| planned.number).chain(twice).collect();
            let problem = Problem::of(field, field.name.as_str(), ErrorCode::NotUnique, "unique", "");
            problems.extend(found.into_iter().map(|number| self.of_problem(number, &problem)));
        }
        Ok(())
    }

    /// References to records that are not there or that the actor may not read.
    async fn check_references(&self, plan: &Plan<'_>, problems: &mut Vec<CellProblem>) -> Result<(), AppError> {
        for (index, field) in self.table.collection().fields.iter().enumerate() {
            let Some(to) = &field.to else { continue };
            let targets = |planned: &Planned<'_>| planned.changes.get(&index).map(reference::ids).unwrap_or_default();
            let ids: BTreeSet<RecordId> = plan.all().flat_map(targets).collect();
            if ids.is_empty() {
                continue;
            }
            let name = to.collection().as_str();
            let table = match to.package() {
                None => self.package.table(name)?,
                Some(other) => self.context.package(other.as_str())?.package.table(name)?,
            };
            let readable = readable(self.scope, table.collection())?;
            let mut missing = find::missing(self.scope, self.work, table, &ids, &readable).await?;
            if table.name() == self.table.name() {
                let created: BTreeSet<RecordId> = plan.creates.iter().map(|planned| planned.id).collect();
                missing.retain(|id| !created.contains(id));
            }
            let problem = Problem::of(field, field.name.as_str(), ErrorCode::InvalidInput, "ref", "");
            let broken = plan.all().filter(|planned| targets(planned).iter().any(|id| missing.contains(id)));
            problems.extend(broken.map(|planned| self.of_problem(planned.number, &problem)));
        }
        Ok(())
    }

    /// Files that are not there, that the actor may not refer to, or that do not fit.
    async fn check_files(&self, plan: &Plan<'_>, problems: &mut Vec<CellProblem>) -> Result<(), AppError> {
        if !self.table.collection().fields.iter().any(Field::holds_files) {
            return Ok(());
        }
        let &Self { app, scope, work, context, package, at, .. } = self;
        let (runs_as, spelling) = (RunsAs::Caller, Spelling::Manifest);
        let writing = Writing { app, scope, work, context, package, runs_as, spelling, at };
        for planned in plan.all() {
            let mut found = Vec::new();
            attachment::check(writing, self.table, &planned.changes, &mut found).await?;
            problems.extend(found.iter().map(|problem| self.of_problem(planned.number, problem)));
        }
        Ok(())
    }

    /// Writes everything with its trail, and answers what is to be told of it; what only shows in writing is a problem.
    pub(super) async fn write(&self, plan: Plan<'_>) -> Result<Result<Vec<Change>, CellProblem>, AppError> {
        let stamp = Stamp { at: self.at };
        // Rows may refer to rows further down.
        self.work.defer_references().await?;
        let rows: Vec<(RecordId, &Changes)> = plan.creates.iter().map(|new| (new.id, &new.changes)).collect();
        let created = record::insert_many(self.scope, self.work, self.table, &rows, stamp).await?;
        for (planned, record) in plan.creates.iter().zip(&created) {
            if !self.is_within(self.rights.create.as_ref(), record) {
                return Ok(Err(self.problem(planned.number, Column::Id, ErrorCode::Denied, "DENIED")));
            }
        }
        let created: Vec<_> = created.into_iter().map(|record| (None, record)).collect();
        let mut told = self.tell(&created, Done::Created).await?;
        let Some(filter) = &self.rights.update else { return Ok(Ok(told)) };
        let mut changed_records = Vec::with_capacity(plan.updates.len());
        for planned in &plan.updates {
            let Some(before) = planned.before else { continue };
            let changed = record::change(self.scope, self.work, self.table, before, &planned.changes, stamp).await;
            let after = match changed {
                Ok(Some(after)) => after,
                Ok(None) => return Err(StorageError::Interrupted.into()),
                Err(StorageError::NotUnique { .. }) => {
                    return Ok(Err(self.problem(planned.number, Column::Id, ErrorCode::NotUnique, "NOT_UNIQUE")));
                }
                Err(error) => return Err(error.into()),
            };
            if !self.is_within(Some(filter), &after) {
                return Ok(Err(self.problem(planned.number, Column::Id, ErrorCode::Denied, "DENIED")));
            }
            changed_records.push((Some(before), after));
        }
        told.extend(self.tell(&changed_records, Done::Updated).await?);
        Ok(Ok(told))
    }

    async fn tell(&self, records: &[(Option<&Record>, Record)], done: Done<'_>) -> Result<Vec<Change>, AppError> {
        trail::events_of_records(self.app, self.scope, self.work, self.table, records, (done, self.at)).await
    }

    /// Nobody writes a record out of their own reach.
    fn is_within(&self, filter: Option<&Filter>, record: &Record) -> bool {
        filter.is_some_and(|filter| filter.matches(&|attribute| record.get(attribute.slot).clone()))
    }

    fn problem(&self, row: u32, column: Column, code: ErrorCode, key: &str) -> CellProblem {
        let column = self.columns.name(column, self.table.collection());
        CellProblem { row, column, code, message: message(key, self.locale).to_owned() }
    }

    fn of_problem(&self, row: u32, problem: &Problem) -> CellProblem {
        let collection = self.table.collection();
        let field = collection.field(&problem.path, Spelling::Manifest);
        let column = field
            .map_or_else(|| problem.path.clone(), |(index, _)| self.columns.name(Column::Field(index), collection));
        CellProblem { row, column, code: problem.code, message: problem.message(self.locale) }
    }
}

impl<'r> Plan<'r> {
    fn all(&self) -> impl Iterator<Item = &Planned<'r>> {
        self.creates.iter().chain(&self.updates)
    }
}
