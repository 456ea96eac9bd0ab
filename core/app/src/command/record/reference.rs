//! References between records, inside a package and between packages: none leads to what its writer may not read, and
//! nothing that is referred to is deleted.

use sunlit_domain::access::Deed;
use sunlit_domain::filter::{Filter, Test};
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Attribute, Field, FieldType, Slot, Spelling};
use sunlit_domain::record::{Changes, Problem};
use sunlit_domain::value::Value;
use sunlit_domain::{ErrorCode, Scope};
use sunlit_storage::{Table, Work, record};

use super::attachment::Attachments;
use super::spelled;
use crate::reading::allowed;
use crate::{App, AppError, Package};

/// What the references of a change lead to, records and files. Gathered before the writing transaction begins.
pub(super) struct References(Vec<Reference>, Attachments);

struct Reference {
    field: usize,
    target: Table,
    readable: Filter,
    ids: Vec<RecordId>,
}

impl References {
    /// The references in `changes`, with the records that the actor may read of each target.
    pub(super) async fn of(
        app: &App,
        scope: &Scope,
        package: &Package,
        table: &Table,
        changes: &Changes,
    ) -> Result<Self, AppError> {
        let mut found = Vec::new();
        for (index, value) in changes {
            let field = &table.collection().fields[*index];
            let Some(to) = field.to.as_ref().filter(|_| field.item_type() == FieldType::Ref) else { continue };
            let ids = ids(value);
            if ids.is_empty() {
                continue;
            }
            let name = to.collection().as_str();
            let target = match to.package() {
                None => package.table(name)?.clone(),
                Some(other) => app.context(scope).await?.package(other.as_str())?.package.table(name)?.clone(),
            };
            let readable = allowed(scope, target.collection(), Deed::Read)?;
            found.push(Reference { field: *index, target, readable, ids });
        }
        Ok(Self(found, Attachments::of(app, scope, table, changes).await?))
    }

    /// Checks that every reference leads to a record or file that the actor may read: one that it may not read is
    /// not there.
    pub(super) async fn check(
        &self,
        scope: &Scope,
        work: &Work,
        table: &Table,
        spelling: Spelling,
    ) -> Result<(), AppError> {
        let mut problems = Vec::new();
        for reference in &self.0 {
            let Reference { target, readable, ids, .. } = reference;
            let found = record::get_many(scope, work, target, ids, Some(readable)).await?;
            if ids.iter().any(|id| !found.iter().any(|record| record.id == *id)) {
                let field = &table.collection().fields[reference.field];
                let path = spelled(field.name.as_str(), spelling);
                problems.push(Problem::of(field, &path, ErrorCode::InvalidInput, "ref", ""));
            }
        }
        self.1.check(scope, work, table, spelling, &mut problems).await?;
        if problems.is_empty() { Ok(()) } else { Err(AppError::Problems(problems)) }
    }
}

fn ids(value: &Value) -> Vec<RecordId> {
    match value {
        Value::Id(id) => vec![RecordId(*id)],
        Value::List(items) => items.iter().flat_map(ids).collect(),
        _ => Vec::new(),
    }
}

/// The fields of other packages that refer to a collection. Inside a package the database itself keeps what is referred to.
pub(super) struct Referrers(Vec<(Table, Attribute)>);

impl Referrers {
    /// The fields that refer to `collection` of `package` from the tenant's other packages.
    pub(super) async fn of(app: &App, scope: &Scope, package: &Package, collection: &str) -> Result<Self, AppError> {
        let context = app.context(scope).await?;
        let mut found = Vec::new();
        for other in context.packages.iter().map(|installed| &installed.package) {
            let manifest = &other.manifest;
            if !manifest.uses.contains_key(package.id()) {
                continue;
            }
            let leads_here = |field: &Field| {
                field.to.as_ref().is_some_and(|to| {
                    to.package().is_some_and(|to| to.as_str() == package.id()) && to.collection().as_str() == collection
                })
            };
            for declared in &manifest.collections {
                for (index, field) in declared.fields.iter().enumerate().filter(|(_, field)| leads_here(field)) {
                    let attribute = Attribute { slot: Slot::Field(index), kind: field.kind() };
                    found.push((other.table(declared.name.as_str())?.clone(), attribute));
                }
            }
        }
        Ok(Self(found))
    }

    /// Refuses when a record refers to `id`.
    pub(super) async fn check(&self, scope: &Scope, work: &Work, id: RecordId) -> Result<(), AppError> {
        for (table, attribute) in &self.0 {
            let test = match attribute.slot {
                Slot::Field(index) if table.collection().fields[index].field_type == FieldType::List => {
                    Test::HasAny(vec![Value::Id(id.0)])
                }
                _ => Test::Eq(Value::Id(id.0)),
            };
            if record::count(scope, work, table, Some(&Filter::Test(*attribute, test))).await? > 0 {
                return Err(AppError::BrokenReference);
            }
        }
        Ok(())
    }
}
