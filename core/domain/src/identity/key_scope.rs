//! What a key may be used for, beside the roles that it has.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::PackageId;

/// The bounds of a credential. The default has none: whoever signs in in person may do what their roles say.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyScope {
    /// Whether it changes nothing.
    #[serde(default)]
    pub read_only: bool,
    /// The only packages whose data it reaches; all when not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packages: Option<BTreeSet<PackageId>>,
}

impl KeyScope {
    /// Whether it reaches the data of the package of that id.
    #[must_use]
    pub fn reaches(&self, package: &str) -> bool {
        self.packages.as_ref().is_none_or(|packages| packages.contains(package))
    }
}
