//! Behind `sunlit:host/storage`: lists of the package's own collections, in the reading's snapshot.

use std::sync::Arc;

use async_trait::async_trait;
use sunlit_domain::filter::{self, Purpose};
use sunlit_domain::manifest::{Slot, Spelling};
use sunlit_domain::page::Order;
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use sunlit_plugin_host::{FindQuery, FoundPage, PortError, StoragePort};

use crate::query::record_list::{self, List, MAX_FIRST_FOR_PLUGIN};
use crate::{AppError, Installed, Reading, tokens};

/// The collections of one package, as the viewer may read them.
pub(crate) struct StorageOfPackage {
    reading: Reading,
    installed: Arc<Installed>,
}

impl StorageOfPackage {
    pub(crate) fn new(reading: &Reading, installed: &Arc<Installed>) -> Self {
        Self { reading: reading.clone(), installed: Arc::clone(installed) }
    }
}

#[async_trait]
impl StoragePort for StorageOfPackage {
    async fn find(&self, collection: &str, query: FindQuery) -> Result<FoundPage, PortError> {
        let (reading, installed) = (self.reading.clone(), Arc::clone(&self.installed));
        let collection = collection.to_owned();
        // In a task of its own: the call may be cut off at any await, the database connection may not.
        let found = tokio::spawn(async move { find(&reading, &installed, &collection, query).await });
        match found.await {
            Ok(result) => result.map_err(to_port),
            Err(error) => Err(PortError::Host(error.into())),
        }
    }
}

async fn find(
    reading: &Reading,
    installed: &Installed,
    collection: &str,
    query: FindQuery,
) -> Result<FoundPage, AppError> {
    let package = &installed.package;
    let table = package.table(collection)?;
    let declared = table.collection();
    let actor = reading.scope().actor();
    let parse = |data| filter::parse(declared, &tokens::to_json(data), Spelling::Manifest, Purpose::Viewer(actor));
    let filter = query.filter.as_ref().map(parse).transpose()?;
    let order: Vec<String> =
        query.order.iter().map(|order| format!("{}{}", if order.descending { "-" } else { "" }, order.field)).collect();
    let order = Order::read(declared, order.iter().map(String::as_str), Purpose::Viewer(actor))?;
    let known = declared.fields.len() + sunlit_domain::manifest::STANDARD_FIELDS.len();
    if query.fields.len() > known {
        return Err(AppError::Argument(format!(
            "{} fields are asked for, the collection has {known}",
            query.fields.len()
        )));
    }
    let mut slots = Vec::new();
    for name in &query.fields {
        let attribute = declared.attribute(name, Spelling::Manifest);
        let known = attribute.ok_or_else(|| AppError::Argument(format!("there is no field `{name}`")))?;
        slots.push(known.slot);
    }
    if slots.is_empty() {
        slots.extend((0..declared.fields.len()).map(Slot::Field));
    }
    slots.sort_unstable();
    slots.dedup();
    slots.retain(|slot| *slot != Slot::Standard(sunlit_domain::manifest::Standard::Id));
    let list = List { filter, order, first: query.first, after: query.after, slots: Some(slots.clone()) };
    let page = record_list::run(reading, package, collection, list, MAX_FIRST_FOR_PLUGIN).await?;
    let end_cursor = page.records.last().and_then(|last| page.cursor(package, collection, last));
    let names = ["id"].into_iter().chain(slots.iter().map(|slot| declared.slot_name(*slot))).map(str::to_owned);
    let row = |record: &Record| -> Vec<Value> {
        [Value::Id(record.id.0)].into_iter().chain(slots.iter().map(|slot| record.get(*slot).clone())).collect()
    };
    let records = tokens::list_of_objects(names.collect(), page.records.iter().map(row));
    Ok(FoundPage { records, end_cursor, has_next: page.has_next })
}

fn to_port(error: AppError) -> PortError {
    match error {
        AppError::NotFound => PortError::NotFound("no such collection".to_owned()),
        AppError::Denied | AppError::Unauthenticated => PortError::Denied("the viewer may not read this".to_owned()),
        AppError::Filter(error) => PortError::Invalid(error.to_string()),
        AppError::Page(error) => PortError::Invalid(error.to_string()),
        AppError::Argument(message) | AppError::Limit(message) => PortError::Invalid(message),
        other => PortError::Host(Box::new(other)),
    }
}
