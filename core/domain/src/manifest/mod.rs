//! The manifest of a package (`plugin.toml`): what it declares, read and checked.
//!
//! [`Manifest::parse`] is the only way in: what it returns has passed every check of [`check`], so the rest of the
//! platform may rely on names resolving. Errors name the file, line, field and mend.

mod action;
mod check;
mod check_action;
mod check_field;
mod check_migrate;
mod check_view;
mod check_workflow;
mod collection;
pub mod compare;
mod compare_field;
mod field;
mod grant;
mod mask;
mod migrate;
mod query;
mod reference;
mod referring;
mod schedule;
mod version;
mod view;
pub mod workflow;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use action::{Action, RunsAs};
pub use collection::{AccessRules, Attribute, Collection, Computed, Rule, STANDARD_FIELDS, Slot, Spelling, Standard};
pub use compare::compare;
pub use field::{EnumValue, Field, FieldType};
pub use grant::Grant;
pub use mask::Mask;
pub use migrate::Migrate;
pub use query::{ObjectType, Query, Returned, Returns};
pub use reference::RefTarget;
pub use referring::Referring;
pub use schedule::{MAX_SCHEDULES, SHORTEST_GAP, Schedule};
pub use version::{Version, VersionError};
pub use view::{Block, Link, RecordBinding, Source, View};
pub use workflow::Workflow;

use crate::id::{CollectionName, FieldName, PackageId};
use crate::locale::LocalText;
use crate::toml_source::{SourceErrors, TomlSource};

/// The version of `sunlit:plugin` that this platform offers.
pub const API_VERSION: &str = "0.1";

/// A package's manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Who it is.
    pub plugin: Plugin,
    /// What it asks for, each with the reason that the tenant's administrator reads.
    #[serde(default)]
    pub capabilities: BTreeMap<Capability, String>,
    /// The packages whose collections it refers to, each with the reason that the tenant's administrator reads.
    #[serde(default)]
    pub uses: BTreeMap<PackageId, String>,
    /// Its collections.
    #[serde(default, rename = "collection")]
    pub collections: Vec<Collection>,
    /// The object types that its queries answer.
    #[serde(default, rename = "object")]
    pub objects: Vec<ObjectType>,
    /// The query fields that its component resolves.
    #[serde(default, rename = "query")]
    pub queries: Vec<Query>,
    /// The mutations that its component resolves.
    #[serde(default, rename = "action")]
    pub actions: Vec<Action>,
    /// What a tenant may set.
    #[serde(default, rename = "setting")]
    pub settings: Vec<Field>,
    /// What it does by itself at set times.
    #[serde(default, rename = "schedule")]
    pub schedules: Vec<Schedule>,
    /// Its pages.
    #[serde(default, rename = "view")]
    pub views: Vec<View>,
    /// How the records of the previous major version become its own.
    #[serde(default, rename = "migrate")]
    pub migrations: Vec<Migrate>,
}

/// Who a package is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// Its id: GraphQL namespace, page prefix and part of its table names.
    pub id: PackageId,
    /// `major.minor.patch`.
    pub version: String,
    /// The version of `sunlit:plugin` that it was built for.
    pub api: String,
    /// Its name.
    pub title: LocalText,
    /// One paragraph for the tenant's administrator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<LocalText>,
    /// Who made it.
    pub vendor: String,
}

impl Plugin {
    /// Its version as numbers.
    #[must_use]
    pub fn number(&self) -> Version {
        self.version.parse().unwrap_or_default()
    }

    /// The major version, part of the package's table names.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.number().major.into()
    }
}

/// One permission, which is one host interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Capability {
    /// Read the package's own collections as the viewer.
    Storage,
    /// Change the package's own collections, in an action.
    Records,
    /// Read the package's settings.
    Settings,
    /// Know the time of the call.
    Clock,
    /// Write log lines.
    Log,
}

impl Capability {
    /// Every capability that the platform offers.
    pub const ALL: [Self; 5] = [Self::Storage, Self::Records, Self::Settings, Self::Clock, Self::Log];

    /// The capability of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|capability| capability.name() == name)
    }

    /// The interface's name, as in `sunlit:host/<name>`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Records => "records",
            Self::Settings => "settings",
            Self::Clock => "clock",
            Self::Log => "log",
        }
    }
}

impl std::fmt::Display for Capability {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Manifest {
    /// Reads and checks a manifest. `file` is only named in errors.
    ///
    /// # Errors
    /// Everything that is wrong, each with file, line, field and mend; at most 50.
    pub fn parse(file: &str, text: &str) -> Result<Self, SourceErrors> {
        let source = TomlSource::new(file, text);
        let mut manifest: Self = source.read()?;
        manifest.collections.iter_mut().for_each(Collection::add_translations);
        let problems = check::problems(&manifest);
        if problems.is_empty() { Ok(manifest) } else { Err(source.errors(problems)) }
    }

    /// The collection of that name.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<&Collection> {
        self.collections.iter().find(|collection| collection.name == *name)
    }

    /// The object type of that name.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<&ObjectType> {
        self.objects.iter().find(|object| object.name == *name)
    }

    /// The query of that name.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&Query> {
        self.queries.iter().find(|query| query.name == *name)
    }

    /// The schedule of that name.
    #[must_use]
    pub fn schedule(&self, name: &str) -> Option<&Schedule> {
        self.schedules.iter().find(|schedule| schedule.name == *name)
    }

    /// The action of that name.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| action.name == *name)
    }

    /// The setting of that name.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&Field> {
        self.settings.iter().find(|setting| setting.name == *name)
    }

    /// Whether the package needs a component: something it declares is resolved by one.
    #[must_use]
    pub fn needs_component(&self) -> bool {
        !self.queries.is_empty()
            || !self.actions.is_empty()
            || self.collections.iter().any(|collection| !collection.computed.is_empty())
    }

    /// The JSON Schema of manifests, for editors.
    #[must_use]
    pub fn json_schema() -> serde_json::Value {
        schemars::schema_for!(Manifest).to_value()
    }

    /// What a query or an action answers, resolved.
    #[must_use]
    pub fn returned<'a>(&'a self, returns: &'a Returns) -> Option<Returned<'a>> {
        let (name, scale) = returns.parts();
        if let Some(kind) = FieldType::scalar(name) {
            return kind.kind(scale).map(Returned::Scalar);
        }
        self.object(name).map(Returned::Object).or_else(|| self.collection(name).map(Returned::Collection))
    }
}

/// A name that both a field and a collection may have in a path of an error.
pub(crate) fn quoted(name: &FieldName) -> String {
    format!("`{name}`")
}

/// The table of a collection: `c_<package>__v<major>__<collection>`.
#[must_use]
pub fn table_name(plugin: &Plugin, collection: &CollectionName) -> String {
    format!("c_{}__v{}__{collection}", plugin.id.as_str().replace('-', "_"), plugin.major())
}
