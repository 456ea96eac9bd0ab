//! `sunlit`: serve, worker, demo, tenant, job, audit, plugin, document, setting, key, token, bench, doctor.

use std::process::ExitCode;

use clap::Parser as _;
use sunlit_domain::ScopeAuthority;
use sunlit_server::command::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The one authority of the process (invariant 2).
    match command::run(cli, ScopeAuthority::establish()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            command::tell(&error);
            ExitCode::FAILURE
        }
    }
}
