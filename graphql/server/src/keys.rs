//! The installation's own keys, made at the first start and kept in `<data>/keys`, readable by the owner alone.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

/// Bytes of a key.
const BYTES: usize = 32;

/// The keys.
#[derive(Clone)]
pub struct Keys {
    /// Authenticates compiled artefacts.
    pub artefacts: [u8; BYTES],
    /// Signs access tokens (Ed25519 seed).
    pub tokens: [u8; BYTES],
    /// Makes the links in mails.
    pub tickets: [u8; BYTES],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(secret)")
    }
}

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{path}: {source}: check that the data folder may be written")]
    File {
        /// Which file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// The file is not a key.
    #[error("{0} does not hold a key of {BYTES} bytes: restore it from a backup, or remove it to have a new one made")]
    Malformed(String),
    /// The machine gives no random numbers.
    #[error("the machine gives no random numbers: {0}")]
    Random(getrandom::Error),
}

impl Keys {
    /// Reads the keys in `<data>/keys`, and makes those that are missing.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(data: &Path) -> Result<Self, KeyError> {
        let folder = data.join("keys");
        fs::create_dir_all(&folder).map_err(|source| KeyError::File { path: folder.display().to_string(), source })?;
        let key = |name| key(&folder.join(name));
        Ok(Self { artefacts: key("artefacts.key")?, tokens: key("tokens.key")?, tickets: key("tickets.key")? })
    }
}

fn key(path: &Path) -> Result<[u8; BYTES], KeyError> {
    let failed = |source| KeyError::File { path: path.display().to_string(), source };
    match fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| KeyError::Malformed(path.display().to_string())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut key = [0; BYTES];
            getrandom::fill(&mut key).map_err(KeyError::Random)?;
            write_new(path, &key).map_err(failed)?;
            Ok(key)
        }
        Err(error) => Err(failed(error)),
    }
}

fn write_new(path: &Path, key: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(key)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = Keys::open(folder.path()).unwrap();
        let again = Keys::open(folder.path()).unwrap();
        assert_eq!(first.tokens, again.tokens);
        assert_ne!(first.tokens, first.artefacts);
        fs::write(folder.path().join("keys/tokens.key"), b"short").unwrap();
        assert!(matches!(Keys::open(folder.path()), Err(KeyError::Malformed(_))));
    }
}
