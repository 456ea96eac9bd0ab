//! The gate before the parser: one linear pass over the document, so that no document can exhaust the parser's stack or
//! time. Lexes as GraphQL does (October 2021, §2.1): strings, block strings and comments hide brackets.

/// How many lexical tokens a document may have.
pub(crate) const MAX_TOKENS: usize = 2_000;
/// How deep `{`, `(` and `[` may nest together.
pub(crate) const MAX_NESTING: usize = 32;

/// Why a document is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the document has more than {MAX_TOKENS} tokens: ask for less, or in several requests")]
    TooManyTokens,
    #[error("the document nests brackets deeper than {MAX_NESTING}: flatten it")]
    TooDeep,
    #[error("the document has a string that does not end")]
    OpenString,
}

/// Passes a document on to the parser, or refuses it.
pub(crate) fn check(document: &str) -> Result<(), Refused> {
    let mut rest = document.as_bytes();
    let (mut tokens, mut nesting) = (0_usize, 0_usize);
    while let Some(&byte) = rest.first() {
        let (length, counts) = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xEF | 0xBB | 0xBF => (1, false),
            b'#' => (line(rest), false),
            b'"' => (string(rest)?, true),
            b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => (word(rest), true),
            b'.' => (rest.iter().take(3).take_while(|byte| **byte == b'.').count(), true),
            _ => (1, true),
        };
        match byte {
            b'{' | b'(' | b'[' => nesting += 1,
            b'}' | b')' | b']' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        tokens += usize::from(counts);
        if tokens > MAX_TOKENS {
            return Err(Refused::TooManyTokens);
        }
        if nesting > MAX_NESTING {
            return Err(Refused::TooDeep);
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(())
}

fn line(rest: &[u8]) -> usize {
    rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
}

fn word(rest: &[u8]) -> usize {
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+' | b'.');
    rest.iter().position(|byte| !inside(byte)).unwrap_or(rest.len())
}

fn string(rest: &[u8]) -> Result<usize, Refused> {
    if rest.starts_with(b"\"\"\"") {
        return block_string(rest);
    }
    let mut at = 1;
    loop {
        match rest.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += 2,
            Some(b'\n' | b'\r') | None => return Err(Refused::OpenString),
            Some(_) => at += 1,
        }
    }
}

fn block_string(rest: &[u8]) -> Result<usize, Refused> {
    let mut at = 3;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with(b"\\\"\"\"") {
            at += 4;
        } else if tail.starts_with(b"\"\"\"") {
            return Ok(at + 3);
        } else {
            at += 1;
        }
    }
    Err(Refused::OpenString)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_documents_pass() {
        for document in [
            "",
            "{ a(b: \"}}}\") { c } } # {{{{",
            "query Q($x: [Int!]! = [1, -2.5e+3]) { a(s: \"\"\"{{ \\\"\"\" }}\"\"\") { ...F } } fragment F on A { b }",
            "{ 文字 }",
        ] {
            assert_eq!(check(document), Ok(()), "{document}");
        }
    }

    #[test]
    fn what_would_break_the_parser_is_refused() {
        assert_eq!(check(&"{a".repeat(33)), Err(Refused::TooDeep));
        assert_eq!(check(&format!("{{ a(x: {}) }}", "[".repeat(2_000))), Err(Refused::TooDeep));
        assert_eq!(check(&format!("{{ {} }}", "a ".repeat(2_001))), Err(Refused::TooManyTokens));
        assert_eq!(check("{ a(x: \"open"), Err(Refused::OpenString));
        assert_eq!(check("{ a(x: \"\"\"open\"\") }"), Err(Refused::OpenString));
        assert_eq!(check("{ a(x: \"\\"), Err(Refused::OpenString));
    }

    #[test]
    fn nothing_in_a_string_or_comment_counts() {
        assert_eq!(check(&format!("{{ a(x: \"{}\") }}", "{".repeat(5_000))), Ok(()));
        assert_eq!(check(&format!("{{ a }} #{}", "{".repeat(5_000))), Ok(()));
    }
}
