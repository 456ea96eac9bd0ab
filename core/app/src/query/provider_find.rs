//! Which provider of identities a tenant trusts.

use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::identity::provider;

use crate::command::provider::set::CONTEXT;
use crate::reading::require;
use crate::{App, AppError, Reading};

/// A provider as the security administrator sees it: its secret is never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its issuer.
    pub issuer: String,
    /// What people read on the button.
    pub title: String,
    /// The tenant's id at the provider.
    pub client_id: String,
    /// Whether whoever it vouches for gets an account as a citizen.
    pub creates_citizens: bool,
}

/// The provider with the tenant's secret at it, to speak with it.
#[derive(Clone)]
pub struct Opened {
    /// What may be shown.
    pub provider: Provider,
    /// The secret.
    pub client_secret: String,
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").field("provider", &self.provider).finish_non_exhaustive()
    }
}

/// The provider, if there is one.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator.
pub async fn run(reading: &Reading) -> Result<Option<Provider>, AppError> {
    require(reading.scope(), Role::SecurityAdministrator)?;
    let found = provider::find(reading.scope(), &*reading.session().await?).await?;
    Ok(found.map(|row| Provider::from(&row)))
}

/// The provider with its secret: only for the log-in itself.
///
/// # Errors
/// [`AppError::NotFound`] when there is none.
pub async fn opened(app: &App, scope: &Scope) -> Result<Opened, AppError> {
    let store = app.stores.open(scope).await?;
    let snapshot = store.snapshot(scope).await?;
    let row = provider::find(scope, &snapshot).await?.ok_or(AppError::NotFound)?;
    let secret = app.vault.open(scope, &snapshot, CONTEXT, &row.client_secret).await?;
    let unreadable = |_| AppError::Unsound("the secret of the identity provider cannot be read".to_owned());
    Ok(Opened { provider: Provider::from(&row), client_secret: String::from_utf8(secret).map_err(unreadable)? })
}

/// The provider's title, for the page on which people sign in; none when there is none.
///
/// # Errors
/// The database's.
pub async fn title(app: &App, scope: &Scope) -> Result<Option<String>, AppError> {
    let store = app.stores.open(scope).await?;
    Ok(provider::find(scope, &store.snapshot(scope).await?).await?.map(|row| row.title))
}

impl From<&provider::Model> for Provider {
    fn from(row: &provider::Model) -> Self {
        Self {
            issuer: row.issuer.clone(),
            title: row.title.clone(),
            client_id: row.client_id.clone(),
            creates_citizens: row.creates_citizens,
        }
    }
}
