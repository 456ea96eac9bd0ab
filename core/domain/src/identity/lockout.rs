//! When an account is locked because somebody guesses: five wrong answers in a row lock it for a quarter of an hour
//! (GB/T 22239-2019, 8.1.4.1 b: 登录失败处理).

use std::time::Duration;

use crate::value::Timestamp;

/// Wrong answers in a row after which an account is locked.
pub const MAX_FAILURES: i64 = 5;
/// For how long.
pub const LOCKED_FOR: Duration = Duration::from_mins(15);

/// How an account stands with those who answer wrongly in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Attempts {
    /// Wrong answers since the last right one or the last lock.
    pub failures: i64,
    /// Until when nobody gets in; none when it is not locked.
    pub locked_until: Option<Timestamp>,
}

impl Attempts {
    /// Until when it is locked; none when it is open at `now`.
    #[must_use]
    pub fn locked(self, now: Timestamp) -> Option<Timestamp> {
        self.locked_until.filter(|until| now < *until)
    }

    /// After one more wrong answer at `now`.
    #[must_use]
    pub fn failed(self, now: Timestamp) -> Self {
        match self.failures + 1 {
            failures if failures >= MAX_FAILURES => Self { failures: 0, locked_until: Some(now.plus(LOCKED_FOR)) },
            failures => Self { failures, locked_until: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_wrong_answer_in_a_row_locks_for_a_quarter_of_an_hour() {
        let now = Timestamp::from_micros(1_000_000).unwrap();
        let four = (0..4).fold(Attempts::default(), |attempts, _| attempts.failed(now));
        assert_eq!((four.failures, four.locked(now)), (4, None));
        let five = four.failed(now);
        let end = now.plus(Duration::from_secs(900));
        assert_eq!(five.locked(now), Some(end));
        assert_eq!(five.locked(end), None);
        // The next round has all its tries again.
        assert_eq!(five.failed(end), Attempts { failures: 1, locked_until: None });
    }
}
