//! A Rust file in two forms of equal length: without its tests, and also without comments and texts. Places in one are
//! places in the other, so that a finding has its line.

use std::ops::Range;

const TEST_ATTRIBUTE: &str = "#[cfg(test)]";

/// A Rust file.
#[derive(Debug)]
pub struct RustSource {
    text: String,
    code: String,
}

impl RustSource {
    /// Reads a file. What stands under `#[cfg(test)]` becomes blank.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let code = blank(text, &comments_and_texts(text));
        let tests = tests(&code);
        Self { text: blank(text, &tests), code: blank(&code, &tests) }
    }

    /// Everything but tests.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Everything but tests, comments and the insides of texts.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }
}

/// The text with spaces in these places; lines stay lines.
fn blank(text: &str, places: &[Range<usize>]) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for place in places {
        for byte in bytes.get_mut(place.clone()).into_iter().flatten().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn comments_and_texts(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut places = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let length = match &bytes[at..] {
            [b'/', b'/', ..] => text[at..].find('\n').unwrap_or(text.len() - at),
            [b'/', b'*', ..] => block_comment(&bytes[at..]),
            [b'"', ..] => string(&bytes[at..]),
            [b'r', rest @ ..] if starts_word(bytes, at) => raw_string(rest).map_or(0, |length| length + 1),
            [b'\'', ..] => character(&text[at..]),
            _ => 0,
        };
        if length > 0 {
            places.push(at..at + length);
        }
        at += length.max(1);
        while !text.is_char_boundary(at) {
            at += 1;
        }
    }
    places
}

/// Whether `at` begins a word, `b` and `c` before an `r` of raw texts apart.
fn starts_word(bytes: &[u8], at: usize) -> bool {
    let is_part = |index: usize| bytes.get(index).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    match at.checked_sub(1) {
        None => true,
        Some(before) if matches!(bytes[before], b'b' | b'c') => before == 0 || !is_part(before - 1),
        Some(before) => !is_part(before),
    }
}

fn block_comment(bytes: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// The length of `#*"…"#*`, or nothing when this is none.
fn raw_string(bytes: &[u8]) -> Option<usize> {
    let hashes = bytes.iter().take_while(|byte| **byte == b'#').count();
    (bytes.get(hashes) == Some(&b'"')).then_some(())?;
    let end: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = bytes.get(hashes + 1..)?;
    let length = body.windows(end.len()).position(|window| window == end)?;
    Some(hashes + 1 + length + end.len())
}

/// The length of a character, 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(0, |end| end + 4),
        Some(_) => chars.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// Items under `#[cfg(test)]`: from the attribute to the closing brace or semicolon.
fn tests(code: &str) -> Vec<Range<usize>> {
    let whole = code.find("#![cfg(test)]").map(|_| 0..code.len());
    let starts = code.match_indices(TEST_ATTRIBUTE).map(|(start, _)| start);
    let items = starts.map(|start| start..item_end(code, start + TEST_ATTRIBUTE.len()));
    whole.into_iter().chain(items).collect()
}

fn item_end(code: &str, from: usize) -> usize {
    let (mut braces, mut others) = (0_usize, 0_usize);
    for (offset, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => others += 1,
            b')' | b']' => others = others.saturating_sub(1),
            b'{' => braces += 1,
            b'}' if braces <= 1 => return offset + 1,
            b'}' => braces -= 1,
            b';' if braces == 0 && others == 0 => return offset + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_texts_are_no_code() {
        let check = |text: &str, expect: &str| assert_eq!(RustSource::new(text).code().trim_end(), expect, "{text}");
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ d */ e", "a                   e");
        check(r#"f("x\"y") + g"#, "f(      ) + g");
        check("r#\"a\"b\"# + c", "         + c");
        check("br\"a\" + c", "b     + c");
        check("'\\'' + 'x' + b'a", "     +     + b'a");
        check("fn f<'a>(x: &'a str) -> char { '街' }", "fn f<'a>(x: &'a str) -> char {       }");
        check("for_(\"a\")", "for_(   )");
    }

    #[test]
    fn tests_are_left_out_and_lines_stay() {
        let source = RustSource::new("a();\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\"; }\n}\nc(\"d\");\n");
        assert!(!source.text().contains("fn b"));
        assert_eq!(source.text().lines().position(|line| line == "c(\"d\");"), Some(5));
        assert_eq!(RustSource::new("#[cfg(test)]\nmod tests;\nx").code().trim(), "x");
    }
}
