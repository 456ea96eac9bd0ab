//! Access tokens: JWTs signed with Ed25519 (RFC 8037). A token names its tenant, and is worthless at any other; it names its key
//! (`kid`), so that keys can be replaced while tokens of the former one are still good.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::EncodePrivateKey as _;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};
use sunlit_domain::id::{ActorId, TenantId};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Role};
use uuid::Uuid;

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
    /// The session; none of what an operator has minted on the machine itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sid: Option<Uuid>,
    iat: i64,
    nbf: i64,
    exp: i64,
}

/// Whom a token is to speak for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Who acts.
    pub actor: ActorId,
    /// What they may do.
    pub roles: Vec<Role>,
    /// In which session.
    pub session: Option<Uuid>,
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accepted {
    /// Whom it speaks for.
    pub actor: Actor,
    /// The session that it belongs to, without which it is worthless; none of an operator's.
    pub session: Option<Uuid>,
    /// Until when: a connection that lives longer than its token ends with it.
    pub until: Timestamp,
}

/// Signs and checks tokens. Cloning shares the keys.
#[derive(Clone)]
pub struct TokenKeys(Arc<RwLock<Arc<Ring>>>);

/// The keys of a moment: one signs, all check.
struct Ring {
    current: String,
    encoding: EncodingKey,
    decoding: BTreeMap<String, DecodingKey>,
    jwks: Json,
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
    /// There is no key.
    #[error("there is no token key")]
    NoKey,
    /// Signing failed, or the token is malformed, expired, or signed by another key or algorithm.
    #[error("the token is not acceptable: {0}")]
    Token(#[from] jsonwebtoken::errors::Error),
    /// The token names a key that is not known here.
    #[error("the token names another key")]
    OtherKey,
    /// The token is another tenant's.
    #[error("the token belongs to another tenant")]
    OtherTenant,
    /// The token is too long.
    #[error("the token is longer than {MAX_BYTES} bytes")]
    TooLong,
}

impl TokenKeys {
    /// From Ed25519 seeds: the first signs, all check.
    ///
    /// # Errors
    /// [`TokenError::Key`], [`TokenError::NoKey`].
    pub fn new(seeds: &[[u8; 32]]) -> Result<Self, TokenError> {
        Ok(Self(Arc::new(RwLock::new(Arc::new(Ring::new(seeds)?)))))
    }

    /// Goes on with other keys.
    ///
    /// # Errors
    /// As [`TokenKeys::new`]; then the keys stay what they were.
    pub fn replace(&self, seeds: &[[u8; 32]]) -> Result<(), TokenError> {
        let ring = Arc::new(Ring::new(seeds)?);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ring;
        Ok(())
    }

    /// The public halves, for whoever checks tokens elsewhere (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> Json {
        self.ring().jwks.clone()
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// A token for `subject` at `tenant`, good for `minutes` from `now`.
    ///
    /// # Errors
    /// [`TokenError::Token`].
    pub fn mint(
        &self,
        tenant: TenantId,
        subject: Subject,
        (now, minutes): (Timestamp, i64),
    ) -> Result<String, TokenError> {
        let iat = now.micros() / 1_000_000;
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: audience(tenant),
            tid: tenant,
            sub: subject.actor,
            roles: subject.roles,
            sid: subject.session,
            iat,
            nbf: iat,
            exp: iat + minutes * 60,
        };
        let ring = self.ring();
        let header = Header { kid: Some(ring.current.clone()), ..Header::new(Algorithm::EdDSA) };
        Ok(encode(&header, &claims, &ring.encoding)?)
    }

    /// Whom a token speaks for at `tenant`, and until when.
    ///
    /// # Errors
    /// [`TokenError`] for any token that this installation did not sign for this tenant and this time.
    pub fn check(&self, token: &str, tenant: TenantId) -> Result<Accepted, TokenError> {
        if token.len() > MAX_BYTES {
            return Err(TokenError::TooLong);
        }
        let ring = self.ring();
        let named = decode_header(token)?.kid.ok_or(TokenError::OtherKey)?;
        let key = ring.decoding.get(&named).ok_or(TokenError::OtherKey)?;
        let claims = decode::<Claims>(token, key, &validation(tenant))?.claims;
        if claims.tid != tenant {
            return Err(TokenError::OtherTenant);
        }
        let until = Timestamp::from_micros(claims.exp.saturating_mul(1_000_000)).ok_or(TokenError::TooLong)?;
        Ok(Accepted { actor: Actor::known(claims.sub, claims.roles), session: claims.sid, until })
    }
}

