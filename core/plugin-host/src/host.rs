//! The sandbox as a whole: one engine, one gate, one set of threads a process. Start here.

use std::sync::Arc;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::artefact_cache::ArtefactCache;
use crate::call::{Loaded, LoadedPlugin};
use crate::capability::{self, Grants};
use crate::component::{self, Artefact};
use crate::engine::{self, Allocation, HostConfig};
use crate::errors::PluginError;
use crate::export::{Actions, Graphql};
use crate::gate::{Gate, Lane};
use crate::runtime::Threads;
use crate::vet;

/// The sandbox. One a process; cloning is cheap. Threads and engine end with the last clone and the last
/// [`LoadedPlugin`].
#[derive(Clone)]
pub struct PluginHost(Arc<Parts>);

struct Parts {
    engine: Engine,
    allocation: Allocation,
    cache: Option<ArtefactCache>,
    gate: Gate,
    threads: Threads,
}

impl std::fmt::Debug for PluginHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PluginHost").field("allocation", &self.0.allocation).finish_non_exhaustive()
    }
}

impl PluginHost {
    /// Starts the engine, its ticker and the plugin threads. Without a cache every start compiles every plugin again.
    ///
    /// # Errors
    /// [`PluginError::Engine`], [`PluginError::Threads`].
    pub fn new(config: &HostConfig, cache: Option<ArtefactCache>) -> Result<Self, PluginError> {
        let (engine, allocation) = engine::build(config)?;
        engine::start_ticker(&engine).map_err(PluginError::Threads)?;
        let slots = usize::try_from(config.slots).unwrap_or(usize::MAX).min(tokio::sync::Semaphore::MAX_PERMITS);
        Ok(Self(Arc::new(Parts {
            engine,
            allocation,
            cache,
            gate: Gate::new(slots, config.lane_running, config.lane_waiting),
            threads: Threads::start(config.threads)?,
        })))
    }

    /// Where instances live; [`Allocation::OnDemand`] is worth telling the operator.
    #[must_use]
    pub fn allocation(&self) -> Allocation {
        self.0.allocation
    }

    /// Calls that could start now.
    #[must_use]
    pub fn free_slots(&self) -> usize {
        self.0.gate.free_slots()
    }

    /// Vets a component and compiles it, or takes the compiled code from the cache. Blocks for some hundred milliseconds
    /// of all cores the first time: call it where that is allowed, and only for components that were verified.
    ///
    /// # Errors
    /// Why the component is refused, with the mend.
    pub fn compile(&self, bytes: &[u8]) -> Result<Artefact, PluginError> {
        let vetted = vet::vet(bytes)?;
        let digest = component::digest(bytes);
        let component = self.compiled(bytes, &digest)?;
        Ok(Artefact::new(component, digest, vetted))
    }

    fn compiled(&self, bytes: &[u8], digest: &[u8; 32]) -> Result<Component, PluginError> {
        let Parts { engine, cache, .. } = &*self.0;
        if let Some(component) = cache.as_ref().and_then(|cache| cache.get(engine, digest)) {
            return Ok(component);
        }
        let component = Component::from_binary(engine, bytes)
            .map_err(|error| PluginError::Compile { reason: format!("{error:#}") })?;
        if let Some(cache) = cache {
            cache.put(engine, digest, &component);
        }
        Ok(component)
    }

    /// Binds a component to a set of grants. Some microseconds; keep the result and share it between tenants with the same
    /// grants.
    ///
    /// # Errors
    /// [`PluginError::NotGranted`] for an import that is neither granted nor can be declined, [`PluginError::Link`] for
    /// one that has another type than this host's.
    pub fn load(&self, artefact: &Artefact, grants: &Grants) -> Result<LoadedPlugin, PluginError> {
        let linker = capability::linker(&self.0.engine, artefact.imports(), grants)?;
        let pre = linker
            .instantiate_pre(&artefact.component)
            .map_err(|error| PluginError::Link { reason: format!("{error:#}") })?;
        let graphql = Graphql::find(&pre)?;
        let actions = if artefact.has_actions() { Some(Actions::find(&pre)?) } else { None };
        Ok(LoadedPlugin::new(self.clone(), Loaded { artefact: artefact.clone(), pre, graphql, actions }))
    }

    /// Runs work on the plugin threads; calls made inside it stay there, so that many calls cost one hop together
    /// (measured: a small call is 20 µs here and 80 µs from an otherwise idle runtime, nearly all of it waking up). The work
    /// must not block. None when it panicked.
    pub async fn run<F>(&self, work: F) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.0.threads.run(work).await.ok()
    }

    /// The queue of a package in a tenant: the same one for the same names, as long as somebody holds it.
    #[must_use]
    pub fn lane(&self, tenant: &str, package: &str) -> Lane {
        self.0.gate.lane(tenant, package)
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(crate) fn threads(&self) -> &Threads {
        &self.0.threads
    }
}
