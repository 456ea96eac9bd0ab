//! One viewer's reading: a scope, the tenant's context, and one snapshot that is begun with the first read and shared by
//! everything that answers the same request (invariant 5).

use std::sync::Arc;

use sunlit_domain::access::{self, Deed};
use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::Collection;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Locale, Scope};
use sunlit_storage::Session;
use tokio::sync::OnceCell;

use crate::{App, AppError, TenantContext};

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
    session: OnceCell<Arc<Session>>,
}

impl Reading {
    /// Begins a reading; the database is not touched yet.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when the tenant has no store.
    pub async fn begin(app: &Arc<App>, scope: Scope, locale: Locale) -> Result<Self, AppError> {
        let context = app.context(&scope).await?;
        let now = app.environment.now();
        Ok(Self(Arc::new(Inner { app: Arc::clone(app), scope, context, locale, now, session: OnceCell::new() })))
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
    pub(crate) async fn session(&self) -> Result<&Arc<Session>, AppError> {
        let begin = async {
            let store = self.0.app.stores.open(&self.0.scope).await?;
            Ok::<_, AppError>(Arc::new(store.snapshot(&self.0.scope).await?))
        };
        self.0.session.get_or_try_init(|| begin).await
    }

    /// Which records of `collection` the viewer may read.
    pub(crate) fn readable(&self, collection: &Collection) -> Result<Filter, AppError> {
        allowed(&self.0.scope, collection, Deed::Read)
    }
}

/// Which records the scope's actor may do `deed` with.
pub(crate) fn allowed(scope: &Scope, collection: &Collection, deed: Deed) -> Result<Filter, AppError> {
    let denied = if scope.actor().id().is_some() { AppError::Denied } else { AppError::Unauthenticated };
    access::allowed(collection, deed, scope.actor()).ok_or(denied)
}
