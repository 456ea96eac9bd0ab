//! What counting asks of a day: the day before and after, the weekend, the instant at which it begins in China.

use jiff::civil::Weekday;

use crate::value::{Date, Timestamp};

/// Microseconds of a day, and by how many China is ahead of UTC.
const DAY_MICROS: i64 = 86_400_000_000;
const CHINA_MICROS: i64 = 8 * 3_600_000_000;

impl Date {
    /// The year, 1 to 9999.
    #[must_use]
    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> i8 {
        self.0.month()
    }

    /// The day of the month.
    #[must_use]
    pub fn day(self) -> i8 {
        self.0.day()
    }

    /// Whether it is a Saturday or Sunday.
    #[must_use]
    pub fn is_weekend(self) -> bool {
        matches!(self.0.weekday(), Weekday::Saturday | Weekday::Sunday)
    }

    /// The next day; none after 9999-12-31.
    #[must_use]
    pub fn tomorrow(self) -> Option<Self> {
        self.0.tomorrow().ok().map(Self)
    }

    /// The day before; none before 0001-01-01.
    #[must_use]
    pub fn yesterday(self) -> Option<Self> {
        self.0.yesterday().ok().filter(|date| date.year() >= 1).map(Self)
    }

    /// How many days lie after this day and not after `other`; negative when `other` comes first.
    #[must_use]
    pub fn days_until(self, other: Self) -> i64 {
        i64::from((other.0 - self.0).get_days())
    }

    /// The instant at which the day begins in China (UTC+8 all year).
    #[must_use]
    pub fn begins_in_china(self) -> Option<Timestamp> {
        let epoch = jiff::civil::date(1970, 1, 1);
        let days = i64::from((self.0 - epoch).get_days());
        Timestamp::from_micros(days.checked_mul(DAY_MICROS)?.checked_sub(CHINA_MICROS)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_begins_in_china_at_sixteen_hours_utc_of_the_day_before() {
        for (date, instant) in
            [("2026-11-23", "2026-11-22T16:00:00.000000Z"), ("1970-01-01", "1969-12-31T16:00:00.000000Z")]
        {
            let begins = day(date).begins_in_china().unwrap();
            assert_eq!((begins.to_string(), begins.date_in_china()), (instant.to_owned(), day(date)));
        }
        assert_eq!(day("0001-01-01").begins_in_china(), None);
    }

    #[test]
    fn days_have_neighbours_within_the_years_one_to_nine_thousand() {
        assert_eq!((day("2024-02-28").tomorrow(), day("9999-12-31").tomorrow()), (Some(day("2024-02-29")), None));
        assert_eq!((day("2025-03-01").yesterday(), day("0001-01-01").yesterday()), (Some(day("2025-02-28")), None));
        assert_eq!(
            (day("2025-12-31").days_until(day("2026-01-02")), day("2026-01-02").days_until(day("2025-12-31"))),
            (2, -2)
        );
        assert!(day("2026-11-22").is_weekend() && !day("2026-11-23").is_weekend());
    }
}
