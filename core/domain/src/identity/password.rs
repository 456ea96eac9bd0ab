//! What a password has to be: long enough, of several kinds of characters, and not what everybody tries first
//! (GB/T 22239-2019, 8.1.4.1 a: 口令复杂度).

use crate::error_code::message;
use crate::locale::Locale;

/// Characters of a password at least.
pub const MIN_CHARS: usize = 10;
/// Bytes of a password at most: hashing a longer one costs more than it brings.
pub const MAX_BYTES: usize = 200;
/// From this length on the kinds of characters no longer matter: a sentence is a good password.
const LONG_CHARS: usize = 20;
/// Kinds of characters that a shorter one needs, of capital letters, small letters, digits and others.
const MIN_KINDS: usize = 3;
/// What is tried first, in lower case.
const COMMON: [&str; 12] = [
    "password", "passw0rd", "p@ssw0rd", "qwerty", "admin", "12345", "abc123", "abcdef", "11111", "00000", "iloveyou",
    "woaini",
];
/// Characters that a password has beside what is common.
const FEW: usize = 4;

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFlaw {
    /// Fewer than [`MIN_CHARS`] characters.
    Short,
    /// More than [`MAX_BYTES`] bytes.
    Long,
    /// Too few kinds of characters.
    Plain,
    /// It is what everybody tries first, or repeats a few characters.
    Common,
    /// The account's address or name is in it.
    Personal,
}

impl PasswordFlaw {
    /// What people read: the mend.
    #[must_use]
    pub fn message(self, locale: Locale) -> &'static str {
        let key = match self {
            Self::Short => "problem.password.short",
            Self::Long => "problem.password.long",
            Self::Plain => "problem.password.plain",
            Self::Common => "problem.password.common",
            Self::Personal => "problem.password.personal",
        };
        message(key, locale)
    }
}

/// Looks at a password that somebody chooses for the account of that address and name.
///
/// # Errors
/// The first flaw.
pub fn check(password: &str, email: &str, name: &str) -> Result<(), PasswordFlaw> {
    let chars = password.chars().count();
    if chars < MIN_CHARS {
        return Err(PasswordFlaw::Short);
    }
    if password.len() > MAX_BYTES {
        return Err(PasswordFlaw::Long);
    }
    if chars < LONG_CHARS && kinds(password) < MIN_KINDS {
        return Err(PasswordFlaw::Plain);
    }
    let lower = password.to_lowercase();
    let own = COMMON.iter().fold(lower.clone(), |left, common| left.replace(common, ""));
    if own.chars().count() < FEW || repeats(&lower) {
        return Err(PasswordFlaw::Common);
    }
    let personal = [email.split('@').next().unwrap_or_default(), name];
    // Two Chinese characters are a whole name, two letters are in anything.
    let tells = |part: &str| part.chars().count() >= if part.is_ascii() { 3 } else { 2 };
    if personal.iter().any(|part| tells(part) && lower.contains(&part.to_lowercase())) {
        return Err(PasswordFlaw::Personal);
    }
    Ok(())
}

fn kinds(password: &str) -> usize {
    let kinds: [fn(char) -> bool; 4] = [
        |c| c.is_uppercase(),
        |c| c.is_lowercase(),
        |c| c.is_numeric(),
        |c| !c.is_uppercase() && !c.is_lowercase() && !c.is_numeric(),
    ];
    kinds.iter().filter(|kind| password.chars().any(kind)).count()
}

/// Whether it has fewer than five different characters.
fn repeats(password: &str) -> bool {
    let mut chars: Vec<char> = password.chars().collect();
    chars.sort_unstable();
    chars.dedup();
    chars.len() < 5
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_guessed_first_is_refused_with_its_mend() {
        let check = |password: &str| check(password, "zhang.wei@example.org", "张伟");
        let cases = [
            ("Ab1!", Some(PasswordFlaw::Short)),
            ("长长长长长长长长长", Some(PasswordFlaw::Short)),
            ("abcdefghijkl", Some(PasswordFlaw::Plain)),
            ("Password1!", Some(PasswordFlaw::Common)),
            ("Admin12345", Some(PasswordFlaw::Common)),
            ("Aa1Aa1Aa1Aa1", Some(PasswordFlaw::Common)),
            ("Zhang.Wei-2026", Some(PasswordFlaw::Personal)),
            ("我叫张伟-2026xyz", Some(PasswordFlaw::Personal)),
            ("碧水长天-2026x", None),
            ("Green-River-7", None),
            ("correct horse battery staple", None),
        ];
        for (password, flaw) in cases {
            assert_eq!(check(password).err(), flaw, "{password}");
        }
        assert_eq!(check(&"Aa1!".repeat(60)), Err(PasswordFlaw::Long));
    }

    #[test]
    fn every_flaw_has_its_words() {
        use PasswordFlaw::{Common, Long, Personal, Plain, Short};
        for flaw in [Short, Long, Plain, Common, Personal] {
            for locale in [Locale::Zh, Locale::En] {
                assert!(!flaw.message(locale).starts_with("problem."), "{flaw:?}");
            }
        }
    }
}
