//! `sunlit tenant`: create and list tenants, and what is done with one as a whole.

pub(super) mod life;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use sunlit_app::command::package::publish::Existing;
use sunlit_app::command::tenant::{cancel, set_state};
use sunlit_app::query::tenant_find;
use sunlit_domain::ScopeAuthority;
use sunlit_domain::id::{PlanId, TenantSlug};
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Date;
use sunlit_tenants::{Provisioned, RegionLibrary, provision};

use super::Failed;
use super::installation::{Installation, administrator};
use super::output::line;
use super::plan::{self, told};
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Create a tenant from its region file, and the authorities above it; doing it again changes only what differs.
    Create {
        /// The region's slug, such as a division code.
        slug: TenantSlug,
        /// A folder of region files; the carried ones serve as parents.
        #[arg(long)]
        regions: Option<PathBuf>,
    },
    /// List tenants: slug, kind, parent, state, name.
    List,
    /// Say which tenants a division code means, or meant on a day: more than one when a division was split.
    Code {
        /// Six digits of GB/T 2260, or nine of a street.
        code: String,
        /// The day, such as 2020-01-01; today when none is named.
        #[arg(long)]
        on: Option<Date>,
    },
    /// Let a tenant serve, make it read-only, or suspend it; what it has stays.
    ///
    /// Nothing in it changes any more as soon as this has ended, on no node. Nodes on one PostgreSQL database stop showing a
    /// suspended tenant when they hear of it, which is at once; a server on files, and a node that cannot hear, after 30
    /// seconds at most.
    State {
        /// The tenant.
        tenant: TenantSlug,
        /// `active`, `read-only` or `suspended`.
        #[arg(value_parser = parse_state)]
        state: TenantState,
    },
    /// Say which plan a tenant has, or give it another: refused when it has more than that gives.
    Plan {
        /// The tenant.
        tenant: TenantSlug,
        /// The plan; `sunlit plan list` tells them.
        plan: Option<PlanId>,
    },
    /// Say how much of its plan a tenant has used.
    Usage {
        /// The tenant.
        tenant: TenantSlug,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Cancel a tenant's subscription: read-only at once, suspended after some days; `tenant state … active` takes it up again.
    Cancel {
        /// The tenant.
        tenant: TenantSlug,
        /// The days.
        #[arg(long, default_value_t = cancel::DAYS)]
        days: u32,
    },
    /// Write everything that a tenant has into one file, while it serves: records, files, settings, history, packages.
    Export(life::ExportArgs),
    /// Make a tenant of such a file. It is read to its end before anything is written, and the tenant is there wholly or not at
    /// all.
    Import(life::ImportArgs),
    /// Erase a suspended tenant for ever: records, files, names. Broken off, it goes on when it is run again.
    Erase(life::EraseArgs),
    /// Remove what imports have left that broke off; each import does so too.
    Sweep,
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, command: Command) -> Result<(), Failed> {
    match command {
        Command::Create { slug, regions } => create(config, authority, &slug, regions.as_deref()).await,
        Command::List => list(config).await,
        Command::Export(args) => life::export(config, authority, args).await,
        Command::Import(args) => life::take(config, authority, args).await,
        Command::Erase(args) => life::end(config, authority, &args).await,
        Command::Sweep => life::sweep(config, authority).await,
        Command::Plan { tenant, plan } => plan::of_tenant(config, authority, &tenant, plan.as_ref()).await,
        Command::Usage { tenant, json } => plan::usage(config, authority, &tenant, json).await,
        Command::Cancel { tenant, days } => {
            let Installation { app, .. } = Installation::existing(config).await?;
            let scope = administrator(&app, authority, &tenant).await?;
            let ends_at = cancel::run(&app, &scope, days).await.map_err(told)?;
            line(format!("{tenant} is read-only, and is suspended at {ends_at}"));
            app.stores.close().await;
            Ok(())
        }
        Command::Code { code, on } => meant(config, &code, on).await,
        Command::State { tenant, state } => {
            let Installation { app, .. } = Installation::existing(config).await?;
            let scope = administrator(&app, authority, &tenant).await?;
            set_state::run(&app, &scope, state).await?;
            line(format!("{tenant} is {}", state.name()));
            app.stores.close().await;
            Ok(())
        }
    }
}

fn parse_state(text: &str) -> Result<TenantState, String> {
    let names = TenantState::ALL.map(TenantState::name).join(", ");
    TenantState::named(text).ok_or_else(|| format!("choose one of {names}"))
}

async fn create(
    config: &Config,
    authority: &ScopeAuthority,
    slug: &TenantSlug,
    regions: Option<&Path>,
) -> Result<(), Failed> {
    let library = regions.map_or_else(RegionLibrary::carried, RegionLibrary::folder)?;
    let Installation { app, .. } = Installation::open(config, Existing::Keep).await?;
    for done in provision(&app, authority, &library, slug).await? {
        tell(&done);
    }
    app.stores.close().await;
    Ok(())
}

/// What provisioning did to a tenant.
pub(super) fn tell(done: &Provisioned) {
    let packages = if done.packages.is_empty() { "no packages".to_owned() } else { done.packages.join(" ") };
    let counts = format!("{} records created, {} kept", done.created, done.kept);
    line(format!("{}  {}  {packages}  {counts}", done.slug, done.name));
}

async fn list(config: &Config) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::existing(config).await?;
    let tenants = tenant_find::all(&app).await?;
    if tenants.is_empty() {
        line("no tenants yet: create one with `sunlit tenant create <slug>`");
    }
    for tenant in &tenants {
        let parent = tenants.iter().find(|other| Some(other.id) == tenant.parent);
        let parent = parent.map_or("-", |parent| parent.slug.as_str());
        line(format!("{}  {}  {parent}  {}  {}", tenant.slug, tenant.kind, tenant.state.name(), tenant.name.zh));
    }
    app.stores.close().await;
    Ok(())
}

async fn meant(config: &Config, code: &str, on: Option<Date>) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::existing(config).await?;
    let day = on.unwrap_or_else(|| app.environment.now().date_in_china());
    let tenants = tenant_find::by_code(&app, code, day).await?;
    if tenants.is_empty() {
        line(format!("{code} means no tenant on {day}"));
    }
    for tenant in tenants {
        line(format!("{}  {}  {}", tenant.slug, tenant.kind, tenant.name.zh));
    }
    app.stores.close().await;
    Ok(())
}
