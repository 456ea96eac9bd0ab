//! One viewer's reading: a scope, the tenant's context, and one snapshot that is begun with the first read and shared by
//! everything that answers the same request (invariant 5).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sunlit_domain::access::{self, Deed, Root};
use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::{Collection, RunsAs};
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
pub struct Reading {
    inner: Arc<Inner>,
    root: Root,
    base: Arc<str>,
}

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
        let context = match &scope.actor().key_scope().packages {
            Some(_) => Arc::new(context.within(scope.actor().key_scope())),
            None => context,
        };
        let now = app.environment.now();
        let inner = Inner {
            app: Arc::clone(app),
            scope,
            context,
            locale,
            now,
            session: Mutex::new(None),
            read_bytes: AtomicUsize::new(0),
        };
        Ok(Self { inner: Arc::new(inner), root: Root::Public, base: "".into() })
    }

    /// The same reading through `root`, in the same snapshot.
    #[must_use]
    pub fn through(&self, root: Root) -> Self {
        Self { inner: Arc::clone(&self.inner), root, base: Arc::clone(&self.base) }
    }

    /// The same reading for whoever reaches the tenant below `base`: nothing on a host name of its own.
    #[must_use]
    pub fn below(self, base: &str) -> Self {
        Self { base: base.into(), ..self }
    }

    /// What the tenant's addresses begin with.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// The same reading through the viewer's own root: the workspace of whoever signed in.
    #[must_use]
    pub fn own(&self) -> Self {
        self.through(Root::own(self.inner.scope.actor()))
    }

    /// The root that is read through; the public one at first.
    #[must_use]
    pub fn root(&self) -> Root {
        self.root
    }

    /// The application.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.inner.app
    }

    /// The tenant and the viewer.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.inner.scope
    }

    /// What the tenant has enabled.
    #[must_use]
    pub fn context(&self) -> &TenantContext {
        &self.inner.context
    }

    /// The viewer's language.
    #[must_use]
    pub fn locale(&self) -> Locale {
        self.inner.locale
    }

    /// The instant of the reading.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.inner.now
    }

    /// The snapshot.
    pub(crate) async fn session(&self) -> Result<Arc<Session>, AppError> {
        let mut session = self.inner.session.lock().await;
        if let Some(begun) = &*session {
            return Ok(Arc::clone(begun));
        }
        let store = self.inner.app.stores.open(&self.inner.scope).await?;
        let begun = Arc::new(store.snapshot(&self.inner.scope).await?);
        *session = Some(Arc::clone(&begun));
        Ok(begun)
    }

    /// Lets the next read begin a new snapshot: to be called after a command, so that what it wrote is seen.
    pub async fn renew(&self) {
        self.inner.session.lock().await.take();
    }

    /// The same viewer's reading once more: another instant, another snapshot, a budget of its own. This one's snapshot is
    /// given back before, so that nobody holds one connection while waiting for a second.
    pub(crate) async fn afresh(&self) -> Result<Self, AppError> {
        self.renew().await;
        let begun = Self::begin(&self.inner.app, self.inner.scope.clone(), self.inner.locale).await?;
        Ok(Self { base: Arc::clone(&self.base), ..begun.through(self.root) })
    }

    /// Counts what was read for the answer, so that no request makes the server hold more than [`MAX_READ_BYTES`].
    pub(crate) fn charge(&self, records: &[Record]) -> Result<(), AppError> {
        let bytes: usize = records.iter().map(Record::size_bytes).sum();
        let total = self.inner.read_bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if total > MAX_READ_BYTES {
            return Err(AppError::Limit(format!(
                "more than {MAX_READ_BYTES} bytes were read: ask for fewer records or fields"
            )));
        }
        Ok(())
    }

    /// Which records of `collection` the viewer may read.
    pub(crate) fn readable(&self, collection: &Collection) -> Result<Filter, AppError> {
        let scope = &self.inner.scope;
        access::readable(collection, self.root, scope.actor()).ok_or_else(|| denied(scope))
    }

    /// Records that were read, without what is hidden from the viewer.
    pub(crate) fn shown(&self, collection: &Collection, records: Vec<Record>) -> Result<Vec<Record>, AppError> {
        self.shown_as(RunsAs::Caller, collection, records)
    }

    /// As [`Reading::shown`], to whoever an action runs as: nothing is hidden from a package of its own.
    pub(crate) fn shown_as(
        &self,
        runs_as: RunsAs,
        collection: &Collection,
        mut records: Vec<Record>,
    ) -> Result<Vec<Record>, AppError> {
        self.charge(&records)?;
        if runs_as == RunsAs::Caller {
            records.iter_mut().for_each(|record| collection.hide(record, self.inner.scope.actor()));
        }
        Ok(records)
    }
}

/// Which records of `collection` the scope's actor may read through their own root: what they may refer to and work on.
pub(crate) fn readable(scope: &Scope, collection: &Collection) -> Result<Filter, AppError> {
    access::readable(collection, Root::own(scope.actor()), scope.actor()).ok_or_else(|| denied(scope))
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
    access::allowed(collection, deed, scope.actor()).ok_or_else(|| denied(scope))
}

/// What an actor is told whom no rule allows what they asked for.
pub(crate) fn denied(scope: &Scope) -> AppError {
    if scope.actor().id().is_some() { AppError::Denied } else { AppError::Unauthenticated }
}

/// As [`allowed`] and [`readable`], with the rights of whoever an action runs as: a package may do anything with its own
/// collections.
pub(crate) fn allowed_as(
    runs_as: RunsAs,
    scope: &Scope,
    collection: &Collection,
    deed: Deed,
) -> Result<Filter, AppError> {
    match runs_as {
        RunsAs::Caller if deed == Deed::Read => readable(scope, collection),
        RunsAs::Caller => allowed(scope, collection, deed),
        RunsAs::Package => Ok(Filter::everything()),
    }
}
