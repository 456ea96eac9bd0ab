//! The installation's own keys: secrets of the platform, sealed by its vault, and so the same on every node.

use std::io;
use std::path::Path;
use std::time::Duration;

use sunlit_storage::platform::{Platform, secret};
use sunlit_storage::vault::KEY_BYTES;
use sunlit_storage::{StorageError, Vault};

use crate::identity::principal::instant;
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

/// What the names of the keys begin with that sign tokens.
const TOKENS: &str = "tokens";
/// How many of them check tokens: the one that signs, and the one before.
const CHECKING: usize = 2;
/// How long a key signs at least: tokens of the one before the last are good no longer.
const SIGNS: Duration = Duration::from_hours(24);

/// The seeds of the keys that check tokens; the first one signs.
///
/// # Errors
/// The database's, and when one does not open.
pub async fn token_seeds(platform: &Platform, vault: &Vault) -> Result<Vec<[u8; KEY_BYTES]>, AppError> {
    let mut seeds = Vec::new();
    for row in secret::beginning(platform, TOKENS).await?.into_iter().take(CHECKING) {
        let context = format!("secret/{}", row.name);
        let seed: Result<[u8; KEY_BYTES], _> = vault.open_platform(&context, &row.sealed)?.try_into();
        seeds.push(seed.map_err(|_| StorageError::Corrupt(context))?);
    }
    Ok(seeds)
}

/// Makes another key that signs tokens. Tokens of the former one are good until they end; nodes take the new one up within a
/// minute.
///
/// # Errors
/// [`AppError::Argument`] when the present one has not signed for a day yet, and the database's.
pub async fn rotate_tokens(platform: &Platform, vault: &Vault, environment: &dyn Environment) -> Result<(), AppError> {
    let at = environment.now();
    let known = secret::beginning(platform, TOKENS).await?;
    if let Some(latest) = known.first()
        && at < instant(&latest.created_at)?.plus(SIGNS)
    {
        let since = &latest.created_at;
        return Err(AppError::Argument(format!(
            "the key that signs tokens is of {since}: tokens of the one before may still be good, try again a day after that"
        )));
    }
    let mut seed = [0; KEY_BYTES];
    environment.fill(&mut seed);
    let name = format!("{TOKENS}-{}", environment.new_id().simple());
    let sealed = vault.seal_platform(&format!("secret/{name}"), &seed)?;
    secret::keep(platform, &name, &sealed, at).await?;
    Ok(())
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

#[cfg(test)]
mod tests {
    use sunlit_domain::value::Timestamp;
    use sunlit_storage::testing;
    use uuid::Uuid;

    use super::*;
    use crate::SystemEnvironment;

    /// So many hours after the epoch.
    #[derive(Debug)]
    struct Hour(i64);

    impl Environment for Hour {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0 * 3_600_000_000).unwrap()
        }

        fn new_id(&self) -> Uuid {
            SystemEnvironment.new_id()
        }
    }

    #[tokio::test]
    async fn a_new_key_signs_and_the_former_checks_until_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let platform = Platform::open(folder.path()).await.unwrap();
        let vault = testing::vault(&platform).await;
        let first = Keys::open(&platform, &vault, &Hour(0), folder.path()).await.unwrap().tokens;
        assert_eq!(token_seeds(&platform, &vault).await.unwrap(), [first]);
        let soon = rotate_tokens(&platform, &vault, &Hour(23)).await.unwrap_err().to_string();
        assert!(soon.contains("a day after that"), "{soon}");
        rotate_tokens(&platform, &vault, &Hour(24)).await.unwrap();
        let seeds = token_seeds(&platform, &vault).await.unwrap();
        assert!(seeds.len() == 2 && seeds[0] != first && seeds[1] == first);
        rotate_tokens(&platform, &vault, &Hour(48)).await.unwrap();
        let next = token_seeds(&platform, &vault).await.unwrap();
        assert!(next.len() == 2 && next[0] != seeds[0] && next[1] == seeds[0]);
        // The other keys are not touched.
        assert_eq!(Keys::open(&platform, &vault, &Hour(49), folder.path()).await.unwrap().tokens, first);
    }
}
