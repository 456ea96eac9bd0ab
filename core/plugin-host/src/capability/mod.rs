//! What a plugin may reach outside itself: one interface, one permission, one file.
//!
//! Each file has three moments. *Link once*: put the host functions of the interface into a linker. *Configure per plugin*:
//! grants choose between those and a stub that answers `denied`, so that a call never asks whether it may. *Prepare per
//! call*: the port, the budget and the instant that the functions will find in the store.
//!
//! A capability must not know another one. A new one is a file here, a variant of [`Capability`], and its state in
//! [`CallState`].

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

pub use sunlit_domain::manifest::Capability;
use wasmtime::StoreContextMut;
use wasmtime::component::Linker;

use crate::data::GuestError;
use crate::errors::{PluginError, PortError};
use crate::gate::Lane;
use crate::limits::{Budget, Limits, Meter, Stopped};

pub(crate) mod clock;
pub(crate) mod log;
pub(crate) mod records;
pub(crate) mod settings;
pub(crate) mod storage;

/// The interface of a capability as a component imports it.
pub(crate) const fn interface(capability: Capability) -> &'static str {
    match capability {
        Capability::Storage => storage::INTERFACE,
        Capability::Records => records::INTERFACE,
        Capability::Settings => settings::INTERFACE,
        Capability::Log => log::INTERFACE,
        Capability::Clock => clock::INTERFACE,
    }
}

fn link(capability: Capability, linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    match capability {
        Capability::Storage => storage::link(linker),
        Capability::Records => records::link(linker),
        Capability::Settings => settings::link(linker),
        Capability::Log => log::link(linker),
        Capability::Clock => clock::link(linker),
    }
}

/// Links a stub that answers `denied`; none for interfaces whose functions cannot fail.
fn link_denied(capability: Capability, linker: &mut Linker<CallState>) -> Option<wasmtime::Result<()>> {
    match capability {
        Capability::Storage => Some(storage::link_denied(linker)),
        Capability::Records => Some(records::link_denied(linker)),
        Capability::Settings => Some(settings::link_denied(linker)),
        Capability::Log | Capability::Clock => None,
    }
}

/// What an administrator decided about a plugin's capabilities.
///
/// A capability that the component imports is either granted, or optional and declined (its functions answer `denied`),
/// or the plugin does not load. `log` and `clock` cannot answer `denied`, so they are granted or the plugin does not load.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Grants {
    granted: BTreeSet<Capability>,
    declined: BTreeSet<Capability>,
}

impl Grants {
    /// Nothing is granted: a component loads with these only if it imports nothing.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Everything that this host offers is granted.
    #[must_use]
    pub fn all() -> Self {
        Self::none().granting(Capability::ALL)
    }

    /// Grants these as well.
    #[must_use]
    pub fn granting(mut self, capabilities: impl IntoIterator<Item = Capability>) -> Self {
        for capability in capabilities {
            self.declined.remove(&capability);
            self.granted.insert(capability);
        }
        self
    }

    /// Declines these optional ones: the plugin loads, and their functions answer `denied`.
    #[must_use]
    pub fn declining(mut self, capabilities: impl IntoIterator<Item = Capability>) -> Self {
        for capability in capabilities {
            self.granted.remove(&capability);
            self.declined.insert(capability);
        }
        self
    }

    /// Whether the capability is granted.
    #[must_use]
    pub fn grants(&self, capability: Capability) -> bool {
        self.granted.contains(&capability)
    }
}

/// Configures a linker for a plugin: for each import the functions, the stub, or a refusal.
pub(crate) fn linker(
    engine: &wasmtime::Engine,
    imports: &[Capability],
    grants: &Grants,
) -> Result<Linker<CallState>, PluginError> {
    let unlinked = |error: wasmtime::Error| PluginError::Link { reason: format!("{error:#}") };
    let mut linker = Linker::new(engine);
    for capability in imports.iter().copied() {
        if grants.grants(capability) {
            link(capability, &mut linker).map_err(unlinked)?;
            continue;
        }
        let declined = grants.declined.contains(&capability);
        match declined.then(|| link_denied(capability, &mut linker)).flatten() {
            Some(linked) => linked.map_err(unlinked)?,
            None => return Err(PluginError::NotGranted(capability)),
        }
    }
    Ok(linker)
}

