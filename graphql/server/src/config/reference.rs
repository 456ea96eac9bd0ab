//! The reference of the configuration, made from [`Config`] itself: what stands above a field, its type, bounds and default.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

use figment::value::Value;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json};

use super::{Config, keys};

/// What a key can be.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeySchema(&'static Map<String, Json>);

/// What is known of one key.
pub(super) fn schema_of(key: &str) -> KeySchema {
    static NONE: LazyLock<Map<String, Json>> = LazyLock::new(Map::new);
    static SCHEMA: LazyLock<Json> = LazyLock::new(|| {
        let settings = SchemaSettings::default().with(|settings| settings.inline_subschemas = true);
        settings.into_generator().into_root_schema_for::<Config>().to_value()
    });
    KeySchema(SCHEMA["properties"][key].as_object().unwrap_or(&NONE))
}

impl KeySchema {
    /// A text from outside as what the key holds: numbers and lists are read, texts stay as they are, so that a password of
    /// digits is no number.
    pub(super) fn value(self, text: &str) -> Value {
        if self.types().contains(&"string") || !self.choices().is_empty() {
            return Value::from(text);
        }
        text.parse().unwrap_or_else(|never| match never {})
    }

    /// The least and the greatest that is taken.
    pub(super) fn bounds(self) -> Option<RangeInclusive<f64>> {
        let bound = |name: &str| self.0.get(name).and_then(Json::as_f64);
        Some(bound("minimum")?..=bound("maximum")?)
    }

    fn types(self) -> Vec<&'static str> {
        let schema = self.0;
        let of = |schema: &'static Map<String, Json>| match schema.get("type") {
            Some(Json::String(one)) => vec![one.as_str()],
            Some(Json::Array(several)) => several.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let inner = schema.get("anyOf").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_object);
        of(schema).into_iter().chain(inner.flat_map(of)).filter(|name| *name != "null").collect()
    }

    /// The words that are taken, with what each means.
    fn choices(self) -> Vec<(&'static str, &'static str)> {
        let listed = self.0.get("enum").and_then(Json::as_array).into_iter().flatten();
        let described = self.0.get("oneOf").and_then(Json::as_array).into_iter().flatten();
        let listed = listed.filter_map(|word| Some((word.as_str()?, "")));
        let described =
            described.filter_map(|one| Some((one["const"].as_str()?, one["description"].as_str().unwrap_or_default())));
        listed.chain(described).collect()
    }

    fn description(self) -> String {
        let text = self.0.get("description").and_then(Json::as_str).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn kind(self) -> String {
        let choices = self.choices();
        if !choices.is_empty() {
            let told = choices.iter().map(|(word, means)| match means.trim_end_matches('.') {
                "" => format!("`\"{word}\"`"),
                means => format!("`\"{word}\"` ({means})"),
            });
            return told.collect::<Vec<_>>().join(" or ");
        }
        let kind = match self.types().as_slice() {
            ["boolean"] => "true or false",
            ["integer"] => "a whole number",
            ["number"] => "a number",
            ["array"] => "a list of texts",
            _ => "a text",
        };
        match self.bounds() {
            Some(bounds) => format!("{kind} from {} to {}", bounds.start(), bounds.end()),
            None => kind.to_owned(),
        }
    }
}

/// Each key with what is known of it and its default; none is set without one.
fn entries() -> impl Iterator<Item = (&'static str, KeySchema, Option<String>)> {
    let defaults = serde_json::to_value(Config::default()).unwrap_or_default();
    keys::all().iter().map(move |key| {
        // Texts, numbers and lists of texts are written in TOML as they are in JSON.
        let default = Some(&defaults[*key]).filter(|value| !value.is_null()).map(Json::to_string);
        (*key, schema_of(key), default)
    })
}

/// The reference for people: `infra/configuration.md`.
#[must_use]
pub fn markdown() -> String {
    let mut text = HEAD.to_owned();
    for (key, schema, default) in entries() {
        let variable = keys::variable(key);
        let default = default.map_or_else(|| "none".to_owned(), |default| format!("`{default}`"));
        let (description, kind) = (schema.description(), schema.kind());
        let _ = write!(text, "\n## `{key}`\n\n{description}\n\n- {kind}; default {default}\n- variable `{variable}`\n");
    }
    text
}

const HEAD: &str = "# Configuration

Printed by `sunlit config reference`, from the code that reads it; do not edit.

What holds is: the default, then the file `sunlit.toml` in the working folder (or what `--config` names), then variables. Each key has
a variable; the same name with `_FILE` behind it names a file that holds the value, which is how secrets are given to
containers. An unknown key in the file, a value that does not fit and one beyond its bounds are told with their names, and
nothing starts. `sunlit config reference --toml` prints a file to begin with.
";

/// A file to begin with: every key as a comment with its default.
#[must_use]
pub fn toml() -> String {
    let mut text = "# Printed by `sunlit config reference --toml`. What is commented out has its default.\n".to_owned();
    for (key, schema, default) in entries() {
        let (description, kind) = (schema.description(), schema.kind());
        let _ = write!(text, "\n# {description}\n# {kind}; {}\n", keys::variable(key));
        let _ = match default {
            Some(default) => writeln!(text, "#{key} = {default}"),
            None => writeln!(text, "#{key} ="),
        };
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/configuration.md");

    #[test]
    fn the_committed_reference_is_what_the_code_says() {
        let committed = std::fs::read_to_string(COMMITTED).unwrap_or_default();
        assert!(committed == markdown(), "sunlit config reference > infra/configuration.md");
    }

    #[test]
    fn every_key_is_described_and_has_a_kind() {
        for (key, schema, _) in entries() {
            assert!(schema.description().len() > 10, "{key}");
            assert!(!schema.types().is_empty() || !schema.choices().is_empty(), "{key}: {schema:?}");
        }
        let text = markdown();
        for part in
            ["## `threads`", "a whole number from 1 to 1024", "`SUNLIT_OTLP_ENDPOINT`", "`\"json\"`", "default `16`"]
        {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
    }

    #[test]
    fn the_file_to_begin_with_can_be_read_once_its_defaults_are_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sunlit.toml");
        let is_set = |line: &&str| !line.starts_with("# ") && !line.ends_with(" =");
        let text: Vec<_> = toml().lines().filter(is_set).map(|line| line.trim_start_matches('#').to_owned()).collect();
        assert!(text.len() > 10, "{text:?}");
        std::fs::write(&path, text.join("\n")).unwrap();
        Config::read_with(&path, |_| None).unwrap();
    }
}
