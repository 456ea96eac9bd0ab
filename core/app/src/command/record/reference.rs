//! References between records, inside a package and between packages: none leads to what its writer may not read, and
//! nothing that is referred to is deleted.

use sunlit_domain::ErrorCode;
use sunlit_domain::access::Deed;
use sunlit_domain::filter::Filter;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Field, FieldType, RunsAs};
use sunlit_domain::record::{Changes, Problem};
use sunlit_domain::value::Value;
use sunlit_storage::{Table, record};

use super::{Writing, attachment, spelled};
use crate::AppError;
use crate::reading::allowed_as;

/// Checks that every reference in `changes` leads to a record that may be read: one that may not is not there.
pub(super) async fn check(writing: Writing<'_>, table: &Table, changes: &Changes) -> Result<(), AppError> {
    let Writing { scope, work, spelling, .. } = writing;
    let mut problems = Vec::new();
    for (index, value) in changes {
        let (field, ids) = (&table.collection().fields[*index], ids(value));
        if ids.is_empty() || field.item_type() != FieldType::Ref {
            continue;
        }
        let (target, readable) = target_of(writing, field)?;
        let found = record::get_many(scope, work, target, &ids, Some(&readable)).await?;
        if ids.iter().any(|id| !found.iter().any(|record| record.id == *id)) {
            let path = spelled(field.name.as_str(), spelling);
            problems.push(Problem::of(field, &path, ErrorCode::InvalidInput, "ref", ""));
        }
    }
    attachment::check(writing, table, changes, &mut problems).await?;
    if problems.is_empty() { Ok(()) } else { Err(AppError::Problems(problems)) }
}

/// Where a reference leads, and which of the records there may be read. The rights of a package end at its own collections.
fn target_of<'a>(writing: Writing<'a>, field: &Field) -> Result<(&'a Table, Filter), AppError> {
    let Writing { scope, context, package, runs_as, .. } = writing;
    let to = field.to.as_ref().ok_or(AppError::NotFound)?;
    let name = to.collection().as_str();
    let (target, runs_as) = match to.package() {
        None => (package.table(name)?, runs_as),
        Some(other) => (context.package(other.as_str())?.package.table(name)?, RunsAs::Caller),
    };
    Ok((target, allowed_as(runs_as, scope, target.collection(), Deed::Read)?))
}

/// The records that a reference, or a list of references, leads to.
pub(super) fn ids(value: &Value) -> Vec<RecordId> {
    match value {
        Value::Id(id) => vec![RecordId(*id)],
        Value::List(items) => items.iter().flat_map(ids).collect(),
        _ => Vec::new(),
    }
}

/// Refuses when a record refers to `id`, of another package or of this one: the database itself keeps only what is referred
/// to by fields that its table was made with, since SQLite cannot add a foreign key to a table that is there.
pub(super) async fn check_referrers(writing: Writing<'_>, table: &Table, id: RecordId) -> Result<(), AppError> {
    let Writing { scope, work, context, package, .. } = writing;
    let collection = table.collection().name.as_str();
    for other in context.packages.iter().map(|installed| &installed.package) {
        let leads_here = |field: &Field| {
            let to = field.to.as_ref();
            to.is_some_and(|to| to.package_or(other.id()) == package.id() && to.collection().as_str() == collection)
        };
        for declared in &other.manifest.collections {
            for (index, _) in declared.fields.iter().enumerate().filter(|(_, field)| leads_here(field)) {
                let referring = other.table(declared.name.as_str())?;
                let filter = Filter::refers(declared, index, id.0);
                if record::count(scope, work, referring, Some(&filter)).await? > 0 {
                    return Err(AppError::BrokenReference);
                }
            }
        }
    }
    Ok(())
}
