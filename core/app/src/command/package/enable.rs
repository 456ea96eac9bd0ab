//! Enables a package for a tenant: tables, grants, settings.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sunlit_domain::Scope;
use sunlit_domain::manifest::Capability;
use sunlit_storage::tenant::{installation, setting};
use sunlit_storage::{Work, table};

use crate::command::setting::checked;
use crate::command::trail;
use crate::{App, AppError, Package};

/// Enables the package in its version, with these grants and settings, in one transaction. Enabling it again changes only
/// what differs; another version is a matter of [`super::upgrade`].
///
/// # Errors
/// [`AppError::Package`] when a needed capability is not granted or the tenant has another version, [`AppError::Argument`] for a setting that is not
/// declared or not acceptable.
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    grants: &[Capability],
    settings: &BTreeMap<String, Json>,
) -> Result<(), AppError> {
    if let Some(missing) = package.imports().iter().find(|import| !grants.contains(import)) {
        let message = format!("{} needs `{}`: grant it or leave the package out", package.id(), missing.name());
        return Err(AppError::Package(message));
    }
    let settings = checked(package, settings)?;
    let at = app.environment.now();
    let work = app.stores.open(scope).await?.work(scope).await?;
    not_in_another_version(scope, &work, package).await?;
    table::create(scope, &work, &package.manifest).await?;
    let names: Vec<_> = grants.iter().map(|grant| grant.name()).collect();
    installation::put(scope, &work, package.id(), &package.manifest.plugin.version, &names, at).await?;
    for (name, value) in settings {
        setting::put(scope, &work, package.id(), &name, &value).await?;
    }
    trail::of_change(app, scope, &work, ("enable", "package", package.id()), at).await?;
    work.commit().await?;
    app.forget_contexts();
    Ok(())
}

async fn not_in_another_version(scope: &Scope, work: &Work, package: &Package) -> Result<(), AppError> {
    let (id, version) = (package.id(), package.manifest.plugin.version.as_str());
    match installation::find(scope, work, id).await? {
        Some(row) if row.version != version => Err(AppError::Package(format!(
            "{id} is enabled in version {}: move it with `sunlit plugin upgrade` or `sunlit plugin rollback`",
            row.version
        ))),
        _ => Ok(()),
    }
}
