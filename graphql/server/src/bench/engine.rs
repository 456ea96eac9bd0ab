//! The engine by its operations: a list of many records, lists inside records, aggregates, writes, import and export. Each over the product's API,
//! over a handler written by hand, and by SQLite alone, on the same file and in turns.
//!
//! What the contenders answer is checked first, and how many rows they wrote is checked last.

mod aggregate;
mod bed;
mod insert;
mod list;
mod load;
mod nested;
mod record;
mod rows;

use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

use actix_web::web::{self, Bytes, Data};
use actix_web::{App, HttpResponse};
use serde_json::{Value as Json, json};
use sunlit_domain::ScopeAuthority;

use self::bed::{Bed, House, Owner, ROW};
use self::load::{Events, Load};
use super::ask::{Ask, Sender, asker, sender};
use super::measure::{CpuAccounts, CpuClock, Series, TemporaryFolder, line, timed_async};
use crate::command::Failed;
use crate::config::Config;

/// How often all rows are imported and exported.
const LOADS: usize = 3;
/// Calls of a list in one round; other operations are called less often.
const ROUND: usize = 50;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Edition {
    /// Requests of a list.
    pub rounds: usize,
    /// Rows of the large collection.
    pub rows: usize,
}

/// Measures and prints.
///
/// # Errors
/// When contenders do not answer alike, when one does not write what it should, or when something does not answer at all.
pub async fn run(config: Config, authority: ScopeAuthority, edition: Edition) -> Result<(), Failed> {
    let folder = TemporaryFolder::new("engine")?;
    let bed = Bed::new(config, authority, &folder).await?;
    let clock = CpuClock::new()?;
    let ours = sender(crate::http::application(bed.state.clone())).await;
    let house = loads(&bed, &clock, &ours, edition.rows).await?;
    operations(&house, &clock, &ours, edition).await?;
    house.close().await;
    bed.state.app.stores.close().await;
    Ok(())
}

/// Imports the rows into new tenants, and exports them from the last one, which is given back.
async fn loads(bed: &Bed, clock: &CpuClock, ours: &Sender, rows: usize) -> Result<House, Failed> {
    let all: Vec<_> = (0..rows).map(rows::row).collect();
    let file = Bytes::from(rows::csv(&all));
    // The first round tells how memory grows, so those that need little come first.
    let mut raw = Load::new("import.raw");
    let mut hand = Load::new("import.hand_written");
    let mut hand_with_events = Load::new("import.hand_written_with_events");
    let mut graphql = Load::new("import.sunlit");
    let mut last = None;
    for number in 0..LOADS {
        let house = bed.house(number).await?;
        let by_hand = by_hand(&house).await?;
        let credential = house.credential()?;
        raw.time(clock, load::import_raw(&house, &all)).await?;
        house.checkpoint().await?;
        hand.time(clock, load::import_by_hand(&by_hand, Events::One, file.clone(), &credential)).await?;
        house.checkpoint().await?;
        let with_events = load::import_by_hand(&by_hand, Events::Each, file.clone(), &credential);
        hand_with_events.time(clock, with_events).await?;
        house.checkpoint().await?;
        graphql.time(clock, load::import(ours, &house, ROW, file.clone(), &credential)).await?;
        house.checkpoint().await?;
        for table in tables(&house, &[Owner::Raw, Owner::Hand, Owner::HandWithEvents])? {
            written(&house, &table, rows).await?;
        }
        if let Some(before) = last.replace(house) {
            House::close(&before).await;
        }
    }
    for load in [&graphql, &hand, &hand_with_events, &raw] {
        load.print(rows);
    }
    for other in [&hand, &hand_with_events, &raw] {
        graphql.compare(other);
    }
    let house = last.ok_or("nothing was imported")?;
    exports(&house, clock, ours, rows).await?;
    Ok(house)
}

