//! `sunlit migrate`: makes the tables of a PostgreSQL database, and publishes the packages that the binary carries.

use sunlit_app::command::package::publish::Existing;
use sunlit_storage::Postgres;

use super::Failed;
use super::installation::Installation;
use super::output::line;
use crate::config::Config;

pub(super) async fn run(config: &Config) -> Result<(), Failed> {
    let Some(database) = config.database() else {
        return Err("there is no `database` in the configuration: files of the data folder need no migration".into());
    };
    Postgres::migrate(&database).await?;
    line("the platform's tables are there");
    let Installation { app, .. } = Installation::open(config, Existing::Keep).await?;
    app.stores.close().await;
    line("the carried packages are published");
    Ok(())
}