impl Ring {
    fn new(seeds: &[[u8; 32]]) -> Result<Self, TokenError> {
        let keys: Vec<SigningKey> = seeds.iter().map(SigningKey::from_bytes).collect();
        let first = keys.first().ok_or(TokenError::NoKey)?;
        let (mut decoding, mut jwks) = (BTreeMap::new(), Vec::new());
        for key in &keys {
            let public = key.verifying_key();
            decoding.insert(kid(key), DecodingKey::from_ed_der(public.as_bytes()));
            jwks.push(json!({
                "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid(key),
                "x": URL_SAFE_NO_PAD.encode(public.as_bytes()),
            }));
        }
        let encoding = EncodingKey::from_ed_der(first.to_pkcs8_der()?.as_bytes());
        Ok(Self { current: kid(first), encoding, decoding, jwks: json!({ "keys": jwks }) })
    }
}

/// The name of a key: the thumbprint of its public half (RFC 8037, appendix A.3).
fn kid(key: &SigningKey) -> String {
    let x = URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes());
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

fn validation(tenant: TenantId) -> Validation {
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.set_issuer(&[ISSUER]);
    validation.set_audience(&[audience(tenant)]);
    validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = 5;
    validation
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

    fn of(actor: ActorId, roles: Vec<Role>) -> Subject {
        Subject { actor, roles, session: None }
    }

    fn ago(minutes: i64) -> Timestamp {
        Timestamp::from_micros(now().micros() - minutes * 60_000_000).unwrap()
    }

    #[test]
    fn a_token_speaks_for_its_actor_at_its_tenant_in_its_time() {
        let keys = TokenKeys::new(&[[7; 32]]).unwrap();
        let (tenant, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let actor = ActorId(Uuid::from_u128(3));
        let token = keys.mint(tenant, of(actor, vec![Role::Editor]), (now(), 15)).unwrap();
        let Accepted { actor: checked, until, .. } = keys.check(&token, tenant).unwrap();
        assert!(until > now() && until < ago(-16));
        assert_eq!((checked.id(), checked.has(Role::Editor)), (Some(actor), true));
        assert!(keys.check(&token, other).is_err());
        assert!(TokenKeys::new(&[[8; 32]]).unwrap().check(&token, tenant).is_err());
        let expired = keys.mint(tenant, of(actor, vec![]), (ago(60), 15)).unwrap();
        assert!(keys.check(&expired, tenant).is_err());
        let early = keys.mint(tenant, of(actor, vec![]), (ago(-60), 15)).unwrap();
        assert!(keys.check(&early, tenant).is_err());
    }

    /// RFC 8037, appendix A.3: the thumbprint of the key of appendix A.2.
    #[test]
    fn keys_are_named_by_their_thumbprint() {
        let seed = URL_SAFE_NO_PAD.decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A").unwrap();
        let keys = TokenKeys::new(&[seed.try_into().unwrap()]).unwrap();
        let key = &keys.jwks()["keys"][0];
        assert_eq!(key["kid"], "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        assert_eq!(key["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
    }

    #[test]
    fn tokens_of_a_former_key_are_good_until_it_is_taken_away() {
        let tenant = TenantId(Uuid::from_u128(1));
        let keys = TokenKeys::new(&[[7; 32]]).unwrap();
        let subject = Subject { session: Some(Uuid::from_u128(4)), ..of(ActorId(Uuid::from_u128(3)), vec![]) };
        let former = keys.mint(tenant, subject.clone(), (now(), 15)).unwrap();
        keys.replace(&[[8; 32], [7; 32]]).unwrap();
        let present = keys.mint(tenant, subject, (now(), 15)).unwrap();
        assert_eq!(keys.check(&former, tenant).unwrap().session, Some(Uuid::from_u128(4)));
        assert!(keys.check(&present, tenant).is_ok());
        keys.replace(&[[8; 32]]).unwrap();
        assert!(matches!(keys.check(&former, tenant), Err(TokenError::OtherKey)));
        assert!(
            keys.check(&present, tenant).is_ok() && keys.replace(&[]).is_err() && keys.check(&present, tenant).is_ok()
        );
        // A token of one key under the name of another.
        let swapped = TokenKeys::new(&[[9; 32]]).unwrap();
        let forged =
            swapped.mint(tenant, of(ActorId(Uuid::from_u128(3)), vec![Role::Administrator]), (now(), 15)).unwrap();
        let parts = |token: &str| token.split('.').map(ToOwned::to_owned).collect::<Vec<_>>();
        let (forged, good) = (parts(&forged), parts(&present));
        assert!(keys.check(&format!("{}.{}.{}", good[0], forged[1], forged[2]), tenant).is_err());
    }

    #[test]
    fn forged_tokens_are_refused() {
        let keys = TokenKeys::new(&[[7; 32]]).unwrap();
        let tenant = TenantId(Uuid::from_u128(1));
        let token = keys.mint(tenant, of(ActorId(Uuid::from_u128(3)), vec![Role::Editor]), (now(), 15)).unwrap();
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
