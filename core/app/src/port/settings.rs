//! Behind `sunlit:host/settings`.

use std::collections::BTreeMap;
use std::sync::Arc;

use sunlit_domain::value::Value;
use sunlit_plugin_host::{Data, PortError, SettingsPort};

use crate::{Installed, tokens};

/// The settings of one package in one tenant.
pub(crate) struct SettingsOfPackage(Arc<BTreeMap<String, Value>>);

impl SettingsOfPackage {
    pub(crate) fn new(installed: &Installed) -> Self {
        Self(Arc::clone(&installed.settings))
    }
}

impl SettingsPort for SettingsOfPackage {
    fn get(&self, name: &str) -> Result<Data, PortError> {
        let value = self.0.get(name).ok_or_else(|| {
            let name: String = name.chars().take(60).collect();
            PortError::Invalid(format!("the manifest declares no setting `{name}`"))
        })?;
        Ok(tokens::value(value))
    }
}