async fn exports(house: &House, clock: &CpuClock, ours: &Sender, rows: usize) -> Result<(), Failed> {
    let hand_sender = by_hand(house).await?;
    let state = load::ByHand::new(house)?;
    let lines = |file: &Bytes| file.iter().filter(|byte| **byte == b'\n').count();
    let as_many =
        |count: usize| if count == rows { Ok(()) } else { Err(format!("{count} rows came out, not {rows}").into()) };
    let (mut raw, mut hand, mut graphql) =
        (Load::new("export.raw"), Load::new("export.hand_written"), Load::new("export.sunlit"));
    for _ in 0..LOADS {
        raw.time(clock, async { as_many(load::export_raw(&state).await?) }).await?;
        hand.time(clock, async { as_many(lines(&load::export_by_hand(&hand_sender).await?) - 1) }).await?;
        graphql.time(clock, async { as_many(lines(&load::export(ours, house).await?) - 1) }).await?;
    }
    for load in [&graphql, &hand, &raw] {
        load.print(rows);
    }
    for other in [&hand, &raw] {
        graphql.compare(other);
    }
    Ok(())
}

/// The handlers that are written by hand.
async fn by_hand(house: &House) -> Result<Sender, Failed> {
    let app = App::new()
        .app_data(Data::new(list::ByHand::new(house)?))
        .app_data(Data::new(nested::ByHand::new(house)?))
        .app_data(Data::new(aggregate::ByHand::new(house)?))
        .app_data(Data::new(insert::ByHand::new(house)?))
        .app_data(Data::new(load::ByHand::new(house)?))
        .wrap(crate::http::headers())
        .configure(list::routes)
        .configure(nested::routes)
        .configure(aggregate::routes)
        .configure(insert::routes)
        .configure(load::routes);
    Ok(sender(app).await)
}

async fn operations(house: &House, clock: &CpuClock, ours: &Sender, edition: Edition) -> Result<(), Failed> {
    let by_hand = by_hand(house).await?;
    let nothing = App::new()
        .wrap(crate::http::headers())
        .route("/nothing", web::post().to(async |_: Bytes| HttpResponse::Ok().finish()));
    let mut harness =
        Contender::new("engine.harness".to_owned(), asker(&sender(nothing).await, "/nothing", &json!({})));
    let credential = house.credential()?;
    nested::fill(ours, house, &credential, edition.rows).await?;
    let next = [(); 3].map(|()| Rc::new(Cell::new(edition.rows)));
    let senders = (ours, &by_hand);
    let mut operations = vec![
        list::operation(house, senders, Data::new(list::ByHand::new(house)?), edition.rows).await?,
        nested::operation(house, senders, Data::new(nested::ByHand::new(house)?)),
        aggregate::operation(house, senders, Data::new(aggregate::ByHand::new(house)?)),
    ];
    for operation in &operations {
        alike(operation).await?;
    }
    operations.push(insert::operation(house, senders, &credential, &next)?);
    operations.push(insert::bulk(house, senders, &credential, &next)?);
    // The first round warms pools and caches and is not counted.
    for round in 0..=edition.rounds.div_ceil(ROUND) {
        harness.round(clock, ROUND, round > 0).await?;
        for operation in &mut operations {
            operation.round(clock, round > 0).await?;
        }
    }
    for (table, next) in tables(house, &[Owner::Hand, Owner::Raw])?.iter().zip([&next[0], &next[1], &next[2]]) {
        written(house, table, next.get()).await?;
    }
    harness.print();
    operations.iter().for_each(|operation| operation.print(&harness));
    Ok(())
}

/// The tables of the large collection: the product's own, then those of others.
fn tables(house: &House, owners: &[Owner]) -> Result<Vec<String>, Failed> {
    let table = house.table(ROW)?;
    let others: Vec<String> = owners.iter().map(|owner| owner.table(&table)).collect();
    Ok([table].into_iter().chain(others).collect())
}

