//! The interfaces that a plugin exports. Each is optional in the contract and has its own struct here: found once at load,
//! called by index afterwards.
//!
//! `graphql` is the only one so far; `lifecycle`, `events` and `schedule` come beside it, each with its request type.

use wasmtime::StoreContextMut;
use wasmtime::component::{ComponentExportIndex, ComponentType, Instance, InstancePre, Lift, Lower, types};

use crate::capability::CallState;
use crate::data::{Data, GuestError};
use crate::errors::PluginError;

pub(crate) const GRAPHQL: &str = "sunlit:plugin/graphql@0.1.0";

/// What `graphql.resolve` is asked.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Request {
    pub(crate) field: String,
    pub(crate) args: Data,
    pub(crate) parents: Data,
}

type Parameters = (Request,);
type Results = (Result<Data, GuestError>,);

/// Where `graphql.resolve` is in a component.
pub(crate) struct Graphql {
    resolve: ComponentExportIndex,
}

impl Graphql {
    /// Finds the function and checks its type, so that a call cannot fail on it.
    pub(crate) fn find(pre: &InstancePre<CallState>) -> Result<Self, PluginError> {
        let missing = || PluginError::MissingExport { name: GRAPHQL };
        let interface = pre.component().get_export_index(None, GRAPHQL).ok_or_else(missing)?;
        let (item, resolve) = pre.component().get_export(Some(&interface), "resolve").ok_or_else(missing)?;
        let types::ComponentItem::ComponentFunc(function) = item else {
            return Err(missing());
        };
        function
            .typecheck::<Parameters, Results>(&pre.instance_type())
            .map_err(|error| PluginError::Link { reason: format!("export `{GRAPHQL}` resolve: {error:#}") })?;
        Ok(Self { resolve })
    }

    pub(crate) async fn resolve(
        &self,
        mut store: StoreContextMut<'_, CallState>,
        instance: &Instance,
        request: Request,
    ) -> wasmtime::Result<Result<Data, GuestError>> {
        let function = instance.get_typed_func::<Parameters, Results>(&mut store, self.resolve)?;
        let (answer,) = function.call_async(store, (request,)).await?;
        Ok(answer)
    }
}
