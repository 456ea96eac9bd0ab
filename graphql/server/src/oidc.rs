//! Speaks with a tenant's provider of identities: OpenID Connect Core 1.0, authorisation code with PKCE (RFC 7636).
//!
//! What a provider answers is believed only after its issuer, its signature, its audience, its times and our nonce are checked. A
//! provider is an address that somebody at a tenant has typed: it is spoken with over HTTPS at public addresses only, without
//! redirects, in bounded time and size.

mod client;

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use openidconnect::core::{CoreAuthenticationFlow, CoreClient, CoreProviderMetadata};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, IssuerUrl, Nonce, OAuth2TokenResponse as _,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse as _,
};
use serde::{Deserialize, Serialize};
use sunlit_app::command::session::sign_in_external::Vouched;
use sunlit_app::query::provider_find::Opened;

pub use client::ProviderClient;

/// How long what a provider says of itself is remembered.
const FRESH: Duration = Duration::from_mins(5);
/// How many providers are remembered.
const MAX_PROVIDERS: u64 = 2_000;

/// Why a provider did not vouch for somebody.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    /// It does not answer, or not with what the standard says.
    #[error("the identity provider does not answer as it should: {0}")]
    Unavailable(String),
    /// What it answers does not stand up.
    #[error("what the identity provider says is not believed: {0}")]
    NotBelieved(String),
}

/// What has to be remembered of a log-in while the person is at the provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Pending {
    issuer: String,
    state: String,
    nonce: String,
    verifier: String,
}

impl Pending {
    /// Whether this is the answer to it.
    #[must_use]
    pub fn is_answered_by(&self, state: &str) -> bool {
        use subtle::ConstantTimeEq as _;

        self.state.as_bytes().ct_eq(state.as_bytes()).into()
    }
}

/// The providers of all tenants.
#[derive(Debug)]
pub struct Providers {
    client: ProviderClient,
    known: Cache<String, Arc<CoreProviderMetadata>>,
}

impl Providers {
    /// Speaks with providers through `client`.
    #[must_use]
    pub fn new(client: ProviderClient) -> Self {
        Self { client, known: Cache::builder().max_capacity(MAX_PROVIDERS).time_to_live(FRESH).build() }
    }

    /// Where the person has to go, who is to come back to `redirect`.
    ///
    /// # Errors
    /// [`OidcError::Unavailable`].
    pub async fn begin(&self, provider: &Opened, redirect: &str) -> Result<(String, Pending), OidcError> {
        let metadata = self.metadata(&provider.provider.issuer).await?;
        let client = CoreClient::from_provider_metadata(
            (*metadata).clone(),
            ClientId::new(provider.provider.client_id.clone()),
            Some(ClientSecret::new(provider.client_secret.clone())),
        )
        .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(unavailable)?);
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (address, state, nonce) = client
            .authorize_url(CoreAuthenticationFlow::AuthorizationCode, CsrfToken::new_random, Nonce::new_random)
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge)
            .url();
        let pending = Pending {
            issuer: provider.provider.issuer.clone(),
            state: state.secret().clone(),
            nonce: nonce.secret().clone(),
            verifier: verifier.secret().clone(),
        };
        Ok((address.to_string(), pending))
    }

    /// Whom the provider vouches for, who has come back to `redirect` with `code`.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn finish(
        &self,
        provider: &Opened,
        redirect: &str,
        (pending, code): (Pending, String),
    ) -> Result<Vouched, OidcError> {
        if pending.issuer != provider.provider.issuer {
            return Err(OidcError::NotBelieved("the provider was changed meanwhile".to_owned()));
        }
        let vouched = self.ask(provider, redirect, pending, code).await;
        if vouched.is_err() {
            // Its keys may be others by now.
            self.known.invalidate(&provider.provider.issuer).await;
        }
        vouched
    }

    async fn ask(
        &self,
        provider: &Opened,
        redirect: &str,
        pending: Pending,
        code: String,
    ) -> Result<Vouched, OidcError> {
        let metadata = self.metadata(&provider.provider.issuer).await?;
        let client = CoreClient::from_provider_metadata(
            (*metadata).clone(),
            ClientId::new(provider.provider.client_id.clone()),
            Some(ClientSecret::new(provider.client_secret.clone())),
        )
        .set_redirect_uri(RedirectUrl::new(redirect.to_owned()).map_err(unavailable)?);
        let answer = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(unavailable)?
            .set_pkce_verifier(PkceCodeVerifier::new(pending.verifier))
            .request_async(&self.client)
            .await
            .map_err(|error| OidcError::Unavailable(told(&error)))?;
        let token = answer.id_token().ok_or_else(|| OidcError::NotBelieved("there is no id token".to_owned()))?;
        let verifier = client.id_token_verifier();
        let claims = token.claims(&verifier, &Nonce::new(pending.nonce)).map_err(not_believed)?;
        if let Some(expected) = claims.access_token_hash() {
            let algorithm = token.signing_alg().map_err(not_believed)?;
            let key = token.signing_key(&verifier).map_err(not_believed)?;
            let actual = AccessTokenHash::from_token(answer.access_token(), algorithm, key).map_err(not_believed)?;
            if actual != *expected {
                return Err(OidcError::NotBelieved("the access token is another's".to_owned()));
            }
        }
        let email = claims.email().filter(|_| claims.email_verified() == Some(true));
        let name = claims.name().and_then(|name| name.get(None)).map(|name| name.to_string());
        Ok(Vouched {
            issuer: provider.provider.issuer.clone(),
            subject: claims.subject().to_string(),
            verified_email: email.map(|email| email.to_string()),
            name,
            creates_citizens: provider.provider.creates_citizens,
        })
    }

    /// What the provider says of itself. Its issuer has to be the one that was asked for (OpenID Connect Discovery 1.0, §4.3).
    async fn metadata(&self, issuer: &str) -> Result<Arc<CoreProviderMetadata>, OidcError> {
        let find = async {
            let issuer = IssuerUrl::new(issuer.to_owned()).map_err(unavailable)?;
            let found = CoreProviderMetadata::discover_async(issuer, &self.client).await;
            found.map(Arc::new).map_err(|error| OidcError::Unavailable(told(&error)))
        };
        let found = self.known.try_get_with_by_ref(issuer, find).await;
        found.map_err(|error: Arc<OidcError>| OidcError::Unavailable(error.to_string()))
    }
}

fn unavailable(error: impl std::error::Error) -> OidcError {
    OidcError::Unavailable(told(&error))
}

fn not_believed(error: impl std::error::Error) -> OidcError {
    OidcError::NotBelieved(told(&error))
}

/// An error with its sources, for the log.
fn told(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
