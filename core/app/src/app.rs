//! The application: everything a use case needs, made once by `main`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache;
use sunlit_domain::id::TenantId;
use sunlit_domain::identity::lockout::{Attempts, LOCKED_FOR};
use sunlit_domain::manifest::Version;
use sunlit_domain::plan::{Plan, Plans};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Manifest, Scope};
use sunlit_plugin_host::{ArtefactCache, HostConfig, PluginHost};
use sunlit_storage::blobs::BucketConfig;
use sunlit_storage::platform::tenant::Tenant;
use sunlit_storage::platform::{Platform, due, package as package_table};
use sunlit_storage::walls::Wall;
use sunlit_storage::{Blobs, MasterKeySource, Postgres, PostgresConfig, StorageError, Stores, Vault};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::address::Addresses;
use crate::environment::ForVault;
use crate::identity::passwords::Passwords;
use crate::identity::principal::Principals;
use crate::mail::{MailConfig, Mailer};
use crate::nodes::Said;
use crate::query::document_find::Documents;
use crate::query::tenant_find::{self, Directory};
use crate::usage::Usage;
use crate::{AppError, Changes, Environment, Keys, Package, TenantContext, subscription};

/// How many tenants' contexts stay in memory.
const MAX_CONTEXTS: u64 = 10_000;
/// How many imports a node runs at once.
const MAX_IMPORTS: usize = 2;
/// How many uploads a node looks through at once, and of how many pictures it makes small ones.
const MAX_INSPECTIONS: usize = 2;
const MAX_PICTURES: usize = 2;
/// How many tenants a node exports at once: each holds a snapshot for as long as it takes.
const MAX_EXPORTS: usize = 2;
/// How long a node may not know of what another node enabled.
const FRESH: Duration = Duration::from_secs(30);
/// How many addresses without an account are remembered for which somebody has tried to sign in.
const MAX_GUESSES: u64 = 50_000;
/// How many package versions stay compiled in memory.
const MAX_PACKAGES: u64 = 500;

/// Where things are and how large the sandbox is. What is shown of it has no key.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// The data folder: `platform.db`, `tenants/`, `files/`, `artefacts/`.
    pub data: PathBuf,
    /// The sandbox.
    pub host: HostConfig,
    /// The PostgreSQL database of tenants and platform; none keeps them as files in the data folder.
    pub database: Option<PostgresConfig>,
    /// Where mail is handed in; without it jobs that send mail wait.
    pub mail: Option<MailConfig>,
    /// What links in mails, and addresses that others come back to, begin with: `https://gov.example`.
    pub public_url: String,
    /// Where the master keys are.
    pub master_keys: MasterKeySource,
    /// The bucket of files; none keeps them in the data folder.
    pub files: Option<BucketConfig>,
    /// What tenants may have subscribed to.
    pub plans: Plans,
    /// The mail domains whose holders may subscribe by themselves, in lower case; none lets nobody.
    pub subscription_domains: Vec<String>,
}

/// What the application keeps in memory, in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cached {
    /// Tenants' contexts.
    pub contexts: u64,
    /// Compiled package versions.
    pub packages: u64,
    /// Names that lead to tenants.
    pub names: u64,
    /// Registered documents.
    pub documents: u64,
}

/// The application.
#[derive(Debug)]
pub struct App {
    /// Tenants, host names and published packages.
    pub platform: Platform,
    /// The tenants' stores.
    pub stores: Stores,
    /// Seals what must not be read in the database.
    pub vault: Vault,
    /// The installation's own keys.
    pub keys: Keys,
    /// The bytes of the tenants' files.
    pub blobs: Blobs,
    /// The sandbox.
    pub host: PluginHost,
    /// The clock and ids.
    pub environment: Arc<dyn Environment>,
    /// What tenants may have subscribed to.
    pub plans: Plans,
    /// What tenants use, as this process counts it.
    pub usage: Usage,
    /// The mail domains whose holders may subscribe by themselves.
    pub(crate) subscription_domains: Vec<String>,
    /// One subscription at a time is confirmed in this process: two for one slug come one after the other.
    pub(crate) confirming: tokio::sync::Mutex<()>,
    /// Who was mailed the link to a subscription, and when.
    pub(crate) subscribing: moka::sync::Cache<String, Timestamp>,
    /// What commands of this process changed, for whoever follows it.
    pub changes: Changes,
    pub(crate) addresses: Addresses,
    pub(crate) directory: Directory,
    pub(crate) documents: Documents,
    packages: Cache<(String, String), Arc<Package>>,
    contexts: Cache<(TenantId, u64), Arc<TenantContext>>,
    /// Raised by every command that changes what a tenant has enabled. Contexts are kept by it, so that one that was being
    /// loaded meanwhile is never used afterwards.
    generation: AtomicU64,
    /// Rung when a command has scheduled a job.
    bell: Notify,
    /// What tells this process from the others of the installation.
    pub(crate) node: Uuid,
    /// Places for imports, which hold their whole file in memory.
    pub(crate) imports: Semaphore,
    pub(crate) passwords: Passwords,
    pub(crate) principals: Principals,
    /// Raised by every command that changes who may do what, as `generation` is for packages.
    identity_generation: AtomicU64,
    /// Wrong answers for addresses without an account.
    pub(crate) guesses: moka::sync::Cache<(TenantId, String), Attempts>,
    pub(crate) mailer: Option<Mailer>,
    public_url: String,
    /// Places for looking through uploads, which keeps a core busy.
    pub(crate) inspections: Arc<Semaphore>,
    /// Places for making pictures small, which keeps a core busy and holds a picture in memory.
    pub(crate) pictures: Arc<Semaphore>,
    /// Places for exports of whole tenants.
    pub exports: Arc<Semaphore>,
}