/// What the plugin's capabilities are for one call. A granted capability without its port answers `unavailable`, and the
/// host is to blame; without a port for `records` the call is no action, and is denied what it asks.
#[derive(Clone, Default)]
pub struct Ports {
    /// Behind `storage`.
    pub storage: Option<Arc<dyn storage::StoragePort>>,
    /// Behind `records`, for an action only.
    pub records: Option<Arc<dyn records::RecordsPort>>,
    /// Behind `settings`.
    pub settings: Option<Arc<dyn settings::SettingsPort>>,
}

impl fmt::Debug for Ports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ports")
            .field("storage", &self.storage.is_some())
            .field("records", &self.records.is_some())
            .field("settings", &self.settings.is_some())
            .finish()
    }
}

/// What host functions find in the store of a call.
pub(crate) struct CallState {
    pub(crate) meter: Meter,
    pub(crate) log: log::Book,
    storage: Option<Arc<dyn storage::StoragePort>>,
    records: Option<Arc<dyn records::RecordsPort>>,
    settings: Option<Arc<dyn settings::SettingsPort>>,
    now_micros: i64,
}

impl CallState {
    pub(crate) fn prepare(ports: Ports, lane: Lane, limits: &Limits, now_micros: i64) -> Self {
        Self {
            meter: Meter::new(*limits),
            log: log::Book::new(lane, limits.log_bytes),
            storage: ports.storage,
            records: ports.records,
            settings: ports.settings,
            now_micros,
        }
    }
}

/// What every host function does first: crossing the border costs fuel.
fn charge(store: &mut StoreContextMut<'_, CallState>) -> wasmtime::Result<()> {
    match store.get_fuel()?.checked_sub(Limits::HOST_CALL_FUEL) {
        Some(left) => store.set_fuel(left),
        None => Err(wasmtime::Error::new(Stopped(Budget::Fuel))),
    }
}

/// What every function with a port does first: see [`charge`], and one of the call's host calls is used.
fn charge_port(store: &mut StoreContextMut<'_, CallState>) -> wasmtime::Result<()> {
    charge(store)?;
    store.data_mut().meter.count_host_call()?;
    store.data_mut().meter.host_since = Some(Instant::now());
    Ok(())
}

/// Translates a port's refusal for the plugin, and remembers the platform's own failures for the report.
fn refusal(meter: &mut Meter, capability: Capability, error: PortError) -> GuestError {
    match error {
        PortError::Denied(text) => GuestError::Denied(text),
        PortError::NotFound(text) => GuestError::NotFound(text),
        PortError::Invalid(text) => GuestError::Invalid(text),
        PortError::Limit(text) => GuestError::Limit(text),
        PortError::Unavailable(text) => GuestError::Unavailable(text),
        PortError::Conflict(text) => GuestError::Other((GuestError::CONFLICT, text)),
        PortError::Host(source) => {
            meter.host_fault = Some(format!("{capability}: {source}"));
            GuestError::Unavailable(capability.name().to_owned())
        }
    }
}

/// What every function of a declined capability answers.
fn denied(store: &mut StoreContextMut<'_, CallState>, capability: Capability) -> wasmtime::Result<GuestError> {
    charge(store)?;
    store.data_mut().meter.denied = Some(capability);
    Ok(GuestError::Denied(capability.name().to_owned()))
}

fn missing_port(meter: &mut Meter, capability: Capability) -> GuestError {
    refusal(meter, capability, PortError::Host("the call was given no port".into()))
}
