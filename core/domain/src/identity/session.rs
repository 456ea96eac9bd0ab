//! How long somebody stays signed in.

use std::time::Duration;

use super::duty;
use crate::scope::Role;
use crate::value::Timestamp;

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Without being used.
    pub idle: Duration,
    /// In all.
    pub whole: Duration,
}

/// Whoever holds a separated duty.
const DUTY: Lifetime = Lifetime { idle: Duration::from_mins(30), whole: Duration::from_hours(8) };
/// Whoever writes or reviews content.
const STAFF: Lifetime = Lifetime { idle: Duration::from_hours(2), whole: Duration::from_hours(12) };
/// Citizens and enterprises.
const VISITOR: Lifetime = Lifetime { idle: Duration::from_hours(24 * 7), whole: Duration::from_hours(24 * 30) };

impl Lifetime {
    /// Of whoever has `roles`: the more they may do, the shorter (GB/T 22239-2019, 8.1.4.1 b: 空闲超时退出).
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        if duty::needs_second_factor(roles) {
            DUTY
        } else if roles.iter().any(|role| matches!(role, Role::Editor | Role::Reviewer)) {
            STAFF
        } else {
            VISITOR
        }
    }

    /// Until when a session that began at `began` and was used at `used` goes on.
    #[must_use]
    pub fn until(self, began: Timestamp, used: Timestamp) -> Timestamp {
        began.plus(self.whole).min(used.plus(self.idle))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_more_somebody_may_do_the_sooner_the_session_ends() {
        let order = [&[Role::Citizen][..], &[Role::Citizen, Role::Editor], &[Role::Editor, Role::Auditor]];
        let lives = order.map(Lifetime::of);
        assert!(lives.is_sorted_by(|one, next| one.idle > next.idle && one.whole > next.whole), "{lives:?}");
    }

    #[test]
    fn a_session_that_is_used_all_the_time_ends_all_the_same() {
        let began = Timestamp::from_micros(0).unwrap();
        let life = Lifetime { idle: Duration::from_secs(10), whole: Duration::from_secs(25) };
        let ends = |used: u64| life.until(began, began.plus(Duration::from_secs(used))).micros() / 1_000_000;
        assert_eq!((ends(0), ends(10), ends(20)), (10, 20, 25));
    }
}
