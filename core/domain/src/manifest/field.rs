//! A declared field: of a collection, of an object type, an argument or a setting. One form serves all four.

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::RefTarget;
use super::mask::{COVER, Mask};
use crate::file::{MAX_FILE_BYTES, MediaType, is_program};
use crate::format::Format;
use crate::id::FieldName;
use crate::locale::LocalText;
use crate::scope::Role;
use crate::value::{Kind, MAX_LIST, Value};

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
    /// A file: uploaded beside the record, which holds its id.
    File,
    /// A point on the map, CGCS2000.
    Point,
    /// An area on the map: GeoJSON polygons, CGCS2000.
    Area,
    /// A sum of money in yuan: a decimal of two digits, or of `scale`.
    Money,
    /// JSON of any form, for what nobody filters, orders or shows.
    Json,
    /// Several values of the type `of`, at most `max_items`.
    List,
}

/// Digits after the point of money that declares none: fen.
const MONEY_SCALE: u8 = 2;

impl FieldType {
    /// How its values are stored and compared; none for a decimal without scale, and for a list, whose items tell.
    #[must_use]
    pub fn kind(self, scale: Option<u8>) -> Option<Kind> {
        Some(match self {
            Self::String | Self::Text | Self::Enum => Kind::Text,
            Self::Int => Kind::Int,
            Self::Decimal => Kind::Decimal(scale?),
            Self::Bool => Kind::Bool,
            Self::Date => Kind::Date,
            Self::Datetime => Kind::DateTime,
            Self::Ref | Self::File => Kind::Id,
            Self::Point => Kind::Point,
            Self::Area => Kind::Area,
            Self::Money => Kind::Decimal(scale.unwrap_or(MONEY_SCALE)),
            Self::Json => Kind::Json,
            Self::List => return None,
        })
    }

    /// Whether it is one plain value, as arguments, settings and computed fields have.
    #[must_use]
    pub fn is_scalar(self) -> bool {
        use FieldType::{Bool, Date, Datetime, Decimal, Int, Money, Point, String, Text};
        matches!(self, String | Text | Int | Decimal | Money | Bool | Date | Datetime | Point)
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
            "money" => Self::Money,
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
    /// The least value of a number, day or instant; the least number of characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<Json>,
    /// The greatest value of a number, day or instant; the greatest number of characters of a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<Json>,
    /// A regular expression that the whole text matches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<Pattern>,
    /// The named format of a string: `uscc`, `division`, `industry`, `email` …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// Digits after the point of a decimal, 0 to 9.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u8>,
    /// The unit of a number, shown after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The values of an enum.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<EnumValue>,
    /// The collection that a ref points to: `street`, or `street-cards.street` in a package named under `[uses]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<RefTarget>,
    /// The type of a list's items; what else is declared is about each item.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<FieldType>,
    /// The greatest number of a list's items (default 50).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<usize>,
    /// The media types that a file may have, as `image/png`; any type when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accept: Vec<MediaType>,
    /// The greatest number of bytes of a file (default and at most 100 MiB).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// Whether lists can be searched by its words.
    #[serde(default)]
    pub search: bool,
    /// Whether the text also has an English form: a field of its own, `<name>_en`.
    #[serde(default)]
    pub translated: bool,
    /// The roles that may read it. Whoever is not among them finds it empty, and can neither filter nor order by it. All
    /// who may read the record when there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub readers: Vec<Role>,
    /// Whether the record's owner may read it beside the readers.
    #[serde(default)]
    pub owner_reads: bool,
    /// Whether it is personal or otherwise sensitive (个人信息保护法, Art. 28): only its readers see it, and it is kept sealed
    /// (Art. 51). A string, text or date.
    #[serde(default)]
    pub sensitive: bool,
    /// What those see of a sensitive text who may read its record and not the text; nothing without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mask: Option<Mask>,
    /// Why it should not be used any more, for the API's documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<String>,
    /// The field whose English form this is.
    #[serde(skip)]
    pub translation_of: Option<FieldName>,
}

/// A rule that a value breaks: the key of its message and the bound it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// `required`, `too_short`, `too_long`, `too_small`, `too_large`, `too_many`, `pattern`, `enum`, `masked`, or what the format says.
    pub rule: &'static str,
    /// The bound, where there is one.
    pub bound: String,
}

