//! `sunlit config`: what can be configured.

use clap::Subcommand;

use super::output::line;
use crate::config::reference;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Print every key with its meaning, default, bounds and variable.
    Reference {
        /// As a file to begin with, where every key is a comment.
        #[arg(long)]
        toml: bool,
    },
}

pub(super) fn run(command: &Command) {
    match command {
        Command::Reference { toml: true } => line(reference::toml().trim_end()),
        Command::Reference { toml: false } => line(reference::markdown().trim_end()),
    }
}
