//! Brings a region to life: the authorities above it, its tenant, its packages, its records. Doing it again changes only
//! what differs.

use std::sync::Arc;

use sunlit_app::command::package::upgrade;
use sunlit_app::command::tenant::create::{self, NewTenant};
use sunlit_app::query::package_enabled;
use sunlit_app::{App, AppError, Package, command};
use sunlit_domain::id::{ActorId, TenantId, TenantSlug};
use sunlit_domain::toml_source::SourceErrors;
use sunlit_domain::{Actor, Locale, Role, Scope, ScopeAuthority};

use crate::data::{self, Loaded};
use crate::library::RegionLibrary;
use crate::region::{PackageEntry, Region};

/// The actor of provisioning in the audit trail.
pub(crate) const PROVISIONING: ActorId = ActorId(uuid::Uuid::nil());

/// Why a region was not brought to life.
#[derive(Debug, thiserror::Error)]
pub enum ProvisionError {
    /// There is no such region.
    #[error("there is no region file for {0}: add one named <slug>-<pinyin>.toml")]
    UnknownRegion(TenantSlug),
    /// Parents lead in a circle.
    #[error("the parents of {0} lead in a circle: mend the region files")]
    Cycle(TenantSlug),
    /// The authority above is of no higher level.
    #[error("{0} stands above {1}, but not by its level: mend `kind` or `parent` in the region files")]
    Level(TenantSlug, TenantSlug),
    /// A file cannot be read.
    #[error("{path} cannot be read: {source}")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// A file is malformed.
    #[error(transparent)]
    Source(#[from] SourceErrors),
    /// A record is not acceptable.
    #[error("{file}: record {number}: {}", told(source))]
    Record {
        /// Which file.
        file: String,
        /// Which record, from 1.
        number: usize,
        /// Why.
        source: AppError,
    },
    /// A package is not published.
    #[error("package {0} is not published: publish it first")]
    NoPackage(String),
    /// A use case failed.
    #[error(transparent)]
    App(#[from] AppError),
}

fn told(error: &AppError) -> String {
    error.detail(Locale::En).unwrap_or_else(|| error.to_string())
}

/// What provisioning did to one tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provisioned {
    /// The tenant.
    pub id: TenantId,
    /// Its slug.
    pub slug: TenantSlug,
    /// Its Chinese name.
    pub name: String,
    /// The packages that it enabled.
    pub packages: Vec<String>,
    /// How many records were created.
    pub created: usize,
    /// How many were there already.
    pub kept: usize,
}

/// Brings the region and everything above it to life; the highest authority first in the answer.
///
/// # Errors
/// [`ProvisionError`]. What was done before the failure stays, and doing it again goes on from there.
pub async fn provision(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    library: &RegionLibrary,
    slug: &TenantSlug,
) -> Result<Vec<Provisioned>, ProvisionError> {
    let mut done = Vec::new();
    for region in library.lineage(slug)? {
        done.push(one(app, authority, library, region).await?);
    }
    Ok(done)
}

async fn one(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    library: &RegionLibrary,
    region: &Region,
) -> Result<Provisioned, ProvisionError> {
    let entry = &region.tenant;
    let outline = entry.outline.as_deref().map(|file| library.read(file)).transpose()?;
    let new = NewTenant {
        id: None,
        slug: entry.slug.clone(),
        kind: entry.kind.name().to_owned(),
        code: entry.code.clone(),
        codes: entry.division_codes(),
        name: entry.name.clone(),
        short_name: entry.short_name.clone(),
        parent: entry.parent.clone(),
        hosts: entry.hosts.clone(),
        outline,
    };
    let tenant = create::run(app, authority, new).await?;
    let scope = authority.scope(tenant.id, Actor::known(PROVISIONING, vec![Role::Administrator, Role::Editor]));
    let mut total = Loaded::default();
    for package in &region.packages {
        let loaded = enable(app, &scope, library, package).await?;
        total += loaded;
    }
    Ok(Provisioned {
        id: tenant.id,
        slug: tenant.slug,
        name: tenant.name.zh,
        packages: region.packages.iter().map(|package| package.id.to_string()).collect(),
        created: total.created,
        kept: total.kept,
    })
}

pub(crate) async fn enable(
    app: &Arc<App>,
    scope: &Scope,
    library: &RegionLibrary,
    entry: &PackageEntry,
) -> Result<Loaded, ProvisionError> {
    let version = match &entry.version {
        Some(version) => version.clone(),
        None => {
            let newest = app.newest_version(entry.id.as_str()).await?;
            newest.ok_or_else(|| ProvisionError::NoPackage(entry.id.to_string()))?
        }
    };
    let package = app.package(entry.id.as_str(), &version).await?;
    move_to(app, scope, &package, entry).await?;
    command::package::enable::run(app, scope, &package, &entry.grants, &entry.settings).await?;
    let mut total = Loaded::default();
    for data_entry in &entry.data {
        let text = library.read(&data_entry.file)?;
        let loaded = data::load(app, scope, &package, data_entry, &text).await?;
        total += loaded;
    }
    Ok(total)
}

/// Upgrades a tenant that has an earlier version. What the region file names it grants.
async fn move_to(app: &App, scope: &Scope, package: &Package, entry: &PackageEntry) -> Result<(), ProvisionError> {
    let version = package.manifest.plugin.number();
    let enabled = package_enabled::run(app, scope, package.id()).await?;
    if enabled.is_some_and(|(enabled, _)| enabled < version) {
        let options = upgrade::Options { grants: entry.grants.clone(), ..upgrade::Options::default() };
        upgrade::run(app, scope, (package.id(), version), &options).await?;
    }
    Ok(())
}
