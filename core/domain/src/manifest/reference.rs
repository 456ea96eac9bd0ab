//! What a reference points to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{CollectionName, PackageId};

/// A collection of the same package (`street`) or of another (`street-cards.street`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct RefTarget {
    package: Option<PackageId>,
    collection: CollectionName,
}

impl RefTarget {
    /// The other package; none for the same one.
    #[must_use]
    pub fn package(&self) -> Option<&PackageId> {
        self.package.as_ref()
    }

    /// The package that it leads to, for a field declared by `own`.
    #[must_use]
    pub fn package_or<'a>(&'a self, own: &'a str) -> &'a str {
        self.package.as_ref().map_or(own, PackageId::as_str)
    }

    /// The collection.
    #[must_use]
    pub fn collection(&self) -> &CollectionName {
        &self.collection
    }
}

impl TryFrom<String> for RefTarget {
    type Error = crate::id::NameError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let (package, collection) = match text.split_once('.') {
            Some((package, collection)) => (Some(package.parse()?), collection),
            None => (None, text.as_str()),
        };
        Ok(Self { package, collection: collection.parse()? })
    }
}

impl From<RefTarget> for String {
    fn from(target: RefTarget) -> String {
        match target.package {
            Some(package) => format!("{package}.{}", target.collection),
            None => target.collection.into(),
        }
    }
}
