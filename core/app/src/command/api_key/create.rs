//! Makes a key for a program.

use std::time::Duration;

use sunlit_domain::identity::duty;
use sunlit_domain::identity::key_scope::KeyScope;
use sunlit_domain::plan::Feature;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::identity::api_key;
use uuid::Uuid;

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::command::usage::has;
use crate::identity::principal::KEY_PREFIX;
use crate::identity::secret::Token;
use crate::reading::require;
use crate::{App, AppError};

/// How many keys a tenant has at most, ended ones among them.
pub const MAX_KEYS: u32 = 500;
/// How long a key is good for at most.
const LONGEST: Duration = Duration::from_hours(24 * 366);
/// Characters of a key's name.
const MAX_NAME: usize = 80;
/// Packages that a key is bound to.
const MAX_PACKAGES: usize = 60;

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What it is for.
    pub name: String,
    /// What it may do.
    pub roles: Vec<Role>,
    /// What it may be used for.
    pub scope: KeyScope,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// Makes a key; answers its id and its text, which is shown once.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, [`AppError::Argument`] for a role that needs a person, a name
/// or an end that is not acceptable, [`AppError::Limit`], [`AppError::NotInPlan`].
pub async fn run(app: &App, scope: &Scope, new: &NewKey) -> Result<(Uuid, String), AppError> {
    require(scope, Role::SecurityAdministrator)?;
    let at = app.environment.now();
    let roles = checked(new, at)?;
    has(app, scope, Feature::ApiKeys).await?;
    let work = begin::administer(app, scope).await?;
    if api_key::all(scope, &work).await?.len() >= MAX_KEYS as usize {
        return Err(AppError::Limit(format!("a tenant has at most {MAX_KEYS} keys")));
    }
    let token = Token::new(&*app.environment, app.environment.new_id());
    let row = api_key::Model {
        tenant_id: scope.tenant().0,
        id: token.id,
        name: new.name.trim().to_owned(),
        hash: token.digest(),
        roles,
        scope: serde_json::to_string(&new.scope).unwrap_or_default(),
        created_at: at.to_string(),
        created_by: scope.actor().id().map(|id| id.0),
        expires_at: new.expires_at.to_string(),
        revoked_at: None,
    };
    api_key::insert(scope, &work, row).await?;
    trail::of_change(app, scope, &work, ("create", "api-key", &token.id.to_string()), at).await?;
    commit(app, scope, work, None).await?;
    Ok((token.id, token.text(KEY_PREFIX)))
}

fn checked(new: &NewKey, at: Timestamp) -> Result<String, AppError> {
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
        return Err(AppError::Argument(format!("a key's name has 1 to {MAX_NAME} characters on one line")));
    }
    if let Some(role) = new.roles.iter().find(|role| !duty::is_for_keys(**role)) {
        let role = role.name();
        return Err(AppError::Argument(format!(
            "a key has no role `{role}`: choose editor or reviewer, or none to read"
        )));
    }
    if new.scope.packages.as_ref().is_some_and(|packages| packages.len() > MAX_PACKAGES) {
        return Err(AppError::Argument(format!("name at most {MAX_PACKAGES} packages")));
    }
    if new.expires_at <= at || at.plus(LONGEST) < new.expires_at {
        return Err(AppError::Argument("a key is good until some day within a year".to_owned()));
    }
    let mut roles: Vec<&str> = new.roles.iter().map(|role| role.name()).collect();
    roles.sort_unstable();
    roles.dedup();
    Ok(roles.join(" "))
}