impl Field {
    /// How its values are stored and compared.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.field_type {
            FieldType::List => self.item_kind().listed().unwrap_or(Kind::Text),
            _ => self.item_kind(),
        }
    }

    /// The type of its values, or of a list's items.
    #[must_use]
    pub fn item_type(&self) -> FieldType {
        self.of.filter(|_| self.field_type == FieldType::List).unwrap_or(self.field_type)
    }

    fn item_kind(&self) -> Kind {
        let scale = if self.item_type() == FieldType::Decimal { self.scale.or(Some(0)) } else { self.scale };
        self.item_type().kind(scale).unwrap_or(Kind::Text)
    }

    /// Its English form where it has one, declared by the field itself.
    #[must_use]
    pub fn translation(&self) -> Option<Self> {
        let title = self.label();
        let english = title.en.as_deref().unwrap_or(self.name.as_str());
        Some(Self {
            name: format!("{}_en", self.name).parse().ok()?,
            title: Some(LocalText {
                zh: format!("{}（英文）", title.zh), en: Some(format!("{english} (English)"))
            }),
            required: false,
            unique: false,
            default: None,
            min: None,
            translated: false,
            translation_of: Some(self.name.clone()),
            ..self.clone()
        })
    }

    /// The columns of its values: two for a point, five for an area, one for everything else.
    #[must_use]
    pub fn columns(&self) -> Vec<String> {
        let parts: &[&str] = match self.kind() {
            Kind::Point => &["_lat", "_lng"],
            Kind::Area => &["", "_south", "_west", "_north", "_east"],
            _ => &[""],
        };
        parts.iter().map(|part| format!("{}{part}", self.name)).collect()
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

    /// The greatest number of characters of a text.
    #[must_use]
    pub fn max_chars(&self) -> i64 {
        let least = if self.item_type() == FieldType::Text { 20_000 } else { 200 };
        self.max.as_ref().map_or(least, |max| max.as_i64().unwrap_or(0))
    }

    /// The greatest number of a list's items.
    #[must_use]
    pub fn max_items(&self) -> usize {
        self.max_items.unwrap_or(50).min(MAX_LIST)
    }

    /// Whether it holds a file, or a list of files.
    #[must_use]
    pub fn holds_files(&self) -> bool {
        self.item_type() == FieldType::File
    }

    /// The greatest number of bytes of a file.
    #[must_use]
    pub fn max_bytes(&self) -> u64 {
        self.max_bytes.unwrap_or(MAX_FILE_BYTES).min(MAX_FILE_BYTES)
    }

    /// Whether a file of this type may stand in it.
    #[must_use]
    pub fn accepts(&self, content_type: &str) -> bool {
        let is_any = self.accept.is_empty() && !is_program(content_type);
        is_any || self.accept.iter().any(|accepted| accepted.as_str() == content_type)
    }

    /// Checks a value of the right kind against the declared rules.
    ///
    /// # Errors
    /// The first rule that the value breaks.
    pub fn check(&self, value: &Value) -> Result<(), Broken> {
        let broken = |rule, bound: String| Err(Broken { rule, bound });
        match value {
            value if value.is_null() => {
                if self.required {
                    broken("required", String::new())
                } else {
                    Ok(())
                }
            }
            Value::List(items) if items.len() > self.max_items() => broken("too_many", self.max_items().to_string()),
            Value::List(items) => items.iter().try_for_each(|item| self.check_item(item)),
            item => self.check_item(item),
        }
    }

    /// A value in the one spelling that the field's format has for it; one that the format refuses stays as it is.
    #[must_use]
    pub fn spelled(&self, value: Value) -> Value {
        match (self.format, value) {
            (Some(format), Value::Text(text)) => {
                Value::Text(format.check(&text).map(std::borrow::Cow::into_owned).unwrap_or(text))
            }
            (Some(_), Value::List(items)) => Value::List(items.into_iter().map(|item| self.spelled(item)).collect()),
            (_, value) => value,
        }
    }

    fn check_item(&self, value: &Value) -> Result<(), Broken> {
        match value {
            Value::Text(text) => self.check_text(text),
            Value::Int(_) | Value::Decimal(_) | Value::Date(_) | Value::DateTime(_) => self.check_range(value),
            _ => Ok(()),
        }
    }

    fn check_text(&self, text: &str) -> Result<(), Broken> {
        let broken = |rule, bound: String| Err(Broken { rule, bound });
        if self.item_type() == FieldType::Enum {
            let known = self.values.iter().any(|option| option.value == *text);
            let all: Vec<_> = self.values.iter().map(|option| option.value.as_str()).collect();
            return if known { Ok(()) } else { broken("enum", all.join(", ")) };
        }
        if self.required && text.trim().is_empty() {
            return broken("required", String::new());
        }
        if self.mask.is_some() && text.contains(COVER) {
            return broken("masked", COVER.to_string());
        }
        let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
        if length > self.max_chars() {
            return broken("too_long", self.max_chars().to_string());
        }
        match (self.min.as_ref().and_then(Json::as_i64), &self.pattern) {
            (Some(min), _) if length < min => broken("too_short", min.to_string()),
            (_, Some(pattern)) if !pattern.matches(text) => broken("pattern", pattern.text.clone()),
            _ => match self.format.map(|format| format.check(text)) {
                Some(Err(error)) => broken(error.key, String::new()),
                _ => Ok(()),
            },
        }
    }

    fn check_range(&self, value: &Value) -> Result<(), Broken> {
        let broken = |rule, bound: &Value| Err(Broken { rule, bound: shown(bound) });
        match (self.bound(self.min.as_ref()), self.bound(self.max.as_ref())) {
            (Some(min), _) if *value < min => broken("too_small", &min),
            (_, Some(max)) if *value > max => broken("too_large", &max),
            _ => Ok(()),
        }
    }

    /// A declared bound as a value of the field; none where there is none.
    pub(super) fn bound(&self, declared: Option<&Json>) -> Option<Value> {
        Value::from_json(self.item_kind(), declared?).ok().filter(|bound| !bound.is_null())
    }
}

fn shown(bound: &Value) -> String {
    match bound.to_json() {
        Json::String(text) => text,
        other => other.to_string(),
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
