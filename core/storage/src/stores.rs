//! The stores of all tenants: one SQLite file each, at most 128 open, least recently used closed first; or one PostgreSQL
//! database for all.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use sea_orm::error::ConnAcquireErr;
use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sunlit_domain::id::TenantId;
use sunlit_domain::{Manifest, Scope};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tracing::Instrument as _;

use crate::postgres::{PoolSize, Postgres};
use crate::session::Kept;
use crate::sqlite::SqliteFile;
use crate::{Claim, Engine, Session, StorageError, Vault, Work, claim, erase, tenant};

/// How many tenants' stores are open at once.
const MAX_OPEN: u64 = 128;
/// How many snapshots of one tenant run at once.
const READERS: u32 = 2;
/// How many tenants' places are kept; each is a few bytes.
const MAX_PLACES: u64 = 20_000;
/// How long a caller waits for a place.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often, and how long each time, the end of a tenant's last transactions is waited for.
const ENDINGS: u32 = 500;
const ENDING: Duration = Duration::from_millis(20);

/// Opens tenants' stores.
#[derive(Debug, Clone)]
pub struct Stores {
    open: Cache<TenantId, Arc<TenantStore>>,
    place: Place,
    vault: Vault,
    queues: Arc<Queues>,
}

/// How many callers wait for their transaction to begin.
#[derive(Debug, Default)]
struct Queues {
    writers: AtomicU64,
    readers: AtomicU64,
}

/// What the stores of this process are doing, in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoresInUse {
    /// Stores that are open.
    pub open: u64,
    /// Callers that wait to write.
    pub waiting_writers: u64,
    /// Callers that wait to read.
    pub waiting_readers: u64,
    /// The connections to a PostgreSQL database; none where tenants are files.
    pub pools: Vec<PoolSize>,
}

/// Where the stores are.
#[derive(Debug, Clone)]
enum Place {
    /// Files `<tenant id>.db` in a folder.
    Folder(PathBuf),
    Postgres(Postgres),
}

/// One tenant's store.
#[derive(Debug)]
pub struct TenantStore {
    tenant: TenantId,
    back: Back,
    vault: Vault,
    queues: Arc<Queues>,
    /// One more for each session that has not ended. Those of the store itself say nothing: the cache lets go of what was taken out
    /// of it by and by.
    sessions: Arc<()>,
}

#[derive(Debug)]
enum Back {
    File(SqliteFile),
    /// As many transactions at once as a file has connections: no tenant takes the pool from the others.
    Postgres {
        database: Postgres,
        writer: Arc<Semaphore>,
        readers: Arc<Semaphore>,
    },
}

