//! Moves a tenant to a later version of a package: within a major version its tables grow, into the next one its records
//! move while the old version goes on serving.

use std::sync::Arc;

use sunlit_domain::manifest::compare::Side;
use sunlit_domain::manifest::{Grant, Version, compare};
use sunlit_domain::toml_source::SourceProblem;
use sunlit_domain::value::Value;
use sunlit_domain::{Manifest, Scope};
use sunlit_storage::tenant::{installation, setting};
use sunlit_storage::{Work, table};

use super::{admission, migrate};
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::schedule::align;
use crate::command::trail;
use crate::query::package_enabled;
use crate::{App, AppError};

/// What is agreed to with an upgrade.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What is granted with it.
    pub grants: Vec<Grant>,
    /// Whether it is only tried: everything is checked, and nothing changes.
    pub check: bool,
    /// Whether records that a major version held before it was rolled back may be lost.
    pub discard: bool,
}

/// What a move to another version did, or would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionChange {
    /// The version before.
    pub from: Version,
    /// The version after.
    pub to: Version,
    /// The collections whose records moved, and how many each has; empty within a major version.
    pub records: Vec<(String, i64)>,
    /// What was left behind by declaration: collections, and fields as `collection.field`.
    pub left: Vec<String>,
    /// Settings whose value the new version does not accept: their default is in force.
    pub reset: Vec<String>,
}

/// Moves the package to `version`, which comes after the enabled one. Grants and settings stay; new settings have their
/// defaults.
///
/// # Errors
/// [`AppError::NotFound`] when the package is not enabled or the version not published; [`AppError::Package`] when something
/// is not granted or the versions do not fit; [`AppError::Unfit`] with the records that a new major version does not accept.
/// Nothing changed then.
pub async fn run(
    app: &App,
    scope: &Scope,
    (id, version): (&str, Version),
    options: &Options,
) -> Result<VersionChange, AppError> {
    let (from, held) = enabled(app, scope, id).await?;
    if version <= from {
        let mend = if version == from { "there is nothing to upgrade" } else { "use `sunlit plugin rollback`" };
        return Err(AppError::Package(format!("{id} is enabled in version {from}: {mend}")));
    }
    let old = app.manifest(id, from).await?;
    let new = app.package(id, &version.to_string()).await?;
    let grants = admission::granted(&held, &old, &new, options)?;
    admission::neighbours(app, scope, &new.manifest).await?;
    let switch = Switch { id: id.to_owned(), from, to: version, grants };
    if from.major == version.major {
        grow(app, scope, switch, (&old, &new.manifest), options).await
    } else {
        migrate::run(app, scope, switch, &new.manifest, options).await
    }
}

/// The enabled version and the grants as they are kept.
pub(super) async fn enabled(app: &App, scope: &Scope, id: &str) -> Result<(Version, String), AppError> {
    let enabled = package_enabled::run(app, scope, id).await?;
    enabled.ok_or_else(|| AppError::Package(format!("{id} is not enabled here: enable it first")))
}

/// Problems of two versions as one message.
pub(super) fn told(problems: &[SourceProblem]) -> AppError {
    let lines: Vec<String> = problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message)).collect();
    AppError::Package(lines.join("\n"))
}

async fn grow(
    app: &App,
    scope: &Scope,
    switch: Switch,
    (old, new): (&Manifest, &Arc<Manifest>),
    options: &Options,
) -> Result<VersionChange, AppError> {
    // Publishing has checked this, but not of versions that were published before it did.
    let problems = compare(old, new, Side::Newer);
    if !problems.is_empty() {
        return Err(told(&problems));
    }
    let work = switch.begin(app, scope).await?;
    table::create(scope, &work, new).await?;
    let change = switch.change(reset(scope, &work, new).await?);
    if !options.check {
        switch.end(app, scope, work, ("upgrade", new)).await?;
    }
    Ok(change)
}

/// The settings whose value the new version does not accept.
pub(super) async fn reset(scope: &Scope, work: &Work, new: &Manifest) -> Result<Vec<String>, AppError> {
    let stored = setting::all(scope, work).await?;
    let own = stored.into_iter().filter(|row| new.plugin.id == *row.package);
    let is_lost = |row: &setting::Model| {
        new.setting(&row.name).is_some_and(|field| {
            let json = serde_json::from_str(&row.value).ok();
            let value = json.and_then(|json| Value::from_json(field.kind(), &json).ok());
            value.is_none_or(|value| field.check(&value).is_err())
        })
    };
    Ok(own.filter(is_lost).map(|row| row.name).collect())
}

/// The swap of a tenant's version.
pub(super) struct Switch {
    pub(super) id: String,
    pub(super) from: Version,
    pub(super) to: Version,
    pub(super) grants: Vec<Grant>,
}

impl Switch {
    /// Begins the transaction of the swap, if nobody was faster.
    pub(super) async fn begin(&self, app: &App, scope: &Scope) -> Result<Work, AppError> {
        let work = begin::administer(app, scope).await?;
        let row = installation::find(scope, &work, &self.id).await?;
        if row.is_some_and(|row| row.version == self.from.to_string()) {
            return Ok(work);
        }
        Err(AppError::Moved(self.id.clone()))
    }

    /// What it does beside records.
    pub(super) fn change(&self, reset: Vec<String>) -> VersionChange {
        VersionChange { from: self.from, to: self.to, records: Vec::new(), left: Vec::new(), reset }
    }

    /// Swaps the version and ends the transaction.
    pub(super) async fn end(
        self,
        app: &App,
        scope: &Scope,
        work: Work,
        (action, manifest): (&'static str, &Manifest),
    ) -> Result<(), AppError> {
        let at = app.environment.now();
        let names: Vec<String> = self.grants.iter().map(ToString::to_string).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        installation::put(scope, &work, &self.id, &self.to.to_string(), &names, at).await?;
        align::one(app, scope, &work, manifest).await?;
        let what = format!("{} {} -> {}", self.id, self.from, self.to);
        trail::of_change(app, scope, &work, (action, "package", &what), at).await?;
        commit(app, scope, work, None).await?;
        app.packages_changed().await;
        Ok(())
    }
}
