//! `sunlit:host/settings`: what the tenant's administrator set for the plugin. Secrets never pass here.

use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use super::{CallState, Capability, charge_port, denied, missing_port, refusal};
use crate::data::{Data, GuestError};
use crate::errors::PortError;

pub(super) const INTERFACE: &str = "sunlit:host/settings@0.1.0";

/// Reads the settings of one plugin in one tenant, already in memory: it must not block.
pub trait SettingsPort: Send + Sync {
    /// The value, the declared default when the tenant set none, or null.
    ///
    /// # Errors
    /// [`PortError::Invalid`] for a name that the manifest does not declare.
    fn get(&self, name: &str) -> Result<Data, PortError>;
}

type Answer = Result<Data, GuestError>;

pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.instance(INTERFACE)?.func_wrap("get", |store, (name,): (String,)| Ok((get(store, &name)?,)))
}

pub(super) fn link_denied(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker
        .instance(INTERFACE)?
        .func_wrap("get", |mut store, _: (String,)| Ok((Answer::Err(denied(&mut store, Capability::Settings)?),)))
}

fn get(mut store: StoreContextMut<'_, CallState>, name: &str) -> wasmtime::Result<Answer> {
    charge_port(&mut store)?;
    let state = store.data_mut();
    let answer = match &state.settings {
        Some(port) => port.get(name).map_err(|error| refusal(&mut state.meter, Capability::Settings, error)),
        None => Err(missing_port(&mut state.meter, Capability::Settings)),
    };
    state.meter.leave_host();
    Ok(answer)
}
