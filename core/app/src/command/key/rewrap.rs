//! Goes over to a new master key: the first of those that this process was given wraps the platform's key and every tenant's
//! data keys, and the former can be taken away.

use sunlit_domain::{Actor, ScopeAuthority};
use sunlit_storage::platform::{master_key, tenant};

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::{App, AppError};

/// What going over did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrapped {
    /// The id of the master key that wraps everything now.
    pub current: String,
    /// Whether it was another before.
    pub is_new: bool,
    /// How many tenants had keys wrapped by another one.
    pub tenants: usize,
    /// How many keys these were.
    pub keys: usize,
}

/// Wraps everything by the first master key; doing it again changes nothing, and ends what was cut off. `actor` stands in the
/// tenants' audit trails.
///
/// # Errors
/// The vault's when a master key that is needed was not given, or the database's; then the former master keys stay needed.
pub async fn run(app: &App, authority: &ScopeAuthority, actor: &Actor) -> Result<Rewrapped, AppError> {
    let is_new = app.vault.advance().await?;
    let current = app.vault.masters().first().id().to_owned();
    let mut done = Rewrapped { current, is_new, tenants: 0, keys: 0 };
    // Asked after the new one is the current one: what tenants make from now on is wrapped by it.
    for tenant in tenant::all(&app.platform).await? {
        let scope = authority.scope(tenant.id, actor.clone());
        let work = begin::administer(app, &scope).await?;
        let keys = app.vault.rewrap(&scope, &work).await?;
        if keys > 0 {
            let at = app.environment.now();
            trail::of_change(app, &scope, &work, ("rewrap", "data_key", &done.current), at).await?;
            commit(app, &scope, work, None).await?;
            done.tenants += 1;
            done.keys += keys;
        }
    }
    master_key::forget_former(&app.platform, &done.current).await?;
    Ok(done)
}
