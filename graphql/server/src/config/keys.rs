//! The keys of [`Config`], as its own fields name them, and the variables that set them.

use serde::Deserialize as _;
use serde::de::{self, Deserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::{Config, ConfigError};

/// What a variable that sets a key begins with.
const PREFIX: &str = "SUNLIT_";
/// What is behind the name of one that names a file.
const FILE: &str = "_FILE";
/// Bytes of a value.
const MAX_BYTES: u64 = 64 * 1024;

/// A value from outside.
pub(super) struct Given {
    pub(super) variable: String,
    pub(super) text: String,
}

/// The keys in the order of the fields. Other variables that begin as ours do are nobody's business.
pub(super) fn all() -> &'static [&'static str] {
    let mut fields: &'static [&'static str] = &[];
    // Reading is given up as soon as the type has said what it would read.
    let _ = Config::deserialize(Names(&mut fields));
    fields
}

/// The variable that sets a key.
pub(super) fn variable(key: &str) -> String {
    format!("{PREFIX}{}", key.to_ascii_uppercase())
}

/// The value that variables give the key: in the variable, or in a file that it names. The end of a file's last line is no part of
/// the value.
pub(super) fn given(key: &str, variables: impl Fn(&str) -> Option<String>) -> Result<Option<Given>, ConfigError> {
    let (plain, of_file) = (variable(key), format!("{}{FILE}", variable(key)));
    match (variables(&plain), variables(&of_file)) {
        (None, None) => Ok(None),
        (Some(text), None) => Ok(Some(Given { variable: plain, text })),
        (None, Some(path)) => {
            let text = read(&path)
                .map_err(|source| ConfigError::Unreadable { path: format!("{path} ({of_file})"), source })?;
            Ok(Some(Given { variable: of_file, text: text.trim_end_matches(['\n', '\r']).to_owned() }))
        }
        (Some(_), Some(_)) => {
            let reason = format!("{plain} is set too: keep one of them");
            Err(ConfigError::Variable { variable: of_file, reason })
        }
    }
}

fn read(path: &str) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    let bytes = std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_string(&mut text)?;
    if u64::try_from(bytes).unwrap_or(u64::MAX) > MAX_BYTES {
        return Err(std::io::ErrorKind::FileTooLarge.into());
    }
    Ok(text)
}

/// Asks a struct for the names of its fields.
struct Names<'n>(&'n mut &'static [&'static str]);

impl<'de> Deserializer<'de> for Names<'_> {
    type Error = de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(de::Error::custom("only a struct has names"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = fields;
        Err(de::Error::custom("asked for names alone"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_are_the_fields_in_their_order() {
        assert_eq!(all()[..3], ["data", "database", "migrator_database"]);
        assert_eq!(variable("plugin_slots"), "SUNLIT_PLUGIN_SLOTS");
        let value = serde_json::to_value(Config::default()).unwrap();
        assert_eq!(value.as_object().unwrap().len(), all().len());
    }
}
