//! Creating, changing and deleting records of a collection, with the actor's rights.

pub mod create;
pub mod delete;
pub mod import;
pub mod update;

use sunlit_domain::ErrorCode;
use sunlit_domain::manifest::{FieldType, Spelling};
use sunlit_domain::record::{Changes, Problem};
use sunlit_domain::value::Value;
use sunlit_domain::{Scope, id, id::RecordId};
use sunlit_storage::{StorageError, Table, Work, record};

use crate::reading::allowed;
use crate::{AppError, Package};

/// Checks that every reference leads to a record that the actor may read: one that it may not read is not there.
async fn check_references(
    scope: &Scope,
    work: &Work,
    package: &Package,
    table: &Table,
    changes: &Changes,
    spelling: Spelling,
) -> Result<(), AppError> {
    let mut problems = Vec::new();
    for (index, value) in changes {
        let field = &table.collection().fields[*index];
        let (FieldType::Ref, Some(to), Value::Id(target)) = (field.field_type, &field.to, value) else { continue };
        let target_table = package.table(to.as_str())?;
        let readable = allowed(scope, target_table.collection(), sunlit_domain::access::Deed::Read)?;
        if record::get(scope, work, target_table, RecordId(*target), Some(&readable)).await?.is_none() {
            problems.push(Problem::of(
                field,
                &spelled(field.name.as_str(), spelling),
                ErrorCode::InvalidInput,
                "ref",
                "",
            ));
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(AppError::Problems(problems)) }
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
