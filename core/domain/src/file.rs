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
/// most [`MAX_NAME`] characters. Never empty, and never a name that means a folder or a device.
#[must_use]
pub fn clean_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !is_unseen(*c)).map(|c| if is_reserved(c) { '_' } else { c }).collect();
    // Spaces in a row push an ending out of sight.
    let kept = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    // Windows drops points and spaces at the end, so that two names could be one.
    let trimmed = kept.trim_end_matches(['.', ' ']);
    let visible = trimmed.trim_start_matches('.').trim_start();
    if visible.is_empty() {
        return NAMELESS.to_owned();
    }
    let device = if is_device(visible) { "_" } else { "" };
    shortened(&format!("{device}{visible}"), MAX_NAME)
}

/// The name as it is kept of a file of that type: where its ending says that it is something else, the type's own ending is
/// added. So `report.pdf.exe` that holds a PDF is opened as one, and nothing is run by its name.
#[must_use]
pub fn fitting_name(name: &str, content_type: &str) -> String {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let own = ENDINGS.iter().find(|(known, _)| *known == content_type).map(|(_, endings)| *endings);
    let missing = match own {
        Some(endings) if endings.contains(&ending.as_str()) => None,
        Some(endings) => endings.first().copied(),
        None if !RUN.contains(&ending.as_str()) => None,
        None if content_type.starts_with("text/") => Some("txt"),
        None => Some("bin"),
    };
    let Some(missing) = missing else { return name.to_owned() };
    format!("{}.{missing}", shortened(name, MAX_NAME - missing.len() - 1))
}

/// Whether files of this type are programs. A field takes them only when it names the type.
#[must_use]
pub fn is_program(content_type: &str) -> bool {
    PROGRAMS.contains(&content_type)
}

/// Endings of types that are known by their bytes, or that would be run under another ending; the first is added to a name that
/// has none of them.
const ENDINGS: [(&str, &[&str]); 29] = [
    ("application/pdf", &["pdf"]),
    ("image/png", &["png"]),
    ("image/jpeg", &["jpg", "jpeg", "jpe", "jfif"]),
    ("image/webp", &["webp"]),
    ("image/gif", &["gif"]),
    ("image/bmp", &["bmp"]),
    ("image/tiff", &["tif", "tiff"]),
    ("image/svg+xml", &["svg"]),
    ("text/html", &["html", "htm"]),
    ("text/csv", &["csv", "txt"]),
    ("application/json", &["json", "geojson"]),
    ("application/msword", &["doc", "dot", "wps"]),
    ("application/vnd.ms-excel", &["xls", "xlt", "et"]),
    ("application/vnd.ms-powerpoint", &["ppt", "pps", "pot", "dps"]),
    ("application/x-ole-storage", &["bin", "doc", "dot", "wps", "xls", "et", "ppt", "pps", "dps", "msg", "vsd"]),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", &["docx"]),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &["xlsx"]),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", &["pptx"]),
    ("application/vnd.oasis.opendocument.text", &["odt"]),
    ("application/vnd.oasis.opendocument.spreadsheet", &["ods"]),
    ("application/vnd.oasis.opendocument.presentation", &["odp"]),
    ("application/epub+zip", &["epub"]),
    ("application/ofd", &["ofd"]),
    ("application/zip", &["zip", "docx", "xlsx", "pptx", "odt", "ods", "odp", "epub", "ofd", "kmz"]),
    ("video/mp4", &["mp4", "m4v"]),
    ("audio/mpeg", &["mp3"]),
    ("application/vnd.microsoft.portable-executable", &["exe", "dll"]),
    ("application/vnd.android.package-archive", &["apk"]),
    ("text/x-shellscript", &["sh"]),
];

