//! Plugin calls against the same functions compiled natively.
//!
//! `inside` is asked from a plugin thread, as when one request needs several answers; `outside` from another runtime, as a
//! web worker does. Native answers are timed in the same rounds.

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use sunlit_plugin_host::{ArtefactCache, Grants, HostConfig, Lane, LoadedPlugin, PluginHost, StoragePort};
use tokio::task::JoinSet;

use super::measure::{
    CpuAccounts, CpuClock, Series, TemporaryFolder, kib_of, line, median, micros, millis, timed_async,
};
use super::probe::{ClosedDoor, InMemory, Question, component};
use crate::command::Failed;
use crate::config::Config;

/// Calls of a batch.
const BATCH: usize = 100;
/// Native calls for each call of a plugin, so that a batch is long enough to be measured.
const NATIVE_BATCHES: usize = 20;
/// Callers that ask at the same time.
const CALLERS: usize = 8;
/// Instances that live at the same time when their memory is measured, and how many share a lane.
const LIVE: usize = 100;
const LIVE_A_LANE: usize = 10;
/// How often a cold start is repeated.
const COMPILES: usize = 3;
const LOADS: usize = 51;
/// Authenticates artefacts that live as long as this run.
const ARTEFACT_KEY: [u8; 32] = [7; 32];

/// Measures `rounds` calls of each kind.
///
/// # Errors
/// When the probe cannot be built or does not answer as its native twin does.
pub async fn run(config: &Config, rounds: usize) -> Result<(), Failed> {
    let component = component()?;
    let folder = TemporaryFolder::new("plugin")?;
    let host = ready(&config.host(), &component, folder.path())?;
    let plugin = host.load(&host.compile(&component)?, &Grants::all())?;
    memory(&config.host(), &component).await?;
    let contest = Contest { lane: host.lane("bench", "probe"), port: Arc::new(InMemory::new()), host, plugin };
    for question in Question::ALL {
        contest.agree(question).await?;
        contest.measure(question, rounds.div_ceil(BATCH)).await?;
    }
    Ok(())
}

/// What it takes until a plugin can be called.
fn ready(config: &HostConfig, component: &[u8], folder: &Path) -> Result<PluginHost, Failed> {
    line("plugin.component", component.len() as f64 / 1024.0, "KiB");
    let mut compiling = Vec::new();
    for _ in 0..COMPILES {
        let host = PluginHost::new(config, None)?;
        let started = Instant::now();
        black_box(host.compile(component)?);
        compiling.push(millis(started.elapsed()));
    }
    line("plugin.compile.p50", median(&compiling), "ms");

    let host = PluginHost::new(config, Some(ArtefactCache::open(folder, &ARTEFACT_KEY)?))?;
    host.compile(component)?;
    let (mut from_cache, mut linking) = (Vec::new(), Vec::new());
    for _ in 0..LOADS {
        let started = Instant::now();
        let artefact = host.compile(component)?;
        from_cache.push(micros(started.elapsed()));
        let started = Instant::now();
        black_box(host.load(&artefact, &Grants::all())?);
        linking.push(micros(started.elapsed()));
    }
    line("plugin.from_cache.p50", median(&from_cache), "us");
    line("plugin.link.p50", median(&linking), "us");
    Ok(host)
}

