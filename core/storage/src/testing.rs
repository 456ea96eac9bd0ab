//! Databases for tests, of a throw-away cluster. Only in builds with the feature `testing`, which no release has.
//!
//! `SUNLIT_TEST_POSTGRES` holds the address of a superuser; without it tests run on SQLite.
#![expect(clippy::unwrap_used, clippy::missing_panics_doc, reason = "a test that cannot start has failed")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbErr, Statement, TryGetable};
use sha2::{Digest as _, Sha256};
use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;

use crate::platform::Platform;
use crate::vault::Source;
use crate::{Engine, MasterKeySource, MasterKeys, Postgres, PostgresConfig, Stores, Vault};

mod cluster;

pub use cluster::Cluster;

/// The variable that names the cluster.
pub const VARIABLE: &str = "SUNLIT_TEST_POSTGRES";
/// The roles, without passwords: the cluster listens to this machine alone and trusts it.
const OWNER: &str = "sunlit_test_owner";
const MIGRATOR: &str = "sunlit_test_migrator";
const APP: &str = "sunlit_test_app";
/// The lock under which roles and the template are made.
const LOCK: i64 = 1_337;

/// A new database with its tables, when tests run on PostgreSQL.
pub async fn database() -> Option<PostgresConfig> {
    let admin = std::env::var(VARIABLE).ok().filter(|url| !url.is_empty())?;
    Some(database_of(&admin).await)
}

/// A new database of that cluster with its tables.
pub async fn database_of(admin: &str) -> PostgresConfig {
    let connection = connect(admin).await;
    let template = template(admin, &connection).await;
    let name = one(&connection, "SELECT 't_' || replace(gen_random_uuid()::text, '-', '')").await;
    let create = format!("CREATE DATABASE {name} OWNER {OWNER} TEMPLATE {template} STRATEGY FILE_COPY");
    connection.execute_unprepared(&create).await.unwrap();
    connection.close().await.unwrap();
    config(admin, &name)
}

/// Stores in `folder`, or in a new database.
pub async fn stores(folder: &Path) -> Stores {
    match database().await {
        Some(config) => shared(Postgres::connect(config).await.unwrap()).await,
        None => {
            let platform = Platform::open(&folder.join("platform")).await.unwrap();
            Stores::new(folder.to_owned(), vault(&platform).await).unwrap()
        }
    }
}

/// Stores in that database.
pub async fn shared(database: Postgres) -> Stores {
    let vault = vault(&Platform::shared(&database)).await;
    Stores::shared(database, vault)
}

/// Numbers that are the same at each run, and differ from each other; the time stands still.
#[derive(Debug, Default)]
pub struct Counting(AtomicU64);

impl Source for Counting {
    fn now(&self) -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let digest = Sha256::digest(self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes());
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }
}

/// The master key of tests, as an operator would give it.
pub const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

/// Master keys for tests.
#[must_use]
pub fn master_keys() -> MasterKeySource {
    MasterKeySource::Given(master_key_list())
}

/// The same as they are read.
#[must_use]
pub fn master_key_list() -> MasterKeys {
    MasterKeys::parse("the tests", MASTER_KEY).unwrap()
}

/// A vault on the platform's tables.
pub async fn vault(platform: &Platform) -> Vault {
    Vault::unlock(platform, &master_keys(), Arc::new(Counting::default())).await.unwrap()
}

/// A database with all tables, of which the others are copies: one for each build of the tests.
async fn template(admin: &str, connection: &DatabaseConnection) -> String {
    let exe = std::env::current_exe().unwrap();
    let built = exe.metadata().unwrap().modified().unwrap();
    let built = built.duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos();
    let name = format!("template_{built:x}");
    connection.execute_unprepared(&format!("SELECT pg_advisory_lock({LOCK})")).await.unwrap();
    let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'");
    if connection.execute_unprepared(&create).await.is_ok() {
        for (role, rights) in [(OWNER, "NOLOGIN"), (MIGRATOR, "LOGIN"), (APP, "LOGIN")] {
            let _ = connection.execute_unprepared(&format!("CREATE ROLE {role} {rights}")).await;
        }
        let owner = format!("GRANT {OWNER} TO {MIGRATOR}; ALTER DATABASE {name} OWNER TO {OWNER}");
        connection.execute_unprepared(&owner).await.unwrap();
        let inside = connect(&with_database(admin, &name)).await;
        inside.execute_unprepared(&format!("ALTER SCHEMA public OWNER TO {OWNER}")).await.unwrap();
        inside.close().await.unwrap();
        Postgres::migrate(&config(admin, &name)).await.unwrap();
    }
    connection.execute_unprepared(&format!("SELECT pg_advisory_unlock({LOCK})")).await.unwrap();
    name
}

