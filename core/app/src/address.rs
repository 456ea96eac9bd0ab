//! Addresses of files that can be handed on: whoever has one reads the file until it expires, without saying who they are. So a
//! browser can follow a link or show a picture that somebody was allowed to read when they asked for the address.
//!
//! An address carries a token that names tenant, file, content and end, under an HMAC: nothing is kept of it, and each node of the
//! installation checks it with the same key. The local folder and a bucket look the same behind it. It is worth nothing at
//! another tenant, for another file, or once the file has gone.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sunlit_domain::Scope;
use sunlit_domain::id::TenantId;
use sunlit_domain::value::Timestamp;
use sunlit_storage::tenant::file::Model as File;
use uuid::Uuid;

use crate::AppError;

/// For how many seconds an address is good that nobody has said more of.
pub const USUAL_SECONDS: i64 = 900;
/// For how many seconds an address is good at most: it outlives the right to read by so much.
pub const MAX_SECONDS: i64 = 3_600;

/// What the key of addresses is derived for, so that no other use of the same secret makes an address.
const LABEL: &[u8] = b"sunlit: addresses of files, 1";
/// The form of the token: raised when it changes.
const FORM: u8 = 1;
/// Form, tenant, file, content, end in seconds, width.
const SAID: usize = 1 + 16 + 16 + 32 + 8 + 2;
const MAC: usize = 32;
/// Characters of a token.
const LENGTH: usize = (SAID + MAC) * 4 / 3 + 1;

/// Signs and checks addresses.
pub(crate) struct Addresses(Hmac<Sha256>);

impl std::fmt::Debug for Addresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Addresses(secret)")
    }
}

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket {
    tenant: TenantId,
    pub(crate) file: Uuid,
    content: [u8; 32],
    /// Until when, in seconds since 1970.
    until: i64,
    /// Of the picture in small; 0 for the file itself.
    width: u16,
}

impl Ticket {
    pub(crate) fn of(scope: &Scope, file: &File, width: Option<u16>, until: i64) -> Result<Self, AppError> {
        let content = digest(&file.sha256).ok_or(AppError::NotFound)?;
        Ok(Self { tenant: scope.tenant(), file: file.id, content, until, width: width.unwrap_or(0) })
    }

    /// Whether the file has the content for which the address was made.
    pub(crate) fn fits(&self, file: &File) -> bool {
        digest(&file.sha256) == Some(self.content)
    }

    fn said(&self) -> [u8; SAID] {
        let mut said = [0; SAID];
        said[0] = FORM;
        said[1..17].copy_from_slice(self.tenant.0.as_bytes());
        said[17..33].copy_from_slice(self.file.as_bytes());
        said[33..65].copy_from_slice(&self.content);
        said[65..73].copy_from_slice(&self.until.to_be_bytes());
        said[73..75].copy_from_slice(&self.width.to_be_bytes());
        said
    }

    fn read(said: &[u8]) -> Option<Self> {
        let (form, rest) = said.split_first()?;
        let (tenant, rest) = rest.split_first_chunk::<16>()?;
        let (file, rest) = rest.split_first_chunk::<16>()?;
        let (content, rest) = rest.split_first_chunk::<32>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let width = rest.try_into().ok()?;
        (*form == FORM).then(|| Self {
            tenant: TenantId(Uuid::from_bytes(*tenant)),
            file: Uuid::from_bytes(*file),
            content: *content,
            until: i64::from_be_bytes(*until),
            width: u16::from_be_bytes(width),
        })
    }
}

