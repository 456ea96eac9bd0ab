//! A component that was vetted and compiled: shared by all tenants, bound to none.

use std::fmt;

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use crate::capability::Capability;
use crate::vet::Vetted;

/// A vetted, compiled component. Cloning is cheap.
#[derive(Clone)]
pub struct Artefact {
    pub(crate) component: Component,
    digest: [u8; 32],
    imports: Vec<Capability>,
    has_actions: bool,
}

impl Artefact {
    pub(crate) fn new(component: Component, digest: [u8; 32], vetted: Vetted) -> Self {
        Self { component, digest, imports: vetted.imports, has_actions: vetted.has_actions }
    }

    /// SHA-256 of the component as it was uploaded: the identity of a package's code.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        self.digest
    }

    /// What the component asks for, read from its imports: exactly the list that an administrator is shown.
    #[must_use]
    pub fn imports(&self) -> &[Capability] {
        &self.imports
    }

    /// Whether the component exports `sunlit:plugin/actions`.
    #[must_use]
    pub fn has_actions(&self) -> bool {
        self.has_actions
    }
}

impl fmt::Debug for Artefact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Artefact").field("digest", &hex(&self.digest)).field("imports", &self.imports).finish()
    }
}

pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
