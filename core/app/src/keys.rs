//! The installation's own keys: secrets of the platform, sealed by its vault, and so the same on every node.

use std::io;
use std::path::Path;

use sunlit_storage::platform::{Platform, secret};
use sunlit_storage::vault::KEY_BYTES;
use sunlit_storage::{StorageError, Vault};

use crate::{AppError, Environment};

/// The keys. What is shown of them is nothing.
#[derive(Clone)]
pub struct Keys {
    /// Authenticates compiled artefacts.
    pub artefacts: [u8; KEY_BYTES],
    /// Signs access tokens (Ed25519 seed).
    pub tokens: [u8; KEY_BYTES],
    /// Makes the links in mails.
    pub tickets: [u8; KEY_BYTES],
    /// Authenticates addresses of downloads.
    pub files: [u8; KEY_BYTES],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(secret)")
    }
}

impl Keys {
    /// Reads the keys, and makes those that are missing. One that stands in a file of `<data>/keys`, where they were kept
    /// before there was a vault, is taken over, and the file goes.
    ///
    /// # Errors
    /// When a file there is no key, or the database's.
    pub async fn open(
        platform: &Platform,
        vault: &Vault,
        environment: &dyn Environment,
        data: &Path,
    ) -> Result<Self, AppError> {
        let folder = data.join("keys");
        let key = async |name| key(platform, vault, environment, (&folder, name)).await;
        Ok(Self {
            artefacts: key("artefacts").await?,
            tokens: key("tokens").await?,
            tickets: key("tickets").await?,
            files: key("files").await?,
        })
    }
}

async fn key(
    platform: &Platform,
    vault: &Vault,
    environment: &dyn Environment,
    (folder, name): (&Path, &str),
) -> Result<[u8; KEY_BYTES], AppError> {
    let context = format!("secret/{name}");
    let file = folder.join(format!("{name}.key"));
    let sealed = match secret::find(platform, name).await? {
        Some(sealed) => sealed,
        None => {
            let mut key = [0; KEY_BYTES];
            match std::fs::read(&file) {
                Ok(bytes) => key = bytes.try_into().map_err(|_| malformed(&file))?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => environment.fill(&mut key),
                Err(source) => return Err(StorageError::File { path: file.display().to_string(), source }.into()),
            }
            let sealed = vault.seal_platform(&context, &key)?;
            // Of two nodes that start at once both use what the first one kept.
            secret::keep(platform, name, &sealed, environment.now()).await?
        }
    };
    let key: Result<[u8; KEY_BYTES], _> = vault.open_platform(&context, &sealed)?.try_into();
    let key = key.map_err(|_| StorageError::Corrupt(context))?;
    put_away(&file, &key);
    Ok(key)
}

/// Removes the file that held the key before: as it is, it would lie open beside what is sealed.
fn put_away(file: &Path, key: &[u8]) {
    let path = file.display();
    match std::fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(bytes) if bytes == key => match std::fs::remove_file(file) {
            Ok(()) => tracing::info!(%path, "the key is sealed in the database now, and its file is removed"),
            Err(error) => tracing::warn!(%path, %error, "the key is sealed in the database now: remove its file"),
        },
        Ok(_) => tracing::warn!(%path, "the key of this file is not used any more: remove it"),
        Err(error) => {
            tracing::warn!(%path, %error, "a key that is not used any more may stand in this file: remove it");
        }
    }
}

fn malformed(file: &Path) -> StorageError {
    StorageError::Unsafe(format!(
        "{} does not hold a key of {KEY_BYTES} bytes: restore it from a backup, or remove it to have a new one made",
        file.display()
    ))
}
