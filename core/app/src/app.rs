//! The application: everything a use case needs, made once by `main`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use sunlit_domain::Scope;
use sunlit_domain::id::TenantId;
use sunlit_plugin_host::{ArtefactCache, HostConfig, PluginHost};
use sunlit_storage::platform::{Platform, package as package_table};
use sunlit_storage::{Blobs, StorageError, Stores};

use crate::query::tenant_find::Directory;
use crate::{AppError, Environment, Package, TenantContext};

/// How many tenants' contexts stay in memory.
const MAX_CONTEXTS: u64 = 10_000;
/// How long a node may not know of what another node enabled.
const FRESH: Duration = Duration::from_secs(30);
/// How many package versions stay compiled in memory.
const MAX_PACKAGES: u64 = 500;

/// Where things are and how large the sandbox is.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// The data folder: `platform.db`, `tenants/`, `files/`, `artefacts/`.
    pub data: PathBuf,
    /// The key under which compiled artefacts are authenticated, at least 32 bytes.
    pub artefact_key: Vec<u8>,
    /// The sandbox.
    pub host: HostConfig,
}

/// The application.
#[derive(Debug)]
pub struct App {
    /// Tenants, host names and published packages.
    pub platform: Platform,
    /// The tenants' stores.
    pub stores: Stores,
    /// The bytes of the tenants' files.
    pub blobs: Blobs,
    /// The sandbox.
    pub host: PluginHost,
    /// The clock and ids.
    pub environment: Arc<dyn Environment>,
    pub(crate) directory: Directory,
    packages: Cache<(String, String), Arc<Package>>,
    contexts: Cache<(TenantId, u64), Arc<TenantContext>>,
    /// Raised by every command that changes what a tenant has enabled. Contexts are kept by it, so that one that was being
    /// loaded meanwhile is never used afterwards.
    generation: AtomicU64,
}

impl App {
    /// Opens the data folder and starts the sandbox.
    ///
    /// # Errors
    /// When a file cannot be made or the sandbox does not start.
    pub async fn open(config: AppConfig, environment: Arc<dyn Environment>) -> Result<Self, AppError> {
        let platform = Platform::open(&config.data).await?;
        let stores = Stores::new(config.data.join("tenants"))?;
        let blobs = Blobs::open(config.data.join("files"))?;
        let cache = ArtefactCache::open(config.data.join("artefacts"), &config.artefact_key)?;
        let host = PluginHost::new(&config.host, Some(cache))?;
        Ok(Self {
            platform,
            stores,
            blobs,
            host,
            environment,
            directory: Directory::new(),
            packages: Cache::new(MAX_PACKAGES),
            contexts: Cache::builder().max_capacity(MAX_CONTEXTS).time_to_live(FRESH).build(),
            generation: AtomicU64::new(0),
        })
    }

    /// A published package version, compiled.
    ///
    /// # Errors
    /// [`AppError::NotFound`], or why it can no longer be read.
    pub async fn package(&self, id: &str, version: &str) -> Result<Arc<Package>, AppError> {
        let load = async {
            let row = package_table::find(&self.platform, id, version).await?.ok_or(AppError::NotFound)?;
            self.read_package(row.manifest, row.component).await
        };
        let key = (id.to_owned(), version.to_owned());
        self.packages.try_get_with(key, load).await.map_err(shared)
    }

    /// The version of a package that was published last.
    ///
    /// # Errors
    /// The database's.
    pub async fn newest_version(&self, id: &str) -> Result<Option<String>, AppError> {
        Ok(package_table::newest_version(&self.platform, id).await?)
    }

    /// Reads a package off the async threads: compiling keeps all cores busy for a while.
    pub(crate) async fn read_package(
        &self,
        manifest: String,
        component: Option<Vec<u8>>,
    ) -> Result<Arc<Package>, AppError> {
        let host = self.host.clone();
        let read = tokio::task::spawn_blocking(move || Package::read(&host, &manifest, component.as_deref()));
        let package = read.await.map_err(|_| AppError::Storage(StorageError::Interrupted))??;
        Ok(Arc::new(package))
    }

    pub(crate) async fn forget_package(&self, id: &str, version: &str) {
        self.packages.invalidate(&(id.to_owned(), version.to_owned())).await;
        self.forget_contexts();
    }

    /// What the scope's tenant has enabled.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when the tenant has no store.
    pub async fn context(&self, scope: &Scope) -> Result<Arc<TenantContext>, AppError> {
        let load = async { TenantContext::load(self, scope).await.map(Arc::new) };
        let key = (scope.tenant(), self.generation.load(Ordering::Acquire));
        self.contexts.try_get_with(key, load).await.map_err(shared)
    }

    pub(crate) fn forget_contexts(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// One failed load answers all who waited for it.
fn shared(error: Arc<AppError>) -> AppError {
    match Arc::try_unwrap(error) {
        Ok(error) => error,
        Err(error) => AppError::Shared(error),
    }
}
