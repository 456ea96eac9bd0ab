//! A clock that stands still until a test sets it.

use std::sync::atomic::{AtomicI64, Ordering};

use sunlit_app::{Environment, SystemEnvironment};
use sunlit_domain::value::Timestamp;
use uuid::Uuid;

/// An environment whose time a test sets; ids are the machine's.
#[derive(Debug)]
pub struct SetClock(AtomicI64);

impl SetClock {
    /// A clock that shows this instant.
    #[must_use]
    pub fn at(instant: &str) -> Self {
        let clock = Self(AtomicI64::new(0));
        clock.set(instant);
        clock
    }

    /// Sets the clock: `2025-09-15T02:00:00Z`.
    pub fn set(&self, instant: &str) {
        self.0.store(instant.parse::<Timestamp>().unwrap().micros(), Ordering::SeqCst);
    }
}

impl Environment for SetClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn new_id(&self) -> Uuid {
        SystemEnvironment.new_id()
    }
}
