//! AES-256-GCM, and how what it seals is written: `v1.<key number>.<nonce>.<sealed>`, bytes in base64url.
//!
//! What a text belongs to is authenticated with it and stands nowhere in it: a text that is carried to another owner, place
//! or key number does not open. Nonces are 96 random bits, so that a key is good for 2³² texts (NIST SP 800-38D, 8.3).

use aes_gcm::aead::{Aead as _, Payload};
use aes_gcm::{Aes256Gcm, KeyInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::{Zeroize as _, Zeroizing};

use super::{Source, VaultError};

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;
/// A key as it is, gone from memory when it is dropped.
pub(crate) type KeyBytes = Zeroizing<[u8; KEY_BYTES]>;

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;
const VERSION: &str = "v1";

/// A key that seals and opens. It is gone from memory when it is dropped.
#[derive(Clone)]
pub(crate) struct Cipher(Aes256Gcm);

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(secret)")
    }
}

/// What a sealed text belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding<'a> {
    /// What kind of thing owns it: no two kinds share texts.
    pub(crate) kind: &'static str,
    /// Which of them, such as the tenant.
    pub(crate) owner: &'a [u8],
    /// The number of the key.
    pub(crate) number: i64,
    /// Its place there, such as table, field and record.
    pub(crate) context: &'a str,
}

impl Binding<'_> {
    /// One spelling for each binding: every part before the last is led by its length.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [VERSION.as_bytes(), self.kind.as_bytes(), self.owner] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(self.context.as_bytes());
        bytes
    }
}

impl Cipher {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        let mut key: aes_gcm::Key<Aes256Gcm> = (**key).into();
        let cipher = Self(Aes256Gcm::new(&key));
        key.zeroize();
        cipher
    }

    pub(crate) fn seal(&self, source: &dyn Source, binding: Binding<'_>, plain: &[u8]) -> Result<String, VaultError> {
        let mut nonce = [0; NONCE_BYTES];
        source.fill(&mut nonce);
        self.seal_with(nonce, binding, plain)
    }

    fn seal_with(&self, nonce: [u8; NONCE_BYTES], binding: Binding<'_>, plain: &[u8]) -> Result<String, VaultError> {
        let payload = Payload { msg: plain, aad: &binding.bytes() };
        // It refuses only texts beyond 64 GiB.
        let sealed = self.0.encrypt(&nonce.into(), payload).map_err(|_| VaultError::NotSealed)?;
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(format!("{}{}.{}", beginning(binding.number), text(&nonce), text(&sealed)))
    }

    pub(crate) fn open(&self, sealed: &Sealed, binding: Binding<'_>) -> Result<Vec<u8>, VaultError> {
        let payload = Payload { msg: &sealed.bytes, aad: &binding.bytes() };
        self.0.decrypt(&sealed.nonce.into(), payload).map_err(|_| VaultError::NotOpened)
    }
}

/// How every text begins that is sealed with the key of that number.
pub(crate) fn beginning(number: i64) -> String {
    format!("{VERSION}.{number}.")
}

/// A sealed text, taken apart.
#[derive(Debug)]
pub(crate) struct Sealed {
    /// The number of the key that it was sealed with.
    pub(crate) number: i64,
    nonce: [u8; NONCE_BYTES],
    bytes: Vec<u8>,
}

