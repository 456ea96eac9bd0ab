//! Numbers for Prometheus: those that the crates below count, those of requests, and what is looked up when somebody asks.
//!
//! Every label is of a closed or bounded set: routes as patterns, methods and outcomes as names of ours, packages and exports up
//! to a bound (`core/app/src/meter.rs`). No label names a tenant, a record or a person.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, web};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use sunlit_app::App;
use sunlit_storage::platform::due;

use super::process;
use crate::state::State;

/// How often what was observed is taken together, so that it stays small when nobody asks.
const UPKEEP: Duration = Duration::from_secs(5);
/// How many tenants with late jobs are counted.
const MAX_LATE: u64 = 1_000;

const SECONDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];
const WAITS: [f64; 10] = [0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0];
const COSTS: [f64; 9] = [1.0, 10.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 10_000.0];
const FUELS: [f64; 8] = [1e5, 5e5, 1e6, 5e6, 1e7, 5e7, 1e8, 5e8];

/// The numbers of this process.
#[derive(Clone)]
pub struct Numbers(PrometheusHandle);

impl std::fmt::Debug for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Numbers")
    }
}

/// Where numbers are looked up that nobody counts.
#[derive(Debug, Clone)]
pub struct Sources {
    /// Stores, caches and plugins.
    pub app: Arc<App>,
    /// Schemas and live connections; none in a process that serves nobody.
    pub state: Option<web::Data<State>>,
}

/// Counts from now on, in the whole process; doing it again changes nothing.
///
/// # Errors
/// When another recorder is there already.
pub fn install() -> Result<Numbers, BuildError> {
    static INSTALLED: OnceLock<Numbers> = OnceLock::new();
    if let Some(numbers) = INSTALLED.get() {
        return Ok(numbers.clone());
    }
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full("sunlit_job_wait_seconds".to_owned()), &WAITS)?
        .set_buckets_for_metric(Matcher::Suffix("_cost".to_owned()), &COSTS)?
        .set_buckets_for_metric(Matcher::Suffix("_fuel".to_owned()), &FUELS)?;
    let numbers = Numbers(builder.install_recorder()?);
    describe();
    Ok(INSTALLED.get_or_init(|| numbers).clone())
}

impl Numbers {
    /// All numbers, as Prometheus reads them.
    pub async fn render(&self, sources: &Sources) -> String {
        look_up(sources).await;
        self.0.render()
    }

    /// Keeps what is observed small, for as long as the process runs.
    pub(crate) async fn keep(self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.0.run_upkeep();
        }
    }
}

fn describe() {
    describe_counter!(
        "sunlit_http_requests_total",
        "Requests that were answered, by route, method and class of status."
    );
    describe_histogram!("sunlit_http_request_seconds", "Time from a request's head to its answer's head.");
    describe_gauge!("sunlit_http_requests_in_flight", "Requests that are being answered.");
    describe_counter!("sunlit_body_bytes_total", "Bytes that were taken in, of uploads and imports.");
    describe_counter!("sunlit_graphql_operations_total", "GraphQL operations by kind and outcome.");
    describe_histogram!("sunlit_graphql_cost", "What executed operations cost at most, as the meter prices them.");
    describe_histogram!("sunlit_graphql_seconds", "Time of executions.");
    describe_counter!("sunlit_jobs_total", "Attempts of jobs by kind and outcome.");
    describe_histogram!("sunlit_job_seconds", "Time of attempts.");
    describe_histogram!("sunlit_job_wait_seconds", "Time from when a job was due to when a worker took it.");
    describe_counter!("sunlit_plugin_calls_total", "Calls of plugins by package, export and outcome.");
    describe_histogram!("sunlit_plugin_call_seconds", "Time of calls, waiting for a place included.");
    describe_histogram!("sunlit_plugin_call_fuel", "Fuel that calls used.");
    describe_gauge!("sunlit_plugin_slots_free", "Plugin calls that could start now.");
    describe_gauge!("sunlit_stores_open", "Tenants' stores that are open.");
    describe_gauge!("sunlit_stores_waiting", "Callers that wait for a transaction to begin, to read or to write.");
    describe_gauge!("sunlit_database_connections", "Connections to the database by pool: in use, idle, and the most.");
    describe_gauge!("sunlit_cache_entries", "Entries of caches.");
    describe_gauge!("sunlit_live_connections", "WebSockets and event streams that are open.");
    describe_gauge!("sunlit_tenants_with_jobs_due", "Tenants that have jobs due now, counted to a thousand.");
    describe_gauge!("sunlit_oldest_job_due_seconds", "How long the tenant that waits longest has a job due.");
    describe_gauge!("sunlit_database_up", "Whether the platform's tables can be read.");
    describe_gauge!("sunlit_build_info", "1; the labels say what runs.");
    describe_gauge!("process_resident_memory_bytes", "Memory of this process.");
    describe_gauge!("process_open_fds", "Files and connections that this process has open.");
    describe_gauge!("process_max_fds", "How many it may have open.");
    describe_gauge!("process_threads", "Threads of this process.");
}

