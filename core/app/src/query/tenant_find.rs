//! Which tenant a request is for.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use sunlit_domain::division_code::is_code;
use sunlit_domain::id::{TenantId, TenantSlug};
use sunlit_domain::value::Date;
use sunlit_storage::StorageError;
use sunlit_storage::platform::tenant::{self, Tenant};

use crate::{App, AppError};

/// How long a node may not know of a change that another node made.
const FRESH: Duration = Duration::from_secs(30);
/// How long a host name may be (RFC 1035, §2.3.4).
const MAX_HOST: usize = 253;
/// How many names are remembered, those of no tenant too.
const MAX_NAMES: u64 = 20_000;

/// Tenants by slug, host name and former code, remembered for a while.
#[derive(Debug, Clone)]
pub(crate) struct Directory {
    names: Cache<Name, Option<Arc<Tenant>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Name {
    Slug(String),
    Host(String),
    FormerCode(String),
    Id(TenantId),
}

impl Directory {
    pub(crate) fn new() -> Self {
        Self { names: Cache::builder().max_capacity(MAX_NAMES).time_to_live(FRESH).build() }
    }

    pub(crate) async fn count(&self) -> u64 {
        self.names.run_pending_tasks().await;
        self.names.entry_count()
    }

    pub(crate) fn forget(&self) {
        self.names.invalidate_all();
    }
}

/// The tenant of that slug.
///
/// # Errors
/// [`AppError::NotFound`].
pub async fn by_slug(app: &App, slug: &str) -> Result<Arc<Tenant>, AppError> {
    let slug: TenantSlug = slug.parse().map_err(|_| AppError::NotFound)?;
    let find = async { tenant::by_slug(&app.platform, slug.as_str()).await.map(|found| found.map(Arc::new)) };
    remembered(app, Name::Slug(slug.to_string()), find).await
}

/// The tenant of that id.
///
/// # Errors
/// [`AppError::NotFound`].
pub async fn by_id(app: &App, id: TenantId) -> Result<Arc<Tenant>, AppError> {
    let find = async { tenant::by_id(&app.platform, id).await.map(|found| found.map(Arc::new)) };
    remembered(app, Name::Id(id), find).await
}

/// The tenant that answers to that host name (lower case, without port).
///
/// # Errors
/// [`AppError::NotFound`].
pub async fn by_host(app: &App, host: &str) -> Result<Arc<Tenant>, AppError> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '-');
    if host.is_empty() || host.len() > MAX_HOST || !host.chars().all(is_name) {
        return Err(AppError::NotFound);
    }
    let find = async { tenant::by_host(&app.platform, host).await.map(|found| found.map(Arc::new)) };
    remembered(app, Name::Host(host.to_owned()), find).await
}

/// The tenant to which a former division code leads. A code that was several tenants', or is another's today, leads to none.
///
/// # Errors
/// [`AppError::NotFound`].
pub async fn by_former_code(app: &App, code: &str) -> Result<Arc<Tenant>, AppError> {
    if !is_code(code) {
        return Err(AppError::NotFound);
    }
    let find = async { tenant::by_former_code(&app.platform, code).await.map(|found| found.map(Arc::new)) };
    remembered(app, Name::FormerCode(code.to_owned()), find).await
}

/// The tenants that a division code meant on a day, by slug: more than one when a division was split.
///
/// # Errors
/// The database's.
pub async fn by_code(app: &App, code: &str, day: Date) -> Result<Vec<Tenant>, AppError> {
    Ok(tenant::by_code(&app.platform, code, day).await?)
}

/// All tenants by slug.
///
/// # Errors
/// The database's.
pub async fn all(app: &App) -> Result<Vec<Tenant>, AppError> {
    Ok(tenant::all(&app.platform).await?)
}

async fn remembered(
    app: &App,
    name: Name,
    find: impl Future<Output = Result<Option<Arc<Tenant>>, StorageError>>,
) -> Result<Arc<Tenant>, AppError> {
    let found = app.directory.names.try_get_with(name, find).await;
    let found = found.map_err(|error| match Arc::try_unwrap(error) {
        Ok(error) => AppError::from(error),
        Err(error) => AppError::Storage(StorageError::Shared(error)),
    });
    found?.ok_or(AppError::NotFound)
}
