//! Names the provider of identities that a tenant trusts, or none.

use sunlit_domain::format::Format;
use sunlit_domain::plan::Feature;
use sunlit_domain::{Role, Scope};
use sunlit_storage::tenant::identity::provider;

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::command::usage::has;
use crate::reading::require;
use crate::{App, AppError};

/// The context under which the secret is sealed.
pub(crate) const CONTEXT: &str = sunlit_storage::tenant::identity::provider::SECRET_CONTEXT;
/// Bytes of each text.
const MAX_BYTES: usize = 500;

/// A provider to be trusted.
#[derive(Clone, PartialEq, Eq)]
pub struct NewProvider {
    /// Its issuer, as its own documents name it (OpenID Connect Discovery 1.0, §4.3): `https://…`.
    pub issuer: String,
    /// What people read on the button.
    pub title: String,
    /// The tenant's id at the provider.
    pub client_id: String,
    /// The tenant's secret at the provider.
    pub client_secret: String,
    /// Whether whoever it vouches for gets an account as a citizen.
    pub creates_citizens: bool,
}

impl std::fmt::Debug for NewProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewProvider").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}

/// Sets the provider in the place of an earlier one, or takes it away.
///
/// # Errors
/// [`AppError::Denied`] for anybody but a security administrator, [`AppError::Argument`] for what is not acceptable,
/// [`AppError::NotInPlan`].
pub async fn run(app: &App, scope: &Scope, new: Option<&NewProvider>) -> Result<(), AppError> {
    require(scope, Role::SecurityAdministrator)?;
    if let Some(new) = new {
        check(new)?;
        has(app, scope, Feature::IdentityProvider).await?;
    }
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let row = match new {
        None => None,
        Some(new) => Some(provider::Model {
            tenant_id: scope.tenant().0,
            issuer: new.issuer.clone(),
            title: new.title.trim().to_owned(),
            client_id: new.client_id.clone(),
            client_secret: app.vault.seal(scope, &work, CONTEXT, new.client_secret.as_bytes()).await?,
            creates_citizens: new.creates_citizens,
            set_at: at.to_string(),
        }),
    };
    let name = new.map_or("none", |new| new.issuer.as_str()).to_owned();
    provider::put(scope, &work, row).await?;
    trail::of_change(app, scope, &work, ("set", "identity-provider", &name), at).await?;
    commit(app, scope, work, None).await
}

fn check(new: &NewProvider) -> Result<(), AppError> {
    let texts = [&new.issuer, &new.title, &new.client_id, &new.client_secret];
    if texts.iter().any(|text| text.trim().is_empty() || text.len() > MAX_BYTES || text.contains(char::is_control)) {
        return Err(AppError::Argument(format!("each text has 1 to {MAX_BYTES} bytes on one line")));
    }
    if Format::Url.check(&new.issuer).is_err() || new.issuer.contains(['?', '#']) {
        return Err(AppError::Argument(
            "an issuer is an address like https://id.example.org, without ? and #".to_owned(),
        ));
    }
    Ok(())
}
