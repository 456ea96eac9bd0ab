//! Takes away what no published version of a package names any more. Publishing expands the tables, this contracts them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, FromQueryResult, Statement, Value};
use sunlit_domain::Manifest;

use super::migrate::{Migrator, in_use};
use super::{Postgres, PostgresConfig, SCHEMA, SETTING, check};
use crate::session::TENANT;
use crate::table::{self, Table};
use crate::{Engine, StorageError};

/// Tables with their columns.
type Tables = BTreeMap<String, BTreeSet<String>>;

/// What no published version names: taken away, or only told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contraction {
    /// Columns, each after its table.
    pub columns: Vec<(String, String)>,
    /// Tables of dropped lists, and tables that hold no rows.
    pub tables: Vec<String>,
    /// Tables that stay, for they hold rows.
    pub kept: Vec<String>,
}

#[derive(Debug, FromQueryResult)]
struct Published {
    package: String,
    version: String,
    manifest: String,
}

impl Postgres {
    /// Drops the columns of collections that no published version names, and the tables that none names and that hold no rows;
    /// where `only_told`, nothing. A version that is published just now may be overlooked: its columns are made before it.
    ///
    /// # Errors
    /// [`StorageError::Unsafe`] when it cannot be known what is named: a manifest is not readable, or a tenant is on a version that
    /// is not published; or the database's. Then nothing is changed.
    pub async fn contract(config: &PostgresConfig, only_told: bool) -> Result<Contraction, StorageError> {
        let migrator = Migrator::connect(config).await?;
        let done = async {
            let work = migrator.begin().await?;
            check::migrated(&work).await?;
            let published = published(&work).await?;
            tenants_are_on(&work, &published).await?;
            let found = unnamed(&work, &named(&published)).await?;
            if only_told {
                work.rollback().await?;
            } else {
                drop_all(&work, &found).await?;
                work.commit().await?;
            }
            Ok(found)
        };
        done.await.map_err(in_use)
    }
}

async fn published(work: &DatabaseTransaction) -> Result<Vec<Arc<Manifest>>, StorageError> {
    let sql = "SELECT package, version, manifest FROM package_version";
    let rows = Published::find_by_statement(Statement::from_string(Engine::Postgres.backend(), sql)).all(work).await?;
    let read = |Published { package, version, manifest }: Published| {
        Manifest::parse("plugin.toml", &manifest).map(Arc::new).map_err(|_| {
            StorageError::Unsafe(format!(
                "this version of Sunlit cannot read {package} {version}, so that nobody knows what it names: contract with the \
                 version that published it"
            ))
        })
    };
    rows.into_iter().map(read).collect()
}

/// Refuses when a tenant is on a version of which nobody knows any more what it names.
async fn tenants_are_on(work: &DatabaseTransaction, published: &[Arc<Manifest>]) -> Result<(), StorageError> {
    let known: BTreeSet<(&str, &str)> =
        published.iter().map(|manifest| (manifest.plugin.id.as_str(), manifest.plugin.version.as_str())).collect();
    let tenants: Vec<(String, String)> = pairs(work, "SELECT id::text, slug FROM tenant ORDER BY slug", []).await?;
    for (tenant, slug) in tenants {
        // Row-level security binds the owner too.
        let of_tenant = format!("SELECT set_config('{SETTING}', $1, true), ''");
        pairs(work, &of_tenant, [tenant.into()]).await?;
        for (package, version) in pairs(work, "SELECT package, version FROM installation", []).await? {
            if !known.contains(&(package.as_str(), version.as_str())) {
                return Err(StorageError::Unsafe(format!(
                    "{slug} has {package} {version}, which is not published: publish it again, or move {slug} to another version"
                )));
            }
        }
    }
    Ok(())
}

/// The tables of every published version.
fn named(published: &[Arc<Manifest>]) -> Tables {
    let mut named = Tables::new();
    for manifest in published {
        let collections = manifest.collections.iter().map(|collection| collection.name.as_str());
        for (name, columns) in
            collections.filter_map(|name| Table::of(manifest, name)).flat_map(|table| table.declared())
        {
            named.entry(name).or_default().extend(columns);
        }
    }
    named
}

async fn unnamed(work: &DatabaseTransaction, named: &Tables) -> Result<Contraction, StorageError> {
    let there = there(work).await?;
    let mut found = Contraction::default();
    let mut of_lists = BTreeSet::new();
    for (name, columns) in &there {
        for column in named.get(name).into_iter().flat_map(|named| columns.difference(named)) {
            of_lists.insert(table::items_name(name, column));
            found.columns.push((name.clone(), column.clone()));
        }
    }
    for (name, columns) in there.into_iter().filter(|(name, _)| !named.contains_key(name)) {
        let is_of_list = of_lists.contains(&name) && columns == table::columns_of_items();
        if is_of_list || !holds_rows(work, &name).await? {
            found.tables.push(name);
        } else {
            found.kept.push(name);
        }
    }
    Ok(found)
}

/// The tables of collections that the database has, `c_<package>__v<major>__…`.
async fn there(work: &DatabaseTransaction) -> Result<Tables, StorageError> {
    let sql = format!(
        "SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
         WHERE n.nspname = '{SCHEMA}' AND c.relkind IN ('r', 'p') AND c.relname ~ '^c_[a-z0-9_]+__v[0-9]+__'"
    );
    let mut tables = Tables::new();
    for (table, column) in pairs(work, &sql, []).await? {
        tables.entry(table).or_default().insert(column);
    }
    tables.retain(|_, columns| columns.contains(TENANT));
    Ok(tables)
}

/// Whether any tenant has rows in a table. The policy is lifted for the owner while nobody else comes to the table.
async fn holds_rows(work: &DatabaseTransaction, table: &str) -> Result<bool, StorageError> {
    work.execute_unprepared(&format!("ALTER TABLE \"{table}\" NO FORCE ROW LEVEL SECURITY")).await?;
    let rows = pairs(work, &format!("SELECT '', '' FROM \"{table}\" LIMIT 1"), []).await?;
    work.execute_unprepared(&format!("ALTER TABLE \"{table}\" FORCE ROW LEVEL SECURITY")).await?;
    Ok(!rows.is_empty())
}

/// Drops columns first: with them go the keys that lead to tables.
async fn drop_all(work: &DatabaseTransaction, found: &Contraction) -> Result<(), StorageError> {
    for (table, column) in &found.columns {
        work.execute_unprepared(&format!("ALTER TABLE \"{table}\" DROP COLUMN \"{column}\"")).await?;
    }
    if !found.tables.is_empty() {
        work.execute_unprepared(&format!("DROP TABLE \"{}\"", found.tables.join("\", \""))).await?;
    }
    Ok(())
}

/// Two texts of each row.
async fn pairs(
    work: &DatabaseTransaction,
    sql: &str,
    values: impl IntoIterator<Item = Value>,
) -> Result<Vec<(String, String)>, StorageError> {
    let statement = Statement::from_sql_and_values(Engine::Postgres.backend(), sql, values);
    let rows = work.query_all_raw(statement).await?;
    Ok(rows
        .iter()
        .map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?)))
        .collect::<Result<_, sea_orm::DbErr>>()?)
}
