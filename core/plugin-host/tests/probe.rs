//! A real plugin that misbehaves on request: what the host reports, and that everybody else goes on.
#![expect(clippy::unwrap_used, reason = "tests")]

mod kit;

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use kit::{CallInput, NOW, host, input, list, load, object, patient, until};
use sunlit_plugin_builder::{BuildOptions, build};
use sunlit_plugin_host::{
    Blame, Budget, CallReport, Capability, Data, FindQuery, FoundPage, Grants, GuestError, Lane, Limits, LoadedPlugin,
    LogLevel, Outcome, PluginError, PluginHost, PortError, Ports, SettingsPort, StoragePort, Token,
};
use tokio::sync::Semaphore;

fn probe() -> &'static [u8] {
    static PROBE: OnceLock<Vec<u8>> = OnceLock::new();
    PROBE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/plugins/probe");
        build(&folder, &BuildOptions::default()).unwrap().component
    })
}

struct Bench {
    host: PluginHost,
    plugin: LoadedPlugin,
    lane: Lane,
}

fn bench() -> Bench {
    let host = host();
    let plugin = load(&host, probe());
    let lane = host.lane("t", "probe");
    Bench { host, plugin, lane }
}

impl Bench {
    fn ask(&self, field: &str) -> CallInput {
        input(&self.lane, field, object(None))
    }

    async fn call(&self, field: &str) -> CallReport {
        self.plugin.resolve(self.ask(field)).await
    }

    fn echo(&self, text: &str) -> CallInput {
        input(&self.lane, "echo", object(Some(("text", Token::Text(text.to_owned())))))
    }

    async fn assert_well(&self) {
        let report = self.plugin.resolve(self.echo("still here")).await;
        assert_eq!(report.outcome, Outcome::Ok(list([Token::Text("still here".to_owned())])));
        assert_eq!(self.free(), (16, 16));
    }

    fn free(&self) -> (usize, usize) {
        (self.lane.free(), self.host.free_slots())
    }
}

fn text(text: &str) -> Outcome<Data> {
    Outcome::Ok(list([Token::Text(text.to_owned())]))
}

#[tokio::test]
async fn an_echo_comes_back_with_its_cost() {
    let bench = bench();
    let report = bench.plugin.resolve(bench.echo("阳光政务")).await;
    assert_eq!(report.outcome, text("阳光政务"));
    assert_eq!(report.blame, None);
    assert!((1..100_000).contains(&report.used.fuel), "{:?}", report.used);
    assert_eq!((report.used.host_calls, report.used.rows), (0, 0));
    assert!(report.used.output_bytes >= 24 * 2 + 12);
}

#[tokio::test]
async fn the_same_call_costs_the_same_fuel() {
    let bench = bench();
    let first = bench.plugin.resolve(bench.echo("x")).await;
    bench.call("trap").await;
    assert_eq!(bench.plugin.resolve(bench.echo("x")).await.used.fuel, first.used.fuel);
}

#[tokio::test]
async fn a_spinning_plugin_uses_up_its_fuel() {
    let bench = bench();
    let report = bench.call("spin").await;
    assert_eq!((report.outcome, report.blame), (Outcome::LimitExceeded(Budget::Fuel), Some(Blame::Guest)));
    assert!(report.used.fuel >= 49_000_000);
    bench.assert_well().await;
}

#[tokio::test]
async fn a_spinning_plugin_with_endless_fuel_runs_out_of_time() {
    let bench = bench();
    let limits = Limits { fuel: u64::MAX / 2, wall_clock: Duration::from_millis(50), ..patient() };
    let started = Instant::now();
    let report = bench.plugin.resolve(CallInput { limits, ..bench.ask("spin") }).await;
    assert_eq!((report.outcome, report.blame), (Outcome::TimedOut, Some(Blame::Guest)));
    assert!(started.elapsed() < Duration::from_secs(5));
    bench.assert_well().await;
}

#[tokio::test]
async fn a_near_deadline_ends_the_call_and_is_the_hosts_affair() {
    let bench = bench();
    let limits = Limits { fuel: u64::MAX / 2, ..Limits::event() };
    let deadline = Some(Instant::now() + Duration::from_millis(20));
    let report = bench.plugin.resolve(CallInput { limits, deadline, ..bench.ask("spin") }).await;
    assert_eq!((report.outcome, report.blame), (Outcome::TimedOut, Some(Blame::Host)));
}