/// Endings by which a machine runs or opens a file with rights of its own.
const RUN: [&str; 71] = [
    "action",
    "apk",
    "app",
    "application",
    "asp",
    "aspx",
    "bash",
    "bat",
    "cgi",
    "chm",
    "cmd",
    "com",
    "command",
    "cpl",
    "csh",
    "deb",
    "desktop",
    "dll",
    "dmg",
    "exe",
    "gadget",
    "hta",
    "htm",
    "html",
    "img",
    "inf",
    "ins",
    "iso",
    "jar",
    "jnlp",
    "js",
    "jse",
    "jsp",
    "ksh",
    "lnk",
    "mht",
    "mhtml",
    "mjs",
    "msc",
    "msi",
    "msp",
    "mst",
    "php",
    "pif",
    "pkg",
    "pl",
    "ps1",
    "psm1",
    "py",
    "pyw",
    "rb",
    "reg",
    "rpm",
    "run",
    "scf",
    "scr",
    "sct",
    "sh",
    "shtml",
    "svg",
    "url",
    "vb",
    "vbe",
    "vbs",
    "vhd",
    "vhdx",
    "website",
    "ws",
    "wsf",
    "wsh",
    "xll",
];

/// Types of programs.
const PROGRAMS: [&str; 22] = [
    "application/hta",
    "application/java",
    "application/java-archive",
    "application/vnd.android.dex",
    "application/vnd.android.dey",
    "application/vnd.android.package-archive",
    "application/vnd.debian.binary-package",
    "application/vnd.microsoft.portable-executable",
    "application/wasm",
    "application/x-bat",
    "application/x-dosexec",
    "application/x-elf",
    "application/x-executable",
    "application/x-google-chrome-extension",
    "application/x-llvm",
    "application/x-mach-binary",
    "application/x-msdownload",
    "application/x-msi",
    "application/x-rpm",
    "application/x-sh",
    "application/x-shockwave-flash",
    "text/x-shellscript",
];

/// Names that Windows gives to devices, whatever their ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = |device: &str| {
        let rest = stem.strip_prefix(device);
        rest.is_some_and(|rest| matches!(rest, "1" | "2" | "3" | "4" | "5" | "6" | "7" | "8" | "9" | "¹" | "²" | "³"))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
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
        // Letters and signs that take room and show nothing.
        || matches!(c, '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{e0000}'..='\u{e007f}')
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
            ("报告\u{2066}fdp.exe\u{2069}", "报告fdp.exe"),
            ("报告.pdf                    .exe", "报告.pdf .exe"),
            ("报告.pdf\u{3164}\u{3000}\u{a0}.exe", "报告.pdf .exe"),
            ("CON.pdf", "_CON.pdf"),
            ("nul", "_nul"),
            ("com1.tar.gz", "_com1.tar.gz"),
            ("console.pdf", "console.pdf"),
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
    fn a_name_ends_as_its_type_does() {
        for (name, content_type, expect) in [
            ("a.pdf", "application/pdf", "a.pdf"),
            ("A.PDF", "application/pdf", "A.PDF"),
            ("report.pdf.exe", "application/pdf", "report.pdf.exe.pdf"),
            ("report", "application/pdf", "report.pdf"),
            ("gpj.exe", "image/png", "gpj.exe.png"),
            ("图.jpeg", "image/jpeg", "图.jpeg"),
            ("图.png", "image/jpeg", "图.png.jpg"),
            ("版式.ofd", "application/zip", "版式.ofd"),
            ("a.jar", "application/zip", "a.jar.zip"),
            ("a.docm", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "a.docm.docx"),
            ("run.bat", "text/plain", "run.bat.txt"),
            ("readme.md", "text/plain", "readme.md"),
            ("page.html", "text/plain", "page.html.txt"),
            ("x.scr", "application/octet-stream", "x.scr.bin"),
            ("x.dat", "application/octet-stream", "x.dat"),
            ("x", "application/octet-stream", "x"),
            ("setup.exe", "application/vnd.microsoft.portable-executable", "setup.exe"),
        ] {
            assert_eq!(fitting_name(name, content_type), expect, "{name} of {content_type}");
        }
        let long = fitting_name(&format!("{}.exe", "长".repeat(196)), "application/pdf");
        assert!(long.chars().count() == MAX_NAME && long.ends_with(".exe.pdf"), "{long}");
        assert!(is_program("application/vnd.microsoft.portable-executable") && !is_program("application/pdf"));
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
