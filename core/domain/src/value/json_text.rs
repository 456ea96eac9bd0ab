//! JSON that is kept as it is: one text for each value, whatever the order of its keys was.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Bytes that a kept JSON value may take.
const MAX_BYTES: usize = 64 * 1024;
/// How deep it may nest.
const MAX_DEPTH: usize = 32;

/// JSON as text with keys in order, at most 64 KiB and 32 levels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JsonText(String);

impl JsonText {
    /// The text of `json`.
    ///
    /// # Errors
    /// What passes a bound, or a NUL character, which PostgreSQL cannot keep.
    pub fn of(json: &Json) -> Result<Self, String> {
        if depth(json) > MAX_DEPTH {
            return Err(format!("nested deeper than {MAX_DEPTH}: flatten it"));
        }
        let text = sorted(json).to_string();
        if text.len() > MAX_BYTES {
            return Err(format!("more than {MAX_BYTES} bytes of JSON: keep a file instead"));
        }
        if text.contains("\\u0000") {
            return Err("the JSON holds a NUL character: remove it".to_owned());
        }
        Ok(Self(text))
    }

    /// Reads what [`JsonText::as_str`] wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::of(&serde_json::from_str(text).ok()?).ok()
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The JSON.
    #[must_use]
    pub fn to_json(&self) -> Json {
        serde_json::from_str(&self.0).unwrap_or(Json::Null)
    }
}

fn depth(json: &Json) -> usize {
    let deepest = |items: &mut dyn Iterator<Item = &Json>| items.map(depth).max().unwrap_or(0) + 1;
    match json {
        Json::Array(items) => deepest(&mut items.iter()),
        Json::Object(object) => deepest(&mut object.values()),
        _ => 0,
    }
}

/// With the keys of every object in order, which the map of `serde_json` keeps only in some builds.
fn sorted(json: &Json) -> Json {
    match json {
        Json::Array(items) => items.iter().map(sorted).collect(),
        Json::Object(object) => {
            let ordered: BTreeMap<_, _> = object.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            ordered.into_iter().collect()
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_the_same_however_often_it_is_read() {
        let mut state = 7_u64;
        for _ in 0..2_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let number = f64::from_bits(state);
            let Some(json) = serde_json::Number::from_f64(number) else { continue };
            let text = JsonText::of(&Json::Number(json)).unwrap();
            assert_eq!(JsonText::parse(text.as_str()), Some(text.clone()));
            assert_eq!(text.to_json().as_f64(), Some(number));
        }
    }
}
