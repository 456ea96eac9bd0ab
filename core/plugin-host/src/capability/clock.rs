//! `sunlit:host/clock`: the one instant that is frozen for the call, so that a call can be replayed.

use wasmtime::component::Linker;

use super::{CallState, charge};

pub(super) const INTERFACE: &str = "sunlit:host/clock@0.1.0";

pub(super) fn link(linker: &mut Linker<CallState>) -> wasmtime::Result<()> {
    linker.instance(INTERFACE)?.func_wrap("now", |mut store, (): ()| {
        charge(&mut store)?;
        Ok((store.data().now_micros,))
    })
}
