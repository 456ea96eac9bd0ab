//! Makes tables, as the owner of the database, and puts row-level security on every table of tenants.

use std::str::FromStr as _;
use std::time::Duration;

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqlxPostgresConnector, Statement, TransactionTrait as _,
};

use super::{Postgres, PostgresConfig, SCHEMA, SETTING, failed};
use crate::platform;
use crate::session::TENANT;
use crate::{Engine, StorageError, tenant};

/// Counts what [`Postgres::migrate`] makes: raised with every change of the platform's or the tenants' fixed tables.
pub(super) const VERSION: i64 = 6;
/// The table of [`VERSION`].
pub(super) const VERSION_TABLE: &str = "schema_version";
/// The lock under which tables are made: the first bytes of "sunlit ddl".
const LOCK: i64 = 0x7375_6e6c_6974_2064;

/// How long the making of tables waits for a table that is in use.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whoever may make tables.
pub(crate) struct Migrator {
    connection: DatabaseConnection,
    app: String,
}

impl Postgres {
    /// Makes the tables that are not there yet, grants the app its rights, and protects every table of tenants. Doing it
    /// again changes nothing.
    ///
    /// # Errors
    /// [`StorageError::Unsafe`] naming the mend, or the database's; then nothing of it remains.
    pub async fn migrate(config: &PostgresConfig) -> Result<(), StorageError> {
        let migrator = Migrator::connect(config).await?;
        super::check::text_order(&migrator.connection).await?;
        let made = async {
            let work = migrator.begin().await?;
            platform::create_tables(&work, Engine::Postgres).await?;
            tenant::create_tables(&work, Engine::Postgres).await?;
            work.execute_unprepared(&format!(
                "CREATE TABLE IF NOT EXISTS {VERSION_TABLE} (version BIGINT PRIMARY KEY); \
                 INSERT INTO {VERSION_TABLE} VALUES ({VERSION}) ON CONFLICT DO NOTHING"
            ))
            .await?;
            migrator.protect(&work).await?;
            Ok(work.commit().await?)
        };
        made.await.map_err(in_use)
    }
}

/// What an operator is told when a table did not come free.
pub(super) fn in_use(error: StorageError) -> StorageError {
    if !error.is_lock_timeout() {
        return error;
    }
    StorageError::Unsafe(format!(
        "tables were in use for more than {} s, and none was changed: end what uses them for so long (pg_stat_activity \
         names it), then run it again",
        PATIENCE.as_secs()
    ))
}

impl Migrator {
    pub(super) async fn connect(config: &PostgresConfig) -> Result<Self, StorageError> {
        let Some(url) = &config.migrator_url else {
            let mend = "this process has no address of the role that makes tables: set `migrator_database`, or run \
                        `sunlit migrate` and publish packages where it is set";
            return Err(StorageError::Unsafe(mend.to_owned()));
        };
        let app = PgConnectOptions::from_str(&config.url).map_err(failed)?.get_username().to_owned();
        let options = PgConnectOptions::from_str(url).map_err(failed)?;
        let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await.map_err(failed)?;
        Ok(Self { connection: SqlxPostgresConnector::from_sqlx_postgres_pool(pool), app })
    }

    /// A transaction in the owner's name. Those who make tables queue, and wait for nobody else for long: whoever comes to
    /// a table that is waited for waits too.
    pub(super) async fn begin(&self) -> Result<DatabaseTransaction, StorageError> {
        let work = self.connection.begin().await?;
        let owner = "SELECT quote_ident(pg_get_userbyid(datdba)) FROM pg_database WHERE datname = current_database()";
        let row = work.query_one_raw(Statement::from_string(Engine::Postgres.backend(), owner)).await?;
        let owner: String = row.ok_or(StorageError::Interrupted)?.try_get_by_index(0)?;
        let patience = PATIENCE.as_millis();
        work.execute_unprepared(&format!(
            "SET LOCAL ROLE {owner}; SELECT pg_advisory_xact_lock({LOCK}); SET LOCAL lock_timeout = {patience}"
        ))
        .await?;
        Ok(work)
    }

    /// Gives the app the rights on rows of every table, and every table of tenants its policy.
    pub(super) async fn protect(&self, work: &DatabaseTransaction) -> Result<(), StorageError> {
        let app = self.app.replace('"', "\"\"");
        work.execute_unprepared(&format!(
            "GRANT USAGE ON SCHEMA {SCHEMA} TO \"{app}\"; \
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {SCHEMA} TO \"{app}\"; \
             REVOKE INSERT, UPDATE, DELETE ON {VERSION_TABLE} FROM \"{app}\""
        ))
        .await?;
        for table in unprotected(work).await? {
            work.execute_unprepared(&protection(&table)).await?;
        }
        Ok(())
    }
}

/// What makes a table of tenants show each transaction the rows of its own tenant only. Without the setting the comparison
/// fails, and with it the statement.
fn protection(table: &str) -> String {
    let own = format!("{TENANT} = current_setting('{SETTING}')::uuid");
    format!(
        "ALTER TABLE \"{table}\" ENABLE ROW LEVEL SECURITY; ALTER TABLE \"{table}\" FORCE ROW LEVEL SECURITY; \
         DROP POLICY IF EXISTS tenant ON \"{table}\"; \
         CREATE POLICY tenant ON \"{table}\" USING ({own}) WITH CHECK ({own})"
    )
}

/// The tables that hold rows of tenants: they have the tenant's column and are not the platform's own.
pub(crate) async fn tables_of_tenants(connection: &impl ConnectionTrait) -> Result<Vec<String>, StorageError> {
    let platform: Vec<String> = platform::TABLES.iter().map(|name| format!("'{name}'")).collect();
    let sql = format!(
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = '{TENANT}' AND NOT a.attisdropped \
         WHERE n.nspname = '{SCHEMA}' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname NOT IN ({}) \
         ORDER BY 1",
        platform.join(", ")
    );
    let rows = connection.query_all_raw(Statement::from_string(Engine::Postgres.backend(), sql)).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// The tables of tenants that are not protected: they have the tenant's column and are not the platform's own.
pub(super) async fn unprotected(connection: &impl ConnectionTrait) -> Result<Vec<String>, StorageError> {
    let platform: Vec<String> = platform::TABLES.iter().map(|name| format!("'{name}'")).collect();
    let sql = format!(
        "SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = '{TENANT}' AND NOT a.attisdropped \
         WHERE n.nspname = '{SCHEMA}' AND c.relkind IN ('r', 'p') AND c.relname NOT IN ({}) \
         AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS ( \
           SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*' AND p.polpermissive \
           AND p.polroles = '{{0}}' AND pg_get_expr(p.polqual, p.polrelid) = pg_get_expr(p.polwithcheck, p.polrelid) \
           AND pg_get_expr(p.polqual, p.polrelid) = '({TENANT} = (current_setting(''{SETTING}''::text))::uuid)') \
           AND (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive) = 1) \
         ORDER BY 1",
        platform.join(", ")
    );
    let rows = connection.query_all_raw(Statement::from_string(Engine::Postgres.backend(), sql)).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}
