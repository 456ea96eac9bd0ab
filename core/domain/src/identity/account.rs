//! What an account is called and where its mail goes.

use crate::format::Format;

/// Characters of a person's name.
pub const MAX_NAME: usize = 50;
/// Bytes of an address (RFC 5321, §4.5.3.1.3, without the angle brackets).
pub const MAX_EMAIL: usize = 254;

/// An address as it is kept: trimmed and in lower case, so that one person has one account. None when it is no address.
///
/// The local part is case-sensitive by RFC 5321 and by nobody's mail server.
#[must_use]
pub fn email(text: &str) -> Option<String> {
    if text.len() > MAX_EMAIL {
        return None;
    }
    Format::Email.check(text).ok().map(|address| address.to_lowercase())
}

/// A person's name as it is kept: trimmed, of 1 to [`MAX_NAME`] characters on one line. None when it is none.
#[must_use]
pub fn name(text: &str) -> Option<String> {
    let text = text.trim();
    let fits = !text.is_empty() && text.chars().count() <= MAX_NAME && !text.contains(char::is_control);
    fits.then(|| text.to_owned())
}
