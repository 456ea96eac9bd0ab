//! Access tokens: JWTs signed with Ed25519 (RFC 8037). A token names its tenant, and is worthless at any other.

use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use sunlit_domain::id::{ActorId, TenantId};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Role};

/// Who issues tokens.
const ISSUER: &str = "sunlit";
/// How long an access token is good for.
pub const ACCESS_MINUTES: i64 = 15;
/// A longer text is no token of ours.
const MAX_BYTES: usize = 4_096;

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    tid: TenantId,
    sub: ActorId,
    roles: Vec<Role>,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Whom it speaks for.
    pub actor: Actor,
    /// Until when: a connection that lives longer than its token ends with it.
    pub until: Timestamp,
}

/// Signs and checks tokens.
#[derive(Clone)]
pub struct TokenKeys {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
}

impl std::fmt::Debug for TokenKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenKeys(secret)")
    }
}

/// Why a token was not made or is not accepted. Callers learn no more than that.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The key cannot be encoded.
    #[error("the token key cannot be used: {0}")]
    Key(#[from] ed25519_dalek::pkcs8::Error),
    /// Signing failed, or the token is malformed, expired, or signed by another key or algorithm.
    #[error("the token is not acceptable: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// The token is another tenant's.
    #[error("the token belongs to another tenant")]
    OtherTenant,
    /// The token is too long.
    #[error("the token is longer than {MAX_BYTES} bytes")]
    TooLong,
}

impl TokenKeys {
    /// From an Ed25519 seed.
    ///
    /// # Errors
    /// [`TokenError::Key`].
    pub fn new(seed: &[u8; 32]) -> Result<Self, TokenError> {
        let key = SigningKey::from_bytes(seed);
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = 5;
        Ok(Self {
            encoding: EncodingKey::from_ed_der(key.to_pkcs8_der()?.as_bytes()),
            decoding: DecodingKey::from_ed_der(key.verifying_key().as_bytes()),
            validation,
        })
    }

    /// A token for `actor` with `roles` at `tenant`, good for `minutes` from `now`.
    ///
    /// # Errors
    /// [`TokenError::Token`].
    pub fn mint(
        &self,
        tenant: TenantId,
        actor: ActorId,
        roles: Vec<Role>,
        (now, minutes): (Timestamp, i64),
    ) -> Result<String, TokenError> {
        let iat = now.micros() / 1_000_000;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: audience(tenant),
            tid: tenant,
            sub: actor,
            roles,
            iat,
            nbf: iat,
            exp: iat + minutes * 60,
        };
        Ok(encode(&Header::new(Algorithm::EdDSA), &claims, &self.encoding)?)
    }

    /// Whom a token speaks for at `tenant`, and until when.
    ///
    /// # Errors
    /// [`TokenError`] for any token that this installation did not sign for this tenant and this time.
    pub fn check(&self, token: &str, tenant: TenantId) -> Result<Accepted, TokenError> {
        if token.len() > MAX_BYTES {
            return Err(TokenError::TooLong);
        }
        let mut validation = self.validation.clone();
        validation.set_audience(&[audience(tenant)]);
        let claims = decode::<Claims>(token, &self.decoding, &validation)?.claims;
        if claims.tid != tenant {
            return Err(TokenError::OtherTenant);
        }
        let until = Timestamp::from_micros(claims.exp.saturating_mul(1_000_000)).ok_or(TokenError::TooLong)?;
        Ok(Accepted { actor: Actor::known(claims.sub, claims.roles), until })
    }
}

fn audience(tenant: TenantId) -> String {
    format!("sunlit:{tenant}")
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn now() -> Timestamp {
        use sunlit_app::Environment as _;
        sunlit_app::SystemEnvironment.now()
    }

    fn ago(minutes: i64) -> Timestamp {
        Timestamp::from_micros(now().micros() - minutes * 60_000_000).unwrap()
    }

    #[test]
    fn a_token_speaks_for_its_actor_at_its_tenant_in_its_time() {
        let keys = TokenKeys::new(&[7; 32]).unwrap();
        let (tenant, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let actor = ActorId(Uuid::from_u128(3));
        let token = keys.mint(tenant, actor, vec![Role::Editor], (now(), 15)).unwrap();
        let Accepted { actor: checked, until } = keys.check(&token, tenant).unwrap();
        assert!(until > now() && until < ago(-16));
        assert_eq!((checked.id(), checked.has(Role::Editor)), (Some(actor), true));
        assert!(keys.check(&token, other).is_err());
        assert!(TokenKeys::new(&[8; 32]).unwrap().check(&token, tenant).is_err());
        let expired = keys.mint(tenant, actor, vec![], (ago(60), 15)).unwrap();
        assert!(keys.check(&expired, tenant).is_err());
        let early = keys.mint(tenant, actor, vec![], (ago(-60), 15)).unwrap();
        assert!(keys.check(&early, tenant).is_err());
    }

    #[test]
    fn forged_tokens_are_refused() {
        let keys = TokenKeys::new(&[7; 32]).unwrap();
        let tenant = TenantId(Uuid::from_u128(1));
        let token = keys.mint(tenant, ActorId(Uuid::from_u128(3)), vec![Role::Editor], (now(), 15)).unwrap();
        let parts: Vec<_> = token.split('.').collect();
        // {"alg":"none","typ":"JWT"} and {"alg":"HS256","typ":"JWT"}
        for header in ["eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0", "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"] {
            assert!(keys.check(&format!("{header}.{}.", parts[1]), tenant).is_err());
            assert!(keys.check(&format!("{header}.{}.{}", parts[1], parts[2]), tenant).is_err());
        }
        assert!(keys.check(&format!("{}.{}.{}x", parts[0], parts[1], parts[2]), tenant).is_err());
        assert!(keys.check("", tenant).is_err());
        assert!(keys.check(&"a".repeat(5_000), tenant).is_err());
    }
}
