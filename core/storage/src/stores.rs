//! The stores of all tenants: one SQLite file each, at most 128 open, least recently used closed first.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use moka::future::Cache;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use sea_orm::{SqliteTransactionMode, TransactionOptions, TransactionTrait};
use sunlit_domain::Scope;
use sunlit_domain::id::TenantId;

use crate::sqlite::SqliteFile;
use crate::{Engine, Session, StorageError, Work, tenant};

/// How many tenants' stores are open at once.
const MAX_OPEN: u64 = 128;
/// How many snapshots of one tenant run at once.
const READERS: u32 = 2;

/// Opens tenants' stores.
#[derive(Debug, Clone)]
pub struct Stores {
    folder: PathBuf,
    open: Cache<TenantId, Arc<TenantStore>>,
}

/// One tenant's store.
#[derive(Debug)]
pub struct TenantStore {
    tenant: TenantId,
    file: SqliteFile,
}

impl Stores {
    /// Stores as files `<tenant id>.db` in `folder`, which is made when missing.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(folder: PathBuf) -> Result<Self, StorageError> {
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
                    runtime.spawn(store.file.close());
                }
            })
            .build();
        Ok(Self { folder, open })
    }

    /// The store of the scope's tenant.
    ///
    /// # Errors
    /// [`StorageError::NoStore`] when it was never created.
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
        let path = self.folder.join(format!("{tenant}.db"));
        let opening = async {
            if !create && !path.exists() {
                return Err(StorageError::NoStore);
            }
            let file = SqliteFile::open(&path, READERS, create).await?;
            tenant::create_tables(&file.writer, Engine::Sqlite).await?;
            Ok(Arc::new(TenantStore { tenant, file }))
        };
        self.open.try_get_with(tenant, opening).await.map_err(|error| match &*error {
            StorageError::NoStore => StorageError::NoStore,
            _ => StorageError::Shared(error),
        })
    }

    /// How many stores are open.
    #[must_use]
    pub fn open_count(&self) -> u64 {
        self.open.entry_count()
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
            if let Some(store) = Arc::into_inner(store) {
                store.file.close().await;
            }
        }
    }
}

impl TenantStore {
    /// A snapshot for reading.
    ///
    /// # Errors
    /// [`StorageError::ForeignScope`], or when no connection comes free in time.
    pub async fn snapshot(self: &Arc<Self>, scope: &Scope) -> Result<Session, StorageError> {
        self.begin(scope, &self.file.readers, SqliteTransactionMode::Deferred).await
    }

    /// A transaction for writing. Writers of one tenant queue here.
    ///
    /// # Errors
    /// [`StorageError::ForeignScope`], or when the lock does not come free in time.
    pub async fn work(self: &Arc<Self>, scope: &Scope) -> Result<Work, StorageError> {
        self.begin(scope, &self.file.writer, SqliteTransactionMode::Immediate).await.map(Work::new)
    }

    /// Begins in a task of its own: a `begin` that is cancelled half-way could hand an open transaction to the next
    /// caller of the pool.
    async fn begin(
        self: &Arc<Self>,
        scope: &Scope,
        connection: &sea_orm::DatabaseConnection,
        mode: SqliteTransactionMode,
    ) -> Result<Session, StorageError> {
        if scope.tenant() != self.tenant {
            return Err(StorageError::ForeignScope);
        }
        let options = TransactionOptions { sqlite_transaction_mode: Some(mode), ..TransactionOptions::default() };
        let connection = connection.clone();
        let begun = tokio::spawn(async move { connection.begin_with_options(options).await }).await;
        let transaction = begun.map_err(|_| StorageError::Interrupted)??;
        Ok(Session::new(self.tenant, Engine::Sqlite, transaction, Arc::clone(self)))
    }
}

pub(crate) fn make_folder(folder: &Path) -> Result<(), StorageError> {
    std::fs::create_dir_all(folder).map_err(|source| StorageError::File { path: folder.display().to_string(), source })
}
