//! What a tenant's administrator grants a package.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Capability;
use crate::id::PackageId;

/// A capability (`storage`), or the use of another package's collections (`uses:street-cards`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Grant {
    /// A host interface.
    Capability(Capability),
    /// References to the records of that package.
    Uses(PackageId),
}

impl From<Capability> for Grant {
    fn from(capability: Capability) -> Self {
        Self::Capability(capability)
    }
}

impl TryFrom<String> for Grant {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let unknown = || format!("`{text}` is no grant: write a capability, or uses:<package>");
        match text.strip_prefix("uses:") {
            Some(package) => package.parse().map(Self::Uses).map_err(|_| unknown()),
            None => Capability::named(&text).map(Self::Capability).ok_or_else(unknown),
        }
    }
}

impl From<Grant> for String {
    fn from(grant: Grant) -> String {
        grant.to_string()
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capability(capability) => capability.fmt(f),
            Self::Uses(package) => write!(f, "uses:{package}"),
        }
    }
}
