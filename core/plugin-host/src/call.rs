//! One call: a fresh instance, a bounded run, a report.
//!
//! A store serves one call and is dropped with it, also when the caller went away or the clock ran out: a trap poisons a
//! whole store, and a cancelled future leaves one unusable. Start at [`LoadedPlugin::resolve`].

use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use wasmtime::Store;
use wasmtime::component::InstancePre;

use crate::capability::{CallState, Capability, Ports};
use crate::component::Artefact;
use crate::data::{Data, GuestError};
use crate::export::{ActionRequest, Actions, Graphql, Request};
use crate::gate::Lane;
use crate::host::PluginHost;
use crate::limits::Limits;
use crate::report::{CallReport, Usage};
use crate::verdict::{Ended, Expected, Verdict};

/// A component with a set of grants, ready to be called. Cloning is cheap; tenants with the same grants share it.
#[derive(Clone)]
pub struct LoadedPlugin {
    host: PluginHost,
    loaded: Arc<Loaded>,
}

pub(crate) struct Loaded {
    pub(crate) artefact: Artefact,
    pub(crate) pre: InstancePre<CallState>,
    pub(crate) graphql: Graphql,
    pub(crate) actions: Option<Actions>,
}

/// One question to a plugin.
#[derive(Debug)]
pub struct CallInput {
    /// The queue of this plugin in this tenant, see [`PluginHost::lane`].
    pub lane: Lane,
    /// A query by its name (`walkable`) or a computed field by collection and name (`street.nearby`).
    pub field: String,
    /// An object of the declared arguments.
    pub args: Data,
    /// A list: for a computed field one object of the needed fields for each parent, for a query one null.
    pub parents: Data,
    /// What the plugin's capabilities are for this call.
    pub ports: Ports,
    /// The instant of the call, microseconds since 1970-01-01T00:00:00Z.
    pub now_micros: i64,
    /// What the call may use.
    pub limits: Limits,
    /// When the caller no longer needs the answer, if that is sooner than the limits say.
    pub deadline: Option<Instant>,
}

/// One action that a plugin is asked for.
#[derive(Debug)]
pub struct ActionInput {
    /// See [`CallInput::lane`].
    pub lane: Lane,
    /// The action's name (`report_error`).
    pub action: String,
    /// An object of the declared arguments.
    pub args: Data,
    /// What the plugin's capabilities are for this call, [`Ports::records`] among them.
    pub ports: Ports,
    /// The instant of the call, microseconds since 1970-01-01T00:00:00Z.
    pub now_micros: i64,
    /// What the call may use.
    pub limits: Limits,
}

/// What is asked of which exported function.
enum Question {
    Field(Request),
    Action(ActionRequest),
}

/// A call of either kind.
struct Call {
    lane: Lane,
    question: Question,
    expected: Expected,
    ports: Ports,
    now_micros: i64,
    limits: Limits,
    deadline: Option<Instant>,
}

impl std::fmt::Debug for LoadedPlugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedPlugin").field("artefact", &self.loaded.artefact).finish_non_exhaustive()
    }
}

impl LoadedPlugin {
    pub(crate) fn new(host: PluginHost, loaded: Loaded) -> Self {
        Self { host, loaded: Arc::new(loaded) }
    }

    /// What the component asks for, see [`Artefact::imports`].
    #[must_use]
    pub fn imports(&self) -> &[Capability] {
        self.loaded.artefact.imports()
    }

    /// SHA-256 of the component.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.loaded.artefact.digest()
    }

    /// Asks the plugin. Waits for a place at most as long as the call itself may take; then it runs on a plugin thread.
    /// Dropping the future ends the call at its next yield (a millisecond) and gives its place back.
    ///
    /// Must be awaited inside a tokio runtime with a timer; any, web workers included. A port must not come back here: it
    /// would wait for a slot while its own call holds one.
    pub async fn resolve(&self, input: CallInput) -> CallReport {
        let Some(parents) = input.parents.root_items() else {
            return CallReport::unavailable("the caller gave parents that are not a list");
        };
        let CallInput { lane, field, args, parents: given, ports, now_micros, limits, deadline } = input;
        let question = Question::Field(Request { field, args, parents: given });
        let expected = Expected::Items(parents);
        self.call(Call { lane, question, expected, ports, now_micros, limits, deadline }).await
    }

    /// Asks the plugin for an action, under the rules of [`LoadedPlugin::resolve`]. What the action wrote is the port's to
    /// keep or to forget: only an answer ([`Outcome::Ok`](crate::Outcome::Ok)) may make it last.
    pub async fn act(&self, input: ActionInput) -> CallReport {
        let ActionInput { lane, action, args, ports, now_micros, limits } = input;
        let question = Question::Action(ActionRequest { action, args });
        let call = Call { lane, question, expected: Expected::Value, ports, now_micros, limits, deadline: None };
        self.call(call).await
    }

    async fn call(&self, call: Call) -> CallReport {
        let asked = Instant::now();
        let Ok(permit) = self.host.gate().enter(&call.lane, time_left(&call)).await else {
            return CallReport::unavailable("busy");
        };
        let queued = asked.elapsed();
        let loaded = Arc::clone(&self.loaded);
        let work = async move {
            let mut report = run(&loaded, call).await;
            report.used.queue_micros = micros(queued);
            drop(permit);
            report
        };
        match self.host.threads().run(work).await {
            Ok(report) => report,
            Err(_) => CallReport::unavailable("the host failed: see its log for the panic"),
        }
    }
}