async fn written(house: &House, table: &str, rows: usize) -> Result<(), Failed> {
    match house.count(table).await? {
        count if count == rows => Ok(()),
        count => Err(format!("{table} has {count} rows, not {rows}").into()),
    }
}

/// Both must answer alike, or there is nothing to compare.
async fn alike(operation: &Operation) -> Result<(), Failed> {
    let mut answers = Vec::new();
    for contender in &operation.contenders[..2] {
        let mut answer: Json = serde_json::from_slice(&(contender.ask)().await?)?;
        // What a request cost is told beside the data.
        answers.push(answer["data"].take());
    }
    if answers[0] == answers[1] {
        return Ok(());
    }
    Err(format!("{}: the answers differ: {} and {}", operation.name, answers[0], answers[1]).into())
}

/// One thing to do, and who does it: the product, the handler written by hand, SQLite alone, then parts of the product.
struct Operation {
    name: &'static str,
    calls: usize,
    contenders: Vec<Contender>,
}

impl Operation {
    /// `calls` of each in a round.
    fn new(name: &'static str, calls: usize, graphql: Ask, by_hand: Ask, raw: Ask) -> Self {
        let operation = Self { name, calls, contenders: Vec::new() };
        operation.with("graphql", graphql).with("hand_written", by_hand).with("raw", raw)
    }

    fn with(mut self, who: &str, ask: Ask) -> Self {
        self.contenders.push(Contender::new(format!("engine.{}.{who}", self.name), ask));
        self
    }

    async fn round(&mut self, clock: &CpuClock, counted: bool) -> Result<(), Failed> {
        for contender in &mut self.contenders {
            contender.round(clock, self.calls, counted).await?;
        }
        Ok(())
    }

    /// Prints each contender, and how much of the others' speed remains; `net` figures leave out what the harness costs.
    fn print(&self, harness: &Contender) {
        self.contenders.iter().for_each(Contender::print);
        let percent = |ours: f64, theirs: f64| 100.0 * theirs / ours;
        let [ours, by_hand, raw, ..] = &self.contenders[..] else { return };
        let name = |what: &str| format!("engine.{}.{what}", self.name);
        let (ours, by_hand, raw) = (&ours.series, &by_hand.series, &raw.series);
        line(&name("to_hand_written.cpu"), percent(ours.cpu(), by_hand.cpu()), "%");
        let net = |series: &Series| series.cpu() - harness.series.cpu();
        line(&name("to_hand_written.cpu_net"), percent(net(ours), net(by_hand)), "%");
        line(&name("to_hand_written.p50"), percent(ours.p50(), by_hand.p50()), "%");
        line(&name("to_raw.cpu"), percent(ours.cpu(), raw.cpu()), "%");
        line(&name("to_raw.p50"), percent(ours.p50(), raw.p50()), "%");
    }
}

/// One way to do it, and what it took.
struct Contender {
    name: String,
    ask: Ask,
    series: Series,
}

impl Contender {
    fn new(name: String, ask: Ask) -> Self {
        Self { name, ask, series: Series::default() }
    }

    async fn round(&mut self, clock: &CpuClock, calls: usize, counted: bool) -> Result<(), Failed> {
        let start = CpuAccounts::read()?;
        let call = || async {
            black_box((self.ask)().await?);
            Ok(())
        };
        let (walls, whole) = timed_async(calls, call).await?;
        let cpu = clock.since(&start)?;
        if counted {
            self.series.add(&walls, whole, cpu);
        }
        Ok(())
    }

    fn print(&self) {
        self.series.print(&self.name);
        line(&format!("{}.rate", self.name), self.series.rate(), "calls/s");
    }
}

/// A call that is not a request.
fn ask_of<F>(call: impl Fn() -> F + 'static) -> Ask
where
    F: Future<Output = Result<Bytes, Failed>> + 'static,
{
    Rc::new(move || Box::pin(call()))
}
