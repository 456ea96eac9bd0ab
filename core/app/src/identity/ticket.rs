//! What a link in a mail is good for. Its secret is computed from the ticket's id under a key of the installation, so that it
//! stands in no table and no job, and a mail that is sent again has the same link.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use sunlit_domain::id::TenantId;
use uuid::Uuid;

/// What a ticket lets its holder do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketKind {
    /// Take an account that somebody made for them.
    Invitation,
    /// Choose another password.
    Reset,
    /// Show the code that is still missing, after a provider has vouched.
    SecondFactor,
}

impl TicketKind {
    /// As it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
            Self::SecondFactor => "second-factor",
        }
    }

    /// How long it is good for.
    #[must_use]
    pub fn lasts(self) -> Duration {
        match self {
            Self::Invitation => Duration::from_hours(72),
            Self::Reset => Duration::from_mins(30),
            Self::SecondFactor => Duration::from_mins(5),
        }
    }
}

/// The text that goes into the link.
pub(crate) fn text(key: &[u8], tenant: TenantId, id: Uuid) -> String {
    format!("{}.{}", id.simple(), URL_SAFE_NO_PAD.encode(mac(key, tenant, id).finalize().into_bytes()))
}

/// The id of the ticket whose text this is; none for any other text.
pub(crate) fn read(key: &[u8], tenant: TenantId, text: &str) -> Option<Uuid> {
    let (id, tag) = text.split_once('.').filter(|_| text.len() <= 100)?;
    let id = Uuid::try_parse(id).ok().filter(|_| id.len() == 32)?;
    let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
    mac(key, tenant, id).verify_slice(&tag).is_ok().then_some(id)
}

fn mac(key: &[u8], tenant: TenantId, id: Uuid) -> Hmac<Sha256> {
    // HMAC takes keys of any length (RFC 2104, §3).
    let mut mac = Hmac::new_from_slice(key).unwrap_or_else(|_| unreachable!("a key of any length is taken"));
    mac.update(b"sunlit ticket");
    mac.update(tenant.0.as_bytes());
    mac.update(id.as_bytes());
    mac
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_at_its_tenant_under_its_key_and_unchanged() {
        let (tenant, other) = (TenantId(Uuid::from_u128(1)), TenantId(Uuid::from_u128(2)));
        let id = Uuid::from_u128(77);
        let ticket = text(b"key", tenant, id);
        assert_eq!(read(b"key", tenant, &ticket), Some(id));
        assert_eq!(read(b"key", other, &ticket), None);
        assert_eq!(read(b"yek", tenant, &ticket), None);
        for index in 0..ticket.len() {
            let mut bytes = ticket.clone().into_bytes();
            bytes[index] = if bytes[index] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(bytes).unwrap();
            assert_eq!(read(b"key", tenant, &changed), None, "{changed}");
        }
    }
}
