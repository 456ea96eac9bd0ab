//! Secrets that are made here and known to their owner alone. We keep their digests: a secret is random and of 256 bits, so that a
//! plain digest tells nothing of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

use crate::Environment;
use crate::package::hex;

/// Bytes of a secret.
const BYTES: usize = 32;
/// A longer text is no token of ours.
const MAX_TEXT: usize = 200;

/// A secret with the id of what it opens: `<prefix><id>.<secret>`.
pub(crate) struct Token {
    pub(crate) id: Uuid,
    secret: String,
}

impl Token {
    /// A new secret for what has this id.
    pub(crate) fn new(environment: &dyn Environment, id: Uuid) -> Self {
        let mut bytes = [0; BYTES];
        environment.fill(&mut bytes);
        Self { id, secret: URL_SAFE_NO_PAD.encode(bytes) }
    }

    /// Reads what [`Token::text`] wrote. Whether the secret is right is another question.
    pub(crate) fn read(prefix: &str, text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let (id, secret) = text.strip_prefix(prefix)?.split_once('.')?;
        let bytes = URL_SAFE_NO_PAD.decode(secret).ok()?;
        let id = Uuid::try_parse(id).ok().filter(|_| id.len() == 32 && bytes.len() == BYTES)?;
        Some(Self { id, secret: secret.to_owned() })
    }

    /// What its owner is given, once.
    pub(crate) fn text(&self, prefix: &str) -> String {
        format!("{prefix}{}.{}", self.id.simple(), self.secret)
    }

    /// What is kept of it.
    pub(crate) fn digest(&self) -> String {
        hex(&Sha256::digest(self.secret.as_bytes()))
    }

    /// Whether it is the secret of which this is kept.
    pub(crate) fn is(&self, digest: &str) -> bool {
        self.digest().as_bytes().ct_eq(digest.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEnvironment;

    #[test]
    fn a_token_is_read_back_and_nothing_else_is_it() {
        let id = Uuid::from_u128(7);
        let token = Token::new(&SystemEnvironment, id);
        let text = token.text("slk_");
        let read = Token::read("slk_", &text).unwrap();
        assert!(read.id == id && read.is(&token.digest()));
        assert!(!Token::new(&SystemEnvironment, id).is(&token.digest()));
        let malformed = ["", "slk_", ".", "slk_.", &text[4..], &text[..text.len() - 1], &format!("{text}A")];
        assert!(malformed.iter().all(|text| Token::read("slk_", text).is_none()));
    }
}
