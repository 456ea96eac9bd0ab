//! Publishes a package version to the platform.

use std::sync::Arc;

use sunlit_domain::Manifest;
use sunlit_domain::manifest::compare::Side;
use sunlit_domain::manifest::{Version, compare};
use sunlit_domain::migration::Plan;
use sunlit_domain::toml_source::{SourceProblem, TomlSource};
use sunlit_storage::StorageError;
use sunlit_storage::platform::package as package_table;

use crate::{App, AppError, Package};

/// Whether a version that exists with other content may be replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// What was published never changes.
    Keep,
    /// Only in the demo and while developing.
    Replace,
}

/// Reads, vets, compiles and publishes a package. Publishing the same content again changes nothing.
///
/// # Errors
/// [`AppError::Manifest`] also for what breaks another version of the same major, and for records of the previous major of
/// which nothing is said; [`AppError::Component`], [`AppError::UndeclaredCapability`], and [`AppError::VersionTaken`] when
/// the version exists with other content.
pub async fn run(
    app: &App,
    manifest: String,
    component: Option<Vec<u8>>,
    existing: Existing,
) -> Result<Arc<Package>, AppError> {
    let package = app.read_package(manifest.clone(), component.clone()).await?;
    let plugin = &package.manifest.plugin;
    let (id, version) = (plugin.id.as_str(), plugin.version.as_str());
    let known = package_table::find(&app.platform, id, version).await?;
    match &known {
        Some(known) if known.digest == package.digest => return Ok(package),
        Some(_) if existing == Existing::Keep => {
            return Err(AppError::VersionTaken(format!("{id} {version}")));
        }
        _ => fits(app, &package.manifest, &manifest).await?,
    }
    let row = package_table::Model {
        package: id.to_owned(),
        version: version.to_owned(),
        digest: package.digest.clone(),
        manifest,
        component,
        published_at: app.environment.now().to_string(),
    };
    app.stores.publish(&package.manifest).await?;
    match known {
        Some(_) => package_table::replace(&app.platform, row).await?,
        None => insert(app, row).await?,
    }
    app.forget_package(id, version).await;
    Ok(package)
}

/// Publishes a version that was not there a moment ago: another node may have been first, with the same content or with another.
async fn insert(app: &App, row: package_table::Model) -> Result<(), AppError> {
    let (id, version, digest) = (row.package.clone(), row.version.clone(), row.digest.clone());
    match package_table::publish(&app.platform, row).await {
        Err(StorageError::NotUnique { .. }) => {}
        done => return Ok(done?),
    }
    match package_table::find(&app.platform, &id, &version).await? {
        Some(first) if first.digest == digest => Ok(()),
        _ => Err(AppError::VersionTaken(format!("{id} {version}"))),
    }
}

/// Checks the manifest against what is published of its package: every version of its own major, and the previous major.
async fn fits(app: &App, manifest: &Manifest, text: &str) -> Result<(), AppError> {
    let own = manifest.plugin.number();
    let versions = app.versions(manifest.plugin.id.as_str()).await?;
    let mut problems: Vec<SourceProblem> = Vec::new();
    for version in versions.iter().filter(|version| version.major == own.major && **version != own) {
        let Some(other) = readable(app, manifest, *version).await? else { continue };
        let found = if *version < own {
            compare(&other, manifest, Side::Newer)
        } else {
            compare(manifest, &other, Side::Older)
        };
        // Several versions may say the same of one field: the first is enough.
        problems.extend(
            found.into_iter().filter(|new| !problems.iter().any(|told| told.path == new.path)).collect::<Vec<_>>(),
        );
    }
    let previous = versions.iter().rev().find(|version| version.major < own.major);
    if let Some(previous) = previous
        && let Some(previous) = readable(app, manifest, *previous).await?
    {
        problems.extend(Plan::new(&previous, manifest).err().unwrap_or_default());
    }
    if problems.is_empty() { Ok(()) } else { Err(TomlSource::new("plugin.toml", text).errors(problems).into()) }
}

/// A published manifest; none when this platform no longer reads it, so that no tenant can have it enabled.
async fn readable(app: &App, manifest: &Manifest, version: Version) -> Result<Option<Arc<Manifest>>, AppError> {
    match app.manifest(manifest.plugin.id.as_str(), version).await {
        Ok(manifest) => Ok(Some(manifest)),
        Err(AppError::Manifest(error)) => {
            tracing::warn!(package.id = %manifest.plugin.id, %version, %error, "a published manifest is not readable");
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
