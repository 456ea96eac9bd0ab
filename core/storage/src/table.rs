//! The table of a collection: its columns and indexes, made from the manifest.

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::sea_query::{
    Alias, ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index, IndexCreateStatement,
    Table as SqlTable, TableCreateStatement,
};
use sea_orm::{ConnectionTrait, Statement};
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
        for index in 0..self.collection().fields.len() {
            for mut column in self.definitions(engine, index) {
                table.col(&mut column);
            }
        }
        table.primary_key(Index::create().col(Alias::new(TENANT)).col(Alias::new("id")));
        if engine == Engine::Sqlite {
            for key in self.keys() {
                table.foreign_key(&mut key.inline());
            }
        }
        if let Some(options) = engine.table_options() {
            table.extra(options);
        }
        table
    }

    /// What the columns of references refer to.
    fn keys(&self) -> Vec<Key> {
        let single = self.collection().fields.iter().filter(|field| field.field_type != FieldType::List);
        let key = |field: &Field| {
            Some(Key {
                table: self.name().to_owned(),
                column: field.name.to_string(),
                target: self.referred(field)?,
                cascade: false,
            })
        };
        single.filter_map(key).collect()
    }

    /// The names of the columns that the database has for it; none when the table is not there.
    ///
    /// # Errors
    /// A foreign scope, or the database's.
    pub async fn columns_there(&self, scope: &Scope, session: &Session) -> Result<Vec<String>, StorageError> {
        session.guard(scope)?;
        self.columns_of(&session.transaction, session.engine()).await
    }

    async fn columns_of(&self, connection: &impl ConnectionTrait, engine: Engine) -> Result<Vec<String>, StorageError> {
        columns_of(connection, engine, self.name()).await
    }

    /// Adds the columns of fields that a later minor version declares. Within a major version a table only grows.
    async fn grow(&self, connection: &impl ConnectionTrait, engine: Engine) -> Result<(), StorageError> {
        let there = self.columns_of(connection, engine).await?;
        for (index, field) in self.collection().fields.iter().enumerate() {
            for (name, mut column) in field.columns().into_iter().zip(self.definitions(engine, index)) {
                if !there.contains(&name) {
                    let mut alter = SqlTable::alter();
                    alter.table(Alias::new(self.name())).add_column(&mut column);
                    connection.execute(&alter).await?;
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
        items_name(self.name(), field.name.as_str())
    }

    /// What is there for it: its own table and those of its lists, each with its columns.
    pub(crate) fn declared(&self) -> Vec<(String, BTreeSet<String>)> {
        let fields = &self.collection().fields;
        let standard = STANDARD_FIELDS.iter().map(|standard| standard.name().to_owned());
        let own =
            [TENANT.to_owned()].into_iter().chain(standard).chain(fields.iter().flat_map(Field::columns)).collect();
        let lists = fields.iter().filter(|field| field.field_type == FieldType::List);
        let of_items = lists.map(|field| (self.items_name(field), columns_of_items()));
        [(self.name().to_owned(), own)].into_iter().chain(of_items).collect()
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
        if engine == Engine::Sqlite {
            for key in self.keys_of_items(field) {
                table.foreign_key(&mut key.inline());
            }
        }
        if let Some(options) = engine.table_options() {
            table.extra(options);
        }
        let mut index = Index::create();
        index.if_not_exists().name(shortened(format!("ix_{name}"))).table(Alias::new(&name));
        index.col(Alias::new(TENANT)).col(Alias::new(ITEM)).col(Alias::new(RECORD));
        Some((table, index))
    }

    fn keys_of_items(&self, field: &Field) -> Vec<Key> {
        let table = self.items_name(field);
        let record =
            Key { table: table.clone(), column: RECORD.to_owned(), target: self.name().to_owned(), cascade: true };
        let item = self.referred(field).map(|target| Key { table, column: ITEM.to_owned(), target, cascade: false });
        [record].into_iter().chain(item).collect()
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

/// The table that holds the items of a list.
pub(crate) fn items_name(table: &str, field: &str) -> String {
    shortened(format!("{table}__{field}"))
}

/// The names of the columns that the database has for a table; none when it is not there.
pub(crate) async fn columns_of(
    connection: &impl ConnectionTrait,
    engine: Engine,
    table: &str,
) -> Result<Vec<String>, StorageError> {
    let rows = connection.query_all_raw(engine.columns_of(table)).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// The columns of a table of items.
pub(crate) fn columns_of_items() -> BTreeSet<String> {
    [TENANT, RECORD, POSITION, ITEM].map(str::to_owned).into()
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

/// A foreign key of a column, led by the tenant like every key.
struct Key {
    table: String,
    column: String,
    target: String,
    /// Whether the row goes with what it refers to; otherwise what others refer to cannot be deleted.
    cascade: bool,
}

impl Key {
    /// As part of its table.
    fn inline(&self) -> ForeignKeyCreateStatement {
        let mut key = ForeignKey::create();
        key.from(Alias::new(&self.table), (Alias::new(TENANT), Alias::new(&self.column)))
            .to(Alias::new(&self.target), (Alias::new(TENANT), Alias::new("id")))
            .on_delete(if self.cascade { ForeignKeyAction::Cascade } else { ForeignKeyAction::Restrict });
        key
    }

    /// Added to a table of PostgreSQL, when both are there; looked at later where a transaction says so, which a RESTRICT
    /// never is. Nothing is there yet that would have to be checked, and the owner of the tables sees no row.
    async fn add(&self, connection: &impl ConnectionTrait) -> Result<(), StorageError> {
        let Self { table, column, target, cascade } = self;
        let name = shortened(format!("fk_{table}__{column}"));
        let known = Statement::from_sql_and_values(
            Engine::Postgres.backend(),
            "SELECT 1 FROM pg_constraint WHERE conname = $1 AND conrelid = to_regclass(quote_ident($2))",
            [name.as_str().into(), table.as_str().into()],
        );
        if connection.query_one_raw(known).await?.is_some() {
            return Ok(());
        }
        let action = if *cascade { "CASCADE" } else { "NO ACTION" };
        let add = format!(
            "ALTER TABLE \"{table}\" ADD CONSTRAINT \"{name}\" FOREIGN KEY ({TENANT}, \"{column}\") \
             REFERENCES \"{target}\" ({TENANT}, id) ON DELETE {action} DEFERRABLE INITIALLY IMMEDIATE NOT VALID"
        );
        connection.execute_unprepared(&add).await?;
        Ok(())
    }
}

fn is_always_there(standard: Standard) -> bool {
    use Standard::{CreatedAt, Id, State, UpdatedAt, Version};
    matches!(standard, Id | State | Version | CreatedAt | UpdatedAt)
}

/// Makes the tables and indexes of a package that are not there yet in the tenant's file. On PostgreSQL they are made when the
/// version is published ([`crate::Stores::publish`]).
///
/// # Errors
/// When the database refuses; then nothing of it remains.
pub async fn create(scope: &Scope, work: &Work, manifest: &Arc<Manifest>) -> Result<(), StorageError> {
    work.guard(scope)?;
    match work.engine() {
        Engine::Sqlite => make(&work.transaction, Engine::Sqlite, manifest).await,
        Engine::Postgres => Ok(()),
    }
}

/// Makes the tables and indexes of a package that are not there yet.
pub(crate) async fn make(
    connection: &impl ConnectionTrait,
    engine: Engine,
    manifest: &Arc<Manifest>,
) -> Result<(), StorageError> {
    let names = manifest.collections.iter().map(|collection| collection.name.as_str());
    let tables: Vec<Table> = names.filter_map(|name| Table::of(manifest, name)).collect();
    for table in &tables {
        connection.execute(&table.create(engine)).await?;
        table.grow(connection, engine).await?;
        for (items, index) in table.collection().fields.iter().filter_map(|field| table.items(engine, field)) {
            connection.execute(&items).await?;
            make_index(connection, engine, &index).await?;
        }
        for index in table.indexes() {
            make_index(connection, engine, &index).await?;
        }
    }
    if engine == Engine::Postgres {
        for table in &tables {
            let lists = table.collection().fields.iter().filter(|field| field.field_type == FieldType::List);
            for key in table.keys().into_iter().chain(lists.flat_map(|field| table.keys_of_items(field))) {
                key.add(connection).await?;
            }
        }
    }
    Ok(())
}

/// Makes an index that is not there yet. PostgreSQL would take the lock of the table, and wait for all who write to it, before
/// it saw that there is nothing to do.
pub(crate) async fn make_index(
    connection: &impl ConnectionTrait,
    engine: Engine,
    index: &IndexCreateStatement,
) -> Result<(), StorageError> {
    if let (Engine::Postgres, Some(name)) = (engine, index.get_index_spec().get_name()) {
        let sql = "SELECT 1 WHERE to_regclass(quote_ident($1)) IS NOT NULL";
        let known = Statement::from_sql_and_values(engine.backend(), sql, [name.into()]);
        if connection.query_one_raw(known).await?.is_some() {
            return Ok(());
        }
    }
    connection.execute(index).await?;
    Ok(())
}
