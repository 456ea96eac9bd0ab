//! Writes down what this process has counted, and reads what the others have.

use sunlit_domain::id::TenantId;
use sunlit_domain::value::Month;
use sunlit_domain::{Actor, ScopeAuthority};
use sunlit_storage::platform::tenant::usage;

use super::tell;
use crate::{App, AppError};

/// Months that are kept, this one among them.
const KEPT: u16 = 13;

/// Adds what came since the last time to the platform's sums, learns what the sums are now, and tells administrators whose plan is
/// nearly used up. What cannot be written is kept for the next time.
///
/// # Errors
/// The platform database's.
pub async fn run(app: &App, authority: &ScopeAuthority) -> Result<(), AppError> {
    let (month, active) = app.usage.active();
    let added = app.usage.take();
    if added.is_empty() {
        return Ok(());
    }
    if let Err(error) = usage::add(&app.platform, &added).await {
        app.usage.give_back(added);
        return Err(error.into());
    }
    for sum in usage::sums(&app.platform, &month, Some(&active)).await? {
        app.usage.learn(&month, TenantId(sum.tenant_id), &sum.quota, sum.amount);
    }
    for tenant in active {
        let scope = authority.scope(tenant, Actor::job_runner());
        if let Err(error) = tell::of_month(app, &scope, &month).await {
            tracing::error!(tenant.id = %tenant, %error, "nobody was told that a plan is nearly used up");
        }
    }
    Ok(())
}

/// Removes the sums of months that are kept no more.
///
/// # Errors
/// The platform database's.
pub async fn purge(app: &App) -> Result<(), AppError> {
    let first = Month::of(app.environment.now()).back(KEPT - 1);
    usage::purge(&app.platform, &first.to_string()).await?;
    Ok(())
}
