//! `sunlit:host/storage`: the plugin's own collections, read inside the snapshot of the request.
//!
//! Which records a viewer may see, and how a filter becomes a query, is the port's business; this file counts, bounds and
//! passes on. Start at [`StoragePort`].

use async_trait::async_trait;
use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentType, Lift, Linker, Lower};

use super::{CallState, Capability, charge_port, denied, missing_port, refusal};
use crate::data::{Data, GuestError};
use crate::errors::PortError;

pub(super) const INTERFACE: &str = "sunlit:host/storage@0.1.0";

/// Most records of one page (`storage.wit`).
const MAX_FIRST: u32 = 1_000;

/// Reads the collections of one plugin in one tenant for one viewer. Made for one call, or for one request.
///
/// The future runs on a plugin thread and is dropped at any await point when the call runs out of time: database work that
/// must not be cut in the middle belongs into a task that the port spawns and awaits.
#[async_trait]
pub trait StoragePort: Send + Sync {
    /// A page of records of the collection, in the order asked for.
    ///
    /// # Errors
    /// [`PortError`]; all but [`PortError::Host`] reach the plugin.
    async fn find(&self, collection: &str, query: FindQuery) -> Result<FoundPage, PortError>;
}

/// One key of an order.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Order {
    /// A declared field.
    pub field: String,
    /// Largest first.
    pub descending: bool,
}

/// What a plugin asks of a collection. The filter is one well-formed value; what it means is checked by the port.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct FindQuery {
    /// The filter language of the manifest, as an object; none reads all that the viewer may read.
    pub filter: Option<Data>,
    /// First key first.
    pub order: Vec<Order>,
    /// Records wanted, at most 1,000.
    pub first: u32,
    /// The `end_cursor` of the page before.
    pub after: Option<String>,
    /// The fields wanted; empty means all. `id` always comes along.
    pub fields: Vec<String>,
}

/// A page of records.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct FoundPage {
    /// A list of objects.
    pub records: Data,
    /// Where the next page begins.
    #[component(name = "end-cursor")]
    pub end_cursor: Option<String>,
    /// Whether there is a next page.
    #[component(name = "has-next")]
    pub has_next: bool,
}

type Answer = Result<FoundPage, GuestError>;

pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.instance(INTERFACE)?.func_wrap_async("find", |store, (collection, query): (String, FindQuery)| {
        Box::new(async move { Ok((find(store, &collection, query).await?,)) })
    })
}

pub(super) fn link_denied(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.instance(INTERFACE)?.func_wrap("find", |mut store, _: (String, FindQuery)| {
        Ok((Answer::Err(denied(&mut store, Capability::Storage)?),))
    })
}

async fn find(
    mut store: StoreContextMut<'_, CallState>,
    collection: &str,
    query: FindQuery,
) -> wasmtime::Result<Answer> {
    charge_port(&mut store)?;
    let answer = match refused_before(&store.data().meter, &query) {
        Some(refused) => Err(refused),
        None => ask(store.data_mut(), collection, query).await,
    };
    store.data_mut().meter.leave_host();
    Ok(answer)
}

fn refused_before(meter: &crate::limits::Meter, query: &FindQuery) -> Option<GuestError> {
    if meter.rows_used_up() {
        return Some(GuestError::Limit("rows".to_owned()));
    }
    if query.first > MAX_FIRST {
        return Some(GuestError::Invalid(format!("first is {}, at most {MAX_FIRST} can be asked for", query.first)));
    }
    let malformed = query.filter.as_ref()?.check().err()?;
    Some(GuestError::Invalid(format!("filter: {malformed}")))
}

async fn ask(state: &mut CallState, collection: &str, query: FindQuery) -> Answer {
    let Some(port) = &state.storage else {
        return Err(missing_port(&mut state.meter, Capability::Storage));
    };
    let page = match port.find(collection, query).await {
        Ok(page) => page,
        Err(error) => return Err(refusal(&mut state.meter, Capability::Storage, error)),
    };
    let Some(rows) = page.records.root_items() else {
        let error = PortError::Host("the port's records are not a list".into());
        return Err(refusal(&mut state.meter, Capability::Storage, error));
    };
    if !state.meter.count_rows(rows) {
        return Err(GuestError::Limit("rows".to_owned()));
    }
    Ok(page)
}
