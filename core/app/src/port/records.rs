//! Behind `sunlit:host/records`: what an action writes is checked at once, kept, and shown to its later reads. Nothing is
//! written here; `command::record::apply` does, when the call has answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value as Json;
use sunlit_domain::ErrorCode;
use sunlit_domain::access::Deed;
use sunlit_domain::filter::{Filter, Test};
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Attribute, RefTarget, RunsAs, Slot, Spelling, Standard};
use sunlit_domain::record::{Changes, Problem, Record, read_changes};
use sunlit_domain::value::Value;
use sunlit_plugin_host::{Data, PortError, RecordsPort};
use sunlit_storage::Table;

use super::{View, in_task};
use crate::command::record::apply::{Change, Write};
use crate::query::{record_get, record_list};
use crate::{AppError, tokens};

/// The collections of one package, as one action changes them.
pub(crate) struct RecordsOfPackage(Arc<View>);

impl RecordsOfPackage {
    pub(crate) fn new(view: &Arc<View>) -> Self {
        Self(Arc::clone(view))
    }
}

#[async_trait]
impl RecordsPort for RecordsOfPackage {
    async fn create(&self, collection: &str, values: Data) -> Result<String, PortError> {
        let (view, collection) = (Arc::clone(&self.0), collection.to_owned());
        in_task(async move { create(&view, collection, &values).await.map(|id| id.to_string()) }).await
    }

    async fn update(&self, collection: &str, id: &str, version: i64, values: Data) -> Result<i64, PortError> {
        let (view, collection, id) = (Arc::clone(&self.0), collection.to_owned(), id.to_owned());
        in_task(async move { update(&view, collection, (&id, version), &values).await }).await
    }

    async fn delete(&self, collection: &str, id: &str, version: i64) -> Result<(), PortError> {
        let (view, collection, id) = (Arc::clone(&self.0), collection.to_owned(), id.to_owned());
        in_task(async move { delete(&view, collection, (&id, version)).await }).await
    }

    async fn get(&self, collection: &str, id: &str) -> Result<Option<Data>, PortError> {
        let (view, collection, id) = (Arc::clone(&self.0), collection.to_owned(), id.to_owned());
        in_task(async move { get(&view, &collection, &id).await }).await
    }
}

async fn create(view: &View, collection: String, values: &Data) -> Result<RecordId, AppError> {
    let table = view.package().table(&collection)?;
    view.allowed(table, Deed::Create)?;
    let changes = changes(table, values, true)?;
    check(view, table, None, &changes).await?;
    let id = RecordId(view.reading.app().environment.new_id());
    let record = created(view, table, id, &changes);
    view.buffer.keep(Write { collection, id, change: Change::Create(changes) }, Some(record));
    Ok(id)
}

async fn update(view: &View, collection: String, (id, version): (&str, i64), values: &Data) -> Result<i64, AppError> {
    let table = view.package().table(&collection)?;
    let reach = view.allowed(table, Deed::Update)?;
    let changes = changes(table, values, false)?;
    let mut record = current(view, table, (id, version), &reach).await?;
    check(view, table, Some(record.id), &changes).await?;
    change(view, &mut record, &changes);
    // Nobody changes a record out of their own reach.
    if !reach.matches(&|attribute: Attribute| record.get(attribute.slot).clone()) {
        return Err(AppError::Denied);
    }
    let (id, after) = (record.id, record.version());
    view.buffer.keep(Write { collection, id, change: Change::Update { version, changes } }, Some(record));
    Ok(after)
}

async fn delete(view: &View, collection: String, (id, version): (&str, i64)) -> Result<(), AppError> {
    let table = view.package().table(&collection)?;
    let reach = view.allowed(table, Deed::Delete)?;
    let id = current(view, table, (id, version), &reach).await?.id;
    view.buffer.keep(Write { collection, id, change: Change::Delete { version } }, None);
    Ok(())
}

async fn get(view: &View, collection: &str, id: &str) -> Result<Option<Data>, AppError> {
    let table = view.package().table(collection)?;
    let readable = view.allowed(table, Deed::Read)?;
    let Ok(id) = id.parse() else { return Ok(None) };
    let Some(record) = find(view, table, id, &readable).await? else { return Ok(None) };
    let record = view.shown(table, record);
    let declared = table.collection();
    let standard = [Standard::Id, Standard::Version, Standard::State].map(Slot::Standard);
    let slots: Vec<Slot> = standard.into_iter().chain((0..declared.fields.len()).map(Slot::Field)).collect();
    let names = slots.iter().map(|slot| declared.slot_name(*slot).to_owned()).collect();
    let values: Vec<Value> = slots.iter().map(|slot| record.get(*slot).clone()).collect();
    Ok(Some(tokens::object(names, &values)))
}

/// The values that the plugin gave, checked by their fields' rules.
fn changes(table: &Table, values: &Data, creating: bool) -> Result<Changes, AppError> {
    let Json::Object(values) = tokens::to_json(values) else {
        return Err(AppError::Argument("the values are not an object of fields".to_owned()));
    };
    read_changes(table.collection(), &values, Spelling::Manifest, creating).map_err(AppError::Problems)
}

