//! `sunlit backup`: archives of all tenants, or of one, while they serve.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use sunlit_domain::ScopeAuthority;
use sunlit_domain::id::TenantSlug;
use sunlit_tenants::backup::{Wanted, backup};

use super::Failed;
use super::archive::SealingArgs;
use super::installation::Installation;
use super::output::line;
use super::tenant::life::operator;
use crate::config::Config;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// The folder of backups: each gets a folder of its own in it, named after its time.
    #[arg(long)]
    to: PathBuf,
    /// One tenant only.
    #[arg(long)]
    tenant: Option<TenantSlug>,
    /// How many backups stay; older ones of the same kind go when this one is complete.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    keep: Option<u16>,
    #[command(flatten)]
    sealing: SealingArgs,
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, args: Args) -> Result<(), Failed> {
    let sealing = args.sealing.sealing()?;
    let Installation { app, .. } = Installation::existing(config).await?;
    let wanted = Wanted { to: args.to, only: args.tenant, keep: args.keep.map(usize::from), sealing };
    let (made, folder) = backup(&app, authority, &operator(), &wanted).await?;
    for kept in &made.tenants {
        line(format!("ok     {}  {} rows  root {}", kept.slug, kept.rows, kept.root));
    }
    for failed in &made.failed {
        line(format!("FAILED {}  {}", failed.slug, failed.why));
    }
    line(folder.display());
    app.stores.close().await;
    if made.failed.is_empty() {
        Ok(())
    } else {
        Err(format!("{} tenant(s) are not in this backup, and no older one went: mend what is told", made.failed.len())
            .into())
    }
}
