//! Of which type a file is: what its first bytes show, held against what its sender says.
//!
//! Sunlit serves a file under the type that is settled here, and only here; so nobody brings HTML in as an image.

use sunlit_domain::file::MediaType;

/// Bytes of a file's beginning that are looked at. Office documents show what they are within them.
pub(crate) const HEAD: usize = 8 * 1024;

/// Containers: a type whose files are, to their first bytes, files of a more general one.
const CONTAINERS: [(&str, &[&str]); 4] = [
    (
        "application/zip",
        &[
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            "application/vnd.openxmlformats-officedocument.presentationml.presentation",
            "application/vnd.oasis.opendocument.text",
            "application/vnd.oasis.opendocument.spreadsheet",
            "application/vnd.oasis.opendocument.presentation",
            "application/epub+zip",
            // GB/T 33190-2016: 版式文档 OFD is a zip.
            "application/ofd",
            "application/x-zip-compressed",
        ],
    ),
    ("application/x-ole-storage", &["application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"]),
    ("text/xml", &["application/xml", "image/svg+xml", "application/geo+json"]),
    ("image/jpeg", &["image/jpg", "image/pjpeg"]),
];

/// The type of a file that begins with `head`; none when it is not what its sender says. A sender who says nothing, or
/// [`MediaType::UNKNOWN`], gets what the bytes show.
pub(crate) fn settle(declared: Option<&MediaType>, head: &[u8]) -> Option<String> {
    let shown = infer::get(head).map(|found| found.mime_type());
    let declared = declared.map(MediaType::as_str).filter(|declared| *declared != MediaType::UNKNOWN);
    match (declared, shown) {
        (None, shown) => Some(shown.unwrap_or(MediaType::UNKNOWN).to_owned()),
        (Some(declared), Some(shown)) => agrees(declared, shown).then(|| canonical(declared).to_owned()),
        (Some(declared), None) if declared.starts_with("text/") || declared == "application/json" => {
            is_text(head).then(|| declared.to_owned()).filter(|_| !infer::is_mime_supported(declared))
        }
        // Bytes of a type that shows itself would have shown it.
        (Some(declared), None) => (!is_known(declared)).then(|| declared.to_owned()),
    }
}

/// Whether files of this type are zip archives, office documents among them.
pub(crate) fn is_archive(content_type: &str) -> bool {
    let (zip, inside) = CONTAINERS[0];
    content_type == zip || inside.contains(&content_type)
}

/// Whether an archive of this type is a document, which holds nothing but parts that its program reads.
pub(crate) fn is_document(content_type: &str) -> bool {
    is_archive(content_type) && !matches!(content_type, "application/zip" | "application/x-zip-compressed")
}

fn agrees(declared: &str, shown: &str) -> bool {
    let contains = |(container, inside): &(&str, &[&str])| *container == shown && inside.contains(&declared);
    declared == shown || CONTAINERS.iter().any(contains)
}

/// The one name of a type that has several.
fn canonical(declared: &str) -> &str {
    match declared {
        "image/jpg" | "image/pjpeg" => "image/jpeg",
        "application/x-zip-compressed" => "application/zip",
        other => other,
    }
}

/// Whether files of this type are known by their first bytes.
fn is_known(declared: &str) -> bool {
    infer::is_mime_supported(declared) || CONTAINERS.iter().any(|(_, inside)| inside.contains(&declared))
}

/// Text in any encoding that has no NUL: tables from offices in China are often GB 18030.
fn is_text(head: &[u8]) -> bool {
    !head.contains(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

    #[test]
    fn what_is_said_and_what_is_shown_must_agree() {
        let check = |declared: &str, head: &[u8], expect: Option<&str>| {
            let declared = MediaType::of_header(declared);
            assert_eq!(settle(declared.as_ref(), head).as_deref(), expect, "{declared:?}");
        };
        let html: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
        check("image/png", PNG, Some("image/png"));
        check("", PNG, Some("image/png"));
        check("application/octet-stream", PNG, Some("image/png"));
        check("image/jpg", b"\xff\xd8\xff\xe0\0\x10JFIF", Some("image/jpeg"));
        check("image/png", b"\xff\xd8\xff\xe0\0\x10JFIF", None);
        check("image/png", html, None);
        check("image/png", b"no picture at all", None);
        check("image/png", b"", None);
        check("application/pdf", b"%PDF-1.7\n", Some("application/pdf"));
        check("application/pdf", html, None);
        check("text/plain", html, None);
        check("text/html", html, Some("text/html"));
        check("", html, Some("text/html"));
        check("text/csv", "名称,数量\n甲,1\n".as_bytes(), Some("text/csv"));
        check("text/csv", b"\xc3\xfb\xb3\xc6,1\n", Some("text/csv"));
        check("text/csv", b"a\0b", None);
        check("text/html", b"plain words", None);
        check("application/zip", b"PK\x03\x04\x14\0\0\0", Some("application/zip"));
        check("application/ofd", b"PK\x03\x04\x14\0\0\0", Some("application/ofd"));
        check("application/ofd", b"no zip", None);
        check("image/svg+xml", b"<?xml version=\"1.0\"?><svg/>", Some("image/svg+xml"));
        check("application/x-unheard-of", b"\x01\x02", Some("application/x-unheard-of"));
        check("", b"\x01\x02", Some("application/octet-stream"));
    }
}
