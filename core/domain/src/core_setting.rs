//! The platform's own settings of a tenant: a closed list, kept beside the settings of its packages under [`PACKAGE`].
//!
//! An administrator sets them; what cannot be read counts as its safest value.

use serde_json::Value as Json;

/// The name under which they are stored, which no package may have.
pub const PACKAGE: &str = "core";

/// How many origins a tenant may allow.
const MAX_ORIGINS: usize = 50;
/// Characters of an origin: the longest host name is 253.
const MAX_ORIGIN: usize = 300;

/// A setting of the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CoreSetting {
    /// `allowed_origins`: a list of web origins (RFC 6454) whose pages may use the API, such as `https://example.org`; `*`
    /// lets every page read what the public may.
    AllowedOrigins,
    /// `trusted_documents_only`: whether anonymous callers may send registered GraphQL documents only.
    TrustedDocumentsOnly,
}

/// All of them.
pub const ALL: [CoreSetting; 2] = [CoreSetting::AllowedOrigins, CoreSetting::TrustedDocumentsOnly];

/// Why a value is not acceptable; says what is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CoreSettingError {
    /// There is no such setting.
    #[error("there is no setting `{0}`: the settings are {names}", names = ALL.map(CoreSetting::name).join(", "))]
    Unknown(String),
    /// Not a list of origins.
    #[error("`{0}` is no web origin: write scheme, host and port only, such as https://example.org, or *")]
    NoOrigin(String),
    /// Not a list of texts.
    #[error("allowed_origins is a list of at most {MAX_ORIGINS} web origins, such as [\"https://example.org\"]")]
    NoList,
    /// Not a boolean.
    #[error("trusted_documents_only is true or false")]
    NoBoolean,
}

impl CoreSetting {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AllowedOrigins => "allowed_origins",
            Self::TrustedDocumentsOnly => "trusted_documents_only",
        }
    }

    /// The setting of that name.
    ///
    /// # Errors
    /// [`CoreSettingError::Unknown`].
    pub fn named(name: &str) -> Result<Self, CoreSettingError> {
        let found = ALL.into_iter().find(|setting| setting.name() == name);
        found.ok_or_else(|| CoreSettingError::Unknown(name.to_owned()))
    }

    /// Whether `value` is acceptable.
    ///
    /// # Errors
    /// [`CoreSettingError`].
    pub fn check(self, value: &Json) -> Result<(), CoreSettingError> {
        match self {
            Self::AllowedOrigins => origins(value).map(drop),
            Self::TrustedDocumentsOnly => value.as_bool().map(drop).ok_or(CoreSettingError::NoBoolean),
        }
    }
}

/// The platform's settings of one tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CoreSettings {
    /// See [`CoreSetting::AllowedOrigins`]; in lower case.
    pub allowed_origins: Vec<String>,
    /// See [`CoreSetting::TrustedDocumentsOnly`].
    pub trusted_documents_only: bool,
}

impl CoreSettings {
    /// Reads what is stored, as pairs of name and JSON. No origin is allowed, and only registered documents are answered,
    /// where a value cannot be read.
    #[must_use]
    pub fn read<'a>(stored: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut settings = Self::default();
        for (name, text) in stored {
            let value: Json = serde_json::from_str(text).unwrap_or_default();
            match CoreSetting::named(name) {
                Ok(CoreSetting::AllowedOrigins) => settings.allowed_origins = origins(&value).unwrap_or_default(),
                Ok(CoreSetting::TrustedDocumentsOnly) => {
                    settings.trusted_documents_only = value.as_bool().unwrap_or(true);
                }
                Err(_) => {}
            }
        }
        settings
    }
}

fn origins(value: &Json) -> Result<Vec<String>, CoreSettingError> {
    let items = value.as_array().filter(|items| items.len() <= MAX_ORIGINS).ok_or(CoreSettingError::NoList)?;
    let origin = |item: &Json| {
        let text = item.as_str().ok_or(CoreSettingError::NoList)?.to_ascii_lowercase();
        if text == "*" || is_origin(&text) { Ok(text) } else { Err(CoreSettingError::NoOrigin(text)) }
    };
    items.iter().map(origin).collect()
}

/// Whether `text` is a serialised web origin (RFC 6454, §6.2): `https://host` or `https://host:port`, without a path.
fn is_origin(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) else { return false };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    };
    let is_host = !host.is_empty()
        && host.len() <= MAX_ORIGIN
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number.to_string() == port))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_and_nothing_else() {
        let check = |text: &str, expect: bool| {
            let value = json!([text]);
            assert_eq!(CoreSetting::AllowedOrigins.check(&value).is_ok(), expect, "{text}");
        };
        for good in ["*", "https://a.example", "http://localhost:3000", "HTTPS://A.example"] {
            check(good, true);
        }
        for bad in ["", "null", "a.example", "https://", "https://a/", "https://a:", "https://a:080", "ftp://a"] {
            check(bad, false);
        }
        for bad in ["https://a:70000", "https://a@b", "https://*.example", "https://a b", "https://a?x"] {
            check(bad, false);
        }
        assert!(CoreSetting::AllowedOrigins.check(&json!("https://a.example")).is_err());
        assert!(CoreSetting::AllowedOrigins.check(&json!(vec!["*"; 51])).is_err());
        assert!(CoreSetting::TrustedDocumentsOnly.check(&json!("yes")).is_err());
        assert!(CoreSetting::named("x").unwrap_err().to_string().contains("allowed_origins, trusted_documents_only"));
    }

    #[test]
    fn what_cannot_be_read_counts_as_its_safest_value() {
        let read = CoreSettings::read([("allowed_origins", "[\"x\"]"), ("trusted_documents_only", "1"), ("y", "1")]);
        assert_eq!(read, CoreSettings { allowed_origins: Vec::new(), trusted_documents_only: true });
        let read = CoreSettings::read([("allowed_origins", "[\"https://A\"]"), ("trusted_documents_only", "false")]);
        assert_eq!(read.allowed_origins, ["https://a"]);
        assert!(!read.trusted_documents_only);
    }
}
