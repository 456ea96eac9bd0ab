//! Files that records refer to: nobody refers to what is neither theirs nor shown to them, and a file is kept as long as a
//! record refers to it.

use std::collections::BTreeSet;

use sunlit_domain::access::Root;
use sunlit_domain::manifest::{Collection, Field, Slot};
use sunlit_domain::record::{Changes, Problem, Record};
use sunlit_domain::value::{Timestamp, Value};
use sunlit_domain::{ErrorCode, Scope};
use sunlit_storage::tenant::file::{self, KEPT, Model, PENDING};
use sunlit_storage::{Table, Work};
use uuid::Uuid;

use super::{Writing, spelled};
use crate::query::file_get;
use crate::{AppError, TenantContext};

/// Checks that each file that `changes` name is there, may be referred to by the actor, and fits its field. A package that acts
/// with rights of its own has none over files: they are the actor's.
pub(super) async fn check(
    writing: Writing<'_>,
    table: &Table,
    changes: &Changes,
    problems: &mut Vec<Problem>,
) -> Result<(), AppError> {
    let Writing { scope, work, context, spelling, .. } = writing;
    for (index, value) in changes {
        let field = &table.collection().fields[*index];
        let ids = ids(value);
        if ids.is_empty() || !field.holds_files() {
            continue;
        }
        let path = spelled(field.name.as_str(), spelling);
        let found = file::get_many(scope, work, &ids).await?;
        for id in ids {
            let file = match found.iter().find(|file| file.id == id) {
                Some(file) if may_refer(scope, work, context, file).await? => Some(file),
                _ => None,
            };
            if let Some((key, detail)) = unfit(field, file) {
                problems.push(Problem::of(field, &path, ErrorCode::InvalidInput, key, detail));
                break;
            }
        }
    }
    Ok(())
}

/// Why the field does not take the file; one that the actor may not refer to is not there.
fn unfit(field: &Field, file: Option<&Model>) -> Option<(&'static str, String)> {
    match file {
        None => Some(("file", String::new())),
        Some(file) if !field.accepts(&file.content_type) => Some(("file_type", file.content_type.clone())),
        Some(file) if file.bytes() > field.max_bytes() => Some(("file_bytes", field.max_bytes().to_string())),
        Some(_) => None,
    }
}

/// Whoever uploaded a file may refer to it, and so may whoever reads it in a record. An anonymous actor is nobody in
/// particular: to them an anonymous upload is theirs only as long as no record has it.
async fn may_refer(scope: &Scope, work: &Work, context: &TenantContext, file: &Model) -> Result<bool, AppError> {
    let own = file.uploader() == scope.actor().id();
    if own && (scope.actor().id().is_some() || file.state == PENDING) {
        return Ok(true);
    }
    file_get::is_shown(scope, work, context, file.id, Root::own(scope.actor())).await
}

fn ids(value: &Value) -> Vec<Uuid> {
    match value {
        Value::Id(id) => vec![*id],
        Value::List(items) => items.iter().flat_map(ids).collect(),
        _ => Vec::new(),
    }
}

/// Keeps the files that a change from `before` to `after` refers to, and lets go of those that it refers to no more. Others may
/// refer to the latter still: the sweep looks.
pub(in crate::command) async fn settle(
    scope: &Scope,
    work: &Work,
    collection: &Collection,
    (before, after): (Option<&Record>, Option<&Record>),
    at: Timestamp,
) -> Result<(), AppError> {
    let holding = || collection.fields.iter().enumerate().filter(|(_, field)| field.holds_files());
    let held = |record: Option<&Record>| -> BTreeSet<Uuid> {
        let record = record.into_iter();
        record.flat_map(|record| holding().flat_map(|(index, _)| ids(record.get(Slot::Field(index))))).collect()
    };
    let (before, after) = (held(before), held(after));
    let gone: Vec<Uuid> = before.difference(&after).copied().collect();
    let come: Vec<Uuid> = after.difference(&before).copied().collect();
    file::put_state(scope, work, &gone, PENDING, at).await?;
    file::put_state(scope, work, &come, KEPT, at).await?;
    Ok(())
}
