//! Time and ids as parameters (invariant 13).

use sunlit_domain::value::Timestamp;
use uuid::Uuid;

/// What the use cases take from outside: the clock and fresh ids.
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