#[tokio::test]
async fn others_go_on_beside_spinning_plugins() {
    let bench = bench();
    let mut spinning = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let limits = Limits { fuel: u64::MAX / 2, ..patient() };
        let (plugin, input) = (bench.plugin.clone(), CallInput { limits, ..bench.ask("spin") });
        spinning.spawn(async move { plugin.resolve(input).await });
    }
    until(|| bench.lane.free() == 8).await;
    let other = bench.host.lane("another tenant", "probe");
    for _ in 0..5 {
        let report = bench.plugin.resolve(CallInput { lane: other.clone(), ..bench.echo("x") }).await;
        assert_eq!(report.outcome, text("x"));
    }
    assert_eq!(bench.lane.free(), 8);
    spinning.shutdown().await;
    until(|| bench.free() == (16, 16)).await;
    bench.assert_well().await;
}

#[tokio::test]
async fn allocating_without_end_is_out_of_memory_and_not_a_trap() {
    let bench = bench();
    let report = bench.call("allocate").await;
    assert_eq!((report.outcome, report.blame), (Outcome::OutOfMemory, Some(Blame::Guest)));
    let limit = Limits::query().memory_bytes;
    assert!((limit - (4 << 20)..=limit).contains(&report.used.memory_bytes), "{:?}", report.used);
    bench.assert_well().await;
}

#[tokio::test]
async fn a_panic_is_a_trap_whose_words_are_in_the_log() {
    let bench = bench();
    let report = bench.call("trap").await;
    assert!(matches!(&report.outcome, Outcome::Trapped(message) if message.contains("unreachable")), "{report:?}");
    assert_eq!(report.blame, Some(Blame::Guest));
    let words = |line: &&sunlit_plugin_host::LogLine| line.message.contains("the probe was asked to panic");
    assert_eq!(report.logs.lines.iter().find(words).unwrap().level, LogLevel::Error);
    bench.assert_well().await;
}

#[tokio::test]
async fn an_endless_recursion_is_a_trap() {
    let bench = bench();
    let report = bench.call("recurse").await;
    assert!(
        matches!(&report.outcome, Outcome::Trapped(message) if message.contains("call stack exhausted")),
        "{report:?}"
    );
    bench.assert_well().await;
}

#[tokio::test]
async fn an_answer_of_10_mib_is_refused_before_it_is_copied() {
    let bench = bench();
    bench.assert_well().await;
    let before = resident_bytes();
    for _ in 0..5 {
        let report = bench.call("huge").await;
        assert_eq!((report.outcome, report.blame), (Outcome::LimitExceeded(Budget::OutputBytes), Some(Blame::Guest)));
        assert_eq!(report.used.output_bytes, 0);
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 8 << 20, "{grown} bytes");
    bench.assert_well().await;
}

/// Pages of this process in memory, plugin memories included.
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

#[tokio::test]
async fn lies_about_numbers_are_bad_output() {
    let bench = bench();
    for field in ["lying_items", "wrong_length"] {
        let report = bench.call(field).await;
        assert!(matches!(report.outcome, Outcome::BadOutput(_)), "{field}: {report:?}");
        assert_eq!(report.blame, Some(Blame::Guest));
    }
    bench.assert_well().await;
}

#[tokio::test]
async fn an_unknown_field_is_declined() {
    let report = bench().call("nothing").await;
    assert!(matches!(report.outcome, Outcome::Declined(GuestError::NotFound(_))), "{report:?}");
    assert_eq!(report.blame, None);
}

#[tokio::test]
async fn a_flood_of_lines_is_cut_and_counted() {
    let report = bench().call("log_flood").await;
    assert!(matches!(report.outcome, Outcome::Ok(_)), "{:?}", report.outcome);
    let kept = report.logs.lines.len();
    assert!((50..=64).contains(&kept), "{kept}");
    assert_eq!(report.logs.lines[0].fields, [("source".to_owned(), "probe".to_owned())]);
    assert_eq!(report.logs.dropped, 4_096 - u64::try_from(kept).unwrap());
}

#[tokio::test]
async fn the_clock_is_frozen() {
    assert_eq!(bench().call("now").await.outcome, Outcome::Ok(list([Token::Int(NOW)])));
}

