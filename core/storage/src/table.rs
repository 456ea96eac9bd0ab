//! The table of a collection: its columns and indexes, made from the manifest.

use std::sync::Arc;

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{
    Alias, ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index, IndexCreateStatement,
    Table as SqlTable, TableCreateStatement,
};
use sha2::{Digest as _, Sha256};
use sunlit_domain::Scope;
use sunlit_domain::manifest::{Collection, Field, FieldType, Manifest, STANDARD_FIELDS, Slot, Standard, table_name};
use sunlit_domain::value::Kind;

use crate::session::TENANT;
use crate::tenant::file;
use crate::{Engine, Session, StorageError, Work};

/// The columns of a table of items.
pub(crate) const RECORD: &str = "record_id";
pub(crate) const POSITION: &str = "position";
pub(crate) const ITEM: &str = "item";

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

    /// The columns of what sits in `slot`: one, two for a point, five for an area.
    pub(crate) fn columns(&self, slot: Slot) -> Vec<String> {
        match slot {
            Slot::Field(index) => self.collection().fields[index].columns(),
            Slot::Standard(standard) => vec![standard.name().to_owned()],
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
            for mut column in self.definitions(engine, index) {
                table.col(&mut column);
            }
            if field.field_type != FieldType::List
                && let Some(target) = self.referred(field)
            {
                table.foreign_key(&mut restrict(self.name(), field.name.as_str(), &target));
            }
        }
        table.primary_key(Index::create().col(Alias::new(TENANT)).col(Alias::new("id")));
        table.extra(engine.table_options());
        table
    }

    /// The names of the columns that the database has for it; none when the table is not there.
    ///
    /// # Errors
    /// A foreign scope, or the database's.
    pub async fn columns_there(&self, scope: &Scope, session: &Session) -> Result<Vec<String>, StorageError> {
        session.guard(scope)?;
        let rows = session.transaction.query_all_raw(session.engine().columns_of(self.name())).await?;
        Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
    }

    /// Adds the columns of fields that a later minor version declares. Within a major version a table only grows.
    async fn grow(&self, scope: &Scope, work: &Work, engine: Engine) -> Result<(), StorageError> {
        let there = self.columns_there(scope, work).await?;
        for (index, field) in self.collection().fields.iter().enumerate() {
            for (name, mut column) in field.columns().into_iter().zip(self.definitions(engine, index)) {
                if !there.contains(&name) {
                    let mut alter = SqlTable::alter();
                    alter.table(Alias::new(self.name())).add_column(&mut column);
                    work.transaction.execute(&alter).await?;
                }
            }
        }
        Ok(())
    }

    /// The columns of a field: the value's own, then whole numbers.
    fn definitions(&self, engine: Engine, index: usize) -> Vec<ColumnDef> {
        let field = &self.collection().fields[index];
        let kind = |at: usize| if at == 0 { field.kind() } else { Kind::Int };
        let column = |(at, name)| ColumnDef::new_with_type(Alias::new(name), engine.column_type(kind(at)));
        field.columns().into_iter().enumerate().map(column).collect()
    }

    /// The table that a reference inside the package leads to, or that of the tenant's files.
    fn referred(&self, field: &Field) -> Option<String> {
        if field.holds_files() {
            return Some(file::TABLE.to_owned());
        }
        let to = field.to.as_ref().filter(|to| to.package().is_none())?;
        Some(table_name(&self.manifest.plugin, to.collection()))
    }

    /// The table that holds a list's items, one row each, so that records are found by them.
    pub(crate) fn items_name(&self, field: &Field) -> String {
        shortened(format!("{}__{}", self.name, field.name))
    }

    fn items(&self, engine: Engine, field: &Field) -> Option<(TableCreateStatement, IndexCreateStatement)> {
        let Kind::List(element) = field.kind() else { return None };
        let name = self.items_name(field);
        let mut table = SqlTable::create();
        table.table(Alias::new(&name)).if_not_exists();
        for column in [TENANT, RECORD] {
            table.col(ColumnDef::new_with_type(Alias::new(column), engine.column_type(Kind::Id)).not_null());
        }
        table.col(ColumnDef::new_with_type(Alias::new(POSITION), engine.column_type(Kind::Int)).not_null());
        table.col(ColumnDef::new_with_type(Alias::new(ITEM), engine.column_type(element.kind())).not_null());
        table.primary_key(Index::create().col(Alias::new(TENANT)).col(Alias::new(RECORD)).col(Alias::new(POSITION)));
        table.foreign_key(
            ForeignKey::create()
                .from(Alias::new(&name), (Alias::new(TENANT), Alias::new(RECORD)))
                .to(Alias::new(self.name()), (Alias::new(TENANT), Alias::new("id")))
                .on_delete(ForeignKeyAction::Cascade),
        );
        if let Some(target) = self.referred(field) {
            table.foreign_key(&mut restrict(&name, ITEM, &target));
        }
        table.extra(engine.table_options());
        let mut index = Index::create();
        index.if_not_exists().name(shortened(format!("ix_{name}"))).table(Alias::new(&name));
        index.col(Alias::new(TENANT)).col(Alias::new(ITEM)).col(Alias::new(RECORD));
        Some((table, index))
    }

    /// An index for each field that is unique, filtered, ordered by or refers to others; all led by the tenant.
    fn indexes(&self) -> Vec<IndexCreateStatement> {
        let mut indexes = Vec::new();
        for (index, field) in self.collection().fields.iter().enumerate() {
            let refers = matches!(field.field_type, FieldType::Ref | FieldType::File);
            let wanted = field.unique || field.filter || field.sort || refers;
            // A list is found by the table of its items.
            if !wanted || field.field_type == FieldType::List {
                continue;
            }
            let mut statement = Index::create();
            statement.if_not_exists().name(self.index_name(field.name.as_str())).table(Alias::new(self.name()));
            statement.col(Alias::new(TENANT));
            // An area is found by its box: the text itself is of no use.
            let skipped = usize::from(field.kind() == Kind::Area);
            for column in self.columns(Slot::Field(index)).into_iter().skip(skipped) {
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

    /// `ix_<table>__<field>`, shortened.
    pub(crate) fn index_name(&self, field: &str) -> String {
        shortened(format!("ix_{}__{field}", self.name))
    }
}

/// A name within the 63 bytes that PostgreSQL allows, told from others by a digest where it is cut.
fn shortened(name: String) -> String {
    if name.len() <= 63 {
        return name;
    }
    let digest = Sha256::digest(name.as_bytes());
    let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{}_{short}", &name[..54])
}

/// What others refer to cannot be deleted.
fn restrict(table: &str, column: &str, target: &str) -> ForeignKeyCreateStatement {
    let mut key = ForeignKey::create();
    key.from(Alias::new(table), (Alias::new(TENANT), Alias::new(column)))
        .to(Alias::new(target), (Alias::new(TENANT), Alias::new("id")))
        .on_delete(ForeignKeyAction::Restrict);
    key
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
        table.grow(scope, work, engine).await?;
        for (items, index) in collection.fields.iter().filter_map(|field| table.items(engine, field)) {
            work.transaction.execute(&items).await?;
            work.transaction.execute(&index).await?;
        }
        for index in table.indexes() {
            work.transaction.execute(&index).await?;
        }
    }
    Ok(())
}
