//! `sunlit audit`: whether the audit trails are still what was written.

use clap::Subcommand;
use sunlit_app::command::package::publish::Existing;
use sunlit_app::query::{audit_verify, tenant_find};
use sunlit_domain::id::TenantSlug;
use sunlit_domain::{Actor, ScopeAuthority};

use super::Failed;
use super::installation::{Installation, OPERATOR};
use super::output::line;
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Walk every chain; tell its rows and its head, or its first broken row, and then end with code 1.
    Verify {
        /// One tenant only.
        #[arg(long)]
        tenant: Option<TenantSlug>,
        /// A head that was noted down earlier: rows that were cut off since are found by it.
        #[arg(long, requires = "tenant")]
        head: Option<String>,
    },
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, command: Command) -> Result<(), Failed> {
    let Command::Verify { tenant: only, head } = command;
    let Installation { app, .. } = Installation::open(config, Existing::Keep).await?;
    let mut tenants = tenant_find::all(&app).await?;
    if let Some(slug) = &only {
        tenants.retain(|tenant| tenant.slug == *slug);
        if tenants.is_empty() {
            return Err(format!("there is no tenant {slug}: see `sunlit tenant list`").into());
        }
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
        Err(format!("{broken} audit trail(s) are broken: compare the file with a backup, and find out who wrote to it")
            .into())
    }
}
