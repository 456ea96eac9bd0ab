//! A GraphQL list against a handler written by hand for the same list, through the same kind of service.
//!
//! Both parse a body, read the same twenty of a thousand records from the same SQLite file and answer the same JSON, which
//! is checked first. `net` figures leave out what the harness costs itself: making the request and routing it.

use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes};
use actix_web::{App, HttpResponse};
use serde_json::{Value as Json, json};
use sunlit_domain::ScopeAuthority;
use sunlit_pages::Renderer;

use super::ask::{Ask, asker, sender};
use super::hand_written;
use super::measure::{CpuAccounts, CpuClock, Series, TemporaryFolder, line};
use super::parts::Parts;
use super::streets::{COLLECTION, PACKAGE, Streets};
use crate::command::Failed;
use crate::config::Config;
use crate::oidc::{ProviderClient, Providers};
use crate::state::State;
use crate::token::TokenKeys;

/// Requests of a round.
const ROUND: usize = 100;
/// Requests that wait at the same time where requests a second are counted.
const CALLERS: usize = 8;
/// How many streets a request asks for.
const FIRST: usize = 20;
/// From which code on: a quarter of the streets come before.
const FROM: &str = "990000250";
const CONTAINS: &str = "新";

/// Measures `rounds` requests of each kind.
///
/// # Errors
/// When the two do not answer alike, or something does not answer at all.
pub async fn run(mut config: Config, authority: ScopeAuthority, rounds: usize) -> Result<(), Failed> {
    let folder = TemporaryFolder::new("graphql")?;
    let streets = Streets::new(&mut config, &authority, &folder).await?;
    let visitor = streets.visitor(&authority);
    let hand_written = web::Data::new(open_by_hand(&streets, &config)?);
    let tokens = TokenKeys::new(&[streets.keys.tokens])?;
    let state = web::Data::new(State::new(
        streets.app.clone(),
        authority,
        tokens,
        Renderer::new()?,
        false,
        Providers::new(ProviderClient::new(false)?),
    ));

    let asked = json!({ "contains": CONTAINS, "from": FROM, "first": FIRST });
    let graphql = format!("/t/{}/graphql", streets.slug);
    let ours = sender(crate::http::application(state.clone())).await;
    let by_hand = App::new()
        .app_data(hand_written.clone())
        .wrap(crate::http::headers())
        .route("/streets", web::post().to(hand_written::list));
    let nothing = App::new()
        .wrap(crate::http::headers())
        .route("/nothing", web::post().to(async |_: Bytes| HttpResponse::Ok().finish()));
    let (by_hand, nothing) = (sender(by_hand).await, sender(nothing).await);
    let with = |on_list, on_node| asker(&ours, &graphql, &body(on_list, on_node, &asked));
    let mut lines = [
        Contender::new("graphql.list", with("", "")),
        Contender::new("graphql.hand_written", asker(&by_hand, "/streets", &asked)),
        Contender::new("graphql.harness", asker(&nothing, "/nothing", &asked)),
        Contender::new("graphql.with_total_count", with("totalCount", "")),
        Contender::new("graphql.with_computed", with("", "nearbyServicePoints")),
    ];
    alike(&(lines[0].ask)().await?, &(lines[1].ask)().await?)?;

    let clock = CpuClock::new()?;
    let document = body("", "", &asked);
    let mut parts = Parts::new(&state, &visitor, &streets.package, &document, (&hand_written, &asked)).await?;
    // The first round warms pools and caches and is not counted.
    for round in 0..=rounds.div_ceil(ROUND) {
        let counted = round > 0;
        for contender in &mut lines {
            contender.round(&clock, counted).await?;
        }
        parts.round(&clock, ROUND, counted).await?;
    }
    for contender in &lines {
        contender.series.print(contender.name);
        line(&format!("{}.callers_{CALLERS}", contender.name), contender.many.rate(), "requests/s");
    }
    ratios(&lines[0], &lines[1], &lines[2]);
    parts.print();
    hand_written.close().await;
    state.app.stores.close().await;
    Ok(())
}

