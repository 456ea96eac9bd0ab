//! Days and instants. Instants are UTC at microseconds; as text they have a fixed width, so that text order is time order.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

use super::ValueError;

/// A civil date, from year 1 to 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Date(pub(crate) jiff::civil::Date);

impl FromStr for Date {
    type Err = ValueError;

    /// Reads `2026-11-22`, nothing else.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = || ValueError("expected a date like 2026-11-22".to_owned());
        let date: jiff::civil::Date = text.parse().map_err(|_| wrong())?;
        if text.len() == 10 && date.year() >= 1 { Ok(Self(date)) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Date {
    type Error = ValueError;

    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An instant: microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

/// 0001-01-01T00:00:00Z in microseconds since the epoch.
const FIRST: i64 = -62_135_596_800_000_000;
/// 9999-12-30T22:00:00Z in microseconds since the epoch: the last instant that is in year 9999 in every zone.
const LAST: i64 = 253_402_207_200_000_000;

impl Timestamp {
    /// An instant from microseconds since the epoch; none outside the years 1 to 9999.
    #[must_use]
    pub fn from_micros(micros: i64) -> Option<Self> {
        (FIRST..=LAST).contains(&micros).then_some(Self(micros))
    }

    /// The day that it is in China then (UTC+8 all year).
    #[must_use]
    pub fn date_in_china(self) -> Date {
        Date(self.civil_in_china().date())
    }

    /// What the clocks in China show then.
    pub(crate) fn civil_in_china(self) -> jiff::civil::DateTime {
        jiff::tz::offset(8).to_datetime(jiff::Timestamp::from_microsecond(self.0).unwrap_or_default())
    }

    /// The instant at which the clocks in China show that.
    pub(crate) fn of_civil_in_china(civil: jiff::civil::DateTime) -> Option<Self> {
        Self::from_micros(jiff::tz::offset(8).to_timestamp(civil).ok()?.as_microsecond())
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The instant `duration` later; the last instant when there is none so late.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)).min(LAST))
    }

    /// The instant `duration` earlier; the first instant when there is none so early.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)).max(FIRST))
    }
}

impl FromStr for Timestamp {
    type Err = ValueError;

    /// Reads any RFC 3339 time with an offset; digits beyond the microsecond are refused.
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let wrong = || ValueError("expected a time like 2026-11-22T08:30:00Z, to the microsecond at most".to_owned());
        let instant: jiff::Timestamp = text.parse().map_err(|_| wrong())?;
        if instant.subsec_nanosecond() % 1000 != 0 {
            return Err(wrong());
        }
        Self::from_micros(instant.as_microsecond()).ok_or_else(wrong)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => write!(f, "{instant:.6}"),
            Err(_) => Err(fmt::Error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_fixed_width_utc() {
        let check = |text: &str, shown: &str| assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), shown);
        check("2026-11-22T16:30:00+08:00", "2026-11-22T08:30:00.000000Z");
        check("2026-11-22T08:30:00.5Z", "2026-11-22T08:30:00.500000Z");
        check("1969-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z");
        check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z");
    }

    #[test]
    fn the_first_and_the_last_instant_are_written_and_read() {
        for micros in [FIRST, LAST] {
            let instant = Timestamp::from_micros(micros).unwrap();
            assert_eq!(instant.to_string().parse(), Ok(instant));
        }
        assert_eq!((Timestamp::from_micros(FIRST - 1), Timestamp::from_micros(LAST + 1)), (None, None));
    }

    #[test]
    fn an_instant_moves_by_a_duration_and_stays_an_instant() {
        let instant: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
        let minute = Duration::from_secs(60);
        assert_eq!(instant.plus(minute).to_string(), "2026-11-22T08:31:00.000000Z");
        assert_eq!(instant.plus(minute).minus(minute), instant);
        assert_eq!((instant.plus(Duration::MAX).0, instant.minus(Duration::MAX).0), (LAST, FIRST));
    }

    #[test]
    fn the_day_in_china_begins_eight_hours_before_the_day_in_greenwich() {
        let day = |text: &str| text.parse::<Timestamp>().unwrap().date_in_china().to_string();
        assert_eq!(day("2026-11-22T15:59:59Z"), "2026-11-22");
        assert_eq!(day("2026-11-22T16:00:00Z"), "2026-11-23");
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in ["2026-11-22", "2026-11-22T08:30", "2026-11-22T08:30:00.0000001Z", "now"] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
        for text in ["2026-2-3", "20260203", "2026-02-30", "-000001-01-01", "2026-02-03T00:00:00"] {
            assert!(text.parse::<Date>().is_err(), "{text}");
        }
    }
}
