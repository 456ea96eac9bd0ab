//! Settings.

use serde::de::DeserializeOwned;

use super::Host;
use crate::port::HostPort as _;
use crate::{Error, tokens};

/// The settings that the manifest declares, as the tenant's administrator set them.
pub struct Settings<'h> {
    pub(super) host: &'h Host,
}

impl Settings<'_> {
    /// The value, or the declared default. Ask for an `Option` where the manifest has no default.
    ///
    /// # Errors
    /// When the manifest declares no such setting, or it is of another type.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<T, Error> {
        let value = self.host.port.setting(name)?;
        tokens::from_data(value).map_err(|error| Error::fault(format!("setting {name}: {error}")))
    }
}
