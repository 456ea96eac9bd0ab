//! `sunlit migrate`: makes the tables of a PostgreSQL database, and publishes the packages that the binary carries; or takes away
//! what no published version names any more.

use clap::Args as ClapArgs;
use sunlit_app::command::package::publish::Existing;
use sunlit_storage::postgres::Contraction;
use sunlit_storage::{Postgres, PostgresConfig};

use super::Failed;
use super::installation::Installation;
use super::output::line;
use crate::config::Config;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// Instead, drop columns of collections that no published version names, with what is in them, and tables that none names and
    /// that hold no rows. Publish nothing meanwhile.
    #[arg(long)]
    contract: bool,
    /// Only say what would be dropped.
    #[arg(long, requires = "contract")]
    dry_run: bool,
}

pub(super) async fn run(config: &Config, args: &Args) -> Result<(), Failed> {
    let Some(database) = config.database() else {
        return Err("there is no `database` in the configuration: files of the data folder need no migration".into());
    };
    if args.contract {
        return contract(&database, args.dry_run).await;
    }
    Postgres::migrate(&database).await?;
    line("the platform's tables are there");
    let Installation { app, .. } = Installation::open(config, Existing::Keep).await?;
    app.stores.close().await;
    line("the carried packages are published");
    Ok(())
}

async fn contract(database: &PostgresConfig, only_told: bool) -> Result<(), Failed> {
    let Contraction { columns, tables, kept } = Postgres::contract(database, only_told).await?;
    let done = if only_told { "would be dropped" } else { "dropped" };
    if columns.is_empty() && tables.is_empty() {
        line("every column and every empty table is named by a published version: there is nothing to drop");
    }
    for (table, column) in columns {
        line(format!("column {table}.{column}: {done}"));
    }
    for table in tables {
        line(format!("table {table}: {done}"));
    }
    for table in kept {
        line(format!("table {table}: kept, for it holds rows"));
    }
    Ok(())
}
