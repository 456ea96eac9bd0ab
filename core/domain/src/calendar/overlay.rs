//! A tenant's own days: local holidays of ethnic areas (全国年节及纪念日放假办法 Art. 4) and workdays ordered for the area.

use std::collections::BTreeMap;
use std::ops::Bound;

use crate::value::Date;

/// How many days a tenant may set.
pub const MAX_LOCAL_DAYS: usize = 400;
/// How many characters a day's name may have.
const MAX_NAME: usize = 60;

/// One day of a tenant's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDay {
    /// The day.
    pub date: Date,
    /// Why: `古尔邦节`, `壮族三月三`.
    pub name: String,
    /// Whether it is a day off; otherwise it is a workday.
    pub off: bool,
}

/// Why days are not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverlayError {
    /// Too many.
    #[error("{0} days, at most {MAX_LOCAL_DAYS}: leave out years that are past")]
    TooMany(usize),
    /// One day twice.
    #[error("{0} stands twice: leave one out")]
    Twice(Date),
    /// A name that nobody can read.
    #[error("{0} needs a name of 1 to {MAX_NAME} characters on one line")]
    Name(Date),
}

/// The days that a tenant adds to the national calendar; they win over it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overlay(BTreeMap<Date, LocalDay>);

impl Overlay {
    /// Checks the days.
    ///
    /// # Errors
    /// [`OverlayError`].
    pub fn new(days: Vec<LocalDay>) -> Result<Self, OverlayError> {
        if days.len() > MAX_LOCAL_DAYS {
            return Err(OverlayError::TooMany(days.len()));
        }
        let mut overlay = BTreeMap::new();
        for day in days {
            let name = day.name.trim();
            if name.is_empty() || name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
                return Err(OverlayError::Name(day.date));
            }
            let (date, day) = (day.date, LocalDay { name: name.to_owned(), ..day });
            if overlay.insert(date, day).is_some() {
                return Err(OverlayError::Twice(date));
            }
        }
        Ok(Self(overlay))
    }

    /// The days in order.
    pub fn days(&self) -> impl Iterator<Item = &LocalDay> {
        self.0.values()
    }

    pub(super) fn is_off(&self, date: Date) -> Option<bool> {
        self.0.get(&date).map(|day| day.off)
    }

    pub(super) fn range(&self, range: (Bound<Date>, Bound<Date>)) -> impl Iterator<Item = (Date, bool)> {
        self.0.range(range).map(|(date, day)| (*date, day.off))
    }

    /// One line a day. Names are left out: they change no count.
    pub(super) fn canonical(&self) -> String {
        self.0.values().map(|day| format!("local\t{}\t{}\n", day.date, day.off)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(date: &str, name: &str) -> LocalDay {
        LocalDay { date: date.parse().unwrap(), name: name.to_owned(), off: true }
    }

    #[test]
    fn days_are_named_and_stand_once() {
        let date = "2026-04-20".parse().unwrap();
        let check = |days: Vec<LocalDay>, expect| assert_eq!(Overlay::new(days).err(), expect);
        check(vec![day("2026-04-20", "壮族三月三")], None);
        check(vec![day("2026-04-20", " ")], Some(OverlayError::Name(date)));
        check(vec![day("2026-04-20", "a\nb")], Some(OverlayError::Name(date)));
        check(vec![day("2026-04-20", &"长".repeat(61))], Some(OverlayError::Name(date)));
        check(vec![day("2026-04-20", "a"), day("2026-04-20", "b")], Some(OverlayError::Twice(date)));
        check(vec![day("2026-04-20", "a"); 401], Some(OverlayError::TooMany(401)));
    }
}
