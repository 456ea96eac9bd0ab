//! A calendar month, as the clocks in China have it.

use std::fmt;

use jiff::civil::Date;
use jiff::{Span, ToSpan as _};

use super::Timestamp;

/// A month; written `2026-11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(Date);

impl Month {
    /// The month of an instant.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.civil_in_china().date().first_of_month())
    }

    /// The month so many months before; the first of all years where there is none.
    #[must_use]
    pub fn back(self, months: u16) -> Self {
        Self(self.0.saturating_sub(Span::new().months(months)))
    }

    /// When the month after it begins; none at the end of the calendar.
    #[must_use]
    pub fn end(self) -> Option<Timestamp> {
        let next = self.0.checked_add(1.month()).ok()?;
        Timestamp::of_civil_in_china(next.to_datetime(jiff::civil::Time::midnight()))
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.strftime("%Y-%m"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_at_midnight_in_china() {
        let check = |at: &str, month: &str, end: &str| {
            let found = Month::of(at.parse().unwrap());
            assert_eq!((found.to_string().as_str(), found.end()), (month, end.parse().ok()), "{at}");
        };
        check("2026-11-23T18:39:00Z", "2026-11", "2026-11-30T16:00:00Z");
        check("2026-11-30T16:00:00Z", "2026-12", "2026-12-31T16:00:00Z");
        check("2026-11-30T15:59:59.999999Z", "2026-11", "2026-11-30T16:00:00Z");
        check("2028-02-01T00:00:00Z", "2028-02", "2028-02-29T16:00:00Z");
    }

    #[test]
    fn months_before_are_counted_over_years() {
        let back = |at: &str, months| Month::of(at.parse().unwrap()).back(months).to_string();
        assert_eq!(back("2026-11-23T18:39:00Z", 12), "2025-11");
        assert_eq!(back("2026-01-31T00:00:00Z", 1), "2025-12");
        assert_eq!(back("2026-12-01T00:00:00Z", 0), "2026-12");
    }
}
