//! What is known of an uploaded file before anybody looks into it: its media type, its name, and how it may be shown.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The greatest number of bytes of a file at all: 100 MiB. A field may allow fewer.
pub const MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;
/// The greatest number of characters of a file's name.
pub const MAX_NAME: usize = 200;
/// Characters of a name's end that are kept when it is too long: the point and what says of what kind it is.
const MAX_EXTENSION: usize = 16;
/// The name of a file whose own name says nothing.
const NAMELESS: &str = "file";

/// A media type without parameters, in lower case: `image/png` (RFC 6838, §4.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MediaType(String);

impl MediaType {
    /// The bytes of nobody knows what (RFC 2046, §4.5.1).
    pub const UNKNOWN: &str = "application/octet-stream";

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The media type of a `Content-Type` header, without its parameters; none where it is malformed.
    #[must_use]
    pub fn of_header(value: &str) -> Option<Self> {
        let essence = value.split(';').next().unwrap_or_default().trim();
        Self::try_from(essence.to_ascii_lowercase()).ok()
    }

    /// Whether a browser may show such a file in its place. Nothing that can run a script is among them: neither HTML nor SVG.
    #[must_use]
    pub fn is_shown_inline(content_type: &str) -> bool {
        matches!(content_type, "image/png" | "image/jpeg" | "image/webp" | "image/gif" | "application/pdf")
    }
}

impl TryFrom<String> for MediaType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_token = |part: &str| {
            let first = part.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
            let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "!#$&-^_.+".contains(c);
            first && part.len() <= 127 && part.chars().all(rest)
        };
        match text.split_once('/') {
            Some((kind, subtype)) if is_token(kind) && is_token(subtype) => Ok(Self(text)),
            _ => Err("not a media type: write it like image/png, in lower case and without parameters".to_owned()),
        }
    }
}

impl From<MediaType> for String {
    fn from(media_type: MediaType) -> String {
        media_type.0
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl JsonSchema for MediaType {
    fn schema_name() -> Cow<'static, str> {
        "MediaType".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*$" })
    }
}

/// A file's name as it is kept: the last part of whatever path was given, without what no file system or reader can bear, at
/// most [`MAX_NAME`] characters. Never empty, and never a name that means a folder.
#[must_use]
pub fn clean_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !is_unseen(*c)).map(|c| if is_reserved(c) { '_' } else { c }).collect();
    // Windows drops points and spaces at the end, so that two names could be one.
    let trimmed = kept.trim().trim_end_matches(['.', ' ']);
    let visible = trimmed.trim_start_matches('.').trim_start();
    if visible.is_empty() { NAMELESS.to_owned() } else { shortened(visible, MAX_NAME) }
}

/// A name of at most `max` characters that keeps its extension.
#[must_use]
pub fn shortened(name: &str, max: usize) -> String {
    let count = name.chars().count();
    if count <= max {
        return name.to_owned();
    }
    let extension = name.rfind('.').map_or("", |at| &name[at..]);
    let extension = if extension.chars().count() <= MAX_EXTENSION { extension } else { "" };
    let stem = max.saturating_sub(extension.chars().count());
    name.chars().take(stem).chain(extension.chars()).collect()
}

/// Control characters, and those that turn the direction of what follows: `gpj.exe` must not read as `exe.jpg`.
fn is_unseen(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

/// What Windows does not allow in names.
fn is_reserved(c: char) -> bool {
    matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_loses_its_path_and_what_misleads() {
        for (given, expect) in [
            ("公告.pdf", "公告.pdf"),
            ("../../etc/passwd", "passwd"),
            ("/etc/shadow", "shadow"),
            ("C:\\Users\\甲\\表.xlsx", "表.xlsx"),
            ("..", "file"),
            (".", "file"),
            ("", "file"),
            ("a/", "file"),
            (".htaccess", "htaccess"),
            ("x.png\0.html", "x.png.html"),
            ("a\r\nSet-Cookie: b.txt", "aSet-Cookie_ b.txt"),
            ("\u{202e}gpj.exe", "gpj.exe"),
            ("what?.txt. ", "what_.txt"),
        ] {
            assert_eq!(clean_name(given), expect, "{given:?}");
        }
        let long = clean_name(&format!("{}.docx", "长".repeat(300)));
        assert_eq!(long.chars().count(), MAX_NAME);
        assert!(long.ends_with("长.docx"));
        assert_eq!(clean_name(&format!("a.{}", "b".repeat(300))).len(), MAX_NAME);
    }

    #[test]
    fn a_media_type_has_one_spelling() {
        assert_eq!(MediaType::of_header("Image/PNG; charset=x").unwrap().as_str(), "image/png");
        for broken in ["", "image", "image/", "/png", "image/p ng", "image/*", "a/b/c", "图/片"] {
            assert!(MediaType::of_header(broken).is_none(), "{broken}");
        }
        assert!(MediaType::try_from("Image/png".to_owned()).is_err());
    }
}
