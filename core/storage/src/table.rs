//! The table of a collection: its columns and indexes, made from the manifest.

use std::sync::Arc;

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{
    Alias, ColumnDef, ForeignKey, ForeignKeyAction, Index, IndexCreateStatement, Table as SqlTable,
    TableCreateStatement,
};
use sha2::{Digest as _, Sha256};
use sunlit_domain::Scope;
use sunlit_domain::manifest::{Collection, FieldType, Manifest, STANDARD_FIELDS, Slot, Standard, table_name};
use sunlit_domain::value::Kind;

use crate::session::TENANT;
use crate::{Engine, StorageError, Work};

/// A collection with the name of its table. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Table {
    name: Arc<str>,
    manifest: Arc<Manifest>,
    index: usize,
}

impl Table {
    /// The table of the collection of that name; none when the manifest has no such collection.
    #[must_use]
    pub fn of(manifest: &Arc<Manifest>, collection: &str) -> Option<Self> {
        let index = manifest.collections.iter().position(|candidate| candidate.name == *collection)?;
        let name = table_name(&manifest.plugin, &manifest.collections.get(index)?.name);
        Some(Self { name: name.into(), manifest: Arc::clone(manifest), index })
    }

    /// Its collection.
    #[must_use]
    pub fn collection(&self) -> &Collection {
        &self.manifest.collections[self.index]
    }

    /// The manifest that declares it.
    #[must_use]
    pub fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    /// Its name in the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The columns of what sits in `slot`: one, or two for a point.
    pub(crate) fn columns(&self, slot: Slot) -> Vec<String> {
        let name = self.collection().slot_name(slot);
        match slot {
            Slot::Field(index) if self.collection().fields[index].kind() == Kind::Point => {
                vec![format!("{name}_lat"), format!("{name}_lng")]
            }
            _ => vec![name.to_owned()],
        }
    }

    fn create(&self, engine: Engine) -> TableCreateStatement {
        let mut table = SqlTable::create();
        table.table(Alias::new(self.name())).if_not_exists();
        table.col(ColumnDef::new_with_type(Alias::new(TENANT), engine.column_type(Kind::Id)).not_null());
        for standard in STANDARD_FIELDS {
            let mut column = ColumnDef::new_with_type(Alias::new(standard.name()), engine.column_type(standard.kind()));
            if is_always_there(standard) {
                column.not_null();
            }
            table.col(&mut column);
        }
        // A required field is required by the application, never by the table: other minor versions share it.
        for (index, field) in self.collection().fields.iter().enumerate() {
            for name in self.columns(Slot::Field(index)) {
                table.col(ColumnDef::new_with_type(Alias::new(name), engine.column_type(field.kind())));
            }
            if let Some(to) = &field.to {
                let target = table_name(&self.manifest.plugin, to);
                table.foreign_key(
                    ForeignKey::create()
                        .from(Alias::new(self.name()), (Alias::new(TENANT), Alias::new(field.name.as_str())))
                        .to(Alias::new(target), (Alias::new(TENANT), Alias::new("id")))
                        .on_delete(ForeignKeyAction::Restrict),
                );
            }
        }
        table.primary_key(Index::create().col(Alias::new(TENANT)).col(Alias::new("id")));
        table.extra(engine.table_options());
        table
    }

    /// Adds the columns of fields that a later minor version declares. Within a major version a table only grows.
    async fn grow(&self, work: &Work, engine: Engine) -> Result<(), StorageError> {
        let rows = work.transaction.query_all_raw(engine.columns_of(self.name())).await?;
        let there: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?;
        for (index, field) in self.collection().fields.iter().enumerate() {
            for name in self.columns(Slot::Field(index)) {
                if !there.contains(&name) {
                    let mut column = ColumnDef::new_with_type(Alias::new(name), engine.column_type(field.kind()));
                    let mut alter = SqlTable::alter();
                    alter.table(Alias::new(self.name())).add_column(&mut column);
                    work.transaction.execute(&alter).await?;
                }
            }
        }
        Ok(())
    }

    /// An index for each field that is unique, filtered, ordered by or refers to others; all led by the tenant.
    fn indexes(&self) -> Vec<IndexCreateStatement> {
        let mut indexes = Vec::new();
        for (index, field) in self.collection().fields.iter().enumerate() {
            let wanted = field.unique || field.filter || field.sort || field.field_type == FieldType::Ref;
            if !wanted {
                continue;
            }
            let mut statement = Index::create();
            statement.if_not_exists().name(self.index_name(field.name.as_str())).table(Alias::new(self.name()));
            statement.col(Alias::new(TENANT));
            for column in self.columns(Slot::Field(index)) {
                statement.col(Alias::new(column));
            }
            if field.unique {
                statement.unique();
            } else {
                statement.col(Alias::new("id"));
            }
            indexes.push(statement);
        }
        indexes
    }

    /// `ix_<table>__<field>`, shortened by a digest to the 63 bytes that PostgreSQL allows.
    pub(crate) fn index_name(&self, field: &str) -> String {
        let name = format!("ix_{}__{field}", self.name);
        if name.len() <= 63 {
            return name;
        }
        let digest = Sha256::digest(name.as_bytes());
        let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{}_{short}", &name[..54])
    }
}

fn is_always_there(standard: Standard) -> bool {
    use Standard::{CreatedAt, Id, State, UpdatedAt, Version};
    matches!(standard, Id | State | Version | CreatedAt | UpdatedAt)
}

/// Makes the tables and indexes of a package that are not there yet.
///
/// # Errors
/// When the database refuses; then nothing of it remains.
pub async fn create(scope: &Scope, work: &Work, manifest: &Arc<Manifest>) -> Result<(), StorageError> {
    work.guard(scope)?;
    let engine = work.engine();
    for collection in &manifest.collections {
        let Some(table) = Table::of(manifest, collection.name.as_str()) else { continue };
        work.transaction.execute(&table.create(engine)).await?;
        table.grow(work, engine).await?;
        for index in table.indexes() {
            work.transaction.execute(&index).await?;
        }
    }
    Ok(())
}