/// The record as this call sees it, whole, if the filter admits it: reach is decided by fields that may be hidden.
async fn find(view: &View, table: &Table, id: RecordId, filter: &Filter) -> Result<Option<Record>, AppError> {
    let changed = view.buffer.record(table.collection().name.as_str(), id);
    match changed {
        Some(record) => {
            let admitted = |record: &Record| filter.matches(&|attribute: Attribute| record.get(attribute.slot).clone());
            Ok(record.filter(admitted))
        }
        None => Ok(record_get::by_ids_within(&view.reading, table, &[id], (RunsAs::Package, filter)).await?.pop()),
    }
}

/// The record that the plugin read at `version`.
async fn current(view: &View, table: &Table, (id, version): (&str, i64), filter: &Filter) -> Result<Record, AppError> {
    let id = id.parse().map_err(|_| AppError::NotFound)?;
    let record = find(view, table, id, filter).await?.ok_or(AppError::NotFound)?;
    if record.version() == version {
        return Ok(record);
    }
    view.buffer.note_conflict(version, record.version());
    Err(AppError::Conflict { expected: version, found: record.version() })
}

/// Checks what needs the other records: references lead somewhere, unique values are free. The command checks both again
/// when it commits; here the plugin hears of it while it can still do something else.
async fn check(view: &View, table: &Table, own: Option<RecordId>, changes: &Changes) -> Result<(), AppError> {
    let mut problems = Vec::new();
    for (index, value) in changes {
        let field = &table.collection().fields[*index];
        let path = field.name.as_str();
        if let Some(to) = &field.to
            && leads_nowhere(view, to, value).await?
        {
            problems.push(Problem::of(field, path, ErrorCode::InvalidInput, "ref", ""));
        }
        if field.unique && !value.is_null() && is_taken(view, table, own, *index, value).await? {
            problems.push(Problem::of(field, path, ErrorCode::NotUnique, "unique", ""));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(AppError::Problems(problems)) }
}

/// Whether a reference, or one of a list of references, leads to nothing that the call may read.
async fn leads_nowhere(view: &View, to: &RefTarget, value: &Value) -> Result<bool, AppError> {
    let targets = match value {
        Value::Id(_) => std::slice::from_ref(value),
        Value::List(items) => items,
        _ => &[],
    };
    let name = to.collection().as_str();
    for target in targets {
        let Value::Id(id) = target else { continue };
        let id = RecordId(*id);
        let there = match to.package() {
            None => {
                let table = view.package().table(name)?;
                find(view, table, id, &view.allowed(table, Deed::Read)?).await?.is_some()
            }
            Some(other) => {
                let package = &view.reading.context().package(other.as_str())?.package;
                !record_get::by_ids(&view.reading, package, name, &[id]).await?.is_empty()
            }
        };
        if !there {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether another record has this value, as the call sees the records.
async fn is_taken(
    view: &View,
    table: &Table,
    own: Option<RecordId>,
    index: usize,
    value: &Value,
) -> Result<bool, AppError> {
    let changed: BTreeMap<RecordId, Option<Record>> = view.buffer.records(table.collection().name.as_str());
    let others = changed.iter().filter(|(id, _)| Some(**id) != own);
    if others.filter_map(|(_, record)| record.as_ref()).any(|record| record.values.get(index) == Some(value)) {
        return Ok(true);
    }
    let elsewhere = changed.keys().copied().chain(own).map(|id| Value::Id(id.0)).collect();
    let slot = Slot::Field(index);
    let same = Attribute { slot, kind: table.collection().fields[index].kind() };
    let filter = Filter::Test(same, Test::Eq(value.clone())).and(record_list::outside(elsewhere));
    record_list::exists(&view.reading, table, filter).await
}

/// A new record as the storage will write it.
fn created(view: &View, table: &Table, id: RecordId, changes: &Changes) -> Record {
    let mut record = Record::new(id, table.collection());
    let at = Value::DateTime(view.reading.now());
    let state = table.collection().initial_state();
    record.set(Slot::Standard(Standard::State), Value::Text(state.to_owned()));
    for standard in [Standard::Owner, Standard::CreatedBy] {
        record.set(Slot::Standard(standard), view.actor());
    }
    if table.collection().is_published(state) {
        record.set(Slot::Standard(Standard::PublishedAt), at.clone());
    }
    record.set(Slot::Standard(Standard::CreatedAt), at);
    change(view, &mut record, changes);
    record
}

/// Changes a record as the storage will.
fn change(view: &View, record: &mut Record, changes: &Changes) {
    record.set(Slot::Standard(Standard::Version), Value::Int(record.version() + 1));
    record.set(Slot::Standard(Standard::UpdatedAt), Value::DateTime(view.reading.now()));
    record.set(Slot::Standard(Standard::UpdatedBy), view.actor());
    for (index, value) in changes {
        record.set(Slot::Field(*index), value.clone());
    }
}