fn time_left(call: &Call) -> Duration {
    let limit = call.limits.wall_clock;
    call.deadline.map_or(limit, |deadline| deadline.saturating_duration_since(Instant::now()).min(limit))
}

async fn run(loaded: &Loaded, call: Call) -> CallReport {
    let started = Instant::now();
    let wall_clock = time_left(&call);
    let by_deadline = wall_clock < call.limits.wall_clock;
    let Call { lane, question, expected, ports, now_micros, limits, .. } = call;

    let mut store = Store::new(loaded.pre.engine(), CallState::prepare(ports, lane, &limits, now_micros));
    if let Err(error) = bound(&mut store, &limits) {
        return CallReport::unavailable(&format!("the engine refuses the limits: {error:#}"));
    }
    let mut busy = started.elapsed();
    let timed = clocked(enter(loaded, &mut store, question), &mut busy);
    let ended = tokio::time::timeout(wall_clock, timed).await.unwrap_or(Ended::Late { by_deadline });

    let clearing = Instant::now();
    let fuel = limits.fuel.saturating_sub(store.get_fuel().unwrap_or(0));
    let state = store.into_data();
    let wall_micros = micros(started.elapsed());
    let verdict = Verdict::of(ended, &state.meter, &limits, expected, wall_micros);
    busy += clearing.elapsed();
    CallReport {
        used: Usage {
            fuel,
            busy_micros: micros(busy),
            wall_micros,
            queue_micros: 0,
            host_micros: micros(state.meter.host_time()),
            memory_bytes: state.meter.memory_bytes,
            host_calls: state.meter.host_calls,
            rows: state.meter.rows,
            writes: state.meter.writes,
            output_bytes: verdict.output_bytes,
        },
        outcome: verdict.outcome,
        blame: verdict.blame,
        logs: state.log.close(),
    }
}

/// Puts every limit into the store; the wall clock is around it.
fn bound(store: &mut Store<CallState>, limits: &Limits) -> wasmtime::Result<()> {
    store.limiter(|state| &mut state.meter);
    store.set_fuel(limits.fuel)?;
    store.set_epoch_deadline(1);
    store.epoch_deadline_async_yield_and_update(1);
    store.set_hostcall_fuel(limits.hostcall_fuel);
    store.set_max_component_handles(limits.handles);
    Ok(())
}

async fn enter(loaded: &Loaded, store: &mut Store<CallState>, question: Question) -> Ended {
    let instance = match loaded.pre.instantiate_async(&mut *store).await {
        Ok(instance) => instance,
        Err(error) => return Ended::NotStarted(error),
    };
    let context = wasmtime::AsContextMut::as_context_mut(store);
    let answer = match (question, &loaded.actions) {
        (Question::Field(request), _) => loaded.graphql.resolve(context, &instance, request).await,
        (Question::Action(request), Some(actions)) => actions.act(context, &instance, request).await,
        (Question::Action(request), None) => Ok(Err(GuestError::NotFound(request.action))),
    };
    match answer {
        Ok(answer) => Ended::Returned(answer),
        Err(error) => Ended::Failed(error),
    }
}

/// Adds the time spent in polls of the future, which is the time that it kept a thread busy.
async fn clocked<F: Future>(future: F, busy: &mut Duration) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        let resumed = Instant::now();
        let polled: Poll<F::Output> = future.as_mut().poll(context);
        *busy += resumed.elapsed();
        polled
    })
    .await
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
