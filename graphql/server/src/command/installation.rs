//! Opens an installation: keys, application, published first-party packages.

use std::sync::Arc;

use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::{App, AppConfig, AppError, SystemEnvironment};

use sunlit_domain::id::ActorId;

use super::Failed;
use crate::config::Config;
use crate::keys::Keys;
use crate::packages::CARRIED;

/// Whoever works on the machine itself.
pub(crate) const OPERATOR: ActorId = ActorId(uuid::Uuid::from_u128(2));

/// An open installation.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) app: Arc<App>,
    pub(crate) keys: Keys,
}

impl Installation {
    /// Opens the data folder and publishes the packages that the binary carries. `existing` says what happens to a version
    /// that is published with other content.
    pub(crate) async fn open(config: &Config, existing: Existing) -> Result<Self, Failed> {
        std::fs::create_dir_all(&config.data)
            .map_err(|error| format!("{}: {error}: choose a data folder that may be written", config.data.display()))?;
        let keys = Keys::open(&config.data)?;
        let app_config =
            AppConfig { data: config.data.clone(), artefact_key: keys.artefacts.to_vec(), host: config.host() };
        let app = Arc::new(App::open(app_config, Arc::new(SystemEnvironment)).await?);
        for carried in CARRIED {
            match publish::run(&app, carried.manifest.to_owned(), Some(carried.component.to_vec()), existing).await {
                Ok(_) => {}
                // Another build of the same version: what was published stays in use.
                Err(error @ AppError::VersionTaken(_)) => tracing::warn!(%error, "a carried package was not published"),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self { app, keys })
    }
}
