//! Files that pages ask the server for. Each address holds a hash of the content, so that it may be cached for ever.

use sha2::{Digest, Sha256};

use crate::embedded::{Portal, Ui, names, text};

/// A file that pages ask the server for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its address, from the root of the host: `/assets/portal.<hash>.css`.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Its media type.
    pub content_type: &'static str,
}

impl Asset {
    fn new(name: &str, extension: &str, content_type: &'static str, content: String) -> Self {
        let digest = Sha256::digest(content.as_bytes());
        let hash: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self { path: format!("/assets/{name}.{hash}.{extension}"), bytes: content.into_bytes(), content_type }
    }
}

/// The one style sheet: tokens, the portal's frame, shared parts, then each block's styles by name.
pub(crate) fn stylesheet() -> Asset {
    let sheets = style_sources().into_iter().map(|(_, css)| css);
    Asset::new("portal", "css", "text/css; charset=utf-8", sheets.collect::<Vec<_>>().join("\n"))
}

/// The site's icon.
pub(crate) fn icon() -> Asset {
    Asset::new("icon", "svg", "image/svg+xml", text::<Portal>("icon.svg").unwrap_or_default())
}

/// Name and text of each style sheet, in order.
pub(crate) fn style_sources() -> Vec<(String, String)> {
    let shared = |name: &str| (name.to_owned(), text::<Ui>(name).unwrap_or_default());
    let frame = ("frame.css".to_owned(), text::<Portal>("frame.css").unwrap_or_default());
    let blocks = names::<Ui>("/block.css").into_iter().map(|name| shared(&name));
    [shared("tokens.css"), frame, shared("parts/parts.css")].into_iter().chain(blocks).collect()
}

#[cfg(test)]
mod tests {
    use super::{style_sources, stylesheet};

    const COLOUR_WORDS: [&str; 14] = [
        "white", "black", "red", "blue", "green", "yellow", "orange", "gray", "grey", "gold", "navy", "silver",
        "purple", "brown",
    ];

    #[test]
    fn the_style_sheet_has_every_source_and_a_lasting_address() {
        let sheet = stylesheet();
        assert_eq!(sheet, stylesheet());
        assert!(sheet.path.starts_with("/assets/portal.") && sheet.path.ends_with(".css"), "{}", sheet.path);
        for (name, css) in style_sources() {
            assert!(!css.trim().is_empty(), "{name} is empty or missing");
        }
    }

    #[test]
    fn colours_are_named_in_tokens_only() {
        for (name, css) in style_sources().into_iter().filter(|(name, _)| name != "tokens.css") {
            for line in css.lines() {
                let value = line.split_once(':').map_or("", |(_, value)| value);
                let words: Vec<&str> = value.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').collect();
                assert!(!value.contains('#'), "{name}: {line}");
                for function in ["rgb(", "rgba(", "hsl(", "oklch(", "color-mix("] {
                    assert!(!value.contains(function), "{name}: {line}");
                }
                assert!(!words.iter().any(|word| COLOUR_WORDS.contains(word)), "{name}: {line}");
            }
        }
    }

    #[test]
    fn style_sheets_ask_for_nothing_from_elsewhere() {
        for (name, css) in style_sources() {
            assert!(!css.contains("url(") && !css.contains("@import") && !css.contains("http"), "{name}");
        }
    }
}