async fn look_up(sources: &Sources) {
    let Sources { app, state } = sources;
    process::measure();
    let engine = if app.stores.database().is_some() { "postgresql" } else { "sqlite" };
    gauge!("sunlit_build_info", "version" => env!("CARGO_PKG_VERSION"), "engine" => engine).set(1.0);
    gauge!("sunlit_plugin_slots_free").set(count(app.host.free_slots()));
    let stores = app.stores.in_use().await;
    gauge!("sunlit_stores_open").set(as_f64(stores.open));
    gauge!("sunlit_stores_waiting", "to" => "write").set(as_f64(stores.waiting_writers));
    gauge!("sunlit_stores_waiting", "to" => "read").set(as_f64(stores.waiting_readers));
    for pool in stores.pools {
        let set = |is: &'static str, value: u32| {
            gauge!("sunlit_database_connections", "pool" => pool.name, "is" => is).set(f64::from(value));
        };
        set("in_use", pool.open.saturating_sub(pool.idle));
        set("idle", pool.idle);
        set("most", pool.most);
    }
    let cached = app.cached().await;
    let cache = |name: &'static str, entries: u64| gauge!("sunlit_cache_entries", "cache" => name).set(as_f64(entries));
    cache("contexts", cached.contexts);
    cache("packages", cached.packages);
    cache("names", cached.names);
    cache("documents", cached.documents);
    if let Some(state) = state {
        cache("schemas", state.schema_count().await);
        gauge!("sunlit_live_connections").set(count(state.live.count()));
    }
    jobs(app).await;
}

/// Who waits for a worker, as the hints say.
async fn jobs(app: &App) {
    let now = app.environment.now();
    let due = due::due(&app.platform, now, MAX_LATE).await;
    gauge!("sunlit_database_up").set(if due.is_ok() { 1.0 } else { 0.0 });
    let Ok(due) = due else { return };
    let oldest = due.first().map_or(0, |(_, at)| now.micros().saturating_sub(at.micros()));
    gauge!("sunlit_tenants_with_jobs_due").set(count(due.len()));
    let oldest = Duration::from_micros(u64::try_from(oldest).unwrap_or(0));
    gauge!("sunlit_oldest_job_due_seconds").set(oldest.as_secs_f64());
}

/// Counts a request.
///
/// # Errors
/// Those of the handler.
pub(crate) async fn observe<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let (method, route, begun) = (method(request.method()), route(&request), Instant::now());
    let _in_flight = InFlight::enter();
    let answered = next.call(request).await;
    let class = match status(&answered).as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    };
    counter!("sunlit_http_requests_total", "route" => route.clone(), "method" => method, "status" => class)
        .increment(1);
    histogram!("sunlit_http_request_seconds", "route" => route, "method" => method)
        .record(begun.elapsed().as_secs_f64());
    answered
}

/// A request that is being answered, or given up.
struct InFlight;

impl InFlight {
    fn enter() -> Self {
        gauge!("sunlit_http_requests_in_flight").increment(1.0);
        Self
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!("sunlit_http_requests_in_flight").decrement(1.0);
    }
}

/// Counts what came of a body, of `upload` or `import`.
pub(crate) fn took_in(of: &'static str, bytes: usize) {
    counter!("sunlit_body_bytes_total", "of" => of).increment(u64::try_from(bytes).unwrap_or(u64::MAX));
}

/// The pattern of the route that a request takes: one of the table's, whatever was asked for.
pub(super) fn route(request: &ServiceRequest) -> String {
    request.match_pattern().unwrap_or_else(|| "none".to_owned())
}

/// A method by one of a few names.
pub(super) fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// The status of an answer, also of one that is still an error.
pub(super) fn status<B>(answered: &Result<ServiceResponse<B>, Error>) -> StatusCode {
    match answered {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    }
}

fn count(number: usize) -> f64 {
    as_f64(u64::try_from(number).unwrap_or(u64::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "a number for a gauge")]
pub(super) fn as_f64(number: u64) -> f64 {
    number as f64
}
