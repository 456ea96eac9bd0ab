//! `sunlit bench`: measures, side by side in one run.

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
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Name {
    /// Plugin calls against the same functions compiled natively.
    Plugin,
    /// A GraphQL list against a hand-written handler.
    Graphql,
    /// The gate before the GraphQL parser, on documents that would kill it and on an ordinary one.
    Gate,
    /// Cold start of the demo and memory at rest.
    Start,
}

pub(super) async fn run(config: Config, authority: ScopeAuthority, args: Args) -> Result<(), Failed> {
    match args.name {
        Name::Plugin => bench::plugin::run(&config, args.rounds).await,
        Name::Graphql => bench::graphql::run(config, authority, args.rounds).await,
        Name::Gate => bench::gate::run(args.rounds),
        Name::Start => bench::start::run(config, &authority).await,
    }
}