impl Addresses {
    /// Under a key that is derived from `secret`.
    pub(crate) fn new(secret: &[u8]) -> Result<Self, AppError> {
        let weak = || AppError::Unsound("the key of file addresses is shorter than 32 bytes: restore it".to_owned());
        let from = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).map_err(|_| weak());
        if secret.len() < 32 {
            return Err(weak());
        }
        let derived = from(secret)?.chain_update(LABEL).finalize().into_bytes();
        Ok(Self(from(&derived)?))
    }

    pub(crate) fn sign(&self, ticket: &Ticket) -> String {
        let said = ticket.said();
        let mac = self.0.clone().chain_update(said).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([&said[..], &mac[..]].concat())
    }

    /// What the token is good for at the scope's tenant now.
    ///
    /// # Errors
    /// [`AppError::Address`] for whatever this installation has not signed for this tenant, file and width, and
    /// [`AppError::Expired`].
    pub(crate) fn check(
        &self,
        scope: &Scope,
        token: &str,
        (file, width): (Uuid, Option<u16>),
        now: Timestamp,
    ) -> Result<(Ticket, i64), AppError> {
        let ticket = self.read(token).ok_or(AppError::Address)?;
        if ticket.tenant != scope.tenant() || ticket.file != file || ticket.width != width.unwrap_or(0) {
            return Err(AppError::Address);
        }
        let left = ticket.until.saturating_sub(now.micros().div_euclid(1_000_000));
        if left <= 0 { Err(AppError::Expired) } else { Ok((ticket, left)) }
    }

    fn read(&self, token: &str) -> Option<Ticket> {
        if token.len() != LENGTH {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (said, mac) = bytes.split_at_checked(SAID)?;
        self.0.clone().chain_update(said).verify_slice(mac).ok()?;
        Ticket::read(said)
    }
}

fn digest(sha256: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if sha256.len() != 64 || !sha256.is_ascii() {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&sha256[at..at + 2], 16).ok()?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use sunlit_domain::{Actor, ScopeAuthority};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_micros((1_700_000_000 + second) * 1_000_000).unwrap()
    }

    fn ticket() -> Ticket {
        let until = at(60).micros() / 1_000_000;
        let (tenant, file) = (TenantId(Uuid::from_u128(1)), Uuid::from_u128(2));
        Ticket { tenant, file, content: [7; 32], until, width: 0 }
    }

    #[test]
    fn an_address_is_good_for_its_tenant_file_width_and_time_alone() {
        let addresses = Addresses::new(&[7; 32]).unwrap();
        let authority = ScopeAuthority::establish();
        let scope = |n| authority.scope(TenantId(Uuid::from_u128(n)), Actor::anonymous());
        let token = addresses.sign(&ticket());
        assert_eq!(token.len(), LENGTH);
        let check = |tenant, file, width, second| {
            addresses.check(&scope(tenant), &token, (Uuid::from_u128(file), width), at(second)).map(|(_, left)| left)
        };
        assert_eq!(check(1, 2, None, 0).unwrap(), 60);
        assert_eq!(check(1, 2, None, 59).unwrap(), 1);
        assert!(matches!(check(1, 2, None, 60), Err(AppError::Expired)));
        assert!(matches!(check(9, 2, None, 0), Err(AppError::Address)));
        assert!(matches!(check(9, 2, None, 60), Err(AppError::Address)), "another tenant is told nothing of its end");
        assert!(matches!(check(1, 9, None, 0), Err(AppError::Address)));
        assert!(matches!(check(1, 2, Some(320), 0), Err(AppError::Address)));
    }

    #[test]
    fn whatever_is_changed_is_refused() {
        let addresses = Addresses::new(&[7; 32]).unwrap();
        let token = addresses.sign(&ticket());
        assert_eq!(addresses.read(&token), Some(ticket()));
        assert!(Addresses::new(&[8; 32]).unwrap().read(&token).is_none(), "another installation's");
        let mut bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for index in 0..bytes.len() {
            for bit in 0..8 {
                bytes[index] ^= 1 << bit;
                assert!(addresses.read(&URL_SAFE_NO_PAD.encode(&bytes)).is_none(), "bit {bit} of byte {index}");
                bytes[index] ^= 1 << bit;
            }
        }
        for (n, character) in token.char_indices() {
            let other = if character == 'A' { "B" } else { "A" };
            let changed = format!("{}{other}{}", &token[..n], &token[n + 1..]);
            assert!(addresses.read(&changed).is_none(), "{changed}");
        }
        for broken in ["", "x", &token[1..], &format!("{token}A"), &format!("{token}="), &"甲".repeat(LENGTH / 3)] {
            assert!(addresses.read(broken).is_none(), "{broken}");
        }
        assert!(Addresses::new(&[7; 31]).is_err());
    }
}
