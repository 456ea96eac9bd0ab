//! Clients over loopback, on threads of their own: so many at once, each asking as soon as it is answered, or at a pace.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use serde_json::{Value as Json, json};

use super::measure::{millis, quantile};
use crate::command::Failed;

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) path: String,
    /// The query and its variables, where it is not a page.
    pub(super) body: Option<Json>,
    pub(super) authorization: Option<String>,
}

impl Wanted {
    pub(super) fn page(path: String) -> Self {
        Self { path, body: None, authorization: None }
    }

    pub(super) fn query(slug: &str, query: &str, variables: &Json) -> Self {
        let body = Some(json!({ "query": query, "variables": variables }));
        Self { path: format!("/t/{slug}/graphql"), body, authorization: None }
    }
}

/// What a stage does.
#[derive(Clone)]
pub(super) struct Stage {
    pub(super) server: SocketAddr,
    /// How many clients ask at once.
    pub(super) clients: usize,
    /// From how many addresses of the loopback network they come.
    pub(super) addresses: u8,
    pub(super) lasts: Duration,
    /// How often each client asks; without it as soon as it is answered.
    pub(super) every: Option<Duration>,
    /// What the `n`th client asks as its `m`th.
    pub(super) wanted: Arc<dyn Fn(usize, usize) -> Wanted + Send + Sync>,
}

/// What came of a stage.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Milliseconds of each good answer.
    pub(super) walls: Vec<f64>,
    /// How many were refused for asking too much (429).
    pub(super) refused: usize,
    /// How many failed otherwise.
    pub(super) failed: usize,
    /// What the first of these said.
    pub(super) fault: Option<String>,
    pub(super) seconds: f64,
}

impl Seen {
    pub(super) fn rate(&self) -> f64 {
        self.walls.len() as f64 / self.seconds
    }

    pub(super) fn p(&self, permille: usize) -> f64 {
        quantile(&self.walls, permille)
    }

    /// The share of requests that failed, in percent.
    pub(super) fn failures(&self) -> f64 {
        100.0 * self.failed as f64 / (self.walls.len() + self.failed).max(1) as f64
    }
}

enum Came {
    Good(f64),
    Refused,
    Failed(String),
}

/// Runs stages at the same time, each to its end; what came of each. Each has a thread of its own, so that the clients of one do not
/// wait for those of another, and begins when the clients of all are made.
pub(super) async fn run(stages: Vec<Stage>) -> Result<Vec<Seen>, Failed> {
    let ready = Arc::new(Barrier::new(stages.len()));
    let running: Vec<_> = stages
        .into_iter()
        .map(|stage| {
            let ready = Arc::clone(&ready);
            tokio::task::spawn_blocking(move || {
                let clients = clients(&stage);
                ready.wait();
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| error.to_string())?;
                runtime.block_on(run_one(stage, clients?))
            })
        })
        .collect();
    let mut seen = Vec::new();
    for stage in running {
        seen.push(stage.await??);
    }
    Ok(seen)
}

fn clients(stage: &Stage) -> Result<Vec<reqwest::Client>, String> {
    let client = |number: usize| {
        let last = u8::try_from(number % usize::from(stage.addresses.max(1))).unwrap_or(0) + 1;
        let builder = reqwest::Client::builder().local_address(IpAddr::from([127, 0, 0, last]));
        let built = builder.pool_max_idle_per_host(1).timeout(Duration::from_secs(30)).build();
        built.map_err(|error| error.to_string())
    };
    (0..stage.clients).map(client).collect()
}

async fn run_one(stage: Stage, clients: Vec<reqwest::Client>) -> Result<Seen, String> {
    let began = Instant::now();
    let asking = clients.into_iter().enumerate().map(|(number, client)| {
        let stage = stage.clone();
        tokio::spawn(async move { follow(&client, &stage, number, began).await })
    });
    let asking: Vec<_> = asking.collect();
    let mut seen = Seen::default();
    for client in asking {
        for came in client.await.map_err(|error| error.to_string())? {
            match came {
                Came::Good(wall) => seen.walls.push(wall),
                Came::Refused => seen.refused += 1,
                Came::Failed(fault) => {
                    seen.failed += 1;
                    seen.fault.get_or_insert(fault);
                }
            }
        }
    }
    seen.seconds = began.elapsed().as_secs_f64();
    Ok(seen)
}

/// One client, until the stage is over. At a pace, what comes late is counted from when it was due.
async fn follow(client: &reqwest::Client, stage: &Stage, number: usize, began: Instant) -> Vec<Came> {
    let mut all = Vec::new();
    let share = stage.every.map(|every| every.mul_f64(number as f64 / stage.clients as f64));
    for turn in 0_u32.. {
        let due = match (stage.every, share) {
            (Some(every), Some(share)) => began + share + every * turn,
            _ => Instant::now(),
        };
        if due.duration_since(began) >= stage.lasts {
            break;
        }
        tokio::time::sleep_until(due.into()).await;
        all.push(ask(client, stage.server, (stage.wanted)(number, turn as usize), due).await);
    }
    all
}

async fn ask(client: &reqwest::Client, server: SocketAddr, wanted: Wanted, due: Instant) -> Came {
    let method = if wanted.body.is_some() { Method::POST } else { Method::GET };
    let mut request = client.request(method, format!("http://{server}{}", wanted.path)).header(ACCEPT_ENCODING, "gzip");
    if let Some(body) = wanted.body {
        request = request.header(CONTENT_TYPE, "application/json").body(body.to_string());
    }
    if let Some(authorization) = wanted.authorization {
        request = request.header(AUTHORIZATION, authorization);
    }
    let answered = async {
        let answer = request.send().await?;
        let status = answer.status();
        Ok::<_, reqwest::Error>((status, answer.bytes().await?))
    };
    match answered.await {
        Ok((status, _)) if status == 429 => Came::Refused,
        Ok((status, body)) if status.is_success() && !body.starts_with(b"{\"errors\"") => {
            Came::Good(millis(due.elapsed()))
        }
        Ok((status, body)) => {
            Came::Failed(format!("{} answers {status}: {}", wanted.path, String::from_utf8_lossy(&body)))
        }
        Err(error) => Came::Failed(error.to_string()),
    }
}
