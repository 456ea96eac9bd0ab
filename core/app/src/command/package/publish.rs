//! Publishes a package version to the platform.

use std::sync::Arc;

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
/// [`AppError::Manifest`], [`AppError::Component`], [`AppError::UndeclaredCapability`], and
/// [`AppError::VersionTaken`] when the version exists with other content.
pub async fn run(
    app: &App,
    manifest: String,
    component: Option<Vec<u8>>,
    existing: Existing,
) -> Result<Arc<Package>, AppError> {
    let package = app.read_package(manifest.clone(), component.clone()).await?;
    let plugin = &package.manifest.plugin;
    let (id, version) = (plugin.id.as_str(), plugin.version.as_str());
    let row = package_table::Model {
        package: id.to_owned(),
        version: version.to_owned(),
        digest: package.digest.clone(),
        manifest,
        component,
        published_at: app.environment.now().to_string(),
    };
    match package_table::find(&app.platform, id, version).await? {
        Some(known) if known.digest == package.digest => return Ok(package),
        Some(_) if existing == Existing::Keep => {
            return Err(AppError::VersionTaken(format!("{id} {version}")));
        }
        Some(_) => package_table::replace(&app.platform, row).await?,
        None => package_table::publish(&app.platform, row).await?,
    }
    app.forget_package(id, version).await;
    Ok(package)
}
