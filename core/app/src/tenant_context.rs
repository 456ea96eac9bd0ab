//! A tenant as requests see it: its packages with grants and settings. Loaded once, dropped when a command changes it.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sunlit_domain::core_setting;
use sunlit_domain::identity::key_scope::KeyScope;
use sunlit_domain::manifest::Capability;
use sunlit_domain::value::Value;
use sunlit_domain::{CoreSettings, Scope};
use sunlit_plugin_host::{Grants, Lane, LoadedPlugin};
use sunlit_storage::tenant::{installation, setting};

use crate::package::hex;
use crate::{App, AppError, Package};

/// A package as one tenant has enabled it.
#[derive(Debug)]
pub struct Installed {
    /// The package.
    pub package: Arc<Package>,
    /// Its component with the tenant's grants; none for a package without logic.
    pub plugin: Option<LoadedPlugin>,
    /// The queue of its calls.
    pub lane: Lane,
    /// What the tenant set; declared defaults where it set nothing.
    pub settings: Arc<BTreeMap<String, Value>>,
}

/// What a tenant has enabled.
#[derive(Debug)]
pub struct TenantContext {
    /// By package id.
    pub packages: Vec<Arc<Installed>>,
    /// The ids of enabled packages that do not load: what they have waits, and nothing of it is forgotten.
    pub broken: Vec<String>,
    /// The digest of the package set: tenants with the same one share a schema.
    pub set_digest: String,
    /// What its administrators set for the platform itself.
    pub core: CoreSettings,
}

impl TenantContext {
    /// The enabled package of that id.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub fn package(&self, id: &str) -> Result<&Arc<Installed>, AppError> {
        self.packages.iter().find(|installed| installed.package.id() == id).ok_or(AppError::NotFound)
    }

    /// The same, but for the packages that a key does not reach.
    pub(crate) fn within(&self, bounds: &KeyScope) -> Self {
        let reached = self.packages.iter().filter(|installed| bounds.reaches(installed.package.id()));
        let packages: Vec<_> = reached.cloned().collect();
        let names: Vec<_> = packages.iter().map(|installed| installed.package.id()).collect();
        Self {
            // Not the set that others share.
            set_digest: format!("{} within {}", self.set_digest, names.join(" ")),
            packages,
            broken: self.broken.clone(),
            core: self.core.clone(),
        }
    }

    pub(crate) async fn load(app: &App, scope: &Scope) -> Result<Self, AppError> {
        let store = app.stores.open(scope).await?;
        let session = store.snapshot(scope).await?;
        let installations = installation::all(scope, &session).await?;
        let settings = setting::all(scope, &session).await?;
        drop(session);
        let (mut packages, mut broken) = (Vec::new(), Vec::new());
        let mut digest = Sha256::new();
        for row in installations {
            let own = settings.iter().filter(|setting| setting.package == row.package);
            let loaded = async {
                let package = app.package(&row.package, &row.version).await?;
                Installed::new(app, scope, package, &row.grants, own)
            };
            match loaded.await {
                Ok(installed) => {
                    digest.update(installed.package.digest.as_bytes());
                    packages.push(Arc::new(installed));
                }
                // One package that no longer loads leaves the others standing.
                Err(error) if error.is_of_package() => {
                    let (package, version) = (&row.package, &row.version);
                    tracing::error!(package.id = package, version, %error, "an enabled package does not load");
                    broken.push(row.package);
                }
                Err(error) => return Err(error),
            }
        }
        let own = settings.iter().filter(|setting| setting.package == core_setting::PACKAGE);
        let core = CoreSettings::read(own.map(|setting| (setting.name.as_str(), setting.value.as_str())));
        Ok(Self { packages, broken, set_digest: hex(&digest.finalize()), core })
    }
}

impl Installed {
    fn new<'a>(
        app: &App,
        scope: &Scope,
        package: Arc<Package>,
        grants: &str,
        settings: impl Iterator<Item = &'a setting::Model>,
    ) -> Result<Self, AppError> {
        let granted = grants.split_whitespace().filter_map(Capability::named);
        let grants = Grants::none().granting(granted);
        let plugin = package.artefact.as_ref().map(|artefact| app.host.load(artefact, &grants)).transpose()?;
        let lane = app.host.lane(&scope.tenant().to_string(), package.id());
        let set: BTreeMap<_, _> = settings.map(|row| (row.name.as_str(), row.value.as_str())).collect();
        let declared = package.manifest.settings.iter().map(|field| {
            let stored = set.get(field.name.as_str()).and_then(|text| serde_json::from_str(text).ok());
            let value = stored
                .and_then(|json| Value::from_json(field.kind(), &json).ok())
                .filter(|value| field.check(value).is_ok());
            (field.name.to_string(), value.unwrap_or_else(|| field.default_value()))
        });
        let settings = Arc::new(declared.collect());
        Ok(Self { package, plugin, lane, settings })
    }
}
