//! `sunlit bench`: measures, side by side in one run.

use std::time::Duration;

use clap::{Args as ClapArgs, ValueEnum};
use sunlit_domain::ScopeAuthority;

use super::Failed;
use crate::bench;
use crate::config::Config;

/// What can be chosen.
#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// What to measure.
    name: Name,
    /// How many rounds; more rounds, steadier figures.
    #[arg(long, default_value_t = 2_000)]
    rounds: usize,
    /// How many rows the large collection of `engine` has, and that of `life`.
    #[arg(long, default_value_t = 100_000, value_parser = parse_rows)]
    rows: usize,
    /// How many tenants `tenants` provisions.
    #[arg(long, default_value_t = 3_000, value_parser = parse_tenants)]
    tenants: usize,
    /// How many files the tenant of `life` has, of half a MiB each.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(0..=900))]
    files: u16,
    /// How many seconds each stage of `mixed` and `fairness` takes.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    stage: u64,
}

impl Args {
    fn seconds(&self) -> Duration {
        Duration::from_secs(self.stage)
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// Plugin calls against the same functions compiled natively.
    Plugin,
    /// A GraphQL list against a hand-written handler.
    Graphql,
    /// Lists, writes, import and export against hand-written handlers and SQLite alone.
    Engine,
    /// Many tenants on one node, on the configured engine.
    Tenants,
    /// A large tenant exported and imported, on the configured engine: `rows` records and `files` files.
    Life,
    /// Pages, lists, searches and writes of many tenants over HTTP, on the configured engine: `rows` records in 50 tenants.
    Mixed,
    /// A tenant beside one that is stormed, over HTTP, on the configured engine.
    Fairness,
    /// The gate before the GraphQL parser, on documents that would kill it and on an ordinary one.
    Gate,
    /// Cold start of the demo and memory at rest.
    Start,
}

pub(super) async fn run(config: Config, authority: ScopeAuthority, args: Args) -> Result<(), Failed> {
    match args.name {
        Name::Plugin => bench::plugin::run(&config, args.rounds).await,
        Name::Graphql => bench::graphql::run(config, authority, args.rounds).await,
        Name::Engine => {
            let edition = bench::engine::Edition { rounds: args.rounds, rows: args.rows };
            bench::engine::run(config, authority, edition).await
        }
        Name::Tenants => bench::tenants::run(config, authority, args.tenants, args.rounds).await,
        Name::Life => bench::life::run(config, authority, args.rows, usize::from(args.files)).await,
        Name::Mixed => bench::mixed::run(config, authority, args.rows, args.seconds()).await,
        Name::Fairness => bench::fairness::run(config, authority, args.seconds()).await,
        Name::Gate => bench::gate::run(args.rounds),
        Name::Start => bench::start::run(config, &authority).await,
    }
}

/// As many as one import takes, and enough for a page and its cursor.
fn parse_rows(text: &str) -> Result<usize, String> {
    let rows = text.parse().map_err(|error| format!("{error}"))?;
    let range = 100..=sunlit_app::command::record::import::MAX_ROWS;
    if range.contains(&rows) { Ok(rows) } else { Err(format!("choose {} to {}", range.start(), range.end())) }
}

/// As many as have a slug of six digits.
fn parse_tenants(text: &str) -> Result<usize, String> {
    let tenants = text.parse().map_err(|error| format!("{error}"))?;
    if (1..=90_000).contains(&tenants) { Ok(tenants) } else { Err("choose 1 to 90000".to_owned()) }
}
