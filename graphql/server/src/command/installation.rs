//! Opens an installation: keys, application, published first-party packages.

use std::path::Path;
use std::sync::Arc;

use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::query::tenant_find;
use sunlit_app::{App, AppError, Keys, SystemEnvironment};
use sunlit_domain::id::{ActorId, TenantSlug};
use sunlit_domain::{Actor, Role, Scope, ScopeAuthority};
use sunlit_storage::Postgres;
use sunlit_storage::platform::Platform;
use sunlit_storage::platform::tenant::Tenant;

use super::Failed;
use crate::config::Config;
use crate::packages::CARRIED;

/// Whoever works on the machine itself: the actor of the command line in the audit trail.
pub(crate) const OPERATOR: ActorId = ActorId(uuid::Uuid::from_u128(2));

/// An open installation.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) app: Arc<App>,
    pub(crate) keys: Keys,
}

impl Installation {
    /// Opens the data folder, made when missing, and publishes the packages that the binary carries. `existing` says
    /// what happens to a version that is published with other content.
    pub(crate) async fn open(config: &Config, existing: Existing) -> Result<Self, Failed> {
        std::fs::create_dir_all(&config.data)
            .map_err(|error| format!("{}: {error}: choose a data folder that may be written", config.data.display()))?;
        let installation = Self::start(config).await?;
        for carried in CARRIED {
            let (manifest, component) = (carried.manifest.to_owned(), Some(carried.component.to_vec()));
            match publish::run(&installation.app, manifest, component, existing).await {
                Ok(_) => {}
                // Another build of the same version: what was published stays in use.
                Err(error @ AppError::VersionTaken(_)) => tracing::warn!(%error, "a carried package was not published"),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(installation)
    }

    /// Opens an installation that is there and publishes nothing: for commands that look into it, or that are about one
    /// of its tenants.
    pub(crate) async fn existing(config: &Config) -> Result<Self, Failed> {
        must_be_there(config)?;
        Self::start(config).await
    }

    async fn start(config: &Config) -> Result<Self, Failed> {
        let app = Arc::new(App::open(config.app()?, Arc::new(SystemEnvironment)).await?);
        tell_of_master_keys(&app).await?;
        Ok(Self { keys: app.keys.clone(), app })
    }
}

/// Says what is to be done about the master keys, where something is.
async fn tell_of_master_keys(app: &App) -> Result<(), Failed> {
    let standing = app.vault.standing().await?;
    for id in &standing.former {
        tracing::warn!(master_key = %id, "this master key is still needed: run `sunlit key rewrap` to its end");
    }
    if let Some(id) = &standing.waiting {
        tracing::warn!(master_key = %id, "this master key stands first and is not used yet: run `sunlit key rewrap`");
    }
    for id in &standing.idle {
        tracing::info!(master_key = %id, "this master key is not needed any more: it can be taken away");
    }
    Ok(())
}

/// The tables of the platform, when there is an installation: in the configured database, or in the data folder.
pub(crate) async fn platform(config: &Config) -> Result<Option<Platform>, Failed> {
    Ok(match config.database() {
        Some(database) => Some(Platform::shared(&Postgres::connect(database).await?)),
        None if is_there(&config.data) => Some(Platform::open(&config.data).await?),
        None => None,
    })
}

fn is_there(data: &Path) -> bool {
    data.join("platform.db").is_file()
}

/// Refuses a data folder without an installation: a mistyped name must not make a new one.
pub(crate) fn must_be_there(config: &Config) -> Result<(), Failed> {
    if config.database.is_some() || is_there(&config.data) {
        return Ok(());
    }
    let folder = config.data.display();
    Err(format!("there is no installation in {folder}: name its folder with --data, or begin one with `sunlit serve`")
        .into())
}

/// The tenant of that slug.
pub(crate) async fn tenant(app: &App, slug: &TenantSlug) -> Result<Arc<Tenant>, Failed> {
    tenant_find::by_slug(app, slug.as_str()).await.map_err(|error| match error {
        AppError::NotFound => no_tenant(slug),
        other => other.into(),
    })
}

/// What an operator is told who names a tenant that is not there.
pub(crate) fn no_tenant(slug: &TenantSlug) -> Failed {
    format!("there is no tenant {slug}: `sunlit tenant list` names them").into()
}

/// The scope of an operator who administers the tenant of that slug.
pub(crate) async fn administrator(app: &App, authority: &ScopeAuthority, slug: &TenantSlug) -> Result<Scope, Failed> {
    let tenant = tenant(app, slug).await?;
    Ok(authority.scope(tenant.id, Actor::known(OPERATOR, vec![Role::Administrator])))
}

#[cfg(test)]
mod tests {
    use sunlit_app::command::tenant::create::{self, NewTenant};

    use super::*;

    #[tokio::test]
    async fn an_installation_that_is_not_there_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().join("data"), plugin_slots: 2, ..Config::default() };
        let told = Installation::existing(&config).await.unwrap_err().to_string();
        assert!(told.contains("there is no installation in") && told.contains("--data"), "{told}");
        assert!(!config.data.exists());
        // A folder of something else is no installation either, and stays as it is.
        std::fs::create_dir(&config.data).unwrap();
        assert!(Installation::existing(&config).await.is_err());
        assert_eq!(std::fs::read_dir(&config.data).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn an_operator_administers_the_tenants_that_there_are_under_an_id_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let config = Config { data: folder.path().to_owned(), plugin_slots: 2, ..Config::default() };
        drop(Installation::start(&config).await.unwrap());
        let Installation { app, .. } = Installation::existing(&config).await.unwrap();
        let authority = ScopeAuthority::establish();
        let new = NewTenant::district("000000".parse().unwrap(), "测试区");
        create::run(&app, &authority, new).await.unwrap();
        let scope = administrator(&app, &authority, &"000000".parse().unwrap()).await.unwrap();
        assert_eq!((scope.actor().id(), scope.actor().has(Role::Administrator)), (Some(OPERATOR), true));
        assert!(!OPERATOR.0.is_nil());
        let told = tenant(&app, &"000001".parse().unwrap()).await.unwrap_err().to_string();
        assert!(told.contains("there is no tenant 000001"), "{told}");
    }
}
