//! Time, ids and randomness as parameters (invariant 13).

use std::sync::Arc;

use sunlit_domain::value::Timestamp;
use sunlit_storage::vault;
use uuid::Uuid;

/// What the use cases take from outside: the clock, fresh ids and random bytes.
pub trait Environment: Send + Sync + std::fmt::Debug {
    /// Now.
    fn now(&self) -> Timestamp;
    /// A fresh UUIDv7; later ones order after earlier ones.
    fn new_id(&self) -> Uuid;
    /// A random number: the last bits of a fresh id.
    #[expect(clippy::cast_possible_truncation, reason = "only the last bits are random")]
    fn random(&self) -> u32 {
        self.new_id().as_u128() as u32
    }
    /// Random bytes that nobody can guess: for keys, nonces and tokens.
    ///
    /// # Panics
    /// When the machine gives none, for then nothing can be kept secret.
    fn fill(&self, bytes: &mut [u8]) {
        let filled = getrandom::fill(bytes);
        assert!(filled.is_ok(), "the machine gives no random numbers: {filled:?}");
    }
}

impl vault::Source for SystemEnvironment {
    fn now(&self) -> Timestamp {
        Environment::now(self)
    }

    fn fill(&self, bytes: &mut [u8]) {
        Environment::fill(self, bytes);
    }
}

/// The environment as the vault takes it.
#[derive(Debug)]
pub(crate) struct ForVault(pub(crate) Arc<dyn Environment>);

impl vault::Source for ForVault {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn fill(&self, bytes: &mut [u8]) {
        self.0.fill(bytes);
    }
}

/// The machine's clock and random numbers.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEnvironment;

impl Environment for SystemEnvironment {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let micros = i64::try_from(since.as_micros()).ok().and_then(Timestamp::from_micros);
        micros.or_else(|| Timestamp::from_micros(0)).unwrap_or_else(|| unreachable!("the epoch is a timestamp"))
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }
}
