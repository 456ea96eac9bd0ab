//! Creating, changing, moving and deleting records of a collection, with the actor's rights.

pub(crate) mod apply;
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
use sunlit_storage::{StorageError, Table, Work};

use crate::{App, AppError, Package, TenantContext};

/// A transaction in which records are written: for whom, with whose rights, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writing<'a> {
    app: &'a App,
    scope: &'a Scope,
    work: &'a Work,
    /// What the tenant has enabled: references may lead to other packages.
    context: &'a TenantContext,
    package: &'a Package,
    runs_as: RunsAs,
    spelling: Spelling,
    at: Timestamp,
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
