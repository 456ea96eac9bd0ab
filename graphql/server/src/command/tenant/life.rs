//! `sunlit tenant export`, `import`, `erase`, `sweep`: a tenant as a whole.

use std::path::PathBuf;

use clap::Args;
use sunlit_app::command::tenant::{erase, sweep};
use sunlit_domain::id::TenantSlug;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::{Actor, Role, ScopeAuthority};
use sunlit_tenants::archive::read::MAX_TOTAL_BYTES;
use sunlit_tenants::export::export_to_file;
use sunlit_tenants::import::{Imported, Wanted, import, verify};

use super::super::Failed;
use super::super::archive::{OpeningArgs, SealingArgs};
use super::super::installation::{Installation, OPERATOR, administrator};
use super::super::output::line;
use super::parse_state;
use crate::config::Config;

#[derive(Debug, Args)]
pub(in super::super) struct ExportArgs {
    /// The tenant.
    tenant: TenantSlug,
    /// The file to write, which is not there yet.
    #[arg(long)]
    to: PathBuf,
    #[command(flatten)]
    sealing: SealingArgs,
}

#[derive(Debug, Args)]
pub(in super::super) struct ImportArgs {
    /// The archive.
    file: PathBuf,
    /// Import it under this slug, beside the tenant that has the archive's: it gets an id of its own, and begins read-only.
    #[arg(long = "as")]
    slug: Option<TenantSlug>,
    /// The state in which it begins; `active`, but for one under another slug.
    #[arg(long, value_parser = parse_state)]
    state: Option<TenantState>,
    /// Only read the archive to its end and say what is in it; an installation is not needed.
    #[arg(long, conflicts_with_all = ["slug", "state"])]
    check: bool,
    /// Bytes that its entries may have, unpacked.
    #[arg(long, default_value_t = MAX_TOTAL_BYTES)]
    max_bytes: u64,
    #[command(flatten)]
    opening: OpeningArgs,
}

#[derive(Debug, Args)]
pub(in super::super) struct EraseArgs {
    /// The tenant, which is suspended.
    tenant: TenantSlug,
    /// Its slug once more.
    #[arg(long)]
    yes: TenantSlug,
}

/// The actor of the command line.
pub(in super::super) fn operator() -> Actor {
    Actor::known(OPERATOR, vec![Role::Administrator])
}

pub(super) async fn export(config: &Config, authority: &ScopeAuthority, args: ExportArgs) -> Result<(), Failed> {
    let sealing = args.sealing.sealing()?;
    let Installation { app, .. } = Installation::existing(config).await?;
    let scope = administrator(&app, authority, &args.tenant).await?;
    let manifest = export_to_file(&app, &scope, &args.to, sealing).await?;
    let (rows, files) = (manifest.rows(), manifest.files());
    line(format!("{}  {rows} rows  {files} files  root {}", args.to.display(), manifest.root));
    if let Some(fault) = manifest.audit.and_then(|audit| audit.fault) {
        line(format!("the audit trail is broken, and nobody can import this archive: {fault}"));
    }
    app.stores.close().await;
    Ok(())
}

pub(super) async fn take(config: &Config, authority: &ScopeAuthority, args: ImportArgs) -> Result<(), Failed> {
    let opening = args.opening.opening()?;
    if args.check {
        let manifest = verify(&args.file, &opening, args.max_bytes).await?.manifest;
        let slug = manifest.tenant.as_ref().map_or("the platform", |tenant| tenant.slug.as_str());
        let (rows, files) = (manifest.rows(), manifest.files());
        line(format!("sound  {slug}  {}  {rows} rows  {files} files  root {}", manifest.created_at, manifest.root));
        return Ok(());
    }
    let Installation { app, .. } = Installation::existing(config).await?;
    let wanted = Wanted { slug: args.slug, state: args.state, total: args.max_bytes, ..Wanted::default() };
    let imported = import(&app, authority, &operator(), (&args.file, &opening), &wanted).await?;
    tell(&imported);
    app.stores.close().await;
    Ok(())
}

/// What an import or restore has made.
pub(in super::super) fn tell(imported: &Imported) {
    let Imported { tenant, manifest, missing_parent, aside } = imported;
    let (rows, files) = (manifest.rows(), manifest.files());
    let state = tenant.state.name();
    line(format!("{}  {state}  {rows} rows  {files} files  from {}", tenant.slug, manifest.created_at));
    if let Some(parent) = missing_parent {
        line(format!("the authority above it, {parent}, is not here: {} stands alone", tenant.slug));
    }
    if let Some(aside) = aside {
        line(format!("what was there is kept, suspended, as {aside}: `sunlit restore --discard {aside}` erases it"));
    }
}

pub(super) async fn end(config: &Config, authority: &ScopeAuthority, args: &EraseArgs) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::existing(config).await?;
    let scope = administrator(&app, authority, &args.tenant).await?;
    let erased = erase::run(&app, &scope, &args.yes).await?;
    tell_erased(&erased);
    app.stores.close().await;
    Ok(())
}

pub(in super::super) fn tell_erased(erased: &erase::Erased) {
    let stone = &erased.tombstone;
    let last = stone
        .last_export
        .as_ref()
        .map_or_else(|| "it was never exported".to_owned(), |root| format!("last export {root}"));
    line(format!("{} is erased, {} files too; {last}", stone.slug, erased.blobs));
    line("exports and backups that were made of it are where they were: remove them too");
}

pub(super) async fn sweep(config: &Config, authority: &ScopeAuthority) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::existing(config).await?;
    let swept = sweep::run(&app, authority).await?;
    if swept.is_empty() {
        line("no import has broken off");
    }
    for slug in swept {
        line(format!("what an import of {slug} had left is gone"));
    }
    app.stores.close().await;
    Ok(())
}