fn open_by_hand(streets: &Streets, config: &Config) -> Result<hand_written::Streets, Failed> {
    let file = config.data.join("tenants").join(format!("{}.db", streets.tenant));
    let table = streets.package.table(COLLECTION)?;
    Ok(hand_written::Streets::open(&file, table.name(), streets.tenant.0))
}

/// How much of the hand-written handler's speed remains.
fn ratios(graphql: &Contender, by_hand: &Contender, harness: &Contender) {
    let percent = |ours: f64, theirs: f64| 100.0 * ours / theirs;
    line("graphql.to_hand_written.cpu", percent(by_hand.series.cpu(), graphql.series.cpu()), "%");
    let (ours, theirs) = (graphql.series.cpu() - harness.series.cpu(), by_hand.series.cpu() - harness.series.cpu());
    line("graphql.to_hand_written.cpu_net", percent(theirs, ours), "%");
    line("graphql.to_hand_written.p50", percent(by_hand.series.p50(), graphql.series.p50()), "%");
    line("graphql.to_hand_written.requests", percent(graphql.series.rate(), by_hand.series.rate()), "%");
    line(
        &format!("graphql.to_hand_written.requests_{CALLERS}"),
        percent(graphql.many.rate(), by_hand.many.rate()),
        "%",
    );
}

/// The request's body; `on_list` and `on_node` name further fields.
fn body(on_list: &str, on_node: &str, variables: &Json) -> Json {
    let namespace = sunlit_domain::id::lower_camel(&PACKAGE.replace('-', "_"));
    let query = format!(
        "query Streets($contains: String!, $from: String!, $first: Int!) {{\n  {namespace} {{\n    \
         streets(first: $first, filter: {{ name: {{ contains: $contains }}, code: {{ gte: $from }} }}, order: [CODE_ASC]) {{\n      \
         {on_list}\n      nodes {{ id code name location industries phone {on_node} }}\n    }}\n  }}\n}}"
    );
    json!({ "query": query, "operationName": "Streets", "variables": variables })
}

/// Both must answer alike, or there is nothing to compare.
fn alike(graphql: &[u8], by_hand: &[u8]) -> Result<(), Failed> {
    let (ours, theirs): (Json, Json) = (serde_json::from_slice(graphql)?, serde_json::from_slice(by_hand)?);
    let nodes = ours.pointer("/data/streetCards/streets/nodes").and_then(Json::as_array).map_or(0, Vec::len);
    if nodes != FIRST {
        return Err(format!("the GraphQL answer has {nodes} streets, not {FIRST}: {ours}").into());
    }
    // What a request cost is told beside the data.
    if ours["data"] == theirs["data"] { Ok(()) } else { Err(format!("the answers differ: {ours} and {theirs}").into()) }
}

/// One way to ask, and what it took.
struct Contender {
    name: &'static str,
    ask: Ask,
    series: Series,
    many: Series,
}

impl Contender {
    fn new(name: &'static str, ask: Ask) -> Self {
        Self { name, ask, series: Series::default(), many: Series::default() }
    }

    /// A round of requests one after the other, and one of several at a time.
    async fn round(&mut self, clock: &CpuClock, counted: bool) -> Result<(), Failed> {
        let start = CpuAccounts::read()?;
        let (walls, whole) = one_by_one(Rc::clone(&self.ask), ROUND).await?;
        let cpu = clock.since(&start)?;
        if counted {
            self.series.add(&walls, whole, cpu);
        }
        let start = CpuAccounts::read()?;
        let began = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|_| actix_web::rt::spawn(one_by_one(Rc::clone(&self.ask), ROUND.div_ceil(CALLERS))))
            .collect();
        let mut walls = Vec::new();
        for caller in callers {
            walls.extend(caller.await??.0);
        }
        let (whole, cpu) = (began.elapsed(), clock.since(&start)?);
        if counted {
            self.many.add(&walls, whole, cpu);
        }
        Ok(())
    }
}

async fn one_by_one(ask: Ask, requests: usize) -> Result<(Vec<Duration>, Duration), Failed> {
    super::measure::timed_async(requests, || async {
        black_box(ask().await?);
        Ok(())
    })
    .await
}
