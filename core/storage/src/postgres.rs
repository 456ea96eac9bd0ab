//! The production back end: one PostgreSQL database for all tenants.
//!
//! Two walls part the tenants, and each holds alone: the predicate that [`crate::session`] puts into every statement, and
//! row-level security, enabled and forced on every table of tenants, whose policy compares with the setting
//! `sunlit.tenant` of the transaction. Without that setting a statement fails; nothing is ever read by default.
//!
//! **Roles.** The *owner* of the database owns all tables and cannot log in. The *migrator* is a member of it, and makes
//! tables: at [`migrate`](Postgres::migrate), and when a package version is published. The *app* reads and writes rows, owns
//! nothing, and cannot pass by row-level security; [`check`] refuses another. The *console* may read tables of totals, of which
//! there are none yet, and no table of tenants.
//!
//! **One writer.** Writers of a tenant queue, in this process and by an advisory lock across processes, as they do at the
//! file lock of SQLite: both engines show the same histories.

mod check;
mod contract;
mod listen;
pub(crate) mod migrate;

use std::fmt;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sea_orm::sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sea_orm::sqlx::{self, Executor as _};
use sea_orm::{
    AccessMode, ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel, RuntimeErr,
    SqlxPostgresConnector, TransactionOptions, TransactionTrait as _,
};
use sunlit_domain::Manifest;
use sunlit_domain::id::TenantId;
use tracing::Instrument as _;

pub use contract::Contraction;
pub(crate) use listen::notify;
pub use listen::{Listener, MAX_WORD_BYTES};
pub(crate) use migrate::tables_of_tenants;

use crate::{Engine, StorageError, table};

/// The setting of a transaction that the policies of row-level security compare with.
pub(crate) const SETTING: &str = "sunlit.tenant";
/// The schema that holds every table.
pub(crate) const SCHEMA: &str = "public";
/// How long a caller waits for a connection, or for the writer of another process.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a statement of a tenant may take.
const STATEMENT: Duration = Duration::from_secs(30);
/// A connection that was idle for longer is asked for a sign of life before it is used, and every one for a while after one
/// was found dead: a restart of the database ends them all.
const IDLE: Duration = Duration::from_secs(5);
const SUSPICION: Duration = Duration::from_secs(30);

/// Since when connections are suspected to be dead.
#[derive(Debug, Clone, Default)]
struct Suspicion(Arc<Mutex<Option<Instant>>>);

impl Suspicion {
    fn raise(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn is_raised(&self) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < SUSPICION)
    }
}

/// Where the database is, and as whom it is used. What is shown of it has no password.
#[derive(Clone)]
pub struct PostgresConfig {
    /// The address with the app's role: `postgres://sunlit_app:…@host/sunlit`.
    pub url: String,
    /// The address with the migrator's role; without it this process makes no tables.
    pub migrator_url: Option<String>,
    /// Connections of this process at most, beside the one that listens to other nodes and the one that makes tables; at
    /// least two each for tenants and for the platform.
    pub connections: u32,
}

impl fmt::Debug for PostgresConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresConfig")
            .field("url", &shown(&self.url))
            .field("migrator_url", &self.migrator_url.as_deref().map(shown))
            .field("connections", &self.connections)
            .finish()
    }
}

/// An address without what nobody may see of it: user, host, port and database.
#[must_use]
pub fn shown(url: &str) -> String {
    PgConnectOptions::from_str(url).map_or_else(
        |_| "an address that cannot be read".to_owned(),
        |options| {
            let (user, host, port) = (options.get_username(), options.get_host(), options.get_port());
            format!("postgres://{user}@{host}:{port}/{}", options.get_database().unwrap_or_default())
        },
    )
}

/// Connections of a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// `tenants` or `platform`.
    pub name: &'static str,
    /// Open ones.
    pub open: u32,
    /// Those of them that nobody uses.
    pub idle: u32,
    /// How many there may be.
    pub most: u32,
}

/// The database.
#[derive(Debug, Clone)]
pub struct Postgres {
    config: Arc<PostgresConfig>,
    pool: DatabaseConnection,
    platform: DatabaseConnection,
    suspicion: Suspicion,
}

impl Postgres {
    /// Connects as the app, and checks that this is safe.
    ///
    /// # Errors
    /// [`StorageError::Unsafe`] naming the mend, or the database's.
    pub async fn connect(config: PostgresConfig) -> Result<Self, StorageError> {
        // The platform's tables are read while a tenant's transaction runs: from connections of their own, or many such
        // transactions would wait for each other.
        let platform = (config.connections / 4).max(2);
        let tenants = config.connections.saturating_sub(platform).max(2);
        let suspicion = Suspicion::default();
        let found = Self {
            pool: pool(&config.url, tenants, &suspicion).await?,
            platform: pool(&config.url, platform, &suspicion).await?,
            suspicion,
            config: Arc::new(config),
        };
        check::run(&found.platform).await?;
        Ok(found)
    }

    /// Where it is.
    #[must_use]
    pub fn config(&self) -> &PostgresConfig {
        &self.config
    }

