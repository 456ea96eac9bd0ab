//! One viewer's reading: a scope, the tenant's context, and one snapshot that is begun with the first read and shared by
//! everything that answers the same request (invariant 5).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sunlit_domain::access::{self, Deed};
use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::Collection;
use sunlit_domain::record::Record;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Locale, Role, Scope};
use sunlit_storage::Session;
use tokio::sync::Mutex;

use crate::{App, AppError, TenantContext};

/// Bytes of records that one request may read.
pub const MAX_READ_BYTES: usize = 8 * 1024 * 1024;

/// A viewer's reading. Cloning shares the snapshot.
#[derive(Debug, Clone)]
pub struct Reading(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    app: Arc<App>,
    scope: Scope,
    context: Arc<TenantContext>,
    locale: Locale,
    now: Timestamp,
    session: Mutex<Option<Arc<Session>>>,
    read_bytes: AtomicUsize,
}

impl Reading {
    /// Begins a reading; the database is not touched yet.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when the tenant has no store.
    pub async fn begin(app: &Arc<App>, scope: Scope, locale: Locale) -> Result<Self, AppError> {
        let context = app.context(&scope).await?;
        let now = app.environment.now();
        Ok(Self(Arc::new(Inner {
            app: Arc::clone(app),
            scope,
            context,
            locale,
            now,
            session: Mutex::new(None),
            read_bytes: AtomicUsize::new(0),
        })))
    }

    /// The application.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.0.app
    }

    /// The tenant and the viewer.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.0.scope
    }

    /// What the tenant has enabled.
    #[must_use]
    pub fn context(&self) -> &TenantContext {
        &self.0.context
    }

    /// The viewer's language.
    #[must_use]
    pub fn locale(&self) -> Locale {
        self.0.locale
    }

    /// The instant of the reading.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.0.now
    }

    /// The snapshot.
    pub(crate) async fn session(&self) -> Result<Arc<Session>, AppError> {
        let mut session = self.0.session.lock().await;
        if let Some(begun) = &*session {
            return Ok(Arc::clone(begun));
        }
        let store = self.0.app.stores.open(&self.0.scope).await?;
        let begun = Arc::new(store.snapshot(&self.0.scope).await?);
        *session = Some(Arc::clone(&begun));
        Ok(begun)
    }

    /// Lets the next read begin a new snapshot: to be called after a command, so that what it wrote is seen.
    pub async fn renew(&self) {
        self.0.session.lock().await.take();
    }

    /// Counts what was read for the answer, so that no request makes the server hold more than [`MAX_READ_BYTES`].
    pub(crate) fn charge(&self, records: &[Record]) -> Result<(), AppError> {
        let bytes: usize = records.iter().map(Record::size_bytes).sum();
        let total = self.0.read_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if total > MAX_READ_BYTES {
            return Err(AppError::Limit(format!(
                "more than {MAX_READ_BYTES} bytes were read: ask for fewer records or fields"
            )));
        }
        Ok(())
    }

    /// Which records of `collection` the viewer may read.
    pub(crate) fn readable(&self, collection: &Collection) -> Result<Filter, AppError> {
        allowed(&self.0.scope, collection, Deed::Read)
    }
}

/// Refuses everybody who has not this role.
pub(crate) fn require(scope: &Scope, role: Role) -> Result<(), AppError> {
    if scope.actor().has(role) {
        Ok(())
    } else if scope.actor().id().is_some() {
        Err(AppError::Denied)
    } else {
        Err(AppError::Unauthenticated)
    }
}

/// Which records the scope's actor may do `deed` with.
pub(crate) fn allowed(scope: &Scope, collection: &Collection, deed: Deed) -> Result<Filter, AppError> {
    let denied = if scope.actor().id().is_some() { AppError::Denied } else { AppError::Unauthenticated };
    access::allowed(collection, deed, scope.actor()).ok_or(denied)
}
