//! Hashes passwords: Argon2id (RFC 9106) with 19 MiB, two passes and one lane, of which two run at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::{AppError, Environment};

/// How many are hashed at once: each takes 19 MiB and a core for some milliseconds.
const AT_ONCE: usize = 2;
/// How many may wait. More are turned away: whoever sends many is guessing.
const WAITING: usize = 100;
/// Bytes of salt (RFC 9106, §3.1).
const SALT: usize = 16;
/// The hash of no password: checking one that nobody has takes as long as checking one that somebody has.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and checks passwords off the async threads.
#[derive(Debug)]
pub(crate) struct Passwords {
    gate: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Passwords {
    pub(crate) fn new() -> Self {
        Self { gate: Arc::new(Semaphore::new(AT_ONCE)), queue: Arc::new(Semaphore::new(WAITING)) }
    }

    /// The hash of a password, in PHC form.
    pub(crate) async fn hash(&self, environment: &dyn Environment, password: &str) -> Result<String, AppError> {
        let mut salt = [0; SALT];
        environment.fill(&mut salt);
        let password = password.to_owned();
        let hashed = self
            .run(move || {
                let hashed = hasher()?.hash_password_with_salt(password.as_bytes(), &salt).ok()?;
                Some(hashed.to_string())
            })
            .await?;
        hashed.ok_or_else(|| AppError::Unsound("the password could not be hashed".to_owned()))
    }

    /// Whether it is the password of this hash. Without a hash it is not, which takes as long.
    pub(crate) async fn verify(&self, hash: Option<&str>, password: &str) -> Result<bool, AppError> {
        let known = hash.is_some();
        let (hash, password) = (hash.unwrap_or(NOBODY).to_owned(), password.to_owned());
        let is_right = self
            .run(move || hasher().is_some_and(|it| it.verify_password(password.as_bytes(), hash.as_str()).is_ok()))
            .await?;
        Ok(known && is_right)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, AppError> {
        let interrupted = || AppError::Storage(sunlit_storage::StorageError::Interrupted);
        let busy = "too many passwords are being checked: try again in a moment";
        let _queued = Arc::clone(&self.queue).try_acquire_owned().map_err(|_| AppError::Overloaded(busy.to_owned()))?;
        let place = Arc::clone(&self.gate).acquire_owned().await.map_err(|_| interrupted())?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        done.await.map_err(|_| interrupted())
    }
}

fn hasher() -> Option<Argon2<'static>> {
    let params = Params::new(19 * 1024, 2, 1, None).ok()?;
    Some(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemEnvironment;

    #[tokio::test]
    async fn a_hash_knows_its_password_and_two_of_one_password_differ() {
        let passwords = Passwords::new();
        let hash = passwords.hash(&SystemEnvironment, "碧水长天-2026x").await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, passwords.hash(&SystemEnvironment, "碧水长天-2026x").await.unwrap());
        assert!(passwords.verify(Some(&hash), "碧水长天-2026x").await.unwrap());
        assert!(!passwords.verify(Some(&hash), "碧水长天-2026X").await.unwrap());
        assert!(!passwords.verify(None, "").await.unwrap());
        // What stands for nobody is a hash that can be read, so that checking it takes its time.
        assert!(argon2::password_hash::phc::PasswordHash::new(NOBODY).is_ok());
        assert!(!passwords.verify(Some("damaged"), "damaged").await.unwrap());
    }
}
