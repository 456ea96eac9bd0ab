//! Declared pages: a path, a title, and blocks bound to collections. The platform fills and renders them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::id::{CollectionName, FieldName};
use crate::locale::LocalText;

/// A page of the portal at `/p/<package><path>`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct View {
    /// `/`, `/streets`, `/streets/{code}`: segments are words or one `{field}` of the record that the page is about.
    pub path: String,
    /// Its title.
    pub title: LocalText,
    /// Whether the main navigation names it. Not for a page about one record.
    #[serde(default)]
    pub nav: bool,
    /// The record that the page is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordBinding>,
    /// What it shows, in order.
    #[serde(rename = "block")]
    pub blocks: Vec<Block>,
}

/// The record that a page is about: found by a unique field that stands in the path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordBinding {
    /// Its collection.
    pub collection: CollectionName,
    /// The unique field that the path names.
    pub by: FieldName,
    /// The field that gives the page its heading.
    pub title: FieldName,
}

/// Which records a block shows. `"$record.code"` stands for a value of the page's record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The collection.
    pub collection: CollectionName,
    /// A filter in the one filter language; fields declared `filter` or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<Json>,
    /// Field names in order of weight; `-name` descends.
    #[serde(default)]
    pub order: Vec<String>,
    /// How many a page shows, 1 to 100.
    #[serde(default = "default_first")]
    pub first: u32,
}

fn default_first() -> u32 {
    50
}

/// A page of the same package that a record links to: `/streets/{code}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Link(pub String);

/// One block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Block {
    /// A remark set apart.
    Notice {
        /// Its text.
        text: LocalText,
        /// Only when this yes-no field of some record on the page is true: `{ collection, field }` spelled `street.sample`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        when: Option<String>,
    },
    /// A paragraph: fixed, or a text field of the page's record.
    Text {
        /// Its heading.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<LocalText>,
        /// Fixed text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<LocalText>,
        /// The field of the page's record.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        field: Option<FieldName>,
    },
    /// Cards of records.
    List {
        /// Its heading.
        title: LocalText,
        /// Which records.
        source: Source,
        /// The field that names a record.
        name: FieldName,
        /// The field below the name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<FieldName>,
        /// Fields shown as tags: enum and yes-no fields by their titles, others by value.
        #[serde(default)]
        tags: Vec<FieldName>,
        /// Where the name links to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<Link>,
        /// What to say when there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        empty: Option<LocalText>,
    },
    /// Records as rows.
    Table {
        /// Its heading, which is the table's caption.
        title: LocalText,
        /// Which records.
        source: Source,
        /// The fields that are columns; the first is the row's heading. Computed ones may stand here too.
        fields: Vec<FieldName>,
        /// What to say when there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        empty: Option<LocalText>,
    },
    /// Fields of the page's record.
    Detail {
        /// Its heading.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<LocalText>,
        /// The fields; computed ones may stand here too.
        fields: Vec<FieldName>,
    },
    /// Records on the outline of the tenant's area.
    Map {
        /// Its heading.
        title: LocalText,
        /// Which records.
        source: Source,
        /// The point field.
        point: FieldName,
        /// The field that names a record.
        name: FieldName,
        /// The field beside the name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        summary: Option<FieldName>,
        /// Fields shown as tags, as in a list.
        #[serde(default)]
        tags: Vec<FieldName>,
        /// Where the name links to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<Link>,
    },
}

impl Block {
    /// The records that the block shows, when it shows any but the page's own.
    #[must_use]
    pub fn source(&self) -> Option<&Source> {
        match self {
            Self::List { source, .. } | Self::Table { source, .. } | Self::Map { source, .. } => Some(source),
            Self::Notice { .. } | Self::Text { .. } | Self::Detail { .. } => None,
        }
    }
}

impl View {
    /// Matches a path below the package's prefix; the values of its `{field}` segments.
    #[must_use]
    pub fn matches(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let mut values = BTreeMap::new();
        let (mut pattern, mut given) = (segments(&self.path), segments(path));
        loop {
            match (pattern.next(), given.next()) {
                (None, None) => return Some(values),
                (Some(want), Some(have)) => match placeholder(want) {
                    Some(name) => drop(values.insert(name.to_owned(), have.to_owned())),
                    None if want == have => {}
                    None => return None,
                },
                _ => return None,
            }
        }
    }
}

/// The segments of a path, empty ones left out.
pub(super) fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// The name inside `{name}`.
pub(super) fn placeholder(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

impl Link {
    /// The names of its placeholders.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        segments(&self.0).filter_map(placeholder)
    }

    /// The path with each placeholder's value, percent-encoded by `encode`.
    #[must_use]
    pub fn fill(&self, value: impl Fn(&str) -> String) -> String {
        let parts = segments(&self.0).map(|segment| placeholder(segment).map_or_else(|| segment.to_owned(), &value));
        parts.fold(String::new(), |path, part| path + "/" + &part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_matches_segment_by_segment() {
        let view: View = serde_json::from_value(serde_json::json!({
            "path": "/streets/{code}", "title": { "zh": "街道" }, "block": []
        }))
        .unwrap();
        assert_eq!(view.matches("/streets/610112001").unwrap()["code"], "610112001");
        assert!(view.matches("/streets/").is_none());
        assert!(view.matches("/streets/1/2").is_none());
        assert!(view.matches("/points/1").is_none());
    }

    #[test]
    fn a_link_is_filled_from_a_record() {
        assert_eq!(Link("/streets/{code}".to_owned()).fill(|name| format!("<{name}>")), "/streets/<code>");
    }
}
