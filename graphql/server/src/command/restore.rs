//! `sunlit restore`: tenants of a backup, beside those that serve, in the place of one, or all that are missing.

use std::path::PathBuf;

use clap::Args as ClapArgs;
use sunlit_app::command::tenant::erase;
use sunlit_domain::ScopeAuthority;
use sunlit_domain::id::TenantSlug;
use sunlit_tenants::restore::{self, Outcome};

use super::Failed;
use super::archive::OpeningArgs;
use super::installation::{Installation, administrator};
use super::output::line;
use super::tenant::life::{operator, tell, tell_erased};
use crate::config::Config;

#[derive(Debug, ClapArgs)]
pub(super) struct Args {
    /// A backup, or the folder of all: then the newest one counts.
    #[arg(long, required_unless_present = "discard")]
    from: Option<PathBuf>,
    /// One tenant only. Where it is there, the backup takes its place, and what was there is kept aside, suspended.
    #[arg(long)]
    tenant: Option<TenantSlug>,
    /// Restore that tenant under this slug, read-only, beside the one that is there.
    #[arg(long = "as", requires = "tenant")]
    slug: Option<TenantSlug>,
    /// Erase a tenant that a restore has kept aside under this slug.
    #[arg(long, conflicts_with_all = ["from", "tenant", "slug"])]
    discard: Option<TenantSlug>,
    #[command(flatten)]
    opening: OpeningArgs,
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, args: Args) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::existing(config).await?;
    if let Some(aside) = &args.discard {
        if !aside.as_str().contains("-before-") {
            return Err(
                format!("{aside} was not kept aside by a restore: `sunlit tenant erase` erases a tenant").into()
            );
        }
        let scope = administrator(&app, authority, aside).await?;
        tell_erased(&erase::run(&app, &scope, aside).await?);
        app.stores.close().await;
        return Ok(());
    }
    let opening = args.opening.opening()?;
    let from = args.from.unwrap_or_default();
    let backup = restore::find(&from, args.tenant.as_ref())?;
    line(format!("from {}", backup.0.display()));
    let mut left = 0_usize;
    match &args.tenant {
        Some(tenant) => {
            let place = (tenant, args.slug.as_ref());
            tell(&restore::one(&app, authority, &operator(), &backup, &opening, place).await?);
        }
        None => {
            for outcome in restore::all(&app, authority, &operator(), &backup, &opening).await? {
                match outcome {
                    Outcome::Restored(imported) => tell(&imported),
                    Outcome::Left(slug, why) => {
                        left += 1;
                        line(format!("LEFT {slug}  {why}"));
                    }
                }
            }
        }
    }
    app.stores.close().await;
    if left == 0 { Ok(()) } else { Err(format!("{left} tenant(s) were not restored: see why above").into()) }
}
