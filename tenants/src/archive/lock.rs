//! The encryption of archives: age (<https://age-encryption.org/v1>), whose tools open them without Sunlit.
//!
//! An archive holds personal data in clear, so it is encrypted unless somebody says otherwise.

use std::io::{Read, Write};
use std::iter;

use age::secrecy::SecretString;
use age::{Decryptor, Encryptor, scrypt, x25519};

use super::ArchiveError;

/// How an age file begins, and a gzip file.
const AGE: &[u8] = b"age-encryption.org/v1";
const GZIP: &[u8] = &[0x1f, 0x8b];
/// The dearest work factor of a passphrase that is tried: seconds, and 1 GiB of memory.
const MAX_WORK_FACTOR: u8 = 20;
/// The fewest characters of a passphrase.
const MIN_PASSPHRASE: usize = 12;

/// How an archive is sealed.
#[derive(Clone)]
pub enum Sealing {
    /// Not at all: only where somebody said so.
    Plain,
    /// With a passphrase.
    Passphrase(SecretString),
    /// For whoever holds one of these keys.
    Recipients(Vec<x25519::Recipient>),
}

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Passphrase(_) => "Passphrase",
            Self::Recipients(_) => "Recipients",
        })
    }
}

impl Sealing {
    /// With this passphrase; white space around it is not of it.
    ///
    /// # Errors
    /// [`ArchiveError::Argument`] for one that is too short.
    pub fn passphrase(text: &str) -> Result<Self, ArchiveError> {
        let text = text.trim();
        if text.chars().count() < MIN_PASSPHRASE {
            return Err(ArchiveError::Argument(format!(
                "the passphrase is shorter than {MIN_PASSPHRASE} characters: use a longer one"
            )));
        }
        Ok(Self::Passphrase(text.to_owned().into()))
    }

    /// For these recipients, `age1…` each.
    ///
    /// # Errors
    /// [`ArchiveError::Argument`] for what is no recipient, and for none at all.
    pub fn recipients<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, ArchiveError> {
        let read = |text: &str| {
            text.parse::<x25519::Recipient>().map_err(|why| {
                let shown: String = text.chars().take(80).collect();
                ArchiveError::Argument(format!(
                    "`{shown}` is no recipient ({why}): give one that `age-keygen` prints, age1…"
                ))
            })
        };
        let recipients = texts.into_iter().map(read).collect::<Result<Vec<_>, _>>()?;
        if recipients.is_empty() {
            return Err(ArchiveError::Argument("no recipient is named".to_owned()));
        }
        Ok(Self::Recipients(recipients))
    }

    /// Writes what `content` writes, sealed.
    pub(super) fn write<W: Write>(
        &self,
        out: W,
        content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> std::io::Result<W> {
        let encryptor = match self {
            Self::Plain => {
                let mut out = out;
                content(&mut out)?;
                return Ok(out);
            }
            Self::Passphrase(passphrase) => Encryptor::with_user_passphrase(passphrase.clone()),
            Self::Recipients(recipients) => {
                let recipients = recipients.iter().map(|recipient| recipient as &dyn age::Recipient);
                Encryptor::with_recipients(recipients).map_err(std::io::Error::other)?
            }
        };
        let mut sealed = encryptor.wrap_output(out)?;
        content(&mut sealed)?;
        sealed.finish()
    }
}

/// What opens a sealed archive.
#[derive(Clone, Default)]
pub enum Opening {
    /// Nothing: it is plain.
    #[default]
    Plain,
    /// A passphrase.
    Passphrase(SecretString),
    /// Keys.
    Keys(Vec<x25519::Identity>),
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain => "Plain",
            Self::Passphrase(_) => "Passphrase",
            Self::Keys(_) => "Keys",
        })
    }
}

impl Opening {
    /// This passphrase.
    #[must_use]
    pub fn passphrase(text: &str) -> Self {
        Self::Passphrase(text.trim().to_owned().into())
    }

    /// The keys in the text of a file that `age-keygen` wrote.
    ///
    /// # Errors
    /// [`ArchiveError::Argument`] when there is none.
    pub fn keys(text: &str) -> Result<Self, ArchiveError> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let bad =
            || ArchiveError::Argument("the key file holds no key: give the file that `age-keygen` wrote".to_owned());
        let keys = lines.map(|line| line.parse().map_err(|_| bad())).collect::<Result<Vec<x25519::Identity>, _>>()?;
        if keys.is_empty() { Err(bad()) } else { Ok(Self::Keys(keys)) }
    }

    /// What is in the archive that `file` holds: packed still, sealed no longer.
    pub(super) fn open<'a>(&self, mut file: impl Read + 'a) -> Result<Box<dyn Read + 'a>, ArchiveError> {
        let mut head = Vec::new();
        let unreadable = |error: std::io::Error| ArchiveError::Refused(format!("it cannot be read: {error}"));
        (&mut file).take(AGE.len() as u64).read_to_end(&mut head).map_err(unreadable)?;
        let is_gzip = head.starts_with(GZIP);
        let is_sealed = head == AGE;
        let whole = std::io::Cursor::new(head).chain(file);
        if is_gzip {
            return Ok(Box::new(whole));
        }
        if !is_sealed {
            return Err(ArchiveError::Refused("it is no archive of Sunlit, or its beginning is missing".to_owned()));
        }
        let decryptor = Decryptor::new(whole).map_err(|error| locked(&error))?;
        let opened = match self {
            Self::Plain => {
                let mend = "name what opens it with --passphrase-file or --key-file";
                return Err(ArchiveError::Locked(format!("the archive is encrypted: {mend}")));
            }
            Self::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(MAX_WORK_FACTOR);
                decryptor.decrypt(iter::once(&identity as &dyn age::Identity))
            }
            Self::Keys(keys) => decryptor.decrypt(keys.iter().map(|key| key as &dyn age::Identity)),
        };
        Ok(Box::new(opened.map_err(|error| locked(&error))?))
    }
}

fn locked(error: &age::DecryptError) -> ArchiveError {
    use age::DecryptError::{DecryptionFailed, KeyDecryptionFailed, NoMatchingKeys};
    let why = match error {
        DecryptionFailed | KeyDecryptionFailed | NoMatchingKeys => {
            "neither passphrase nor key opens the archive: name the one that it was sealed with".to_owned()
        }
        other => format!("the archive cannot be opened, or was changed: {other}"),
    };
    ArchiveError::Locked(why)
}
