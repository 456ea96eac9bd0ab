//! Enables a package for a tenant: tables, grants, settings.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sunlit_domain::Scope;
use sunlit_domain::manifest::Grant;
use sunlit_storage::table;
use sunlit_storage::tenant::{installation, setting};

use crate::command::commit::commit;
use crate::command::schedule::align;
use crate::command::setting::checked;
use crate::command::trail;
use crate::{App, AppError, Package};

/// Enables the package in its version, with these grants and settings, in one transaction. Enabling it again changes only
/// what differs.
///
/// # Errors
/// [`AppError::Package`] when a needed capability is not granted, [`AppError::Argument`] for a setting that is not
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
    let context = app.context(scope).await?;
    if let Some(missing) = package.manifest.uses.keys().find(|used| context.package(used.as_str()).is_err()) {
        let message = format!("{} refers to {missing}, which is not enabled: enable it first", package.id());
        return Err(AppError::Package(message));
    }
    let settings = checked(package, settings)?;
    let at = app.environment.now();
    let work = app.stores.open(scope).await?.work(scope).await?;
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
    app.forget_contexts();
    Ok(())
}
