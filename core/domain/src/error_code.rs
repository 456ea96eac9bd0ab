//! The closed table of outcomes that callers see: code, HTTP status, message.

use crate::locale::Locale;

/// What went wrong, for a caller. Serialised as its [`code`](ErrorCode::code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorCode {
    /// A value, filter, argument or document that is not acceptable; the message says which.
    InvalidInput,
    /// A required value is missing.
    Required,
    /// A value that must be unique is taken.
    NotUnique,
    /// A credential is needed.
    Unauthenticated,
    /// The credential does not allow it.
    Denied,
    /// There is no such thing here; also what another tenant's thing answers (invariant 3).
    NotFound,
    /// The record changed since it was read.
    Conflict,
    /// The request or answer is larger than allowed.
    TooLarge,
    /// A documented limit (depth, cost, rows, time) was passed.
    LimitExceeded,
    /// The request's form is not supported (method, content type, accept).
    Unsupported,
    /// No registered document has this hash. Named as Apollo's clients expect, which then send the text.
    DocumentUnknown,
    /// The tenant answers anonymous callers registered documents only.
    DocumentNotTrusted,
    /// The plugin declined, for a reason of its own.
    PluginDeclined,
    /// The plugin failed, ran out of its limits or answered nonsense.
    PluginUnavailable,
    /// The tenant is read-only for now.
    ReadOnly,
    /// The tenant is suspended.
    Suspended,
    /// The address or the password is not right; which of them is not told.
    InvalidCredentials,
    /// The password was right, and a second factor is needed.
    SecondFactorRequired,
    /// Nobody gets into the account for now: too many wrong answers.
    Locked,
    /// Nobody holds two of the separated duties.
    SeparatedDuties,
    /// More was asked for in a short time than the tenant's plan, or one caller, is given; later it is answered.
    RateLimited,
    /// The tenant has used up what its plan gives.
    QuotaExceeded,
    /// The service cannot answer now.
    Unavailable,
    /// A fault of ours; only the trace id is told.
    Internal,
}

/// All codes, for tables and tests.
pub const ALL: [ErrorCode; 24] = [
    ErrorCode::InvalidInput,
    ErrorCode::Required,
    ErrorCode::NotUnique,
    ErrorCode::Unauthenticated,
    ErrorCode::Denied,
    ErrorCode::NotFound,
    ErrorCode::Conflict,
    ErrorCode::TooLarge,
    ErrorCode::LimitExceeded,
    ErrorCode::Unsupported,
    ErrorCode::DocumentUnknown,
    ErrorCode::DocumentNotTrusted,
    ErrorCode::PluginDeclined,
    ErrorCode::PluginUnavailable,
    ErrorCode::ReadOnly,
    ErrorCode::Suspended,
    ErrorCode::InvalidCredentials,
    ErrorCode::SecondFactorRequired,
    ErrorCode::Locked,
    ErrorCode::SeparatedDuties,
    ErrorCode::RateLimited,
    ErrorCode::QuotaExceeded,
    ErrorCode::Unavailable,
    ErrorCode::Internal,
];

impl ErrorCode {
    /// The code on the wire; also the key of the message in `i18n/messages.*.json`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::InvalidInput => "INVALID_INPUT",
            Self::Required => "REQUIRED",
            Self::NotUnique => "NOT_UNIQUE",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Denied => "DENIED",
            Self::NotFound => "NOT_FOUND",
            Self::Conflict => "CONFLICT",
            Self::TooLarge => "TOO_LARGE",
            Self::LimitExceeded => "LIMIT_EXCEEDED",
            Self::Unsupported => "UNSUPPORTED",
            Self::DocumentUnknown => "PERSISTED_QUERY_NOT_FOUND",
            Self::DocumentNotTrusted => "DOCUMENT_NOT_TRUSTED",
            Self::PluginDeclined => "PLUGIN_DECLINED",
            Self::PluginUnavailable => "PLUGIN_UNAVAILABLE",
            Self::ReadOnly => "READ_ONLY",
            Self::Suspended => "SUSPENDED",
            Self::InvalidCredentials => "INVALID_CREDENTIALS",
            Self::SecondFactorRequired => "SECOND_FACTOR_REQUIRED",
            Self::Locked => "LOCKED",
            Self::SeparatedDuties => "SEPARATED_DUTIES",
            Self::RateLimited => "RATE_LIMITED",
            Self::QuotaExceeded => "QUOTA_EXCEEDED",
            Self::Unavailable => "UNAVAILABLE",
            Self::Internal => "INTERNAL",
        }
    }

    /// The HTTP status of a page or a refused request with this code (RFC 9110).
    #[must_use]
    pub fn http_status(self) -> u16 {
        match self {
            Self::InvalidInput | Self::Required | Self::LimitExceeded => 400,
            Self::Unauthenticated | Self::InvalidCredentials | Self::SecondFactorRequired => 401,
            Self::Locked | Self::Denied | Self::DocumentNotTrusted | Self::ReadOnly | Self::QuotaExceeded => 403,
            Self::NotFound | Self::DocumentUnknown => 404,
            Self::Conflict | Self::NotUnique | Self::SeparatedDuties => 409,
            Self::TooLarge => 413,
            Self::Unsupported => 415,
            Self::PluginDeclined => 422,
            Self::RateLimited => 429,
            Self::PluginUnavailable | Self::Unavailable | Self::Suspended => 503,
            Self::Internal => 500,
        }
    }

    /// What people read, in `locale`.
    #[must_use]
    pub fn message(self, locale: Locale) -> &'static str {
        message(self.code(), locale)
    }
}

/// The text of `key` in the translation files; the key itself when there is none.
#[must_use]
pub fn message(key: &str, locale: Locale) -> &str {
    messages::get(key, locale)
}

mod messages {
    use std::collections::BTreeMap;
    use std::sync::LazyLock;

    use super::Locale;

    type Table = BTreeMap<String, String>;
    static ZH: LazyLock<Table> = LazyLock::new(|| read(include_str!("../i18n/messages.zh-CN.json")));
    static EN: LazyLock<Table> = LazyLock::new(|| read(include_str!("../i18n/messages.en.json")));

    fn read(text: &str) -> Table {
        serde_json::from_str(text).unwrap_or_default()
    }

    pub(super) fn get(code: &str, locale: Locale) -> &str {
        let table = match locale {
            Locale::Zh => &*ZH,
            Locale::En => &*EN,
        };
        table.get(code).map_or(code, String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_keys() {
        let keys = |text: &str| -> Vec<String> {
            serde_json::from_str::<std::collections::BTreeMap<String, String>>(text).unwrap().into_keys().collect()
        };
        assert_eq!(keys(include_str!("../i18n/messages.zh-CN.json")), keys(include_str!("../i18n/messages.en.json")));
    }

    #[test]
    fn every_code_has_a_message_in_both_languages() {
        for code in ALL {
            for locale in [Locale::Zh, Locale::En] {
                assert_ne!(code.message(locale), code.code(), "{code:?} {locale:?}");
            }
            assert!((400..600).contains(&code.http_status()));
        }
    }
}