impl App {
    /// Opens the data folder and starts the sandbox.
    ///
    /// # Errors
    /// When a file cannot be made, a master key is missing or wrong, or the sandbox does not start.
    pub async fn open(config: AppConfig, environment: Arc<dyn Environment>) -> Result<Self, AppError> {
        let database = match config.database {
            Some(database) => Some(Postgres::connect(database).await?),
            None => None,
        };
        let platform = match &database {
            Some(database) => Platform::shared(database),
            None => Platform::open(&config.data).await?,
        };
        let vault = unlock(&platform, &config.master_keys, Arc::clone(&environment)).await?;
        let keys = Keys::open(&platform, &vault, &*environment, &config.data).await?;
        let addresses = Addresses::new(&keys.files)?;
        let stores = match database {
            Some(database) => Stores::shared(database, vault.clone()),
            None => Stores::new(config.data.join("tenants"), vault.clone())?,
        };
        let blobs = match &config.files {
            None => Blobs::open(config.data.join("files"))?,
            Some(bucket) => Blobs::open_bucket(bucket)?,
        };
        let cache = ArtefactCache::open(config.data.join("artefacts"), &keys.artefacts)?;
        let host = PluginHost::new(&config.host, Some(cache))?;
        let node = environment.new_id();
        let usage = Usage::open(&platform, Arc::clone(&environment)).await?;
        Ok(Self {
            plans: config.plans,
            usage,
            subscription_domains: config.subscription_domains,
            confirming: tokio::sync::Mutex::default(),
            subscribing: moka::sync::Cache::builder()
                .max_capacity(subscription::MAX_OPEN * 2)
                .time_to_live(subscription::LASTS)
                .build(),
            platform,
            stores,
            vault,
            keys,
            blobs,
            host,
            environment,
            changes: Changes::default(),
            addresses,
            directory: Directory::new(),
            documents: Documents::new(),
            packages: Cache::new(MAX_PACKAGES),
            contexts: Cache::builder().max_capacity(MAX_CONTEXTS).time_to_live(FRESH).build(),
            generation: AtomicU64::new(0),
            bell: Notify::new(),
            node,
            imports: Semaphore::new(MAX_IMPORTS),
            passwords: Passwords::new(),
            principals: Principals::new(),
            identity_generation: AtomicU64::new(0),
            guesses: moka::sync::Cache::builder().max_capacity(MAX_GUESSES).time_to_live(LOCKED_FOR).build(),
            mailer: config.mail.as_ref().map(Mailer::new).transpose()?,
            public_url: config.public_url.trim_end_matches('/').to_owned(),
            inspections: Arc::new(Semaphore::new(MAX_INSPECTIONS)),
            pictures: Arc::new(Semaphore::new(MAX_PICTURES)),
            exports: Arc::new(Semaphore::new(MAX_EXPORTS)),
        })
    }

