//! How records move into a new major version. What the declaration means for two manifests is [`crate::migration`].

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::id::{CollectionName, FieldName};

/// What becomes of one collection of the previous major version. A collection that keeps its name, and whose fields keep
/// theirs, moves without a declaration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Migrate {
    /// The collection of the previous major version.
    pub from: CollectionName,
    /// The collection that its records move into; they are left behind where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionName>,
    /// Fields that take their values from fields of another name or scale: new = old. Fields of one name and kind need not
    /// be named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<FieldName, FieldName>,
    /// What becomes of the values of an enum, by new field: old = new. Values that stay need not be named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<FieldName, BTreeMap<FieldName, FieldName>>,
    /// The value of a new field where a record has none.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub defaults: BTreeMap<FieldName, Json>,
    /// Old fields that are left behind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub drop: Vec<FieldName>,
}