#[tokio::test]
async fn a_loop_of_host_calls_is_no_cheaper_than_a_loop_of_instructions() {
    let bench = bench();
    let ask = |count| input(&bench.lane, "hostcalls", object(Some(("count", Token::Int(count)))));
    assert!(matches!(bench.plugin.resolve(ask(1_000)).await.outcome, Outcome::Ok(_)));
    let report = bench.plugin.resolve(ask(1_000_000)).await;
    assert_eq!(report.outcome, Outcome::LimitExceeded(Budget::Fuel));
}

struct Greeting;

impl SettingsPort for Greeting {
    fn get(&self, name: &str) -> Result<Data, PortError> {
        match name {
            "greeting" => Ok(Data { shapes: Vec::new(), tokens: vec![Token::Text("你好".to_owned())] }),
            _ => Err(PortError::Invalid(name.to_owned())),
        }
    }
}

#[tokio::test]
async fn settings_arrive_and_undeclared_ones_are_invalid() {
    let bench = bench();
    let ports = || Ports { settings: Some(Arc::new(Greeting)), ..Ports::default() };
    let report = bench.plugin.resolve(CallInput { ports: ports(), ..bench.ask("greeting") }).await;
    assert_eq!((report.outcome, report.used.host_calls), (text("你好"), 1));
    let report = bench.plugin.resolve(CallInput { ports: ports(), ..bench.ask("deny") }).await;
    assert!(matches!(&report.outcome, Outcome::Ok(data) if format!("{data:?}").contains("undeclared")), "{report:?}");
}

#[tokio::test]
async fn a_declined_capability_answers_denied_and_says_so() {
    let host = host();
    let artefact = host.compile(probe()).unwrap();
    let grants = Grants::all().declining([Capability::Settings]);
    let plugin = host.load(&artefact, &grants).unwrap();
    let lane = host.lane("t", "probe");
    let report = plugin.resolve(input(&lane, "greeting", object(None))).await;
    assert_eq!(report.outcome, Outcome::NotGranted("settings".to_owned()));
    let report = plugin.resolve(input(&lane, "deny", object(None))).await;
    assert!(matches!(&report.outcome, Outcome::Ok(data) if format!("{data:?}").contains("denied")), "{report:?}");
}

#[test]
fn what_is_imported_and_not_granted_does_not_load() {
    let host = host();
    let artefact = host.compile(probe()).unwrap();
    assert_eq!(artefact.imports(), Capability::ALL);
    for missing in Capability::ALL {
        let grants = Grants::none().granting(Capability::ALL.into_iter().filter(|capability| *capability != missing));
        let refused = host.load(&artefact, &grants).err().unwrap();
        assert!(matches!(refused, PluginError::NotGranted(capability) if capability == missing));
    }
    for unstubbed in [Capability::Log, Capability::Clock] {
        let refused = host.load(&artefact, &Grants::all().declining([unstubbed])).err().unwrap();
        assert!(matches!(refused, PluginError::NotGranted(capability) if capability == unstubbed));
    }
}

/// A collection of so many records, or a failure, or a wait for a permit.
struct Items {
    rows: u32,
    fails: bool,
    gate: Option<Arc<Semaphore>>,
}

#[async_trait]
impl StoragePort for Items {
    async fn find(&self, collection: &str, query: FindQuery) -> Result<FoundPage, PortError> {
        assert_eq!((collection, query.first), ("item", 50));
        if let Some(gate) = &self.gate {
            let _permit = gate.acquire().await;
        }
        if self.fails {
            return Err(PortError::Host("disk on fire".into()));
        }
        let mut tokens = vec![Token::Items(self.rows)];
        for number in 0..self.rows {
            tokens.extend([Token::Object(0), Token::Text(format!("item {number}")), Token::Int(i64::from(number))]);
        }
        let shapes = vec![vec!["name".to_owned(), "number".to_owned()]];
        Ok(FoundPage { records: Data { shapes, tokens }, end_cursor: None, has_next: false })
    }
}

fn items(rows: u32, fails: bool, gate: Option<&Arc<Semaphore>>) -> Ports {
    Ports { storage: Some(Arc::new(Items { rows, fails, gate: gate.cloned() })), ..Ports::default() }
}

#[tokio::test]
async fn records_arrive_and_are_counted() {
    let bench = bench();
    let report = bench.plugin.resolve(CallInput { ports: items(50, false, None), ..bench.ask("records") }).await;
    assert!(matches!(&report.outcome, Outcome::Ok(data) if data.tokens.len() == 2 + 50 * 3), "{report:?}");
    assert_eq!((report.used.rows, report.used.host_calls), (50, 1));
}