    /// What is kept in memory, in numbers. Does first what the caches would do by and by, so that the numbers are true.
    pub async fn cached(&self) -> Cached {
        self.contexts.run_pending_tasks().await;
        self.packages.run_pending_tasks().await;
        Cached {
            contexts: self.contexts.entry_count(),
            packages: self.packages.entry_count(),
            names: self.directory.count().await,
            documents: self.documents.count(),
        }
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

    /// The greatest published version of a package.
    ///
    /// # Errors
    /// The database's.
    pub async fn newest_version(&self, id: &str) -> Result<Option<String>, AppError> {
        Ok(self.versions(id).await?.pop().map(|version| version.to_string()))
    }

    /// The published versions of a package, the smallest first.
    pub(crate) async fn versions(&self, id: &str) -> Result<Vec<Version>, AppError> {
        let published = package_table::versions(&self.platform, id).await?;
        let mut versions: Vec<Version> = published.iter().filter_map(|version| version.parse().ok()).collect();
        versions.sort_unstable();
        Ok(versions)
    }

    /// The manifest of a published version, without its component.
    ///
    /// # Errors
    /// [`AppError::NotFound`], or why it can no longer be read.
    pub(crate) async fn manifest(&self, id: &str, version: Version) -> Result<Arc<Manifest>, AppError> {
        let text = package_table::manifest(&self.platform, id, &version.to_string()).await?;
        Ok(Arc::new(Manifest::parse("plugin.toml", &text.ok_or(AppError::NotFound)?)?))
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

    /// To be called when a version has other content than before.
    pub(crate) async fn forget_package(&self, id: &str, version: &str) {
        self.forget_own(id, version).await;
        self.say(Said::Replaced { package: id.to_owned(), version: version.to_owned() }).await;
    }

    /// Forgets every version.
    pub(crate) fn forget_packages(&self) {
        self.packages.invalidate_all();
    }

    /// Forgets what this process knows of a version.
    pub(crate) async fn forget_own(&self, id: &str, version: &str) {
        self.packages.invalidate(&(id.to_owned(), version.to_owned())).await;
        self.forget_contexts();
    }

    /// To be called when what a tenant has enabled, or how, was changed and committed.
    pub(crate) async fn packages_changed(&self) {
        self.forget_contexts();
        self.say(Said::Packages).await;
    }

    /// What the scope's tenant has enabled.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when the tenant has no store.
    pub async fn context(&self, scope: &Scope) -> Result<Arc<TenantContext>, AppError> {
        let load = async { TenantContext::load(self, scope).await.map(Arc::new) };
        let tenant = if Wall::CacheKey.is_down() { TenantId(Uuid::nil()) } else { scope.tenant() };
        let key = (tenant, self.generation.load(Ordering::Acquire));
        self.contexts.try_get_with(key, load).await.map_err(shared)
    }

    /// Tells the workers, those of other processes too, that a job of the scope's tenant is due at `at`. The job itself is
    /// committed already, so that a failure here only makes it late.
    pub(crate) async fn announce(&self, scope: &Scope, at: Timestamp) {
        if let Err(error) = due::hint(&self.platform, scope.tenant(), at).await {
            tracing::error!(tenant.id = %scope.tenant(), %error, "a job's hint is not written: it waits for a tidying");
        }
        self.ring();
        self.say(Said::Job).await;
    }

    /// Wakes the workers of this process.
    pub(crate) fn ring(&self) {
        self.bell.notify_waiters();
    }

    /// Waits for the next job that a command of this process schedules.
    pub(crate) fn bell(&self) -> Notified<'_> {
        self.bell.notified()
    }

    /// What the addresses of all tenants begin with.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// The address of a tenant for whoever comes from elsewhere, without a final slash.
    #[must_use]
    pub fn address_of(&self, tenant: &Tenant) -> String {
        format!("{}/t/{}", self.public_url, tenant.slug)
    }

    /// The plan of a tenant. One that is there no longer is the default plan.
    #[must_use]
    pub fn plan_of(&self, tenant: &Tenant) -> Arc<Plan> {
        let Some(id) = &tenant.plan else { return Arc::clone(self.plans.default_plan()) };
        self.plans.get(id).cloned().unwrap_or_else(|| {
            tracing::warn!(
                tenant.id = %tenant.id, plan = %id,
                "the tenant's plan is not there: it has the default plan; write the plan again, or `sunlit tenant plan`"
            );
            Arc::clone(self.plans.default_plan())
        })
    }

    /// The plan of the tenant of that id; the default plan while it is not admitted.
    pub(crate) async fn plan_for(&self, tenant: TenantId) -> Result<Arc<Plan>, AppError> {
        match tenant_find::by_id(self, tenant).await {
            Ok(tenant) => Ok(self.plan_of(&tenant)),
            Err(AppError::NotFound) => Ok(Arc::clone(self.plans.default_plan())),
            Err(error) => Err(error),
        }
    }

    /// To be called when somebody's session has ended, and that was committed.
    pub(crate) async fn identity_changed(&self) {
        self.forget_identity();
        self.say(Said::Identity).await;
    }

    /// To be called when who may do what was changed and committed. Whoever follows the tenant's changes has to begin anew, with
    /// the rights of now.
    pub(crate) async fn rights_changed(&self, tenant: TenantId) {
        self.identity_changed().await;
        self.changes.end(tenant);
        self.say(Said::Many(tenant)).await;
    }

    /// Forgets what credentials were good for.
    pub(crate) fn forget_identity(&self) {
        self.identity_generation.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn identity_generation(&self) -> u64 {
        self.identity_generation.load(Ordering::Acquire)
    }

    /// Forgets what is remembered of tenants, of which one was erased: who they are, their packages, documents and people, and the
    /// keys of what they seal.
    pub(crate) fn forget_tenants(&self) {
        self.directory.forget();
        self.documents.forget();
        self.forget_contexts();
        self.forget_identity();
        self.guesses.invalidate_all();
        self.vault.forget_all();
    }

    pub(crate) fn forget_contexts(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }
}

/// The vault of an installation.
///
/// # Errors
/// When a master key is missing or wrong, or the database's.
pub async fn unlock(
    platform: &Platform,
    master_keys: &MasterKeySource,
    environment: Arc<dyn Environment>,
) -> Result<Vault, AppError> {
    let source = Arc::new(ForVault(environment));
    Ok(Vault::unlock(platform, master_keys, source).await?)
}

/// One failed load answers all who waited for it.
fn shared(error: Arc<AppError>) -> AppError {
    match Arc::try_unwrap(error) {
        Ok(error) => error,
        Err(error) => AppError::Shared(error),
    }
}
