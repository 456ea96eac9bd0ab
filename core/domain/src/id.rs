//! Ids and names as types, so that one cannot stand where another is meant.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            /// Accepts the 36-character hyphenated form only, so that an id has one spelling.
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                let id = Uuid::try_parse(text)?;
                if text.len() == 36 { Ok(Self(id)) } else { Uuid::try_parse("").map(Self) }
            }
        }
    };
}

uuid_id!(
    /// A tenant: one authority with its own isolated data.
    TenantId
);
uuid_id!(
    /// A record of a collection (UUIDv7, so that ids order by creation).
    RecordId
);
uuid_id!(
    /// Whoever acts: a person's account, an API key or a job.
    ActorId
);

/// Why a text is not the name it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {what}: use {rule}")]
pub struct NameError {
    /// The text that was refused.
    pub text: String,
    /// Which kind of name was wanted.
    pub what: &'static str,
    /// What the name may look like.
    pub rule: &'static str,
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $separator:literal, $first:expr, $pattern:literal, $rule:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                let first: fn(char) -> bool = $first;
                if is_name(&text, $max, $separator, first) {
                    Ok(Self(text))
                } else {
                    Err(NameError { text: text.chars().take(60).collect(), what: $what, rule: $rule })
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": "string", "pattern": $pattern, "maxLength": $max })
            }
        }
    };
}

name_type!(
    /// A package's id, its GraphQL namespace in camel case: `street-cards`.
    PackageId, "package id", 20, '-', |c| c.is_ascii_lowercase(), "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
    "at most 20 lower-case letters and digits, parts joined by single hyphens, a letter first"
);
name_type!(
    /// A plan's id: `district`.
    PlanId, "plan id", 20, '-', |c| c.is_ascii_lowercase(), "^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
    "at most 20 lower-case letters and digits, parts joined by single hyphens, a letter first"
);
impl PlanId {
    /// The plan of tenants that were given none, unless the operator names another.
    #[must_use]
    pub fn standard() -> Self {
        Self("standard".to_owned())
    }
}

name_type!(
    /// A collection's name inside its package: `service_point`.
    CollectionName, "collection name", 20, '_', |c| c.is_ascii_lowercase(), "^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
    "at most 20 lower-case letters and digits, parts joined by single underscores, a letter first"
);
name_type!(
    /// The name of a field, argument, query, object, setting or view: `office_hours`.
    FieldName, "name", 40, '_', |c| c.is_ascii_lowercase(), "^[a-z][a-z0-9]*(_[a-z0-9]+)*$",
    "at most 40 lower-case letters and digits, parts joined by single underscores, a letter first"
);
name_type!(
    /// A tenant's slug: a division code of six digits, a department's `<code>-<pinyin>`, a ministry's `cn-<abbreviation>`.
    TenantSlug, "tenant slug", 40, '-', |c| c.is_ascii_lowercase() || c.is_ascii_digit(), "^[a-z0-9]+(-[a-z0-9]+)*$",
    "at most 40 lower-case letters and digits, parts joined by single hyphens"
);

fn is_name(text: &str, max: usize, separator: char, first: fn(char) -> bool) -> bool {
    let word = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    text.len() <= max && text.chars().next().is_some_and(first) && text.split(separator).all(word)
}

/// `service_point` or `street-cards` as `servicePoint`, `streetCards`: the spelling of fields in the API.
#[must_use]
pub fn lower_camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for c in name.chars() {
        if c == '_' || c == '-' {
            raise = true;
        } else if raise {
            camel.push(c.to_ascii_uppercase());
            raise = false;
        } else {
            camel.push(c);
        }
    }
    camel
}

/// `service_point` or `street-cards` as `ServicePoint`, `StreetCards`: the spelling of types in the API.
#[must_use]
pub fn upper_camel(name: &str) -> String {
    let mut camel = lower_camel(name);
    if let Some(first) = camel.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_words_joined_by_single_separators() {
        for good in ["street-cards", "a", "a1-b2"] {
            assert!(good.parse::<PackageId>().is_ok(), "{good}");
        }
        for bad in ["", "1a", "a--b", "-a", "a-", "A", "街道", "a_b", "abcdefghijklmnopqrstu"] {
            assert!(bad.parse::<PackageId>().is_err(), "{bad}");
        }
        assert!("610112".parse::<TenantSlug>().is_ok());
        assert!("../etc".parse::<TenantSlug>().is_err());
    }

    #[test]
    fn an_id_has_one_spelling() {
        assert!("018f3b1e-0000-7000-8000-000000000001".parse::<RecordId>().is_ok());
        assert!("018f3b1e000070008000000000000001".parse::<RecordId>().is_err());
    }

    #[test]
    fn names_become_camel_case_in_the_api() {
        assert_eq!(lower_camel("service_point"), "servicePoint");
        assert_eq!(upper_camel("street-cards"), "StreetCards");
    }
}
