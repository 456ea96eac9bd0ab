//! Actions: mutations that a component resolves, and with whose rights they write.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Field, Returns};
use crate::id::FieldName;
use crate::locale::LocalText;
use crate::scope::Role;

/// A mutation that the component resolves. What it writes is committed after it has answered, all of it or nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// Its name: `report_error` is `streetCardsReportError` in the API.
    pub name: FieldName,
    /// What it does.
    pub title: LocalText,
    /// More on it, for the API's documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<LocalText>,
    /// Its arguments.
    #[serde(default, rename = "arg")]
    pub args: Vec<Field>,
    /// Who may call it; `public` is anybody.
    pub roles: Vec<Role>,
    /// What it answers, `T` or `[T]` as for a query; nothing when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<Returns>,
    /// With whose rights it reads and writes.
    #[serde(default)]
    pub runs_as: RunsAs,
}

/// With whose rights an action reads and writes the package's own collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunsAs {
    /// With those of whoever calls: each collection's access rules hold.
    #[default]
    Caller,
    /// With the package's own: every record of its own collections, whatever the access rules say. For what the public
    /// may do by this action only, such as booking an appointment. The component decides then who may do what.
    Package,
}
