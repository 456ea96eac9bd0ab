//! What templates can say beyond the template language: interface words, texts by locale, dates, numbers, addresses.
//!
//! All of them read the reader's language from the template variable `locale`.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Kwargs, Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, escape_formatter};

use crate::page::Locale;
use crate::plain_text::visible;
use crate::view::Text;
use crate::words::Words;
use crate::{dates, href, numbers};

/// Adds everything to `environment`.
pub(crate) fn add(environment: &mut Environment<'static>, words: Arc<Words>) {
    environment.set_formatter(write_visible);
    environment.add_function("ui", move |state: &State, key: &str, values: Kwargs| ui(&words, state, key, &values));
    environment.add_function("lang", lang);
    environment.add_filter("t", translated);
    environment.add_filter("date", |state: &State, text: &str| dates::written(text, locale(state).tag()));
    environment.add_filter("number", |value: &Value| numbers::grouped(&value.to_string()));
    environment.add_filter("href", checked_href);
    environment.add_filter("percent", percent_encoded);
    environment.add_filter("paragraphs", paragraphs);
    environment.add_test("external", |address: &str| href::is_external(address));
}

/// Prints text without the characters that steer its direction, escaped for HTML; a value that is `none` prints nothing.
fn write_visible(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let text = match value.as_str() {
        Some(text) if matches!(state.auto_escape(), AutoEscape::Html) => visible(text),
        _ if value.is_none() => return Ok(()),
        _ => return escape_formatter(out, state, value),
    };
    let written = if value.is_safe() { out.write_str(&text) } else { write_escaped(out, &text) };
    written.map_err(|_| Error::new(ErrorKind::WriteFailure, "could not write the page"))
}

/// The five characters that mean something in HTML text or between quotes. Unlike the engine's own escaping it leaves `/` alone,
/// so that addresses stay readable in the page's source.
fn write_escaped(out: &mut Output, text: &str) -> std::fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        })?;
        rest = &rest[at + 1..];
    }
    out.write_str(rest)
}

fn ui(words: &Words, state: &State, key: &str, values: &Kwargs) -> Result<String, Error> {
    let values: Vec<(String, String)> = values
        .args()
        .map(|name| Ok((name.to_owned(), values.get::<Value>(name)?.to_string())))
        .collect::<Result<_, Error>>()?;
    words.get(locale(state), key, &values).ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("no interface word `{key}`; add it to frontend/ui/i18n"))
    })
}

fn translated(state: &State, text: Serde<BTreeMap<String, String>>) -> String {
    Text(text.0).best(locale(state).tag()).map(|(_, wording)| wording.to_owned()).unwrap_or_default()
}

/// ` lang="…"` where a text is not in the page's language, so that a screen reader pronounces it right. A plain string is
/// taken for Chinese if it has a Chinese character.
fn lang(state: &State, value: &Value) -> Result<Value, Error> {
    let locale = locale(state);
    let language = |tag: &str| tag.split('-').next().map(str::to_owned);
    let other = match value.kind() {
        ValueKind::Map => {
            let text = Text(
                value
                    .try_iter()?
                    .map(|key| Ok((key.to_string(), value.get_item(&key)?.to_string())))
                    .collect::<Result<_, Error>>()?,
            );
            text.best(locale.tag()).map(|(tag, _)| tag.to_owned()).filter(|tag| language(tag) != language(locale.tag()))
        }
        ValueKind::String if locale != Locale::ZhCn => {
            value.as_str().filter(|text| text.chars().any(is_han)).map(|_| Locale::ZhCn.tag().to_owned())
        }
        _ => None,
    };
    let is_tag = |tag: &String| tag.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    Ok(other.filter(is_tag).map_or_else(|| Value::from(""), |tag| Value::from_safe_string(format!(" lang=\"{tag}\""))))
}

fn is_han(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{323AF}')
}

fn checked_href(address: &str) -> Result<String, Error> {
    if href::is_allowed(address) {
        return Ok(address.to_owned());
    }
    let detail =
        format!("`{address}` is no allowed address; use a path (`/…`), `https://…`, `?…`, `#…` or `tel:` with digits");
    Err(Error::new(ErrorKind::InvalidOperation, detail))
}

/// Percent-encoding for a value in a query: everything but unreserved characters (RFC 3986 §2.3).
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

fn paragraphs(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn locale(state: &State) -> Locale {
    state.lookup("locale").and_then(|tag| Locale::from_tag(tag.as_str()?)).unwrap_or_default()
}