/// What an instance adds to the process's memory while its call waits for the host, in a host of its own.
async fn memory(config: &HostConfig, component: &[u8]) -> Result<(), Failed> {
    let host = PluginHost::new(config, None)?;
    let plugin = host.load(&host.compile(component)?, &Grants::all())?;
    let live = LIVE.min(host.free_slots());
    let port = Arc::new(ClosedDoor::new());
    let lanes: Vec<Lane> =
        (0..live.div_ceil(LIVE_A_LANE)).map(|lane| host.lane("bench", &format!("probe {lane}"))).collect();

    Question::Echo.ask(&plugin, &lanes[0], &(Arc::clone(&port) as Arc<dyn StoragePort>)).await?;
    let before = kib_of("self", "smaps_rollup", "Rss")?;
    let mut waiting = JoinSet::new();
    for instance in 0..live {
        let (plugin, lane) = (plugin.clone(), lanes[instance / LIVE_A_LANE].clone());
        let port = Arc::clone(&port) as Arc<dyn StoragePort>;
        waiting.spawn(async move { Question::Records.ask(&plugin, &lane, &port).await });
    }
    while port.arrived.load(Ordering::SeqCst) < live {
        if let Some(ended) = waiting.try_join_next() {
            ended??;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let during = kib_of("self", "smaps_rollup", "Rss")?;
    port.door.add_permits(live);
    while let Some(ended) = waiting.join_next().await {
        ended??;
    }
    line("plugin.live_instance.resident", (during - before) / live as f64, "KiB");
    Ok(())
}

struct Contest {
    host: PluginHost,
    plugin: LoadedPlugin,
    lane: Lane,
    port: Arc<dyn StoragePort>,
}

impl Contest {
    /// Both must answer alike, or there is nothing to compare.
    async fn agree(&self, question: Question) -> Result<(), Failed> {
        let answered = question.ask(&self.plugin, &self.lane, &self.port).await?;
        let expected = question.answer(&self.port).await?;
        if answered == expected {
            Ok(())
        } else {
            Err(format!("the probe answers {} with {answered:?}, natively it is {expected:?}", question.name()).into())
        }
    }

    async fn measure(&self, question: Question, batches: usize) -> Result<(), Failed> {
        let clock = CpuClock::new()?;
        let (mut inside, mut outside, mut native) = (Series::default(), Series::default(), Series::default());
        let (mut many_inside, mut many_outside) = (Series::default(), Series::default());
        // The first batch warms pools and caches and is not counted.
        for batch in 0..=batches {
            let counted = batch > 0;
            let add = |series: &mut Series, (walls, whole): (Vec<Duration>, Duration), start: &CpuAccounts| {
                let cpu = clock.since(start)?;
                if counted {
                    series.add(&walls, whole, cpu);
                }
                Ok::<_, Failed>(())
            };
            let start = CpuAccounts::read()?;
            add(&mut inside, self.inside(question, 1).await?, &start)?;
            let start = CpuAccounts::read()?;
            add(&mut native, self.natively(question).await?, &start)?;
            let start = CpuAccounts::read()?;
            add(&mut outside, self.outside(question, 1).await?, &start)?;
            let start = CpuAccounts::read()?;
            add(&mut many_inside, self.inside(question, CALLERS).await?, &start)?;
            let start = CpuAccounts::read()?;
            add(&mut many_outside, self.outside(question, CALLERS).await?, &start)?;
        }
        let name = question.name();
        inside.print(&format!("plugin.{name}.inside"));
        outside.print(&format!("plugin.{name}.outside"));
        native.print(&format!("plugin.{name}.native"));
        line(&format!("plugin.{name}.inside_to_native.cpu"), inside.cpu() / native.cpu(), "times");
        line(&format!("plugin.{name}.outside_to_native.cpu"), outside.cpu() / native.cpu(), "times");
        line(&format!("plugin.{name}.inside.callers_1"), inside.rate(), "calls/s");
        line(&format!("plugin.{name}.inside.callers_{CALLERS}"), many_inside.rate(), "calls/s");
        line(&format!("plugin.{name}.outside.callers_1"), outside.rate(), "calls/s");
        line(&format!("plugin.{name}.outside.callers_{CALLERS}"), many_outside.rate(), "calls/s");
        Ok(())
    }

    async fn natively(&self, question: Question) -> Result<(Vec<Duration>, Duration), Failed> {
        timed_async(BATCH * NATIVE_BATCHES, || async {
            black_box(question.answer(black_box(&self.port)).await?);
            Ok(())
        })
        .await
    }

    /// A batch asked from the plugin threads.
    async fn inside(&self, question: Question, callers: usize) -> Result<(Vec<Duration>, Duration), Failed> {
        let batch = self.batch(question, callers);
        self.host.run(batch).await.ok_or("a batch panicked")?
    }

    /// A batch asked from this thread's runtime.
    async fn outside(&self, question: Question, callers: usize) -> Result<(Vec<Duration>, Duration), Failed> {
        self.batch(question, callers).await
    }

    /// A batch, shared between callers.
    fn batch(
        &self,
        question: Question,
        callers: usize,
    ) -> impl Future<Output = Result<(Vec<Duration>, Duration), Failed>> + Send + 'static {
        let (plugin, lane, port) = (self.plugin.clone(), self.lane.clone(), Arc::clone(&self.port));
        let caller = move |calls: usize| {
            let (plugin, lane, port) = (plugin.clone(), lane.clone(), Arc::clone(&port));
            async move {
                let mut walls = Vec::with_capacity(calls);
                for _ in 0..calls {
                    let asked = Instant::now();
                    black_box(question.ask(&plugin, &lane, &port).await?);
                    walls.push(asked.elapsed());
                }
                Ok::<_, Failed>(walls)
            }
        };
        async move {
            let started = Instant::now();
            if callers == 1 {
                return Ok((caller(BATCH).await?, started.elapsed()));
            }
            let mut running = JoinSet::new();
            for _ in 0..callers {
                running.spawn(caller(BATCH.div_ceil(callers)));
            }
            let mut walls = Vec::new();
            while let Some(ended) = running.join_next().await {
                walls.extend(ended??);
            }
            Ok((walls, started.elapsed()))
        }
    }
}
