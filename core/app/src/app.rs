//! The application: everything a use case needs, made once by `main`.

use std::path::PathBuf;
use std::sync::Arc;

use moka::future::Cache;
use sunlit_domain::Scope;
use sunlit_domain::id::TenantId;
use sunlit_plugin_host::{ArtefactCache, HostConfig, PluginHost};
use sunlit_storage::platform::{Platform, package as package_table};
use sunlit_storage::{StorageError, Stores};

use crate::query::tenant_find::Directory;
use crate::{AppError, Environment, Package, TenantContext};

/// How many tenants' contexts stay in memory.
const MAX_CONTEXTS: u64 = 10_000;
/// How many package versions stay compiled in memory.
const MAX_PACKAGES: u64 = 500;

/// Where things are and how large the sandbox is.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// The data folder: `platform.db`, `tenants/`, `artefacts/`.
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
    /// The sandbox.
    pub host: PluginHost,
    /// The clock and ids.
    pub environment: Arc<dyn Environment>,
    pub(crate) directory: Directory,
    packages: Cache<(String, String), Arc<Package>>,
    contexts: Cache<TenantId, Arc<TenantContext>>,
}

impl App {
    /// Opens the data folder and starts the sandbox.
    ///
    /// # Errors
    /// When a file cannot be made or the sandbox does not start.
    pub async fn open(config: AppConfig, environment: Arc<dyn Environment>) -> Result<Self, AppError> {
        let platform = Platform::open(&config.data).await?;
        let stores = Stores::new(config.data.join("tenants"))?;
        let cache = ArtefactCache::open(config.data.join("artefacts"), &config.artefact_key)?;
        let host = PluginHost::new(&config.host, Some(cache))?;
        Ok(Self {
            platform,
            stores,
            host,
            environment,
            directory: Directory::new(),
            packages: Cache::new(MAX_PACKAGES),
            contexts: Cache::new(MAX_CONTEXTS),
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
        let versions = package_table::versions(&self.platform, id).await?;
        Ok(versions.into_iter().next().map(|row| row.version))
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
        self.contexts.invalidate_all();
    }

    /// What the scope's tenant has enabled.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when the tenant has no store.
    pub async fn context(&self, scope: &Scope) -> Result<Arc<TenantContext>, AppError> {
        let load = async { TenantContext::load(self, scope).await.map(Arc::new) };
        self.contexts.try_get_with(scope.tenant(), load).await.map_err(shared)
    }

    pub(crate) async fn forget_context(&self, scope: &Scope) {
        self.contexts.invalidate(&scope.tenant()).await;
    }
}

/// One failed load answers all who waited for it.
fn shared(error: Arc<AppError>) -> AppError {
    match Arc::try_unwrap(error) {
        Ok(error) => error,
        Err(error) => match &*error {
            AppError::NotFound => AppError::NotFound,
            other => AppError::Package(other.to_string()),
        },
    }
}