async fn one(connection: &DatabaseConnection, sql: &str) -> String {
    let row = connection.query_one_raw(Statement::from_string(Engine::Postgres.backend(), sql)).await.unwrap();
    row.unwrap().try_get_by_index(0).unwrap()
}

fn config(admin: &str, database: &str) -> PostgresConfig {
    let url = |role| {
        let (_, host) = admin.rsplit_once('@').unwrap();
        with_database(&format!("postgres://{role}@{host}"), database)
    };
    PostgresConfig { url: url(APP), migrator_url: Some(url(MIGRATOR)), connections: 8 }
}

fn with_database(url: &str, database: &str) -> String {
    let (server, _) = url.rsplit_once('/').unwrap();
    format!("{server}/{database}")
}

async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.unwrap()
}

/// Reads what somebody with the database and an SQL client can read: the first column, as text; on SQLite of the tenant's file
/// in `folder`.
pub async fn peek(stores: &Stores, folder: &Path, scope: &Scope, sql: &str) -> Vec<String> {
    let connection = match stores.database() {
        Some(_) => inside(stores).await,
        None => connect(&format!("sqlite://{}", folder.join(format!("{}.db", scope.tenant())).display())).await,
    };
    let sql = if stores.database().is_some() { sql.replace("x'", "uuid '") } else { sql.to_owned() };
    let rows = connection.query_all_raw(Statement::from_string(stores.engine().backend(), sql)).await.unwrap();
    let read = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
    connection.close().await.unwrap();
    read
}

/// Does what somebody with the database and an SQL client can do: on SQLite with the tenant's file in `folder`.
///
/// # Errors
/// What the database says.
pub async fn tamper(stores: &Stores, folder: &Path, scope: &Scope, sql: &str) -> Result<(), String> {
    let (connection, sql) = if stores.database().is_some() {
        // Ids are written as SQLite has them.
        (inside(stores).await, sql.replace("x'", "uuid '"))
    } else {
        let file = folder.join(format!("{}.db", scope.tenant()));
        (connect(&format!("sqlite://{}", file.display())).await, sql.to_owned())
    };
    let done = connection.execute_unprepared(&sql).await.map_err(|error| error.to_string());
    connection.close().await.unwrap();
    done.map(drop)
}

/// The same with the platform's tables: on SQLite with platform.db in the folder `data`.
///
/// # Errors
/// What the database says.
pub async fn tamper_platform(stores: &Stores, data: &Path, sql: &str) -> Result<(), String> {
    let connection = match stores.database() {
        Some(_) => inside(stores).await,
        None => connect(&format!("sqlite://{}", data.join("platform.db").display())).await,
    };
    let done = connection.execute_unprepared(sql).await.map_err(|error| error.to_string());
    connection.close().await.unwrap();
    done.map(drop)
}

/// Runs statements as a superuser, one after the other on one connection; answers the first column of what the last one gives.
///
/// # Errors
/// What the database says.
pub async fn run<T: TryGetable>(stores: &Stores, statements: &[&str]) -> Result<Vec<T>, String> {
    let connection = inside(stores).await;
    let (last, before) = statements.split_last().unwrap();
    let answered = async {
        for statement in before {
            connection.execute_unprepared(statement).await?;
        }
        let rows = connection.query_all_raw(Statement::from_string(Engine::Postgres.backend(), *last)).await?;
        rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, DbErr>>()
    };
    let answered = answered.await.map_err(|error: DbErr| error.to_string());
    connection.close().await.unwrap();
    answered
}

async fn inside(stores: &Stores) -> DatabaseConnection {
    let (_, name) = stores.database().unwrap().config().url.rsplit_once('/').unwrap();
    connect(&with_database(&std::env::var(VARIABLE).unwrap(), name)).await
}
