//! What must hold before a tenant is moved to another version: grants, and packages that refer to each other.

use sunlit_domain::manifest::Grant;
use sunlit_domain::{Manifest, Scope};

use super::upgrade::Options;
use crate::{App, AppError, Package};

/// The grants after the move: those that the tenant has and those that it gives now. What the new version does not ask for
/// any more stays, so that a roll back needs no grant; it opens nothing that a component does not import.
///
/// # Errors
/// [`AppError::Package`] naming everything that is not granted.
pub(super) fn granted(held: &str, old: &Manifest, new: &Package, options: &Options) -> Result<Vec<Grant>, AppError> {
    let held = held.split_whitespace().filter_map(|grant| Grant::try_from(grant.to_owned()).ok());
    let mut grants: Vec<Grant> = Vec::new();
    for grant in held.chain(old.uses.keys().cloned().map(Grant::Uses)).chain(options.grants.iter().cloned()) {
        if !grants.contains(&grant) {
            grants.push(grant);
        }
    }
    let reasons = &new.manifest.capabilities;
    let imports = new.imports().iter().filter(|import| !grants.contains(&Grant::Capability(**import)));
    let uses = new.manifest.uses.iter().filter(|(id, _)| !grants.contains(&Grant::Uses((*id).clone())));
    let missing: Vec<String> = imports
        .map(|import| (import.name().to_owned(), reasons.get(import).cloned().unwrap_or_default()))
        .map(|(name, reason)| format!("--grant {name} ({reason})"))
        .chain(uses.map(|(id, reason)| format!("--grant uses:{id} ({reason})")))
        .collect();
    if missing.is_empty() {
        return Ok(grants);
    }
    let plugin = &new.manifest.plugin;
    Err(AppError::Package(format!("{} {} also needs: {}", plugin.id, plugin.version, missing.join(", "))))
}

/// Checks that the tenant's other packages and the new version find what they refer to in each other.
///
/// # Errors
/// [`AppError::Package`] naming the package, field and collection.
pub(super) async fn neighbours(app: &App, scope: &Scope, new: &Manifest) -> Result<(), AppError> {
    let context = app.context(scope).await?;
    let own = &new.plugin.id;
    for used in new.uses.keys() {
        let other = context.packages.iter().map(|installed| &installed.package.manifest);
        let Some(other) = other.into_iter().find(|manifest| manifest.plugin.id == *used) else {
            return Err(AppError::Package(format!("{own} uses {used}, which is not enabled here: enable it first")));
        };
        leads(new, other)?;
    }
    for installed in context.packages.iter().filter(|installed| installed.package.id() != own.as_str()) {
        leads(&installed.package.manifest, new)?;
    }
    Ok(())
}

/// Checks that `to` has every collection that `from` refers to.
fn leads(from: &Manifest, to: &Manifest) -> Result<(), AppError> {
    for (field, target) in from.references() {
        let is_there = target.package() != Some(&to.plugin.id) || to.collection(target.collection().as_str()).is_some();
        if !is_there {
            return Err(AppError::Package(format!(
                "the field `{}` of {} refers to `{}`, which {} {} does not have: choose a version of {} that has it",
                field.name,
                from.plugin.id,
                target.collection(),
                to.plugin.id,
                to.plugin.version,
                to.plugin.id
            )));
        }
    }
    Ok(())
}
