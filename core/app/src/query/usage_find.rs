//! How much of its plan a tenant has used.

use std::sync::Arc;

use sunlit_domain::plan::{Plan, Quota};
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Role, Scope};
use sunlit_storage::Session;
use sunlit_storage::tenant::identity::account;
use sunlit_storage::tenant::{file, installation};

use crate::query::tenant_find;
use crate::reading::require;
use crate::{App, AppError, Reading};

/// What a tenant has subscribed to, and how much of it is used.
#[derive(Debug, Clone)]
pub struct UsageOf {
    /// Its plan.
    pub plan: Arc<Plan>,
    /// The month of what is counted over one, in China's time: `2026-11`.
    pub month: String,
    /// Each quota.
    pub entries: Vec<Entry>,
    /// Whether the tenant serves.
    pub state: TenantState,
    /// When it is suspended, after the subscription was cancelled.
    pub ends_at: Option<Timestamp>,
}

/// One quota: bytes, numbers, or seconds of plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// Which.
    pub quota: Quota,
    /// How much is used.
    pub used: u64,
    /// How much the plan gives; none for no bound.
    pub limit: Option<u64>,
}

/// The usage of the tenant, for its administrators.
///
/// # Errors
/// [`AppError::Denied`] and [`AppError::Unauthenticated`] for others, or the database's.
pub async fn run(reading: &Reading) -> Result<UsageOf, AppError> {
    let scope = reading.scope();
    require(scope, Role::Administrator)?;
    of(reading.app(), scope).await
}

/// The usage of the scope's tenant, for whoever may see it.
///
/// # Errors
/// [`AppError::NotFound`], or the database's.
pub async fn of(app: &App, scope: &Scope) -> Result<UsageOf, AppError> {
    let tenant = tenant_find::by_id(app, scope.tenant()).await?;
    let plan = app.plan_of(&tenant);
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    let mut entries = Vec::new();
    for quota in Quota::ALL {
        let used = match app.usage.used(scope.tenant(), quota) {
            Some(used) => used,
            None => level(scope, &session, quota).await?,
        };
        entries.push(Entry { quota, used, limit: plan.quotas.of(quota) });
    }
    let month = crate::usage::month_of(app.environment.now());
    Ok(UsageOf { plan, month, entries, state: tenant.state, ends_at: tenant.ends_at })
}

/// How much a tenant has of something at a time; nothing of what is counted over a month.
pub(crate) async fn level(scope: &Scope, session: &Session, quota: Quota) -> Result<u64, AppError> {
    Ok(match quota {
        Quota::Storage => file::stored(scope, session, None).await?,
        Quota::Accounts => account::count_open(scope, session).await?,
        Quota::Packages => installation::all(scope, session).await?.len() as u64,
        Quota::Requests | Quota::Jobs | Quota::PluginCpu => 0,
    })
}
