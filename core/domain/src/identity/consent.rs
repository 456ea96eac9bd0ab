//! What people are asked to agree to, and may take back as easily (个人信息保护法, Art. 15).

/// What for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The notice of how personal data are handled (Art. 17).
    Notice,
    /// Mail about the use of the plan, which nobody needs to do their work. It comes until somebody takes it back.
    UsageMail,
}

impl Purpose {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Notice, Self::UsageMail];

    /// As it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::UsageMail => "usage-mail",
        }
    }
}

/// Whether this can be the version of a text that was shown: 1 to 40 letters, digits, points and hyphens.
#[must_use]
pub fn is_version(text: &str) -> bool {
    (1..=40).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_a_short_word() {
        for (text, expect) in [("2026-11-23", true), ("1.0", true), ("", false), ("一", false), ("a b", false)] {
            assert_eq!(is_version(text), expect, "{text}");
        }
        assert!(!is_version(&"1".repeat(41)));
    }
}
