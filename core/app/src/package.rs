//! A published package, read and compiled: shared by every tenant that enables it.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sunlit_domain::Manifest;
use sunlit_domain::manifest::Capability;
use sunlit_plugin_host::{Artefact, PluginHost};
use sunlit_storage::Table;

use crate::AppError;

/// One version of a package, ready to be enabled.
#[derive(Debug)]
pub struct Package {
    /// What it declares.
    pub manifest: Arc<Manifest>,
    /// SHA-256 over manifest and component, in hexadecimal.
    pub digest: String,
    /// Its component.
    pub artefact: Option<Artefact>,
    tables: BTreeMap<String, Table>,
}

impl Package {
    /// Reads a manifest, vets and compiles a component, and checks that the two fit.
    ///
    /// # Errors
    /// [`AppError::Manifest`], [`AppError::Component`], [`AppError::UndeclaredCapability`], [`AppError::Package`].
    pub fn read(host: &PluginHost, manifest_toml: &str, component: Option<&[u8]>) -> Result<Self, AppError> {
        let manifest = Arc::new(Manifest::parse("plugin.toml", manifest_toml)?);
        let artefact = component.map(|bytes| host.compile(bytes)).transpose()?;
        match &artefact {
            Some(artefact) => {
                only_what_is_asked_for(&manifest, artefact)?;
                if !manifest.actions.is_empty() && !artefact.has_actions() {
                    return Err(AppError::Package(
                        "the manifest declares actions, but the component exports none: name them in `plugin!` under `actions`".to_owned(),
                    ));
                }
            }
            None if manifest.needs_component() => {
                return Err(AppError::Package(
                    "the manifest declares queries, computed fields or actions, but there is no component: build it with `sunlit plugin build`".to_owned(),
                ));
            }
            None => {}
        }
        let names = manifest.collections.iter().map(|collection| collection.name.as_str());
        let tables = names.filter_map(|name| Some((name.to_owned(), Table::of(&manifest, name)?))).collect();
        Ok(Self { digest: digest(manifest_toml, component), tables, artefact, manifest })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.manifest.plugin.id.as_str()
    }

    /// The table of one of its collections.
    ///
    /// # Errors
    /// [`AppError::NotFound`].
    pub fn table(&self, collection: &str) -> Result<&Table, AppError> {
        self.tables.get(collection).ok_or(AppError::NotFound)
    }

    /// What its component imports: exactly what an administrator is asked to grant.
    #[must_use]
    pub fn imports(&self) -> &[Capability] {
        self.artefact.as_ref().map_or(&[], Artefact::imports)
    }
}

fn only_what_is_asked_for(manifest: &Manifest, artefact: &Artefact) -> Result<(), AppError> {
    let undeclared = artefact.imports().iter().find(|import| !manifest.capabilities.contains_key(import));
    undeclared.map_or(Ok(()), |import| Err(AppError::UndeclaredCapability(*import)))
}

fn digest(manifest: &str, component: Option<&[u8]>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(u64::try_from(manifest.len()).unwrap_or(u64::MAX).to_be_bytes());
    hasher.update(manifest);
    hasher.update(component.unwrap_or_default());
    hex(&hasher.finalize())
}

/// Bytes in hexadecimal.
#[must_use]
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
