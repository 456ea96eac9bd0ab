//! `sunlit:host/records`: changes of the plugin's own collections, kept by the port until the call has answered.
//!
//! What a value may be, who may write, and what becomes of the changes is the port's business; this file counts, bounds and
//! passes on. A call without a port is no action, and may not write. Start at [`RecordsPort`].

use async_trait::async_trait;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::{CallState, Capability, charge_port, denied, refusal};
use crate::data::{Data, GuestError};
use crate::errors::PortError;
use crate::limits::Budget;

pub(super) const INTERFACE: &str = "sunlit:host/records@0.1.0";

/// Keeps the changes that one call makes, and shows them to its later reads. Made for one call.
///
/// As for [`StoragePort`](crate::StoragePort), a future may be dropped at any await point.
#[async_trait]
pub trait RecordsPort: Send + Sync {
    /// Keeps a new record; answers its id.
    ///
    /// # Errors
    /// [`PortError`]; all but [`PortError::Host`] reach the plugin.
    async fn create(&self, collection: &str, values: Data) -> Result<String, PortError>;

    /// Keeps a change of the record that was read at `version`; answers its new version.
    ///
    /// # Errors
    /// As for [`RecordsPort::create`]; [`PortError::Conflict`] when it is at another version.
    async fn update(&self, collection: &str, id: &str, version: i64, values: Data) -> Result<i64, PortError>;

    /// Keeps a deletion of the record that was read at `version`.
    ///
    /// # Errors
    /// As for [`RecordsPort::update`].
    async fn delete(&self, collection: &str, id: &str, version: i64) -> Result<(), PortError>;

    /// One record as an object, with what the call has changed.
    ///
    /// # Errors
    /// As for [`RecordsPort::create`].
    async fn get(&self, collection: &str, id: &str) -> Result<Option<Data>, PortError>;
}

type Answer<T> = Result<T, GuestError>;

pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let mut instance = linker.instance(INTERFACE)?;
    instance.func_wrap_async("create", |store, (collection, values): (String, Data)| {
        Box::new(async move { Ok((create(store, &collection, values).await?,)) })
    })?;
    instance.func_wrap_async("update", |store, (collection, id, version, values): (String, String, i64, Data)| {
        Box::new(async move { Ok((update(store, (&collection, &id), version, values).await?,)) })
    })?;
    instance.func_wrap_async("delete", |store, (collection, id, version): (String, String, i64)| {
        Box::new(async move { Ok((delete(store, (&collection, &id), version).await?,)) })
    })?;
    instance.func_wrap_async("get", |store, (collection, id): (String, String)| {
        Box::new(async move { Ok((get(store, (&collection, &id)).await?,)) })
    })
}

pub(super) fn link_denied(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    let mut instance = linker.instance(INTERFACE)?;
    instance.func_wrap("create", |mut store, _: (String, Data)| {
        Ok((Answer::<String>::Err(denied(&mut store, Capability::Records)?),))
    })?;
    instance.func_wrap("update", |mut store, _: (String, String, i64, Data)| {
        Ok((Answer::<i64>::Err(denied(&mut store, Capability::Records)?),))
    })?;
    instance.func_wrap("delete", |mut store, _: (String, String, i64)| {
        Ok((Answer::<()>::Err(denied(&mut store, Capability::Records)?),))
    })?;
    instance.func_wrap("get", |mut store, _: (String, String)| {
        Ok((Answer::<Option<Data>>::Err(denied(&mut store, Capability::Records)?),))
    })
}

type Store<'a> = StoreContextMut<'a, CallState>;

async fn create(mut store: Store<'_>, collection: &str, values: Data) -> wasmtime::Result<Answer<String>> {
    charge_port(&mut store)?;
    let bytes = collection.len() + values.size_bytes();
    let state = store.data_mut();
    let answer = match admitted(state, bytes, Some(&values)) {
        Ok(port) => settled(state, bytes, port.create(collection, values).await),
        Err(refused) => Err(refused),
    };
    state.meter.leave_host();
    Ok(answer)
}

async fn update(
    mut store: Store<'_>,
    (collection, id): (&str, &str),
    version: i64,
    values: Data,
) -> wasmtime::Result<Answer<i64>> {
    charge_port(&mut store)?;
    let bytes = collection.len() + id.len() + values.size_bytes();
    let state = store.data_mut();
    let answer = match admitted(state, bytes, Some(&values)) {
        Ok(port) => settled(state, bytes, port.update(collection, id, version, values).await),
        Err(refused) => Err(refused),
    };
    state.meter.leave_host();
    Ok(answer)
}

async fn delete(mut store: Store<'_>, (collection, id): (&str, &str), version: i64) -> wasmtime::Result<Answer<()>> {
    charge_port(&mut store)?;
    let bytes = collection.len() + id.len();
    let state = store.data_mut();
    let answer = match admitted(state, bytes, None) {
        Ok(port) => settled(state, bytes, port.delete(collection, id, version).await),
        Err(refused) => Err(refused),
    };
    state.meter.leave_host();
    Ok(answer)
}

async fn get(mut store: Store<'_>, (collection, id): (&str, &str)) -> wasmtime::Result<Answer<Option<Data>>> {
    charge_port(&mut store)?;
    let state = store.data_mut();
    let answer = match port(state) {
        Ok(_) if state.meter.rows_used_up() => Err(GuestError::Limit(Budget::Rows.to_string())),
        Ok(port) => match port.get(collection, id).await {
            Ok(Some(record)) if !state.meter.count_rows(1) => {
                drop(record);
                Err(GuestError::Limit(Budget::Rows.to_string()))
            }
            Ok(found) => Ok(found),
            Err(error) => Err(refusal(&mut state.meter, Capability::Records, error)),
        },
        Err(refused) => Err(refused),
    };
    state.meter.leave_host();
    Ok(answer)
}

/// The port, if there is one: only an action has it.
fn port(state: &CallState) -> Result<std::sync::Arc<dyn RecordsPort>, GuestError> {
    let denied = || GuestError::Denied("records: only an action may write, not a query or a computed field".to_owned());
    state.records.clone().ok_or_else(denied)
}

/// The port, if one more change of so many bytes may be made.
fn admitted(
    state: &mut CallState,
    bytes: usize,
    values: Option<&Data>,
) -> Result<std::sync::Arc<dyn RecordsPort>, GuestError> {
    let port = port(state)?;
    if let Some(budget) = state.meter.refuse_write(bytes) {
        return Err(GuestError::Limit(budget.to_string()));
    }
    match values.map(Data::check) {
        Some(Err(malformed)) => Err(GuestError::Invalid(format!("values: {malformed}"))),
        _ => Ok(port),
    }
}

/// Counts a change that the port has kept.
fn settled<T>(state: &mut CallState, bytes: usize, kept: Result<T, PortError>) -> Answer<T> {
    match kept {
        Ok(answer) => {
            state.meter.count_write(bytes);
            Ok(answer)
        }
        Err(error) => Err(refusal(&mut state.meter, Capability::Records, error)),
    }
}
