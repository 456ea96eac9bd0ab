//! What every request shares.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use moka::future::Cache;
use sunlit_app::keys::token_seeds;
use sunlit_app::{App, AppError, TenantContext};
use sunlit_domain::ScopeAuthority;
use sunlit_pages::Renderer;
use sunlit_schema::{ComposeError, TenantSchema, compose};

use crate::fairness::Fairness;
use crate::live::Live;
use crate::oidc::Providers;
use crate::token::TokenKeys;

/// How many package sets have their schema in memory (a schema of 50 types is about 2.3 MB).
const MAX_SCHEMAS: u64 = 200;
/// How long the keys of tokens are not read anew.
const BETWEEN_RENEWALS: Duration = Duration::from_secs(10);

/// The server's state.
#[derive(Debug)]
pub struct State {
    /// The application.
    pub app: Arc<App>,
    /// Makes scopes for requests.
    pub authority: Arc<ScopeAuthority>,
    /// Checks tokens.
    pub tokens: TokenKeys,
    /// Renders pages.
    pub renderer: Renderer,
    /// Whether developers' tools are on.
    pub development: bool,
    /// Connections that live on.
    pub live: Live,
    /// What tenants and callers may still ask for.
    pub fairness: Fairness,
    /// The providers of identities that tenants trust.
    pub providers: Providers,
    /// The addresses of proxies whose word on where a request comes from is taken.
    pub trusted_proxies: Vec<IpNet>,
    schemas: Cache<String, Arc<TenantSchema>>,
    /// When the keys of tokens were last read anew.
    renewed: Mutex<Option<Instant>>,
}

impl State {
    /// The state of a server.
    #[must_use]
    pub fn new(
        app: Arc<App>,
        authority: impl Into<Arc<ScopeAuthority>>,
        tokens: TokenKeys,
        renderer: Renderer,
        development: bool,
        providers: Providers,
    ) -> Self {
        Self {
            app,
            authority: authority.into(),
            tokens,
            renderer,
            development,
            live: Live::default(),
            fairness: Fairness::default(),
            providers,
            trusted_proxies: Vec::new(),
            schemas: Cache::new(MAX_SCHEMAS),
            renewed: Mutex::new(None),
        }
    }

    /// Whether people reach this server over HTTPS, so that cookies are sent nowhere else.
    pub(crate) fn is_secure(&self) -> bool {
        self.app.public_url().starts_with("https://")
    }

    /// Takes up keys of tokens that another node may have made.
    pub(crate) async fn renew_token_keys(&self) {
        if !self.may_renew() {
            return;
        }
        let seeds = token_seeds(&self.app.platform, &self.app.vault).await;
        let renewed = seeds.map_err(|error| error.to_string());
        let renewed = renewed.and_then(|seeds| self.tokens.replace(&seeds).map_err(|error| error.to_string()));
        if let Err(error) = renewed {
            tracing::error!(error, "the keys of tokens cannot be read anew: those that are known stay in use");
        }
    }

    /// At most every few seconds: whoever sends tokens of keys that nobody knows asks the database no more often.
    fn may_renew(&self) -> bool {
        let mut last = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|at| at.elapsed() >= BETWEEN_RENEWALS);
        if may {
            *last = Some(Instant::now());
        }
        may
    }

    /// How many schemas are in memory.
    pub async fn schema_count(&self) -> u64 {
        self.schemas.run_pending_tasks().await;
        self.schemas.entry_count()
    }

    /// The schema of a tenant's package set, composed once for all tenants that share the set.
    ///
    /// # Errors
    /// When the packages do not fit together.
    pub async fn schema(&self, context: &TenantContext) -> Result<Arc<TenantSchema>, AppError> {
        let compose = async {
            let manifests: Vec<_> = context.packages.iter().map(|one| Arc::clone(&one.package.manifest)).collect();
            compose(&manifests).map(Arc::new)
        };
        let composed = self.schemas.try_get_with_by_ref(&context.set_digest, compose).await;
        composed.map_err(|error: Arc<ComposeError>| AppError::Unsound(error.to_string()))
    }
}
