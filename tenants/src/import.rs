//! Makes a tenant of an archive, which is read twice: wholly, before anything is written, and again to write it.

mod place;
mod take;
mod verified;

use std::path::Path;
use std::sync::Arc;

use sunlit_app::App;
use sunlit_app::command::tenant::import::Importing;
use sunlit_app::command::tenant::{set_state, sweep};
use sunlit_domain::id::{TenantId, TenantSlug};
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::platform::tenant::Tenant;
use sunlit_storage::platform::tenant::plan::Subscribed;

use self::place::Place;
use self::take::{Tables, take};
pub use self::verified::{Verified, verify};
use crate::archive::manifest::refused;
use crate::archive::{ArchiveError, Manifest, Opening};

/// How a tenant is to be made.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Under which slug, beside the tenant that has the archive's; its own when none is named.
    pub slug: Option<TenantSlug>,
    /// In the place of the tenant that has the slug, which is kept aside.
    pub in_place: bool,
    /// In which state; one that stands beside another begins read-only, so that its jobs are not done twice.
    pub state: Option<TenantState>,
    /// What is written into its audit trail: `import`, or `restore`. Nothing, under its own id, unless this says so.
    pub entry: Option<&'static str>,
    /// The plan that it has, and when that ends, where the platform of the archive said so.
    pub subscribed: Subscribed,
    /// The tenant and root hash that the archive must have.
    pub expected: Option<(TenantId, String)>,
    /// Bytes that the entries may have; [`crate::archive::read::MAX_TOTAL_BYTES`] when 0.
    pub total: u64,
}

/// A tenant that was made.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Who it is.
    pub tenant: Tenant,
    /// What the archive said of itself.
    pub manifest: Manifest,
    /// The authority above it, when that is not here.
    pub missing_parent: Option<TenantSlug>,
    /// The slug under which the tenant whose place it took is kept.
    pub aside: Option<TenantSlug>,
}

/// Imports the tenant of an archive.
///
/// # Errors
/// [`ArchiveError`]. Nothing of the tenant is there then; packages that were published stay.
pub async fn import(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    by: &Actor,
    archive: (&Path, &Opening),
    wanted: &Wanted,
) -> Result<Imported, ArchiveError> {
    sweep::run(app, authority).await?;
    let verified = verify(archive.0, archive.1, wanted.total).await?;
    let place = place_of(app, &verified.manifest, wanted).await?;
    let packages = verified.publish(app).await?;
    let (missing_parent, aside) = (place.missing_parent.clone(), place.old.as_ref().map(|(_, aside)| aside.clone()));
    let old = place.old.as_ref().map(|(old, _)| (authority.scope(old.id, by.clone()), old.state));
    // Nobody else replaces or erases it meanwhile.
    let _claim = match &old {
        Some((old, _)) => Some(app.stores.claim(old).await?),
        None => None,
    };
    let scope = authority.scope(place.tenant.id, by.clone());
    let slug = place.tenant.slug.clone();
    let ending = place.ending(&verified.manifest, wanted)?;
    let mut importing = Importing::begin(app, &scope, &slug).await?;
    let taken = take(&mut importing, archive, &verified.manifest, &Tables::of(&packages), wanted.total).await;
    if let Err(error) = suspend(app, taken, old.as_ref()).await {
        importing.discard().await?;
        return Err(error);
    }
    match importing.finish(ending).await {
        Ok(tenant) => Ok(Imported { tenant, manifest: verified.manifest, missing_parent, aside }),
        Err(error) => {
            if let Some((old, state)) = &old {
                set_state::run(app, old, *state).await?;
            }
            sweep::run(app, authority).await?;
            Err(error.into())
        }
    }
}

async fn place_of(app: &App, manifest: &Manifest, wanted: &Wanted) -> Result<Place, ArchiveError> {
    let Some(identity) = &manifest.tenant else {
        return Err(ArchiveError::Argument("this is an archive of the platform: use `sunlit restore`".to_owned()));
    };
    if wanted.expected.as_ref().is_some_and(|(id, root)| (*id, root) != (identity.id, &manifest.root)) {
        return Err(refused("it is not the archive of this tenant in this backup".to_owned()));
    }
    Place::find(app, identity, wanted).await
}

/// Once everything is taken, suspends the tenant whose place is taken: what is written to it from here on would be lost to the one
/// that takes it.
async fn suspend(
    app: &App,
    taken: Result<(), ArchiveError>,
    old: Option<&(Scope, TenantState)>,
) -> Result<(), ArchiveError> {
    taken?;
    if let Some((old, _)) = old {
        set_state::run(app, old, TenantState::Suspended).await?;
    }
    Ok(())
}
