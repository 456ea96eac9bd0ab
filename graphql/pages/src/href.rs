//! Which addresses a link may have.
//!
//! Escaping does not stop `javascript:`; this does. Both [`crate::check`] and the templates' `href` filter ask here.

use crate::plain_text::is_control;

/// Longest address, in characters.
pub const LIMIT: usize = 500;

/// Whether `href` may be the target of a link: a path on this host (`/…`, but not `//host` or `/\host`), an `https:` address,
/// a query (`?…`), a fragment (`#…`) or a telephone number (`tel:` and digits). The first four are the pattern of the view schema.
#[must_use]
pub fn is_allowed(href: &str) -> bool {
    if href.chars().count() > LIMIT || href.chars().any(|c| c.is_whitespace() || is_control(c)) {
        return false;
    }
    match href.as_bytes() {
        [b'/'] | [b'?' | b'#', ..] => true,
        [b'/', second, ..] => !matches!(second, b'/' | b'\\'),
        _ => is_https(href) || is_telephone(href),
    }
}

/// Whether `href` leaves this host.
#[must_use]
pub fn is_external(href: &str) -> bool {
    is_https(href)
}

fn is_https(href: &str) -> bool {
    href.strip_prefix("https://").is_some_and(|rest| !rest.is_empty())
}

fn is_telephone(href: &str) -> bool {
    href.strip_prefix("tel:").is_some_and(|number| {
        (3..=25).contains(&number.len()) && number.chars().all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'))
    })
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn only_safe_addresses_pass() {
        for href in [
            "/",
            "/p/street-cards",
            "/a?b=c#d",
            "https://www.gov.cn/",
            "?page=2",
            "#top",
            "tel:029-0000-0001",
            "tel:+8612345",
        ] {
            assert!(is_allowed(href), "{href}");
        }
        for href in [
            "",
            "javascript:alert(1)",
            "JAVASCRIPT:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "http://www.gov.cn/",
            "https://",
            "relative",
            " /a",
            "/a b",
            "tel:",
            "tel:javascript",
            "mailto:a@b.c",
            "/a\u{202e}b",
            "\u{1}/a",
            "vbscript:x",
            "https:evil",
            "\\\\evil",
        ] {
            assert!(!is_allowed(href), "{href:?}");
        }
        assert!(!is_allowed(&format!("/{}", "a".repeat(super::LIMIT))));
    }
}
