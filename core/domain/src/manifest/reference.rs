//! What a reference points to.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Field, Manifest};
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

impl Manifest {
    /// Every field that refers to records, of collections, objects and arguments, with where it leads.
    pub fn references(&self) -> impl Iterator<Item = (&Field, &RefTarget)> {
        let of_collections = self.collections.iter().flat_map(|collection| &collection.fields);
        let of_objects = self.objects.iter().flat_map(|object| &object.fields);
        let of_queries = self.queries.iter().flat_map(|query| &query.args);
        let of_actions = self.actions.iter().flat_map(|action| &action.args);
        let fields = of_collections.chain(of_objects).chain(of_queries).chain(of_actions);
        fields.filter_map(|field| Some((field, field.to.as_ref()?)))
    }
}