#[tokio::test]
async fn more_records_than_the_budget_are_not_handed_over() {
    let bench = bench();
    let limits = Limits { rows: 49, ..patient() };
    let report =
        bench.plugin.resolve(CallInput { ports: items(50, false, None), limits, ..bench.ask("records") }).await;
    assert_eq!(report.outcome, Outcome::LimitExceeded(Budget::Rows));
    let limits = Limits { host_calls: 0, ..patient() };
    let report =
        bench.plugin.resolve(CallInput { ports: items(50, false, None), limits, ..bench.ask("records") }).await;
    assert_eq!((report.outcome, report.blame), (Outcome::LimitExceeded(Budget::HostCalls), Some(Blame::Guest)));
}

#[tokio::test]
async fn a_failing_or_missing_port_is_the_hosts_fault_and_its_words_stay_inside() {
    let bench = bench();
    for ports in [items(1, true, None), Ports::default()] {
        let report = bench.plugin.resolve(CallInput { ports, ..bench.ask("records") }).await;
        assert!(matches!(&report.outcome, Outcome::Unavailable(why) if why.starts_with("storage: ")), "{report:?}");
        assert_eq!(report.blame, Some(Blame::Host));
        assert!(!format!("{:?}", report.logs).contains("fire"));
    }
}

#[tokio::test]
async fn waiting_for_a_port_is_not_the_plugins_time() {
    let bench = bench();
    let never = Arc::new(Semaphore::new(0));
    let limits = Limits { wall_clock: Duration::from_millis(30), ..patient() };
    let ports = items(1, false, Some(&never));
    let report = bench.plugin.resolve(CallInput { ports, limits, ..bench.ask("records") }).await;
    assert_eq!((report.outcome, report.blame), (Outcome::TimedOut, Some(Blame::Host)));
    assert!(report.used.host_micros > report.used.busy_micros);
    bench.assert_well().await;
}

#[tokio::test]
async fn a_caller_that_goes_away_gives_its_place_back() {
    let bench = bench();
    let never = Arc::new(Semaphore::new(0));
    for ports in [items(1, false, Some(&never)), Ports::default()] {
        let field = if ports.storage.is_some() { "records" } else { "spin" };
        let limits = Limits { fuel: u64::MAX / 2, ..Limits::event() };
        let call = bench.plugin.resolve(CallInput { ports, limits, ..bench.ask(field) });
        tokio::select! {
            _ = call => panic!("the call does not end by itself"),
            () = until(|| bench.free() == (15, 15)) => {}
        }
        until(|| bench.free() == (16, 16)).await;
    }
    bench.assert_well().await;
}

#[tokio::test]
async fn a_full_queue_is_busy_at_once_and_another_tenant_is_served() {
    let host =
        PluginHost::new(&sunlit_plugin_host::HostConfig { threads: Some(2), ..Default::default() }, None).unwrap();
    let plugin = load(&host, probe());
    let lane = host.lane("t", "probe");
    let bench = Bench { host, plugin, lane };
    let gate = Arc::new(Semaphore::new(0));
    let blocked = || CallInput { ports: items(1, false, Some(&gate)), limits: Limits::event(), ..bench.ask("records") };
    let calls: Vec<_> = (0..16 + 64)
        .map(|_| {
            let (plugin, input) = (bench.plugin.clone(), blocked());
            tokio::spawn(async move { plugin.resolve(input).await })
        })
        .collect();
    until(|| bench.lane.waiting() == 64).await;
    let report = bench.plugin.resolve(blocked()).await;
    assert_eq!((report.outcome, report.blame), (Outcome::Unavailable("busy".to_owned()), Some(Blame::Host)));
    let other = bench.host.lane("another tenant", "probe");
    let report = bench.plugin.resolve(CallInput { lane: other, ..bench.echo("x") }).await;
    assert_eq!(report.outcome, text("x"));
    gate.add_permits(1_000);
    for call in calls {
        assert!(matches!(call.await.unwrap().outcome, Outcome::Ok(_)));
    }
    assert_eq!((bench.lane.free(), bench.lane.waiting(), bench.host.free_slots()), (16, 0, 128));
}
