//! Brings tenants back from a backup: beside those that serve, in the place of one, or all that are missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sunlit_app::App;
use sunlit_domain::id::TenantSlug;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::{Actor, ScopeAuthority};
use sunlit_storage::platform::tenant::{self, tombstone};

use crate::archive::manifest::refused;
use crate::archive::{ArchiveError, Opening};
use crate::backup::{self, Backup, Kept, PLATFORM, PlatformTenant};
use crate::import::{self, Imported, import, verify};

/// What became of a tenant of a backup.
#[derive(Debug)]
pub enum Outcome {
    /// It is there again.
    Restored(Box<Imported>),
    /// It was left as it is, and why.
    Left(TenantSlug, String),
}

/// The backup in a folder, or the newest of those in it; with `tenant`, the newest that has it.
///
/// # Errors
/// [`ArchiveError::Argument`] when there is none.
pub fn find(folder: &Path, tenant: Option<&TenantSlug>) -> Result<(PathBuf, Backup), ArchiveError> {
    if backup::is_one(folder) {
        return Ok((folder.to_owned(), backup::open(folder)?));
    }
    let has = |found: &Backup| match tenant {
        Some(slug) => found.tenants.iter().any(|kept| kept.slug == *slug),
        None => found.only.is_none(),
    };
    let found = backup::all(folder)?.into_iter().rev().find(|(_, backup)| has(backup));
    found.ok_or_else(|| ArchiveError::Argument(format!("there is no complete backup of that in {}", folder.display())))
}

/// Restores one tenant: under `beside`, or in the place of the one that is there, or as it was where there is none.
///
/// # Errors
/// [`ArchiveError`]; whoever serves goes on serving then.
pub async fn one(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    by: &Actor,
    (folder, backup): &(PathBuf, Backup),
    opening: &Opening,
    (slug, beside): (&TenantSlug, Option<&TenantSlug>),
) -> Result<Imported, ArchiveError> {
    let kept = backup.tenants.iter().find(|kept| kept.slug == *slug);
    let kept =
        kept.ok_or_else(|| ArchiveError::Argument(format!("{slug} is not in the backup {}", folder.display())))?;
    let wanted = import::Wanted {
        slug: Some(beside.unwrap_or(slug).clone()),
        in_place: beside.is_none(),
        entry: Some("restore"),
        ..import::Wanted::default()
    };
    archive(app, authority, by, (folder, kept), opening, &wanted).await
}

/// Restores every tenant of a backup that is not there: authorities before those below them. One that was erased since the backup
/// stays erased.
///
/// # Errors
/// [`ArchiveError`] where packages cannot be published; what becomes of each tenant stands in the answer.
pub async fn all(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    by: &Actor,
    (folder, backup): &(PathBuf, Backup),
    opening: &Opening,
) -> Result<Vec<Outcome>, ArchiveError> {
    let platform = verify(&folder.join(PLATFORM), opening, 0).await?;
    if backup.platform.as_ref() != Some(&platform.manifest.root) {
        return Err(refused("the archive of the platform is not the one of this backup".to_owned()));
    }
    let mut known: BTreeMap<TenantSlug, PlatformTenant> = BTreeMap::new();
    for line in platform.platform_rows("tenant") {
        let row: PlatformTenant =
            serde_json::from_slice(line).map_err(|error| refused(format!("a tenant of the platform: {error}")))?;
        known.insert(row.slug.clone(), row);
    }
    platform.publish(app).await?;
    let mut outcomes = Vec::new();
    for kept in in_order(&backup.tenants, &known) {
        if let Some(why) = stays(app, kept).await? {
            outcomes.push(Outcome::Left(kept.slug.clone(), why));
            continue;
        }
        let row = known.get(&kept.slug);
        let state = row.and_then(|row| TenantState::named(&row.state));
        let subscribed = row.map(PlatformTenant::subscribed).transpose()?.unwrap_or_default();
        let wanted = import::Wanted { state, subscribed, entry: Some("restore"), ..import::Wanted::default() };
        outcomes.push(match archive(app, authority, by, (folder, kept), opening, &wanted).await {
            Ok(imported) => Outcome::Restored(Box::new(imported)),
            Err(error) => Outcome::Left(kept.slug.clone(), error.to_string()),
        });
    }
    Ok(outcomes)
}

/// Why a tenant is not restored with all others.
async fn stays(app: &App, kept: &Kept) -> Result<Option<String>, ArchiveError> {
    if tenant::by_slug(&app.platform, kept.slug.as_str()).await?.is_some() {
        return Ok(Some("it is there: name it with --tenant to restore it in its place".to_owned()));
    }
    if let Some(stone) = tombstone::of(&app.platform, kept.id).await? {
        let at = stone.erased_at;
        return Ok(Some(format!("it was erased at {at}: name it with --tenant if it is to be there again")));
    }
    Ok(None)
}

/// Authorities before those below them.
fn in_order<'a>(tenants: &'a [Kept], known: &BTreeMap<TenantSlug, PlatformTenant>) -> Vec<&'a Kept> {
    let depth = |slug: &TenantSlug| {
        let mut depth = 0_usize;
        let mut at = known.get(slug);
        while let Some(parent) = at.and_then(|row| row.parent.as_ref()).filter(|_| depth <= known.len()) {
            (depth, at) = (depth + 1, known.get(parent));
        }
        depth
    };
    let mut ordered: Vec<&Kept> = tenants.iter().collect();
    ordered.sort_by_key(|kept| depth(&kept.slug));
    ordered
}

async fn archive(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    by: &Actor,
    (folder, kept): (&Path, &Kept),
    opening: &Opening,
    wanted: &import::Wanted,
) -> Result<Imported, ArchiveError> {
    let path = folder.join(kept.file());
    let wanted = import::Wanted { expected: Some((kept.id, kept.root.clone())), ..wanted.clone() };
    import(app, authority, by, (&path, opening), &wanted).await
}
