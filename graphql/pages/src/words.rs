//! Words of the interface, from `frontend/ui/i18n/<locale>.json`: one flat object of dotted keys each.

use std::collections::BTreeMap;

use crate::page::Locale;

/// The words of every locale.
#[derive(Debug)]
pub(crate) struct Words(BTreeMap<Locale, BTreeMap<String, String>>);

impl Words {
    /// Reads the words of each locale with `source`, which gets the file's name.
    ///
    /// # Errors
    /// Which file is missing or is not a flat object of strings.
    pub(crate) fn load(source: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let read = |locale: Locale| {
            let name = format!("i18n/{}.json", locale.tag());
            let text = source(&name).ok_or_else(|| format!("frontend/ui/{name} is missing; add it"))?;
            let words = serde_json::from_str(&text).map_err(|error| format!("frontend/ui/{name}: {error}"))?;
            Ok((locale, words))
        };
        Locale::ALL.into_iter().map(read).collect::<Result<_, String>>().map(Self)
    }

    /// The wording of `key`, its `{name}` places filled from `values`. `None` if there is no such key.
    pub(crate) fn get(&self, locale: Locale, key: &str, values: &[(String, String)]) -> Option<String> {
        let mut wording = self.0.get(&locale)?.get(key)?.clone();
        for (name, value) in values {
            wording = wording.replace(&format!("{{{name}}}"), value);
        }
        Some(wording)
    }

    #[cfg(test)]
    pub(crate) fn keys(&self, locale: Locale) -> Vec<&str> {
        self.0[&locale].keys().map(String::as_str).collect()
    }
}
