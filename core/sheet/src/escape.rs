//! Formula injection: a cell of a CSV file that begins with `=` is a formula to whoever opens the file, wherever the text came
//! from. One escape, defined here once, and the way back:
//!
//! - A text is *live* when its first character, spaces aside, is one of `=` `+` `-` `@`, their full-width forms, tab, carriage
//!   return or line feed.
//! - Written, a live text gets an apostrophe before it, which spreadsheets take as "this is text". So does a text that begins
//!   with an apostrophe before a live text or before another apostrophe.
//! - Read, an apostrophe before a live text or before another apostrophe is taken away.
//!
//! Reading what was written therefore gives exactly the same text, and a text of others that merely begins with an
//! apostrophe, such as `'90s`, is left alone. XLSX needs none of it: there a cell says itself that it is text.

use std::borrow::Cow;

fn is_live(text: &str) -> bool {
    let first = text.trim_start_matches([' ', '\u{A0}', '\u{3000}']).chars().next();
    first.is_some_and(|first| "=+-@＝＋－＠\t\r\n".contains(first))
}

fn is_marked(text: &str) -> bool {
    text.strip_prefix('\'').is_some_and(|rest| rest.starts_with('\'') || is_live(rest))
}

/// The text as it is written into a CSV cell.
#[must_use]
pub fn escape(text: &str) -> Cow<'_, str> {
    if is_live(text) || is_marked(text) { Cow::Owned(format!("'{text}")) } else { Cow::Borrowed(text) }
}

/// The text that a CSV cell means.
#[must_use]
pub fn unescape(text: &str) -> &str {
    if is_marked(text) { &text[1..] } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_spreadsheet_would_run_is_marked_and_comes_back() {
        for (text, written) in [
            ("", ""),
            ("甲", "甲"),
            ("a=b", "a=b"),
            ("=1+1", "'=1+1"),
            (" =1+1", "' =1+1"),
            ("-5", "'-5"),
            ("+86 10", "'+86 10"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("＝cmd", "'＝cmd"),
            ("'", "'"),
            ("'90s", "'90s"),
            ("'=1", "''=1"),
            ("''", "'''"),
            ("''=1", "'''=1"),
        ] {
            assert_eq!(escape(text), written, "{text:?}");
            assert_eq!(unescape(written), text, "{text:?}");
        }
    }
}
