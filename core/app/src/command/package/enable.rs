//! Enables a package for a tenant: tables, grants, settings.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sunlit_domain::Scope;
use sunlit_domain::manifest::Grant;
use sunlit_domain::plan::Quota;
use sunlit_storage::tenant::{installation, setting};
use sunlit_storage::{Work, table};

use super::admission;
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::schedule::align;
use crate::command::setting::checked;
use crate::command::trail;
use crate::command::usage::room;
use crate::{App, AppError, Package};

/// Enables the package in its version, with these grants and settings, in one transaction. Enabling it again changes only
/// what differs; another version is a matter of [`super::upgrade`].
///
/// # Errors
/// [`AppError::Package`] when a needed capability is not granted, another package is missing or does not have what is referred
/// to, or the tenant has another version, [`AppError::QuotaExceeded`], [`AppError::Argument`] for a setting that is not
/// declared or not acceptable.
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    grants: &[Grant],
    settings: &BTreeMap<String, Json>,
) -> Result<(), AppError> {
    let used = package.manifest.uses.keys().cloned().map(Grant::Uses);
    let needed = package.imports().iter().copied().map(Grant::Capability).chain(used);
    if let Some(missing) = needed.into_iter().find(|needed| !grants.contains(needed)) {
        let message = format!("{} needs `{missing}`: grant it or leave the package out", package.id());
        return Err(AppError::Package(message));
    }
    admission::neighbours(app, scope, &package.manifest).await?;
    let settings = checked(package, settings)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    not_in_another_version(scope, &work, package).await?;
    if installation::find(scope, &work, package.id()).await?.is_none() {
        room(app, scope, &work, (Quota::Packages, 1)).await?;
    }
    table::create(scope, &work, &package.manifest).await?;
    let names: Vec<String> = grants.iter().map(ToString::to_string).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    installation::put(scope, &work, package.id(), &package.manifest.plugin.version, &names, at).await?;
    for (name, value) in settings {
        setting::put(scope, &work, package.id(), &name, &value).await?;
    }
    align::one(app, scope, &work, &package.manifest).await?;
    trail::of_change(app, scope, &work, ("enable", "package", package.id()), at).await?;
    commit(app, scope, work, None).await?;
    app.packages_changed().await;
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
