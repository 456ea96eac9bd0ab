//! How manifest names are spelled in the schema, and texts for its documentation.

use sunlit_domain::LocalText;
use sunlit_domain::id::{lower_camel, upper_camel};
use sunlit_domain::manifest::{Action, Collection, Manifest, RefTarget};

/// The names of one package.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    package: String,
    prefix: String,
}

impl Names {
    pub(crate) fn of(manifest: &Manifest) -> Self {
        let package = manifest.plugin.id.as_str();
        Self { package: package.to_owned(), prefix: upper_camel(package) }
    }

    /// The package's id.
    pub(crate) fn package(&self) -> &str {
        &self.package
    }

    /// The namespace field: `streetCards`.
    pub(crate) fn namespace(&self) -> String {
        lower_camel(&self.package)
    }

    /// The namespace type: `StreetCards`.
    pub(crate) fn namespace_type(&self) -> &str {
        &self.prefix
    }

    /// A type of the package: `StreetCards_Street`, `StreetCards_StreetConnection`.
    pub(crate) fn type_of(&self, name: &str, suffix: &str) -> String {
        format!("{}_{}{suffix}", self.prefix, upper_camel(name))
    }

    /// The type that a reference leads to, of this package or of another.
    pub(crate) fn referred(&self, to: &RefTarget) -> String {
        let prefix = to.package().map_or_else(|| self.prefix.clone(), |package| upper_camel(package.as_str()));
        format!("{prefix}_{}", upper_camel(to.collection().as_str()))
    }

    /// The type of an enum field: `StreetCards_ServicePointKind`.
    pub(crate) fn enum_of(&self, owner: &str, field: &str) -> String {
        format!("{}_{}{}", self.prefix, upper_camel(owner), upper_camel(field))
    }

    /// The root mutation field of an action: `streetCardsReportError`.
    pub(crate) fn action(&self, action: &Action) -> String {
        format!("{}{}", self.namespace(), upper_camel(action.name.as_str()))
    }

    /// A root mutation field: `streetCardsCreateStreet`.
    pub(crate) fn mutation(&self, verb: &str, collection: &Collection) -> String {
        format!("{}{verb}{}", self.namespace(), upper_camel(collection.name.as_str()))
    }

    /// A root mutation field about several records: `streetCardsCreateStreets`.
    pub(crate) fn mutation_of_many(&self, verb: &str, collection: &Collection) -> String {
        format!("{}{verb}{}", self.namespace(), upper_camel(&collection.plural()))
    }

    /// A root subscription field: `streetCardsStreetChanged`.
    pub(crate) fn subscription(&self, collection: &Collection) -> String {
        format!("{}{}Changed", self.namespace(), upper_camel(collection.name.as_str()))
    }
}

/// A title and a description, Chinese first, as the schema's documentation shows them.
pub(crate) fn describe(title: &LocalText, description: Option<&LocalText>) -> String {
    let both = |text: &LocalText| text.en.as_ref().map_or_else(|| text.zh.clone(), |en| format!("{} / {en}", text.zh));
    block(&match description {
        Some(description) => format!("{}\n\n{}", both(title), both(description)),
        None => both(title),
    })
}

/// A package's words between the three quotation marks of a description. async-graphql prints them as they are, so what would
/// end the description, or what no schema may hold, gives way.
pub(crate) fn block(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect();
    text.replace("\"\"\"", "'''")
}

/// A package's words between two quotation marks, which async-graphql does not escape either.
pub(crate) fn quoted(text: &str) -> String {
    block(text).replace('"', "'")
}
