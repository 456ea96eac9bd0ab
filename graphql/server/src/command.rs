//! The command line: one file for each thing that the binary does.

mod account;
mod archive;
mod audit;
mod backup;
mod bench;
mod config;
mod demo;
mod doctor;
mod document;
pub(crate) mod installation;
mod job;
mod key;
mod migrate;
mod output;
mod plan;
mod plugin;
mod restore;
mod serve;
mod setting;
mod tenant;
mod token;
mod worker;

use std::error::Error;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use sunlit_domain::ScopeAuthority;

use crate::config::Config;

/// What a command fails with; told once, by `main`.
pub type Failed = Box<dyn Error + Send + Sync>;

/// 阳光政务 Sunlit: one platform for open government.
#[derive(Debug, Parser)]
#[command(name = "sunlit", version)]
pub struct Cli {
    /// The configuration file; each of its keys can be set as SUNLIT_<KEY> too, such as SUNLIT_DATABASE.
    #[arg(long, default_value = "sunlit.toml", global = true)]
    config: PathBuf,
    /// The data folder, when it is not the configured one; `demo` has data/demo of its own. With `database` in the
    /// configuration tenants are there, and the folder has keys and files.
    #[arg(long, global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve portals and APIs, and run jobs.
    Serve,
    /// Run jobs and serve nobody.
    Worker(worker::Args),
    /// Provision the carried regions with sample data and serve them, with developers' tools.
    Demo(demo::Args),
    /// Make the tables of the configured PostgreSQL database, and publish the carried packages; doing it again changes nothing.
    ///
    /// Wants `migrator_database` in the configuration beside `database`. To be run before anything else on a new database, and
    /// when Sunlit itself was upgraded. Gives up, with nothing changed, when a table stays in use for seconds.
    Migrate(migrate::Args),
    /// Create and list tenants.
    #[command(subcommand)]
    Tenant(tenant::Command),
    /// Say which plans there are.
    #[command(subcommand)]
    Plan(plan::Command),
    /// Invite the first people of a tenant, and help those who cannot get in.
    #[command(subcommand)]
    Account(account::Command),
    /// List jobs that were given up, and put them back.
    #[command(subcommand)]
    Job(job::Command),
    /// Check the audit trails.
    #[command(subcommand)]
    Audit(audit::Command),
    /// Build, check and publish plugins, and move tenants between their versions.
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Register the GraphQL documents that a tenant trusts.
    #[command(subcommand)]
    Document(document::Command),
    /// Set what the platform keeps for a tenant.
    #[command(subcommand)]
    Setting(setting::Command),
    /// Make, tell and rotate the keys that seal what is sensitive.
    #[command(subcommand)]
    Key(key::Command),
    /// Write archives of all tenants, or of one, into a folder, while they serve.
    Backup(backup::Args),
    /// Bring tenants back from a backup, beside those that serve or in the place of one.
    Restore(restore::Args),
    /// Make an access token for development.
    Token(token::Args),
    /// Measure, and print lines `name value unit`.
    Bench(bench::Args),
    /// Say what can be configured.
    #[command(subcommand)]
    Config(config::Command),
    /// Say in plain words what is wrong with this installation, and how to mend it. Ends with 1 when there is a fault.
    Doctor(doctor::Args),
}

/// Runs a command to its end.
///
/// # Errors
/// Why it did not reach it, for the operator.
pub fn run(cli: Cli, authority: ScopeAuthority) -> Result<(), Failed> {
    if let Command::Config(command) = &cli.command {
        // Also when what is configured cannot be read.
        config::run(command);
        return Ok(());
    }
    let mut config = Config::read(&cli.config)?;
    match &cli.command {
        Command::Demo(args) => args.apply(&mut config),
        // What these print is their answer; the log is for what goes wrong.
        Command::Migrate(_)
        | Command::Tenant(_)
        | Command::Plan(_)
        | Command::Account(_)
        | Command::Job(_)
        | Command::Audit(_)
        | Command::Plugin(_)
        | Command::Document(_)
        | Command::Setting(_)
        | Command::Key(_)
        | Command::Backup(_)
        | Command::Restore(_)
        | Command::Token(_)
        | Command::Bench(_)
        | Command::Config(_)
        | Command::Doctor(_) => {
            config.log =
                format!("warn,{}", config.log.strip_prefix("info").unwrap_or_default().trim_start_matches(','));
        }
        Command::Serve | Command::Worker(_) => {}
    }
    if let Some(data) = &cli.data {
        config.data.clone_from(data);
    }
    let traces = output::log_to_stderr(&config)?;
    let done = actix_web::rt::System::new().block_on(async {
        match cli.command {
            Command::Serve => serve::run(config, authority).await,
            Command::Worker(args) => worker::run(config, authority, args).await,
            Command::Demo(_) => demo::run(config, authority).await,
            Command::Migrate(args) => migrate::run(&config, &args).await,
            Command::Tenant(command) => tenant::run(&config, &authority, command).await,
            Command::Plan(command) => plan::run(&config, &command),
            Command::Account(command) => account::run(&config, &authority, command).await,
            Command::Job(command) => job::run(&config, &authority, command).await,
            Command::Audit(command) => audit::run(&config, &authority, command).await,
            Command::Plugin(command) => plugin::run(&config, &authority, command).await,
            Command::Document(command) => document::run(&config, &authority, command).await,
            Command::Setting(command) => setting::run(&config, &authority, command).await,
            Command::Key(command) => key::run(&config, &authority, command).await,
            Command::Backup(args) => backup::run(&config, &authority, args).await,
            Command::Restore(args) => restore::run(&config, &authority, args).await,
            Command::Token(args) => token::run(&config, &args).await,
            Command::Bench(args) => bench::run(config, authority, args).await,
            Command::Config(_) => Ok(()),
            Command::Doctor(args) => doctor::run(&config, &authority, &args).await,
        }
    });
    traces.stop();
    done
}

