//! Creating, changing, moving and deleting records of a collection, with the actor's rights.

pub(crate) mod apply;
pub(super) mod attachment;
pub mod create;
pub mod delete;
pub mod import;
pub mod many;
mod reference;
pub mod transition;
pub mod update;

use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::{RunsAs, Spelling};
use sunlit_domain::record::{Problem, Record};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{ErrorCode, Scope, id};
use sunlit_storage::tenant::installation;
use sunlit_storage::{StorageError, Table, Work};

use crate::command::begin;
use crate::{App, AppError, Package, TenantContext};

/// A writing transaction on the tables that the package's version has. Whoever still holds a version that the tenant has
/// left writes nothing: the new version's tables would never see it.
pub(super) async fn begin(app: &App, scope: &Scope, package: &Package) -> Result<Work, AppError> {
    let work = begin::work(app, scope).await?;
    let enabled = installation::find(scope, &work, package.id()).await?;
    if enabled.is_some_and(|row| row.version == package.manifest.plugin.version) {
        return Ok(work);
    }
    app.forget_contexts();
    Err(AppError::Moved(package.id().to_owned()))
}

/// A transaction in which records are written: for whom, with whose rights, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing<'a> {
    pub(super) app: &'a App,
    pub(super) scope: &'a Scope,
    pub(super) work: &'a Work,
    /// What the tenant has enabled: references may lead to other packages.
    pub(super) context: &'a TenantContext,
    pub(super) package: &'a Package,
    pub(super) runs_as: RunsAs,
    pub(super) spelling: Spelling,
    pub(super) at: Timestamp,
}

/// Nobody writes a record that is out of their own reach afterwards.
fn in_reach(filter: &Filter, record: &Record) -> Result<(), AppError> {
    let reached = filter.matches(&|attribute| record.get(attribute.slot).clone());
    if reached { Ok(()) } else { Err(AppError::Denied) }
}

fn spelled(name: &str, spelling: Spelling) -> String {
    match spelling {
        Spelling::Manifest => name.to_owned(),
        Spelling::Api => id::lower_camel(name),
    }
}

/// A taken unique value as a problem with its field.
fn not_unique(table: &Table, error: StorageError, spelling: Spelling) -> AppError {
    let StorageError::NotUnique { field: Some(index), .. } = &error else { return error.into() };
    let field = &table.collection().fields[*index];
    let path = spelled(field.name.as_str(), spelling);
    AppError::Problems(vec![Problem::of(field, &path, ErrorCode::NotUnique, "unique", "")])
}
