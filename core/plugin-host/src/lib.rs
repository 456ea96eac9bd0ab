//! The WebAssembly sandbox: runs one call of one plugin for one tenant, and gives back an outcome whatever happens inside.
//!
//! It turns component bytes into an [`Artefact`] ([`PluginHost::compile`]), an artefact and a set of grants into a
//! [`LoadedPlugin`] ([`PluginHost::load`]), and a call into a [`CallReport`] ([`LoadedPlugin::resolve`], [`LoadedPlugin::act`]). A trap, a hang,
//! too much memory or a malformed answer is an [`Outcome`], never a panic and never another caller's problem.
//!
//! It must not know databases, GraphQL, HTTP, manifests or tenants' data: what a plugin may reach comes in through the
//! port traits ([`StoragePort`], [`RecordsPort`], [`SettingsPort`]), the instant and the limits through the call.
//!
//! Start at `host.rs`, then `call.rs`. A new capability is one file in `capability/` and one entry in
//! [`Capability`]; a new exported interface is one file beside `export.rs`.

mod artefact_cache;
mod call;
mod capability;
mod component;
mod data;
mod engine;
mod errors;
mod export;
mod gate;
mod host;
mod limits;
mod report;
mod runtime;
mod verdict;
mod vet;

pub use artefact_cache::ArtefactCache;
pub use call::{ActionInput, CallInput, LoadedPlugin};
pub use capability::log::{LogLevel, LogLine, Logs};
pub use capability::records::RecordsPort;
pub use capability::settings::SettingsPort;
pub use capability::storage::{FindQuery, FoundPage, Order, StoragePort};
pub use capability::{Capability, Grants, Ports};
pub use component::Artefact;
pub use data::{Data, Decimal, GeoPoint, GuestError, Token};
pub use engine::{Allocation, HostConfig};
pub use errors::{Malformed, PluginError, PortError};
pub use gate::Lane;
pub use host::PluginHost;
pub use limits::{Budget, Limits};
pub use report::{Blame, CallReport, Outcome, Usage};
pub use vet::MAX_COMPONENT_BYTES;
