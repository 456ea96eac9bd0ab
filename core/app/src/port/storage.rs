//! Behind `sunlit:host/storage`: lists of the package's own collections, in the reading's snapshot, with what the call
//! itself has written.

use std::sync::Arc;

use async_trait::async_trait;
use sunlit_domain::access::Deed;
use sunlit_domain::filter::{self, Filter, Purpose};
use sunlit_domain::manifest::{Attribute, Collection, STANDARD_FIELDS, Slot, Spelling, Standard};
use sunlit_domain::page::{self, Order};
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use sunlit_plugin_host::{FindQuery, FoundPage, PortError, StoragePort};
use sunlit_storage::Table;

use super::{View, in_task};
use crate::query::record_list::{self, List, MAX_FIRST_FOR_PLUGIN};
use crate::{AppError, tokens};

/// The collections of one package, as the call sees them.
pub(crate) struct StorageOfPackage(Arc<View>);

impl StorageOfPackage {
    pub(crate) fn new(view: &Arc<View>) -> Self {
        Self(Arc::clone(view))
    }
}

#[async_trait]
impl StoragePort for StorageOfPackage {
    async fn find(&self, collection: &str, query: FindQuery) -> Result<FoundPage, PortError> {
        let (view, collection) = (Arc::clone(&self.0), collection.to_owned());
        in_task(async move { find(&view, &collection, query).await }).await
    }
}

async fn find(view: &View, collection: &str, query: FindQuery) -> Result<FoundPage, AppError> {
    let table = view.package().table(collection)?;
    let readable = view.allowed(table, Deed::Read)?;
    let list = read_query(table.collection(), Purpose::Viewer(view.reading.scope().actor()), query)?;
    let (order, slots) = (list.order.clone(), list.slots.clone().unwrap_or_default());
    let (records, has_next) = page_of(view, table, readable, list).await?;
    let declared = table.collection();
    let end_cursor = records.last().map(|last| page::cursor(declared, &order, last));
    let names = ["id"].into_iter().chain(slots.iter().map(|slot| declared.slot_name(*slot))).map(str::to_owned);
    let row = |record: &Record| -> Vec<Value> {
        [Value::Id(record.id.0)].into_iter().chain(slots.iter().map(|slot| record.get(*slot).clone())).collect()
    };
    let records = tokens::list_of_objects(names.collect(), records.iter().map(row));
    Ok(FoundPage { records, end_cursor, has_next })
}

fn read_query(declared: &Collection, purpose: Purpose<'_>, query: FindQuery) -> Result<List, AppError> {
    let parse = |data| filter::parse(declared, &tokens::to_json(data), Spelling::Manifest, purpose);
    let filter = query.filter.as_ref().map(parse).transpose()?;
    let order: Vec<String> =
        query.order.iter().map(|order| format!("{}{}", if order.descending { "-" } else { "" }, order.field)).collect();
    let order = Order::read(declared, order.iter().map(String::as_str), purpose)?;
    let slots = Some(read_slots(declared, &query.fields)?);
    Ok(List { filter, order, first: query.first, after: query.after, slots })
}

/// What is wanted beside the id: the named fields, or all declared ones.
fn read_slots(declared: &Collection, fields: &[String]) -> Result<Vec<Slot>, AppError> {
    let known = declared.fields.len() + STANDARD_FIELDS.len();
    if fields.len() > known {
        return Err(AppError::Argument(format!("{} fields are asked for, the collection has {known}", fields.len())));
    }
    let mut slots = Vec::new();
    for name in fields {
        let attribute = declared.attribute(name, Spelling::Manifest);
        let known = attribute.ok_or_else(|| AppError::Argument(format!("there is no field `{name}`")))?;
        slots.push(known.slot);
    }
    if slots.is_empty() {
        slots.extend((0..declared.fields.len()).map(Slot::Field));
    }
    slots.sort_unstable();
    slots.dedup();
    slots.retain(|slot| *slot != Slot::Standard(Standard::Id));
    Ok(slots)
}

/// A page of the records as the call sees them. Those that it has changed are left out of the snapshot's page and put in as
/// they are now: the first of both together are among the first of each, so the page is exact, and so is the next.
async fn page_of(
    view: &View,
    table: &Table,
    readable: Filter,
    mut list: List,
) -> Result<(Vec<Record>, bool), AppError> {
    let declared = table.collection();
    let changed = view.buffer.records(declared.name.as_str());
    let (order, first) = (list.order.clone(), usize::try_from(list.first).unwrap_or(usize::MAX));
    let mut wanted = list.filter.iter().cloned().fold(readable.clone(), Filter::and);
    if let Some(cursor) = &list.after {
        wanted = wanted.and(page::after(declared, &order, cursor)?);
    }
    if !changed.is_empty() {
        let outside = record_list::outside(changed.keys().map(|id| Value::Id(id.0)).collect());
        list.filter = Some(list.filter.into_iter().fold(outside, Filter::and));
    }
    let mut page =
        record_list::within(&view.reading, table, (view.runs_as, readable), list, MAX_FIRST_FOR_PLUGIN).await?;
    let mut records = std::mem::take(&mut page.records);
    let admitted = |record: &Record| wanted.matches(&|attribute: Attribute| record.get(attribute.slot).clone());
    records.extend(changed.into_values().flatten().filter(admitted).map(|record| view.shown(table, record)));
    records.sort_by(|a, b| order.compare(a, b));
    let has_next = page.has_next || records.len() > first;
    records.truncate(first);
    Ok((records, has_next))
}
