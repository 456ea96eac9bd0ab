//! Tells a tenant's administrators by mail when four fifths, and when all, of what the plan gives is used: once a month, quota and
//! level.

use serde_json::json;
use sunlit_domain::plan::Quota;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Role, Scope};
use sunlit_storage::platform::tenant::usage::{self, Added};
use sunlit_storage::tenant::identity::{account, role};
use sunlit_storage::tenant::outbox::{self, Job};
use sunlit_storage::{StorageError, Work};
use uuid::Uuid;

use crate::command::begin;
use crate::command::commit::commit;
use crate::job::USAGE_MAIL;
use crate::query::usage_find::level;
use crate::usage::month_of;
use crate::{App, AppError};

/// The shares of a quota, in percent, of which somebody is told.
const LEVELS: [u64; 2] = [80, 100];
/// Accounts that are looked through for administrators.
const MAX_LOOKED: u64 = 1_000;

/// What of the quotas that are counted over a month.
///
/// # Errors
/// The database's.
pub async fn of_month(app: &App, scope: &Scope, month: &str) -> Result<(), AppError> {
    let mut used = Vec::new();
    for quota in Quota::ALL.into_iter().filter(|quota| quota.is_of_month()) {
        used.push((quota, app.usage.used(scope.tenant(), quota).unwrap_or(0)));
    }
    run(app, scope, month, &used).await
}

/// And of those that the tenant has at a time.
///
/// # Errors
/// The database's.
pub async fn of_levels(app: &App, scope: &Scope) -> Result<(), AppError> {
    let month = month_of(app.environment.now());
    let mut used = Vec::new();
    {
        let session = app.stores.open(scope).await?.snapshot(scope).await?;
        for quota in Quota::ALL.into_iter().filter(|quota| !quota.is_of_month()) {
            used.push((quota, level(scope, &session, quota).await?));
        }
    }
    run(app, scope, &month, &used).await
}

async fn run(app: &App, scope: &Scope, month: &str, used: &[(Quota, u64)]) -> Result<(), AppError> {
    let plan = app.plan_for(scope.tenant()).await?;
    for (quota, used) in used {
        let Some(most) = plan.quotas.of(*quota) else { continue };
        let reached =
            LEVELS.into_iter().rfind(|percent| u128::from(*used) * 100 >= u128::from(most) * u128::from(*percent));
        let Some(percent) = reached else { continue };
        let note = format!("told:{}:{percent}", quota.name());
        if app.usage.is_noted(scope.tenant(), month, &note) {
            continue;
        }
        if !was_told(app, scope, month, &note).await? {
            schedule(app, scope, (month, &note), (*quota, percent, *used, most)).await?;
            let one = Added { tenant: scope.tenant(), month: month.to_owned(), quota: note.clone(), amount: 1 };
            usage::add(&app.platform, &[one]).await?;
        }
        app.usage.note(scope.tenant(), month, note);
    }
    Ok(())
}

async fn was_told(app: &App, scope: &Scope, month: &str, note: &str) -> Result<bool, AppError> {
    let sums = usage::sums(&app.platform, month, Some(&[scope.tenant()])).await?;
    Ok(sums.iter().any(|sum| sum.quota == note))
}

async fn schedule(
    app: &App,
    scope: &Scope,
    (month, note): (&str, &str),
    (quota, percent, used, most): (Quota, u64, u64, u64),
) -> Result<(), AppError> {
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    for account in administrators(scope, &work).await? {
        let key = format!("{month} {note} {account}");
        let payload = json!({
            "account": account, "quota": quota.name(), "percent": percent, "used": used, "most": most,
        });
        // One id for one letter, whichever node schedules it.
        let id = Uuid::new_v5(&scope.tenant().0, key.as_bytes());
        let written = work.attempt(async { outbox::schedule(scope, &work, job(id, key, at, payload)).await }).await;
        match written {
            // Another node has told already.
            Ok(()) | Err(StorageError::NotUnique { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    commit(app, scope, work, None).await
}

fn job<'a>(id: Uuid, key: String, due_at: Timestamp, payload: serde_json::Value) -> Job<'a> {
    Job { id, kind: USAGE_MAIL, key, due_at, payload }
}

async fn administrators(scope: &Scope, work: &Work) -> Result<Vec<Uuid>, AppError> {
    let accounts = account::page(scope, work, MAX_LOOKED, None).await?;
    let ids: Vec<Uuid> = accounts.iter().filter(|row| row.state == account::ACTIVE).map(|row| row.id).collect();
    let held = role::of_all(scope, work, &ids).await?;
    let holds = |id: Uuid| held.iter().any(|(account, role)| account.0 == id && *role == Role::Administrator);
    Ok(ids.into_iter().filter(|id| holds(*id)).collect())
}
