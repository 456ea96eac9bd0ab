//! A declared field: of a collection, of an object type, an argument or a setting. One form serves all four.

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::id::{CollectionName, FieldName};
use crate::locale::LocalText;
use crate::value::{Decimal, Kind, Value};

/// The declared type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FieldType {
    /// One line of text, at most `max` characters (default 200).
    String,
    /// Longer text, at most `max` characters (default 20,000).
    Text,
    /// A whole number of 32 bits.
    Int,
    /// An exact decimal with `scale` digits after the point.
    Decimal,
    /// Yes or no.
    Bool,
    /// A day.
    Date,
    /// An instant.
    Datetime,
    /// One of `values`.
    Enum,
    /// A record of the collection `to`.
    Ref,
    /// A point on the map, CGCS2000.
    Point,
}

impl FieldType {
    /// How its values are stored and compared; none for a decimal without scale.
    #[must_use]
    pub fn kind(self, scale: Option<u8>) -> Option<Kind> {
        Some(match self {
            Self::String | Self::Text | Self::Enum => Kind::Text,
            Self::Int => Kind::Int,
            Self::Decimal => Kind::Decimal(scale?),
            Self::Bool => Kind::Bool,
            Self::Date => Kind::Date,
            Self::Datetime => Kind::DateTime,
            Self::Ref => Kind::Id,
            Self::Point => Kind::Point,
        })
    }

    /// The scalar type of that name, as a query's `returns` writes it.
    #[must_use]
    pub fn scalar(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "text" => Self::Text,
            "int" => Self::Int,
            "decimal" => Self::Decimal,
            "bool" => Self::Bool,
            "date" => Self::Date,
            "datetime" => Self::Datetime,
            "point" => Self::Point,
            _ => return None,
        })
    }
}

/// One value of an enum field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnumValue {
    /// As stored, and in upper case in the API.
    pub value: FieldName,
    /// As shown.
    pub title: LocalText,
}

/// A declared field. Which options go with which type is checked when the manifest is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Its name, in camel case in the API.
    pub name: FieldName,
    /// Its type.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Its label; the name where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<LocalText>,
    /// What to enter, for forms and the API's documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<LocalText>,
    /// Whether a value must be there.
    #[serde(default)]
    pub required: bool,
    /// Whether no two records may have the same value.
    #[serde(default)]
    pub unique: bool,
    /// Whether lists can be filtered by it.
    #[serde(default)]
    pub filter: bool,
    /// Whether lists can be ordered by it.
    #[serde(default)]
    pub sort: bool,
    /// The value when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Json>,
    /// The least value of a number, the least number of characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// The greatest value of a number, the greatest number of characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// A regular expression that the whole text matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// Digits after the point of a decimal, 0 to 9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u8>,
    /// The unit of a number, shown after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The values of an enum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<EnumValue>,
    /// The collection that a ref points to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<CollectionName>,
}

/// A rule that a value breaks: the key of its message and the bound it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// `required`, `too_short`, `too_long`, `too_small`, `too_large`, `pattern`, `enum`.
    pub rule: &'static str,
    /// The bound, where there is one.
    pub bound: String,
}

impl Field {
    /// How its values are stored and compared.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.field_type.kind(Some(self.scale.unwrap_or(0))).unwrap_or(Kind::Text)
    }

    /// Its label.
    #[must_use]
    pub fn label(&self) -> LocalText {
        self.title.clone().unwrap_or_else(|| LocalText { zh: self.name.to_string(), en: None })
    }

    /// The title of an enum value.
    #[must_use]
    pub fn enum_title(&self, value: &str) -> Option<&LocalText> {
        self.values.iter().find(|option| option.value == *value).map(|option| &option.title)
    }

    /// The declared default, or null.
    #[must_use]
    pub fn default_value(&self) -> Value {
        self.default.as_ref().and_then(|json| Value::from_json(self.kind(), json).ok()).unwrap_or(Value::Null)
    }

    /// The greatest number of characters of a text field.
    #[must_use]
    pub fn max_chars(&self) -> i64 {
        self.max.unwrap_or(if self.field_type == FieldType::Text { 20_000 } else { 200 })
    }

    /// Checks a value of the right kind against the declared rules.
    ///
    /// # Errors
    /// The first rule that the value breaks.
    pub fn check(&self, value: &Value) -> Result<(), Broken> {
        let broken = |rule, bound: String| Err(Broken { rule, bound });
        match value {
            Value::Null if self.required => broken("required", String::new()),
            Value::Text(text) => self.check_text(text),
            Value::Int(number) => self.check_range(*number, 0),
            Value::Decimal(Decimal { unscaled, scale }) => self.check_range(*unscaled, *scale),
            _ => Ok(()),
        }
    }

    fn check_text(&self, text: &str) -> Result<(), Broken> {
        let broken = |rule, bound: String| Err(Broken { rule, bound });
        if self.field_type == FieldType::Enum {
            let known = self.values.iter().any(|option| option.value == *text);
            let all: Vec<_> = self.values.iter().map(|option| option.value.as_str()).collect();
            return if known { Ok(()) } else { broken("enum", all.join(", ")) };
        }
        if self.required && text.trim().is_empty() {
            return broken("required", String::new());
        }
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if length > self.max_chars() {
            return broken("too_long", self.max_chars().to_string());
        }
        match (self.min, &self.pattern) {
            (Some(min), _) if length < min => broken("too_short", min.to_string()),
            (_, Some(pattern)) if !pattern.matches(text) => broken("pattern", pattern.text.clone()),
            _ => Ok(()),
        }
    }

    fn check_range(&self, unscaled: i64, scale: u8) -> Result<(), Broken> {
        let factor = 10_i128.pow(u32::from(scale));
        let (value, bound) = (i128::from(unscaled), |bound: i64| i128::from(bound) * factor);
        match (self.min, self.max) {
            (Some(min), _) if value < bound(min) => Err(Broken { rule: "too_small", bound: min.to_string() }),
            (_, Some(max)) if value > bound(max) => Err(Broken { rule: "too_large", bound: max.to_string() }),
            _ => Ok(()),
        }
    }
}

/// A regular expression that a whole text must match; compiled once, when the manifest is read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Pattern {
    text: String,
    whole: Regex,
}

/// Bytes that a compiled pattern may take.
const MAX_PATTERN: usize = 65_536;

impl Pattern {
    fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let compile = |pattern: &str| RegexBuilder::new(pattern).size_limit(MAX_PATTERN).build();
        // Alone first: what is no expression by itself could break out of the anchors.
        let whole = compile(&text).and_then(|_| compile(&format!("^(?:{text})$")));
        let whole = whole.map_err(|error| format!("not a regular expression, or too large a one: {error}"))?;
        Ok(Self { text, whole })
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> String {
        pattern.text
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_texts_and_stays_within_its_anchors() {
        let pattern = Pattern::try_from("[0-9]{3}|x".to_owned()).unwrap();
        for (text, expect) in [("123", true), ("x", true), ("1234", false), ("ax", false), ("", false)] {
            assert_eq!(pattern.matches(text), expect, "{text}");
        }
        for broken in ["(", "a)|(?:b", "(a{1000}){1000}"] {
            assert!(Pattern::try_from(broken.to_owned()).is_err(), "{broken}");
        }
    }
}
