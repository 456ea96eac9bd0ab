//! A record as one line of JSON, and back: how archives carry records, the same from both engines.
//!
//! The names are those of the manifest in alphabetical order, values are in their one encoding, and what is null is left out. So a
//! line stays the same when a later minor version adds fields.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use super::Record;
use crate::id::RecordId;
use crate::manifest::{Collection, Slot, Spelling, Standard};
use crate::value::{Value, ValueError};

impl Record {
    /// The line, without its end.
    #[must_use]
    pub fn to_line(&self, collection: &Collection) -> String {
        let slots = collection.slots().map(|slot| (collection.slot_name(slot), self.get(slot)));
        let values: BTreeMap<&str, Json> =
            slots.filter(|(_, value)| !value.is_null()).map(|(name, value)| (name, value.to_json())).collect();
        line(values)
    }

    /// Reads a line back.
    ///
    /// # Errors
    /// A name that the collection does not have, a value of another kind, or a standard field that every record has and this
    /// one lacks.
    pub fn from_line(collection: &Collection, line: &str) -> Result<Self, ValueError> {
        let values: Map<String, Json> =
            serde_json::from_str(line).map_err(|error| ValueError(format!("not an object of JSON: {error}")))?;
        let id = values.get(Standard::Id.name()).unwrap_or(&Json::Null);
        let Value::Id(id) = Value::from_json(Standard::Id.kind(), id)? else {
            return Err(ValueError("a record without `id`".to_owned()));
        };
        let mut record = Self::new(RecordId(id), collection);
        for (name, json) in &values {
            let attribute = collection.attribute(name, Spelling::Manifest);
            let attribute =
                attribute.ok_or_else(|| ValueError(format!("`{}` has no field `{name}`", collection.name)))?;
            let value = Value::from_json(attribute.kind, json);
            record.set(attribute.slot, value.map_err(|error| ValueError(format!("`{name}`: {error}")))?);
        }
        for standard in [Standard::State, Standard::Version, Standard::CreatedAt, Standard::UpdatedAt] {
            if record.get(Slot::Standard(standard)).is_null() {
                return Err(ValueError(format!("a record without `{}`", standard.name())));
            }
        }
        Ok(record)
    }
}

/// An object on one line with its names in alphabetical order, those inside too: one spelling, whatever keeps the objects.
#[must_use]
pub fn line<'a>(values: impl IntoIterator<Item = (&'a str, Json)>) -> String {
    let mut text = String::new();
    object(&mut text, values.into_iter().collect::<BTreeMap<_, _>>().iter().map(|(name, value)| (*name, value)));
    text
}

fn object<'a>(text: &mut String, values: impl Iterator<Item = (&'a str, &'a Json)>) {
    text.push('{');
    for (at, (name, value)) in values.enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(&Json::from(name).to_string());
        text.push(':');
        write(text, value);
    }
    text.push('}');
}

fn write(text: &mut String, json: &Json) {
    match json {
        Json::Object(values) => {
            let sorted: BTreeMap<&str, &Json> = values.iter().map(|(name, value)| (name.as_str(), value)).collect();
            object(text, sorted.into_iter());
        }
        Json::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                write(text, item);
            }
            text.push(']');
        }
        plain => text.push_str(&plain.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Manifest;

    fn collection() -> Collection {
        let text = r#"
[plugin]
id = "lines"
version = "1.0.0"
api = "0.1"
title = { zh = "行" }
vendor = "sunlit"
[[collection]]
name = "thing"
title = { zh = "事物" }
field = [
  { name = "name", type = "string" },
  { name = "rent", type = "decimal", scale = 2 },
  { name = "at", type = "point" },
  { name = "tags", type = "list", of = "string" },
  { name = "extra", type = "json" },
]
[collection.access]
read = [{ role = "public" }]
"#;
        let manifest = Manifest::parse("plugin.toml", text).map_err(|error| error.to_string()).unwrap();
        manifest.collections.into_iter().next().unwrap()
    }

    const STANDARD: &str = r#""created_at":"2026-11-22T08:30:00.000001Z","id":"018f3b1e-0000-7000-8000-000000000001","#;
    const REST: &str = r#""state":"published","updated_at":"2026-11-22T08:30:00.000001Z","version":3}"#;

    #[test]
    fn a_line_has_one_spelling_and_is_read_back() {
        let collection = collection();
        let check = |line: String| {
            let record = Record::from_line(&collection, &line).map_err(|error| format!("{line}: {error}")).unwrap();
            assert_eq!(record.to_line(&collection), line);
        };
        check(format!("{{{STANDARD}{REST}"));
        let start = r#"{"at":{"lat":34.293001,"lng":108.9465},"created_at":"2026-11-22T08:30:00.000001Z","#;
        let extra = r#""extra":{"a":{"b":1,"c":[{"d":2,"e":null}]},"z":"文"},"#;
        let values = r#""id":"018f3b1e-0000-7000-8000-000000000001","name":"未央\n宫\"","rent":"-0.05","#;
        let rest = r#""state":"published","tags":["甲","乙"],"updated_at":"2026-11-22T08:30:00.000001Z","version":3}"#;
        check([start, extra, values, rest].concat());
    }

    #[test]
    fn what_no_export_wrote_is_refused() {
        let collection = collection();
        for line in [
            String::new(),
            "[]".to_owned(),
            "{}".to_owned(),
            format!("{{{STANDARD}\"unknown\":1,{REST}"),
            format!("{{{STANDARD}\"name\":1,{REST}"),
            format!("{{{STANDARD}\"rent\":\"1.005\",{REST}"),
            format!("{{{STANDARD}\"name\":\"a\\u0000b\",{REST}"),
            format!("{{{STANDARD}\"version\":3}}"),
            format!("{{{STANDARD}{REST} x"),
        ] {
            assert!(Record::from_line(&collection, &line).is_err(), "{line}");
        }
    }

    #[test]
    fn inner_objects_are_sorted_whatever_keeps_them() {
        let line = line([("b", json!({ "z": 1, "a": { "y": [], "x": true } })), ("a", json!(null))]);
        assert_eq!(line, r#"{"a":null,"b":{"a":{"x":true,"y":[]},"z":1}}"#);
    }
}
