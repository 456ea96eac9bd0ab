//! Time.

use super::Host;
use crate::port::HostPort as _;

/// The time. One instant is frozen for the whole call, so that a call can be replayed.
pub struct Clock<'h> {
    pub(super) host: &'h Host,
}

impl Clock<'_> {
    /// Microseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn now_micros(&self) -> i64 {
        self.host.port.now_micros()
    }
}
