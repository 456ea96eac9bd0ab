//! `sunlit plugin publish`, `upgrade` and `rollback`: versions of packages, and tenants that move between them.

use std::path::Path;
use std::sync::Arc;

use sunlit_app::App;
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::package::rollback;
use sunlit_app::command::package::upgrade::{self, Options, VersionChange};
use sunlit_domain::id::{PackageId, TenantSlug};
use sunlit_domain::manifest::{Capability, Grant, Version};
use sunlit_domain::{Scope, ScopeAuthority};

use super::super::Failed;
use super::super::installation::{Installation, administrator, must_be_there};
use super::super::output::line;
use crate::config::Config;

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
}

fn grant(text: &str) -> Result<Grant, String> {
    let known = || Capability::ALL.map(Capability::name).join(", ");
    Grant::try_from(text.to_owned()).map_err(|error| format!("{error}; the capabilities are {}", known()))
}

impl Args {
    fn options(&self, discard: bool) -> Options {
        Options { grants: self.grant.clone(), check: self.check, discard }
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

/// Moves a tenant to a later version; with `discard` what a major version held before it was rolled back may be lost.
pub(super) async fn upgrade(
    config: &Config,
    authority: &ScopeAuthority,
    args: &Args,
    discard: bool,
) -> Result<(), Failed> {
    let (app, scope) = open(config, authority, &args.tenant).await?;
    let done = upgrade::run(&app, &scope, (args.package.as_str(), args.version), &args.options(discard)).await;
    app.stores.close().await;
    tell(args, &done?);
    Ok(())
}

/// Moves a tenant back to an earlier version.
pub(super) async fn rollback(config: &Config, authority: &ScopeAuthority, args: &Args) -> Result<(), Failed> {
    let (app, scope) = open(config, authority, &args.tenant).await?;
    let done = rollback::run(&app, &scope, (args.package.as_str(), args.version), &args.options(false)).await;
    app.stores.close().await;
    let done = done?;
    tell(args, &done);
    if done.to.major != done.from.major && !args.check {
        line(format!("  what was written under {}.x stays in its tables only", done.from.major));
    }
    Ok(())
}

/// An installation that is there, with what this binary carries published: a tenant may be moved to it.
async fn open(config: &Config, authority: &ScopeAuthority, tenant: &TenantSlug) -> Result<(Arc<App>, Scope), Failed> {
    must_be_there(config)?;
    let Installation { app, .. } = Installation::open(config, Existing::Keep).await?;
    let scope = administrator(&app, authority, tenant).await?;
    Ok((app, scope))
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