/// Tells a failure with everything that led to it.
pub fn tell(error: &Failed) {
    output::tell(error.as_ref());
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does_and_what_can_be_chosen() {
        fn check(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            assert!(command.get_about().is_some(), "{path} does not say what it does");
            for argument in command.get_arguments() {
                let text = argument.get_help().map(ToString::to_string).unwrap_or_default();
                assert!(!text.is_empty(), "{path}: {} is not described", argument.get_id());
            }
            let help = command.clone().render_long_help().to_string();
            for told in ["--config", "SUNLIT_DATABASE", "--data", "With `database` in the configuration"] {
                assert!(help.contains(told), "{path} does not tell of {told}: {help}");
            }
            command.get_subcommands().filter(|inner| inner.get_name() != "help").for_each(|inner| check(inner, &path));
        }
        let mut whole = Cli::command();
        whole.build();
        check(&whole, "");
    }

    #[test]
    fn the_data_folder_and_the_tenant_are_named_alike_everywhere() {
        for line in [
            "serve",
            "worker --once",
            "demo --port 8081",
            "tenant create 000000",
            "migrate",
            "bench engine --rows 300",
            "tenant list",
            "tenant state 000000 read-only",
            "tenant plan 000000",
            "tenant plan 000000 district",
            "tenant usage 000000 --json",
            "tenant cancel 000000 --days 7",
            "plan list",
            "account invite 000000 --email li@example.org --name 李 --role editor",
            "account list 000000",
            "account unlock 000000 li@example.org",
            "key rotate-tokens",
            "tenant export 000000 --to file --plain",
            "tenant export 000000 --to file --recipient age1a --recipient age1b",
            "tenant import file --as 000001 --state active --passphrase-file file",
            "tenant import file --check --key-file file",
            "tenant erase 000000 --yes 000000",
            "tenant sweep",
            "backup --to folder --tenant 000000 --keep 7 --passphrase-file file",
            "restore --from folder --tenant 000000 --as 000001",
            "restore --discard 000000-before-20261123145301",
            "job list 000000",
            "job replay 000000 018f3b1e-0000-7000-8000-000000000001",
            "audit verify",
            "audit verify 000000 --head 0f",
            "plugin check folder",
            "plugin publish plugin.toml",
            "plugin upgrade 000000 market 2.0.0 --check --grant uses:visits --discard",
            "plugin rollback 000000 market 1.0.0 --check",
            "document add 000000 file.graphql",
            "setting set 000000 trusted_documents_only true",
            "key new",
            "key status",
            "key rotate-tenant 000000",
            "key rotate-tenant --all",
            "key rewrap",
            "token 000000 --role editor --role reviewer",
            "doctor",
            "doctor --json",
            "config reference --toml",
        ] {
            let words = ["sunlit"].into_iter().chain(line.split(' ')).chain(["--data", "elsewhere"]);
            let cli = Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(cli.data, Some(PathBuf::from("elsewhere")), "{line}");
        }
    }

    #[test]
    fn an_option_that_would_do_nothing_is_refused() {
        for line in [
            "plugin rollback 000000 market 1.0.0 --discard",
            "audit verify --head 0f",
            "key rotate-tenant",
            "key rotate-tenant 000000 --all",
            // Nobody writes an archive in clear by forgetting something.
            "tenant export 000000 --to file",
            "tenant export 000000 --to file --plain --recipient age1a",
            "backup --to folder",
            "tenant erase 000000",
            "restore --from folder --as 000001",
        ] {
            assert!(Cli::try_parse_from(["sunlit"].into_iter().chain(line.split(' '))).is_err(), "{line}");
        }
    }
}