impl Stores {
    /// Stores as files `<tenant id>.db` in `folder`, which is made when missing. What is sensitive is sealed by `vault`.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: PathBuf, vault: Vault) -> Result<Self, StorageError> {
        make_folder(&folder)?;
        let open = Cache::builder()
            .max_capacity(MAX_OPEN)
            .eviction_policy(EvictionPolicy::lru())
            .eviction_listener(|_, store: Arc<TenantStore>, _: RemovalCause| {
                // A store that is still used closes its connections when its last session drops it. Closing is not waited
                // for here: the listener runs inside another tenant's request.
                if let Some(store) = Arc::into_inner(store)
                    && let Ok(runtime) = tokio::runtime::Handle::try_current()
                {
                    runtime.spawn(async move { store.close().await });
                }
            })
            .build();
        Ok(Self { open, place: Place::Folder(folder), vault, queues: Arc::default() })
    }

    /// Stores in a PostgreSQL database.
    #[must_use]
    pub fn shared(database: Postgres, vault: Vault) -> Self {
        Self { open: Cache::new(MAX_PLACES), place: Place::Postgres(database), vault, queues: Arc::default() }
    }

    /// The engine below.
    #[must_use]
    pub fn engine(&self) -> Engine {
        if self.database().is_some() { Engine::Postgres } else { Engine::Sqlite }
    }

    /// The database that holds them; none where they are files.
    #[must_use]
    pub fn database(&self) -> Option<&Postgres> {
        match &self.place {
            Place::Folder(_) => None,
            Place::Postgres(database) => Some(database),
        }
    }

    /// The store of the scope's tenant.
    ///
    /// # Errors
    /// [`StorageError::NoStore`] when there is no file of it.
    pub async fn open(&self, scope: &Scope) -> Result<Arc<TenantStore>, StorageError> {
        self.get(scope, false).await
    }

    /// Makes the store of the scope's tenant, or opens it when it is there.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub async fn create(&self, scope: &Scope) -> Result<Arc<TenantStore>, StorageError> {
        self.get(scope, true).await
    }

    async fn get(&self, scope: &Scope, create: bool) -> Result<Arc<TenantStore>, StorageError> {
        let tenant = scope.tenant();
        if let Some(store) = self.open.get(&tenant).await {
            return Ok(store);
        }
        let opening = async {
            let back = match &self.place {
                Place::Folder(folder) => Back::File(open_file(folder, tenant, create).await?),
                Place::Postgres(database) => Back::Postgres {
                    database: database.clone(),
                    writer: Arc::new(Semaphore::new(1)),
                    readers: Arc::new(Semaphore::new(READERS as usize)),
                },
            };
            let (vault, queues) = (self.vault.clone(), Arc::clone(&self.queues));
            Ok(Arc::new(TenantStore { tenant, back, vault, queues, sessions: Arc::default() }))
        };
        self.open.try_get_with(tenant, opening).await.map_err(|error| match &*error {
            StorageError::NoStore => StorageError::NoStore,
            _ => StorageError::Shared(error),
        })
    }

    /// Makes what the package version needs before a tenant can enable it: on PostgreSQL its tables. In a file they are made
    /// when it is enabled.
    ///
    /// # Errors
    /// [`StorageError::Unsafe`] when this process may make no tables, or the database's.
    pub async fn publish(&self, manifest: &Arc<Manifest>) -> Result<(), StorageError> {
        match &self.place {
            Place::Folder(_) => Ok(()),
            Place::Postgres(database) => database.publish(manifest).await,
        }
    }

    /// Makes whoever holds it the only one, in every process, that makes, erases or replaces the scope's tenant as a whole. Ends
    /// with its holder, however that ends.
    ///
    /// # Errors
    /// [`StorageError::Claimed`] while somebody else holds it, or the file's or database's.
    pub async fn claim(&self, scope: &Scope) -> Result<Claim, StorageError> {
        self.claim_of(scope, true).await
    }

    /// The same for whoever has something else to do: a holder that was killed just now may still be in the way.
    ///
    /// # Errors
    /// As [`Stores::claim`].
    pub async fn try_claim(&self, scope: &Scope) -> Result<Claim, StorageError> {
        self.claim_of(scope, false).await
    }

    async fn claim_of(&self, scope: &Scope, is_patient: bool) -> Result<Claim, StorageError> {
        match &self.place {
            Place::Folder(folder) => claim::of_file(folder, scope.tenant()).await,
            Place::Postgres(database) => claim::of_database(database, scope.tenant(), is_patient).await,
        }
    }

    /// Erases everything that the scope's tenant has in its store; one that has none is erased already. Snapshots of this
    /// process are waited for. Nothing of it remains in a file; in a PostgreSQL database the space of its rows is used again
    /// once VACUUM has passed.
    ///
    /// # Errors
    /// When a snapshot does not end, or the file's or database's; what was erased stays so, and doing it again goes on.
    pub async fn erase(&self, scope: &Scope) -> Result<(), StorageError> {
        self.forget(scope).await?;
        match &self.place {
            Place::Folder(folder) => erase::file(&path_of(folder, scope.tenant())).await,
            Place::Postgres(_) => {
                let work = self.create(scope).await?.work(scope).await?;
                erase::rows(scope, work).await
            }
        }
    }

    /// Closes the store of the scope's tenant, when the snapshots and transactions of this process have ended.
    ///
    /// # Errors
    /// When they do not end in time.
    pub async fn forget(&self, scope: &Scope) -> Result<(), StorageError> {
        let tenant = scope.tenant();
        let Some(store) = self.open.get(&tenant).await else { return Ok(()) };
        self.open.invalidate(&tenant).await;
        self.open.run_pending_tasks().await;
        for _ in 0..ENDINGS {
            if Arc::strong_count(&store.sessions) == 1 {
                store.close().await;
                return Ok(());
            }
            tokio::time::sleep(ENDING).await;
        }
        Err(StorageError::Claimed)
    }

    /// Closes the stores of tenants that are not among these: another process may have erased them, whose removed files keep
    /// their space while somebody has them open.
    pub async fn keep_only(&self, tenants: &BTreeSet<TenantId>) {
        let gone: Vec<TenantId> =
            self.open.iter().map(|(tenant, _)| *tenant).filter(|tenant| !tenants.contains(tenant)).collect();
        for tenant in gone {
            self.open.invalidate(&tenant).await;
        }
        self.open.run_pending_tasks().await;
    }

    /// How many stores are open.
    #[must_use]
    pub fn open_count(&self) -> u64 {
        self.open.entry_count()
    }

    /// What they are doing, in numbers.
    pub async fn in_use(&self) -> StoresInUse {
        self.settle().await;
        StoresInUse {
            open: self.open_count(),
            waiting_writers: self.queues.writers.load(Ordering::Relaxed),
            waiting_readers: self.queues.readers.load(Ordering::Relaxed),
            pools: self.database().map(Postgres::pools).unwrap_or_default(),
        }
    }

    /// Does now what the cache would do by and by: closes what is beyond the bound.
    pub async fn settle(&self) {
        self.open.run_pending_tasks().await;
    }

    /// Closes every store; to be called last.
    pub async fn close(&self) {
        let stores: Vec<_> = self.open.iter().map(|(_, store)| store).collect();
        self.open.invalidate_all();
        self.open.run_pending_tasks().await;
        for store in stores {
            if Arc::strong_count(&store.sessions) == 1 {
                store.close().await;
            }
        }
        if let Place::Postgres(database) = &self.place {
            database.close().await;
        }
    }
}

