//! `sunlit plugin publish`, `upgrade` and `rollback`: versions of packages, and tenants that move between them.

use std::path::Path;

use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::package::rollback;
use sunlit_app::command::package::upgrade::{self, Options, VersionChange};
use sunlit_app::query::tenant_find;
use sunlit_domain::id::{ActorId, PackageId, TenantSlug};
use sunlit_domain::manifest::{Capability, Grant, Version};
use sunlit_domain::{Actor, Role, Scope, ScopeAuthority};

use super::super::Failed;
use super::super::installation::Installation;
use super::super::output::line;
use crate::config::Config;

/// The actor of the command line in the audit trail.
const COMMAND_LINE: ActorId = ActorId(uuid::Uuid::nil());

#[derive(Debug, clap::Args)]
pub(in crate::command) struct Args {
    /// The tenant's slug.
    tenant: TenantSlug,
    /// The package's id.
    package: PackageId,
    /// The version to move to, such as 1.2.0.
    version: Version,
    /// Only check: say what would happen, or which records stand in the way, and change nothing.
    #[arg(long)]
    check: bool,
    /// A capability, or `uses:<package>`, to grant with it; may be repeated.
    #[arg(long, value_parser = grant)]
    grant: Vec<Grant>,
    /// Lose what a major version held before it was rolled back.
    #[arg(long)]
    discard: bool,
}

fn grant(text: &str) -> Result<Grant, String> {
    let known = || Capability::ALL.map(Capability::name).join(", ");
    Grant::try_from(text.to_owned()).map_err(|error| format!("{error}; the capabilities are {}", known()))
}

impl Args {
    fn options(&self) -> Options {
        Options { grants: self.grant.clone(), check: self.check, discard: self.discard }
    }
}

/// Publishes a package from its files.
pub(super) async fn publish(config: &Config, manifest: &Path, component: Option<&Path>) -> Result<(), Failed> {
    let unreadable =
        |path: &Path, error: std::io::Error| format!("{}: {error}: name a file that is there", path.display());
    let text = std::fs::read_to_string(manifest).map_err(|error| unreadable(manifest, error))?;
    let read = |path: &Path| std::fs::read(path).map_err(|error| unreadable(path, error));
    let component = component.map(read).transpose()?;
    let Installation { app, .. } = Installation::open(config, Existing::Keep).await?;
    let published = publish::run(&app, text, component, Existing::Keep).await;
    app.stores.close().await;
    let package = published?;
    line(format!("{} {} is published", package.id(), package.manifest.plugin.version));
    Ok(())
}

/// Moves a tenant to a later version.
pub(super) async fn upgrade(config: &Config, authority: &ScopeAuthority, args: Args) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::open(config, Existing::Keep).await?;
    let scope = scope(&app, authority, &args.tenant).await?;
    let done = upgrade::run(&app, &scope, (args.package.as_str(), args.version), &args.options()).await;
    app.stores.close().await;
    tell(&args, &done?);
    Ok(())
}

/// Moves a tenant back to an earlier version.
pub(super) async fn rollback(config: &Config, authority: &ScopeAuthority, args: Args) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::open(config, Existing::Keep).await?;
    let scope = scope(&app, authority, &args.tenant).await?;
    let done = rollback::run(&app, &scope, (args.package.as_str(), args.version), &args.options()).await;
    app.stores.close().await;
    let done = done?;
    tell(&args, &done);
    if done.to.major != done.from.major && !args.check {
        line(format!("  what was written under {}.x stays in its tables only", done.from.major));
    }
    Ok(())
}

async fn scope(app: &sunlit_app::App, authority: &ScopeAuthority, slug: &TenantSlug) -> Result<Scope, Failed> {
    let tenants = tenant_find::all(app).await?;
    let tenant = tenants.into_iter().find(|tenant| tenant.slug == *slug);
    let tenant = tenant.ok_or_else(|| format!("there is no tenant {slug}: `sunlit tenant list` names them"))?;
    Ok(authority.scope(tenant.id, Actor::known(COMMAND_LINE, vec![Role::Administrator])))
}

fn tell(args: &Args, change: &VersionChange) {
    let verb = if args.check { "would move" } else { "moved" };
    line(format!("{}  {} {verb} from {} to {}", args.tenant, args.package, change.from, change.to));
    for (collection, count) in &change.records {
        line(format!("  {collection}: {count} records"));
    }
    for left in &change.left {
        line(format!("  left behind: {left}"));
    }
    for setting in &change.reset {
        line(format!("  setting {setting}: its value is not accepted any more, the default is in force"));
    }
    if args.check {
        line("  nothing was changed");
    }
}