    /// Its connections, in numbers.
    pub(crate) fn pools(&self) -> Vec<PoolSize> {
        let size = |name, connection: &DatabaseConnection| {
            let pool = connection.get_postgres_connection_pool();
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            PoolSize { name, open: pool.size(), idle, most: pool.options().get_max_connections() }
        };
        vec![size("tenants", &self.pool), size("platform", &self.platform)]
    }

    pub(crate) fn platform(&self) -> &DatabaseConnection {
        &self.platform
    }

    /// Begins a transaction of one tenant, a second time where the connection turned out to be dead.
    pub(crate) async fn begin(&self, tenant: TenantId, writes: bool) -> Result<DatabaseTransaction, StorageError> {
        match self.try_begin(tenant, writes).await {
            Err(error) if error.is_disconnected() => {
                self.suspicion.raise();
                self.try_begin(tenant, writes).await
            }
            begun => begun,
        }
    }

    /// In a task of its own: see [`crate::TenantStore`].
    async fn try_begin(&self, tenant: TenantId, writes: bool) -> Result<DatabaseTransaction, StorageError> {
        let pool = self.pool.clone();
        let begin = async move {
            let options = match writes {
                // What is read after the lock was waited for must be what is there then.
                true => (IsolationLevel::ReadCommitted, AccessMode::ReadWrite),
                false => (IsolationLevel::RepeatableRead, AccessMode::ReadOnly),
            };
            let options = TransactionOptions {
                isolation_level: Some(options.0),
                access_mode: Some(options.1),
                ..TransactionOptions::default()
            };
            let transaction = pool.begin_with_options(options).await?;
            let limit = STATEMENT.as_millis();
            let mut first = format!(
                "SELECT set_config('{SETTING}', '{}', true), set_config('statement_timeout', '{limit}', true)",
                tenant.0
            );
            if writes {
                let wait = PATIENCE.as_millis();
                first = format!(
                    "{first}, set_config('lock_timeout', '{wait}', true), pg_advisory_xact_lock({})",
                    key(tenant)
                );
            }
            transaction.execute_unprepared(&first).await?;
            Ok::<_, DbErr>(transaction)
        };
        Ok(tokio::spawn(begin.in_current_span()).await.map_err(|_| StorageError::Interrupted)??)
    }

    /// Makes the tables of a package version: once, when it is published, by the migrator.
    ///
    /// # Errors
    /// [`StorageError::Unsafe`] when this process has no address of the migrator, or the database's.
    pub(crate) async fn publish(&self, manifest: &Arc<Manifest>) -> Result<(), StorageError> {
        let migrator = migrate::Migrator::connect(&self.config).await?;
        let made = async {
            let work = migrator.begin().await?;
            table::make(&work, Engine::Postgres, manifest).await?;
            migrator.protect(&work).await?;
            Ok(work.commit().await?)
        };
        made.await.map_err(migrate::in_use)
    }

    pub(crate) async fn close(&self) {
        self.pool.get_postgres_connection_pool().close().await;
        self.platform.get_postgres_connection_pool().close().await;
    }
}

async fn pool(url: &str, connections: u32, suspicion: &Suspicion) -> Result<DatabaseConnection, StorageError> {
    let (suspicion, dead) = (suspicion.clone(), suspicion.clone());
    // Without a word on each ROLLBACK where there is nothing to roll back.
    let options = PgConnectOptions::from_str(url).map_err(failed)?.options([("client_min_messages", "error")]);
    let pool = PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(move |connection, about| {
            let is_trusted = about.idle_for < IDLE && !suspicion.is_raised();
            Box::pin(async move {
                if is_trusted {
                    return Ok(true);
                }
                Ok(sqlx::Connection::ping(connection).await.is_ok())
            })
        })
        // A transaction that somebody left open ends here, and its tenant with it.
        .after_release(move |connection, _| {
            let dead = dead.clone();
            Box::pin(async move {
                let is_alive = connection.execute("ROLLBACK").await.is_ok();
                if !is_alive {
                    dead.raise();
                }
                Ok(is_alive)
            })
        })
        .connect_with(options)
        .await
        .map_err(failed)?;
    Ok(SqlxPostgresConnector::from_sqlx_postgres_pool(pool))
}

/// A lock's number for a tenant. Two tenants of one number only wait for each other.
fn key(tenant: TenantId) -> i64 {
    let (high, low) = tenant.0.as_u64_pair();
    (high ^ low).cast_signed()
}

pub(crate) fn failed(error: sqlx::Error) -> StorageError {
    StorageError::Database(DbErr::Conn(RuntimeErr::SqlxError(Arc::new(error))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_shown() {
        let check = |url: &str, expect: &str| {
            let migrator_url = Some(url.to_owned());
            let told = format!("{:?}", PostgresConfig { url: url.to_owned(), migrator_url, connections: 4 });
            assert!(!told.contains("hush") && told.matches(expect).count() == 2, "{told}");
        };
        check("postgres://app:hush@db.example:5433/sunlit", "postgres://app@db.example:5433/sunlit");
        check("postgres://app@db.example/sunlit?password=hush", "postgres://app@db.example:5432/sunlit");
        check("postgres://app:hush@db.example:port/sunlit", "cannot be read");
        check("hush", "cannot be read");
    }
}
