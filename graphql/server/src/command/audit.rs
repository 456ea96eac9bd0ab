//! `sunlit audit`: whether the audit trails are still what was written.

use std::sync::Arc;

use clap::Subcommand;
use sunlit_app::query::{audit_verify, tenant_find};
use sunlit_domain::id::TenantSlug;
use sunlit_domain::{Actor, ScopeAuthority};

use super::Failed;
use super::installation::{Installation, OPERATOR, tenant};
use super::output::line;
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Walk every chain; tell its rows and its head, or its first broken row, and then end with code 1.
    ///
    /// A chain that was written anew from some row on, or cut off at its end, is sound in itself: note heads down elsewhere, and hand
    /// them in with --head.
    Verify {
        /// One tenant only.
        tenant: Option<TenantSlug>,
        /// A head that was noted down earlier: rows that were cut off since are found by it.
        #[arg(long, requires = "tenant")]
        head: Option<String>,
    },
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, command: Command) -> Result<(), Failed> {
    let Command::Verify { tenant: only, head } = command;
    let Installation { app, .. } = Installation::existing(config).await?;
    let tenants = match &only {
        Some(slug) => vec![Arc::unwrap_or_clone(tenant(&app, slug).await?)],
        None => tenant_find::all(&app).await?,
    };
    if tenants.is_empty() {
        let (place, mend) = match &config.database {
            Some(url) => (format!("{url:?}"), "another `database`"),
            None => (config.data.display().to_string(), "another folder with --data"),
        };
        return Err(format!("no audit trail was checked: {place} has no tenants: name {mend}").into());
    }
    let mut broken = 0_usize;
    for tenant in tenants {
        let scope = authority.scope(tenant.id, Actor::known(OPERATOR, Vec::new()));
        match audit_verify::run(&app, &scope, head.as_deref()).await {
            Ok(chain) => match chain.fault {
                None => line(format!("ok     {}  {} rows  head {}", tenant.slug, chain.rows, chain.head)),
                Some(fault) => {
                    broken += 1;
                    line(format!("BROKEN {}  {fault}  after {} sound rows", tenant.slug, chain.rows));
                }
            },
            Err(error) => {
                broken += 1;
                line(format!("BROKEN {}  {error}", tenant.slug));
            }
        }
    }
    app.stores.close().await;
    if broken == 0 {
        Ok(())
    } else {
        Err(format!(
            "{broken} audit trail(s) are broken: compare the tenant with a backup, and find out who wrote to it"
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use sunlit_storage::platform::Platform;

    use super::*;

    #[tokio::test]
    async fn verifying_nothing_is_no_success() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().to_owned(), plugin_slots: 2, ..Config::default() };
        let verify = async || {
            let command = Command::Verify { tenant: None, head: None };
            run(&config, &ScopeAuthority::establish(), command).await.unwrap_err().to_string()
        };
        assert!(verify().await.contains("there is no installation"));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        drop(Platform::open(folder.path()).await.unwrap());
        assert!(verify().await.contains("has no tenants"));
    }
}
