//! The one wasmtime engine of a process: what it compiles, where instances live, and the clock that makes them yield.
//!
//! Must not know plugins or tenants. Start at [`HostConfig`]; each setting says why.

use std::io;
use std::num::NonZeroUsize;
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, WasmBacktraceDetails, WasmFeatures,
};

use crate::errors::PluginError;
use crate::limits::{CORE_INSTANCES, MEMORIES, TABLE_ELEMENTS, TABLES};

/// How often a running plugin gives its thread to the next one.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Stack of the plugin's own frames; deeper recursion is a `StackOverflow` trap. Wasmtime's default.
const WASM_STACK_BYTES: usize = 512 * 1024;

/// Stack of a call: the plugin's frames and, above them, the host functions that it calls.
const CALL_STACK_BYTES: usize = 1024 * 1024;

/// Frames of a trap that are kept: enough to find the place, and a recursion needs no more.
const BACKTRACE_FRAMES: usize = 16;

/// Size of the sandbox. The defaults suit a machine with 4 GB and more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostConfig {
    /// Calls that run at the same time, of all tenants and plugins: each holds one slot of the pool.
    pub slots: u32,
    /// Bytes of address space that one instance can use; no [`Limits::memory_bytes`](crate::Limits) reaches further.
    pub memory_bytes: usize,
    /// Bytes of a used slot that stay resident and are wiped by hand, which is cheaper than giving them back.
    pub keep_resident_bytes: usize,
    /// Used slots that are kept ready for the component they served last.
    pub warm_slots: u32,
    /// Threads that run plugins; none means one a core.
    pub threads: Option<usize>,
    /// Calls of one tenant and plugin that run at the same time.
    pub lane_running: usize,
    /// Calls of one tenant and plugin that wait for their turn; one more is answered `busy`.
    pub lane_waiting: usize,
}

impl Default for HostConfig {
    fn default() -> Self {
        Self {
            slots: 128,
            memory_bytes: 64 << 20,
            keep_resident_bytes: 1 << 20,
            warm_slots: 16,
            threads: None,
            lane_running: 16,
            lane_waiting: 64,
        }
    }
}

/// Where instances live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allocation {
    /// In slots reserved at the start: an instance costs some microseconds.
    Pooling,
    /// Mapped for each call, because the address space for the pool was refused: correct, but some three times slower
    /// (measured: 20 µs against 70 µs a small call).
    OnDemand,
}

/// Makes the engine, with the pool if the address space for it is to be had.
///
/// The pool asks for about 4 GiB of address space (not memory) a slot, so that memory accesses need no bounds check:
/// 516 GiB for 128 slots. A container with `ulimit -v` refuses that; making the engine is the probe.
pub(crate) fn build(host: &HostConfig) -> Result<(Engine, Allocation), PluginError> {
    let mut pooled = config();
    pooled.allocation_strategy(InstanceAllocationStrategy::Pooling(pool(host)));
    match Engine::new(&pooled) {
        Ok(engine) => Ok((engine, Allocation::Pooling)),
        Err(refused) => {
            tracing::warn!(
                error = %refused,
                slots = host.slots,
                "no address space for the plugin pool, calls will be slower: raise ulimit -v or lower plugins.slots"
            );
            let mut on_demand = config();
            on_demand
                .allocation_strategy(InstanceAllocationStrategy::OnDemand)
                .memory_reservation(host.memory_bytes as u64)
                .memory_reservation_for_growth(0);
            let engine =
                Engine::new(&on_demand).map_err(|error| PluginError::Engine { reason: format!("{error:#}") })?;
            Ok((engine, Allocation::OnDemand))
        }
    }
}

/// Proposals that plugins do not need: each is code in the compiler and the run time that an attacker could reach.
const DISABLED: [WasmFeatures; 20] = [
    WasmFeatures::THREADS,
    WasmFeatures::SHARED_EVERYTHING_THREADS,
    WasmFeatures::RELAXED_SIMD,
    WasmFeatures::MEMORY64,
    WasmFeatures::MULTI_MEMORY,
    WasmFeatures::GC,
    WasmFeatures::GC_TYPES,
    WasmFeatures::FUNCTION_REFERENCES,
    WasmFeatures::EXCEPTIONS,
    WasmFeatures::LEGACY_EXCEPTIONS,
    WasmFeatures::STACK_SWITCHING,
    WasmFeatures::CUSTOM_PAGE_SIZES,
    WasmFeatures::WIDE_ARITHMETIC,
    WasmFeatures::CM_ASYNC,
    WasmFeatures::CM_ASYNC_STACKFUL,
    WasmFeatures::CM_MORE_ASYNC_BUILTINS,
    WasmFeatures::CM_THREADING,
    WasmFeatures::CM_ERROR_CONTEXT,
    WasmFeatures::CM_GC,
    WasmFeatures::CM64,
];

fn config() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(true)
        .cranelift_nan_canonicalization(true)
        .memory_init_cow(true)
        .concurrency_support(false)
        .wasm_backtrace_max_frames(NonZeroUsize::new(BACKTRACE_FRAMES))
        .wasm_backtrace_details(WasmBacktraceDetails::Disable)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(CALL_STACK_BYTES);
    for proposal in DISABLED {
        config.wasm_features(proposal, false);
    }
    config
}

fn pool(host: &HostConfig) -> PoolingAllocationConfig {
    let slots = host.slots;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(slots)
        .total_core_instances(each(slots, CORE_INSTANCES))
        .total_memories(each(slots, MEMORIES))
        .total_tables(each(slots, TABLES))
        .total_stacks(slots)
        .max_core_instances_per_component(each(1, CORE_INSTANCES))
        .max_memories_per_component(each(1, MEMORIES))
        .max_tables_per_component(each(1, TABLES))
        .max_tables_per_module(each(1, TABLES))
        .table_elements(TABLE_ELEMENTS)
        .max_memory_size(host.memory_bytes)
        .max_unused_warm_slots(host.warm_slots)
        .linear_memory_keep_resident(host.keep_resident_bytes)
        // Tables are small: wiping them by hand saves two system calls and their page faults a call.
        .table_keep_resident(TABLE_ELEMENTS * size_of::<usize>())
        .pagemap_scan(Enabled::Auto);
    pool
}

/// A bound for all slots together, so that only a free slot can be missing and never one of its parts.
fn each(slots: u32, parts: usize) -> u32 {
    slots.saturating_mul(u32::try_from(parts).unwrap_or(u32::MAX))
}

/// Starts the thread that advances the engine's epoch once a [`TICK`]. It holds the engine only weakly and ends when the
/// last plugin host is dropped.
pub(crate) fn start_ticker(engine: &Engine) -> io::Result<JoinHandle<()>> {
    let engine = engine.weak();
    std::thread::Builder::new().name("plugin-ticker".into()).spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ticker_ends_with_the_engine() {
        let engine = Engine::new(&config()).unwrap();
        let ticker = start_ticker(&engine).unwrap();
        drop(engine);
        ticker.join().unwrap();
    }

    #[test]
    fn a_refused_address_space_falls_back_to_instances_on_demand() {
        let too_many = HostConfig { slots: 100_000, ..HostConfig::default() };
        assert_eq!(build(&too_many).unwrap().1, Allocation::OnDemand);
        assert_eq!(build(&HostConfig::default()).unwrap().1, Allocation::Pooling);
    }
}