impl Sealed {
    /// Reads a text; each has one spelling only.
    pub(crate) fn read(text: &str) -> Result<Self, VaultError> {
        let mut parts = text.split('.');
        let (version, number, nonce, bytes) = (parts.next(), parts.next(), parts.next(), parts.next());
        let (Some(VERSION), Some(number), Some(nonce), Some(bytes), None) =
            (version, number, nonce, bytes, parts.next())
        else {
            return Err(VaultError::NotSealed);
        };
        let read = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| VaultError::NotSealed);
        let written = number;
        let number: i64 = number.parse().map_err(|_| VaultError::NotSealed)?;
        let (nonce, bytes) = (read(nonce)?.try_into().map_err(|_| VaultError::NotSealed)?, read(bytes)?);
        if number < 1 || number.to_string() != written || bytes.len() < TAG_BYTES {
            return Err(VaultError::NotSealed);
        }
        Ok(Self { number, nonce, bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: Binding<'static> =
        Binding { kind: "tenant", owner: b"0123456789abcdef", number: 7, context: "c_a__v1__b/phone/1" };

    fn cipher(byte: u8) -> Cipher {
        Cipher::new(&KeyBytes::new([byte; KEY_BYTES]))
    }

    /// Test case 14 of "The Galois/Counter Mode of Operation" (McGrew, Viega): a key, nonce and block of zeros.
    #[test]
    fn the_cipher_is_the_standards() {
        let sealed = Aes256Gcm::new(&[0; 32].into()).encrypt(&[0; 12].into(), [0_u8; 16].as_slice()).unwrap();
        let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
    }

    #[test]
    fn a_text_has_the_form_that_is_written_down() {
        let text = cipher(1).seal_with([2; NONCE_BYTES], BINDING, "张三".as_bytes()).unwrap();
        // Made once and written down: what was sealed yesterday must open tomorrow.
        assert_eq!(text, "v1.7.AgICAgICAgICAgIC.4mpprfLegMUcpNWcZBGX27JpyJBVNA");
        assert_eq!(cipher(1).open(&Sealed::read(&text).unwrap(), BINDING).unwrap(), "张三".as_bytes());
    }

    #[test]
    fn a_text_opens_where_it_belongs_and_nowhere_else() {
        let text = cipher(1).seal_with([2; NONCE_BYTES], BINDING, b"secret").unwrap();
        let sealed = Sealed::read(&text).unwrap();
        let refused = |cipher: &Cipher, binding| assert_eq!(cipher.open(&sealed, binding), Err(VaultError::NotOpened));
        refused(&cipher(2), BINDING);
        refused(&cipher(1), Binding { kind: "platform", ..BINDING });
        refused(&cipher(1), Binding { owner: b"0123456789abcdeg", ..BINDING });
        refused(&cipher(1), Binding { number: 8, ..BINDING });
        refused(&cipher(1), Binding { context: "c_a__v1__b/phone/2", ..BINDING });
        // No part can lend a character to the next.
        refused(&cipher(1), Binding { kind: "tenant0", owner: b"123456789abcdef", ..BINDING });
        assert_eq!(cipher(1).open(&sealed, BINDING).unwrap(), b"secret");
    }

    #[test]
    fn a_text_that_was_changed_anywhere_does_not_open() {
        let text = cipher(1).seal_with([2; NONCE_BYTES], BINDING, b"secret").unwrap();
        for at in 0..text.len() {
            for other in ['A', 'B', '1', '.', '='] {
                let changed = format!("{}{other}{}", &text[..at], &text[at + 1..]);
                if changed == text {
                    continue;
                }
                let opened = Sealed::read(&changed).and_then(|sealed| {
                    // As a reader does, who takes the number from the text.
                    cipher(1).open(&sealed, Binding { number: sealed.number, ..BINDING })
                });
                assert!(opened.is_err(), "{changed}");
            }
            assert!(Sealed::read(&text[..at]).and_then(|cut| cipher(1).open(&cut, BINDING)).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn what_no_vault_wrote_is_refused() {
        let check = |text: &str| assert_eq!(Sealed::read(text).unwrap_err(), VaultError::NotSealed, "{text}");
        check("");
        check("13812345678");
        check("v1...");
        check("v1.1.AgICAgICAgICAgIC");
        check("v2.1.AgICAgICAgICAgIC.AAAAAAAAAAAAAAAAAAAAAA");
        check("v1.01.AgICAgICAgICAgIC.AAAAAAAAAAAAAAAAAAAAAA");
        check("v1.+1.AgICAgICAgICAgIC.AAAAAAAAAAAAAAAAAAAAAA");
        check("v1.0.AgICAgICAgICAgIC.AAAAAAAAAAAAAAAAAAAAAA");
        check("v1.-1.AgICAgICAgICAgIC.AAAAAAAAAAAAAAAAAAAAAA");
        check("v1.99999999999999999999.AgICAgICAgICAgIC.AAAAAAAAAAAAAAAAAAAAAA");
        check("v1.1.AgICAgICAgICAgI.AAAAAAAAAAAAAAAAAAAAAA");
        check("v1.1.AgICAgICAgICAgIC.AAAA");
        check("v1.1.AgICAgICAgICAgIC.AAAAAAAAAAAAAAAAAAAAAB");
        check("v1.1.AgICAgICAgICAgIC.AAAAAAAAAAAAAAAAAAAAAA.");
        check("v1.1.AgICAgICAgICAgIC.AAAAAAAAAAAAAAAAAAAAA\u{4e00}");
    }
}
