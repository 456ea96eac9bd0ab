//! Creating, changing and deleting records of a collection, with the actor's rights.

pub(super) mod attachment;
pub mod create;
pub mod delete;
mod reference;
pub mod update;

use sunlit_domain::ErrorCode;
use sunlit_domain::filter::Filter;
use sunlit_domain::id;
use sunlit_domain::manifest::Spelling;
use sunlit_domain::record::{Problem, Record};
use sunlit_storage::{StorageError, Table};

use crate::AppError;

/// Nobody writes a record that is out of their own reach afterwards.
fn within(filter: &Filter, record: &Record) -> Result<(), AppError> {
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
