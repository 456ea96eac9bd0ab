//! The languages of the interface, and texts that exist in them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A language of the interface. Simplified Chinese is always there; English comes second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Locale {
    /// Simplified Chinese.
    #[default]
    Zh,
    /// English.
    En,
}

impl Locale {
    /// The BCP 47 tag: `zh-CN` or `en`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// Reads a tag or an `Accept-Language` header: the first language that is known, else Chinese.
    #[must_use]
    pub fn from_accept_language(header: &str) -> Self {
        header
            .split(',')
            .map(|part| part.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
            .find_map(|tag| match tag.split('-').next() {
                Some("zh") => Some(Self::Zh),
                Some("en") => Some(Self::En),
                _ => None,
            })
            .unwrap_or_default()
    }
}

/// A text that people read: Chinese, and English where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LocalText {
    /// Simplified Chinese.
    pub zh: String,
    /// English; Chinese is shown where it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub en: Option<String>,
}

impl LocalText {
    /// The text in `locale`, Chinese when there is none.
    #[must_use]
    pub fn get(&self, locale: Locale) -> &str {
        match (locale, &self.en) {
            (Locale::En, Some(english)) => english,
            _ => &self.zh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_is_taken_else_chinese() {
        let check = |header, expect| assert_eq!(Locale::from_accept_language(header), expect, "{header}");
        check("en-GB,en;q=0.9", Locale::En);
        check("fr, zh-TW;q=0.8", Locale::Zh);
        check("", Locale::Zh);
        check("fr", Locale::Zh);
    }
}
