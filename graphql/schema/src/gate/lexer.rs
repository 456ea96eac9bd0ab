//! GraphQL's lexical tokens (October 2021, §2.1): strings, block strings and comments hide what stands in them.

use super::Refused;

/// A lexical token, as far as the gate tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A name, or a number, which stands only where names mean nothing.
    Name(&'a str),
    /// `...`
    Spread,
    /// A bracket or another mark of one byte.
    Mark(u8),
    /// A string.
    Text,
}

/// The tokens of a document, one after the other.
#[derive(Debug)]
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next token; none at the end.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, Refused> {
        let bytes = self.text.as_bytes();
        while let Some(rest) = bytes.get(self.at..).filter(|rest| !rest.is_empty()) {
            let (length, token) = match rest[0] {
                b' ' | b'\t' | b'\n' | b'\r' | b',' | 0xEF | 0xBB | 0xBF => (1, None),
                b'#' => (line(rest), None),
                b'"' => (string(rest)?, Some(Token::Text)),
                b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => {
                    let length = word(rest);
                    (length, Some(Token::Name(self.text.get(self.at..self.at + length).unwrap_or_default())))
                }
                b'.' => (rest.iter().take(3).take_while(|byte| **byte == b'.').count(), Some(Token::Spread)),
                other => (1, Some(Token::Mark(other))),
            };
            self.at += length;
            if token.is_some() {
                return Ok(token);
            }
        }
        Ok(None)
    }
}

fn line(rest: &[u8]) -> usize {
    rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
}

/// A name ends where no letter, digit or underscore follows; a number may hold a sign or a point too.
fn word(rest: &[u8]) -> usize {
    let numeric = matches!(rest[0], b'0'..=b'9' | b'-');
    let inside =
        |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || numeric && matches!(byte, b'-' | b'+' | b'.');
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