fn path_of(folder: &Path, tenant: TenantId) -> PathBuf {
    folder.join(format!("{tenant}.db"))
}

async fn open_file(folder: &Path, tenant: TenantId, create: bool) -> Result<SqliteFile, StorageError> {
    let path = path_of(folder, tenant);
    if !create && !path.exists() {
        return Err(StorageError::NoStore);
    }
    let file = SqliteFile::open(&path, READERS, create).await?;
    tenant::create_tables(&file.writer, Engine::Sqlite).await?;
    Ok(file)
}

impl TenantStore {
    /// A snapshot for reading.
    ///
    /// # Errors
    /// [`StorageError::ForeignScope`], or when no connection comes free in time.
    pub async fn snapshot(self: &Arc<Self>, scope: &Scope) -> Result<Session, StorageError> {
        self.begin(scope, false).await
    }

    /// A snapshot that may last, such as one that everything is read in: it takes no place of those that serve. Whoever begins
    /// one sees to it that they are few.
    ///
    /// # Errors
    /// As [`TenantStore::snapshot`].
    pub async fn lasting_snapshot(self: &Arc<Self>, scope: &Scope) -> Result<Session, StorageError> {
        if scope.tenant() != self.tenant {
            return Err(StorageError::ForeignScope);
        }
        let (engine, transaction) = match &self.back {
            Back::File(file) => {
                (Engine::Sqlite, begin_on(file.another_reader(), SqliteTransactionMode::Deferred).await?)
            }
            Back::Postgres { database, .. } => (Engine::Postgres, database.begin(self.tenant, false).await?),
        };
        let session = Session::new(self.tenant, engine, transaction, self.kept(None));
        session.take_time().await?;
        Ok(session)
    }

    /// A transaction for writing. Writers of one tenant queue here.
    ///
    /// # Errors
    /// [`StorageError::ForeignScope`], or when the lock does not come free in time.
    pub async fn work(self: &Arc<Self>, scope: &Scope) -> Result<Work, StorageError> {
        self.begin(scope, true).await.map(Work::new)
    }

    async fn begin(self: &Arc<Self>, scope: &Scope, writes: bool) -> Result<Session, StorageError> {
        if scope.tenant() != self.tenant {
            return Err(StorageError::ForeignScope);
        }
        let waiting = Waiting::join(if writes { &self.queues.writers } else { &self.queues.readers });
        let (engine, transaction, permit) = match &self.back {
            Back::File(file) => (Engine::Sqlite, begin_file(file, writes).await?, None),
            Back::Postgres { database, writer, readers } => {
                let permit = place(if writes { writer } else { readers }).await?;
                (Engine::Postgres, database.begin(self.tenant, writes).await?, Some(permit))
            }
        };
        drop(waiting);
        Ok(Session::new(self.tenant, engine, transaction, self.kept(permit)))
    }

    pub(crate) fn vault(&self) -> &Vault {
        &self.vault
    }

    fn kept(self: &Arc<Self>, permit: Option<OwnedSemaphorePermit>) -> Kept {
        Kept { store: Arc::clone(self), _place: permit, _counted: Arc::clone(&self.sessions) }
    }

    /// Closes its connections, each when it is given back. Whoever comes late gets none.
    async fn close(&self) {
        if let Back::File(file) = &self.back {
            file.close().await;
        }
    }
}

/// A place in a queue; left when it is dropped, also by a caller that gives up.
struct Waiting<'q>(&'q AtomicU64);

impl<'q> Waiting<'q> {
    fn join(queue: &'q AtomicU64) -> Self {
        queue.fetch_add(1, Ordering::Relaxed);
        Self(queue)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Begins in a task of its own: a `begin` that is cancelled half-way could hand an open transaction to the next caller of
/// the pool.
async fn begin_file(file: &SqliteFile, writes: bool) -> Result<DatabaseTransaction, StorageError> {
    let (connection, mode) = match writes {
        true => (file.writer.clone(), SqliteTransactionMode::Immediate),
        false => (file.readers.clone(), SqliteTransactionMode::Deferred),
    };
    begin_on(connection, mode).await
}

async fn begin_on(
    connection: DatabaseConnection,
    mode: SqliteTransactionMode,
) -> Result<DatabaseTransaction, StorageError> {
    let options = TransactionOptions { sqlite_transaction_mode: Some(mode), ..TransactionOptions::default() };
    let begun = tokio::spawn(async move { connection.begin_with_options(options).await }.in_current_span()).await;
    Ok(begun.map_err(|_| StorageError::Interrupted)??)
}

async fn place(places: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit, StorageError> {
    let waited = tokio::time::timeout(PATIENCE, Arc::clone(places).acquire_owned()).await;
    let permit = waited.map_err(|_| StorageError::Database(DbErr::ConnectionAcquire(ConnAcquireErr::Timeout)))?;
    permit.map_err(|_| StorageError::Interrupted)
}

pub(crate) fn make_folder(folder: &Path) -> Result<(), StorageError> {
    std::fs::create_dir_all(folder).map_err(|source| StorageError::File { path: folder.display().to_string(), source })
}
