//! The interfaces that a plugin exports. Each is optional in the contract and has its own struct here: found once at load,
//! called by index afterwards.
//!
//! `graphql` and `actions` so far; `lifecycle`, `events` and `schedule` come beside them, each with its request type. Only
//! `actions` may be missing today: components that were built before it go on.

use wasmtime::StoreContextMut;
use wasmtime::component::{
    ComponentExportIndex, ComponentNamedList, ComponentType, Instance, InstancePre, Lift, Lower, types,
};

use crate::capability::CallState;
use crate::data::{Data, GuestError};
use crate::errors::PluginError;

pub(crate) const GRAPHQL: &str = "sunlit:plugin/graphql@0.1.0";
pub(crate) const ACTIONS: &str = "sunlit:plugin/actions@0.1.0";

/// What `graphql.resolve` is asked.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct Request {
    pub(crate) field: String,
    pub(crate) args: Data,
    pub(crate) parents: Data,
}

/// What `actions.act` is asked.
#[derive(Clone, Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(crate) struct ActionRequest {
    pub(crate) action: String,
    pub(crate) args: Data,
}

type Results = (Result<Data, GuestError>,);

/// Where `graphql.resolve` is in a component.
pub(crate) struct Graphql {
    resolve: ComponentExportIndex,
}

/// Where `actions.act` is in a component that has actions.
pub(crate) struct Actions {
    act: ComponentExportIndex,
}

impl Graphql {
    /// Finds the function and checks its type, so that a call cannot fail on it.
    pub(crate) fn find(pre: &InstancePre<CallState>) -> Result<Self, PluginError> {
        Ok(Self { resolve: find::<(Request,)>(pre, GRAPHQL, "resolve")? })
    }

    pub(crate) async fn resolve(
        &self,
        mut store: StoreContextMut<'_, CallState>,
        instance: &Instance,
        request: Request,
    ) -> wasmtime::Result<Result<Data, GuestError>> {
        let function = instance.get_typed_func::<(Request,), Results>(&mut store, self.resolve)?;
        let (answer,) = function.call_async(store, (request,)).await?;
        Ok(answer)
    }
}

impl Actions {
    /// As [`Graphql::find`].
    pub(crate) fn find(pre: &InstancePre<CallState>) -> Result<Self, PluginError> {
        Ok(Self { act: find::<(ActionRequest,)>(pre, ACTIONS, "act")? })
    }

    pub(crate) async fn act(
        &self,
        mut store: StoreContextMut<'_, CallState>,
        instance: &Instance,
        request: ActionRequest,
    ) -> wasmtime::Result<Result<Data, GuestError>> {
        let function = instance.get_typed_func::<(ActionRequest,), Results>(&mut store, self.act)?;
        let (answer,) = function.call_async(store, (request,)).await?;
        Ok(answer)
    }
}

fn find<Parameters: ComponentNamedList + Lower>(
    pre: &InstancePre<CallState>,
    name: &'static str,
    function: &str,
) -> Result<ComponentExportIndex, PluginError> {
    let missing = || PluginError::MissingExport { name };
    let interface = pre.component().get_export_index(None, name).ok_or_else(missing)?;
    let (item, index) = pre.component().get_export(Some(&interface), function).ok_or_else(missing)?;
    let types::ComponentItem::ComponentFunc(found) = item else {
        return Err(missing());
    };
    found
        .typecheck::<Parameters, Results>(&pre.instance_type())
        .map_err(|error| PluginError::Link { reason: format!("export `{name}` {function}: {error:#}") })?;
    Ok(index)
}
