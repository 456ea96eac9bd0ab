//! Working days in China: weekends, the State Council's yearly notices, and what a tenant adds for its own area.
//!
//! A day is decided by the first of these that speaks of it: the tenant's [`Overlay`] (local holidays, 全国年节及纪念日放假办法
//! Art. 4), the notice of the year (days off *and* make-up workdays), the day of the week. [`Calendar`] counts; how a
//! statutory period runs, pauses and is extended is [`deadline`].

mod day;
pub mod deadline;
mod national;
mod overlay;

use std::ops::Bound;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

pub use overlay::{LocalDay, MAX_LOCAL_DAYS, Overlay, OverlayError};

use self::national::National;
use crate::value::Date;

/// A day that was counted to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The day.
    pub date: Date,
    /// Whether it may still move: a day on the way belongs to a year whose notice is not published.
    pub provisional: bool,
}

/// The working days of one tenant. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Calendar {
    national: &'static National,
    overlay: Arc<Overlay>,
}

impl Calendar {
    /// The national calendar with a tenant's own days.
    #[must_use]
    pub fn new(overlay: Overlay) -> Self {
        Self { national: National::carried(), overlay: Arc::new(overlay) }
    }

    /// The national calendar alone.
    #[must_use]
    pub fn national() -> Self {
        Self::new(Overlay::default())
    }

    /// The tenant's own days.
    #[must_use]
    pub fn overlay(&self) -> &Overlay {
        &self.overlay
    }

    /// The last year whose notice is published.
    #[must_use]
    pub fn published_through(&self) -> i16 {
        self.national.last_year()
    }

    /// Whether offices work on `date`.
    #[must_use]
    pub fn is_working_day(&self, date: Date) -> bool {
        let special = self.overlay.is_off(date).or_else(|| self.national.is_off(date));
        special.map_or_else(|| !date.is_weekend(), |off| !off)
    }

    /// Whether a notice that is still to come may change what [`Calendar::is_working_day`] says of `date`.
    #[must_use]
    pub fn is_provisional(&self, date: Date) -> bool {
        self.overlay.is_off(date).is_none() && !self.national.is_settled(date)
    }

    /// The working day `n` after `date`: the day itself is not counted, day 1 is the next working day; for 0 the day itself.
    /// None past the year 9999.
    #[must_use]
    pub fn add_working_days(&self, date: Date, n: u32) -> Option<Counted> {
        let mut at = Counted { date, provisional: false };
        let mut left = n;
        while left > 0 {
            at.date = at.date.tomorrow()?;
            at.provisional |= self.is_provisional(at.date);
            left -= u32::from(self.is_working_day(at.date));
        }
        Some(at)
    }

    /// How many working days lie after `from` and not after `to`; negative when `to` comes first, so that it is always
    /// `n` for the day that [`Calendar::add_working_days`] answers for a positive `n`.
    #[must_use]
    pub fn working_days_between(&self, from: Date, to: Date) -> i64 {
        if to < from {
            return -self.working_days_between(to, from);
        }
        let by_the_week = weekdays_between(from, to);
        let range = (Bound::Excluded(from), Bound::Included(to));
        let of_tenant = self.overlay.range(range);
        let of_nation = self.national.range(range).filter(|(date, _)| self.overlay.is_off(*date).is_none());
        let special = of_tenant.chain(of_nation).map(|(date, off)| match (off, date.is_weekend()) {
            (true, false) => -1,
            (false, true) => 1,
            _ => 0,
        });
        by_the_week + special.sum::<i64>()
    }

    /// SHA-256 in hexadecimal over every day that is not decided by the week alone: what was counted by calendars with the
    /// same digest stays as it is.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hasher = Sha256::new();
        hasher.update(self.national.canonical());
        hasher.update(self.overlay.canonical());
        hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Mondays to Fridays after `from` and not after `to`, without walking over whole weeks.
fn weekdays_between(from: Date, to: Date) -> i64 {
    let days = from.days_until(to);
    let rest = std::iter::successors(Some(to), |day| day.yesterday()).take(usize::try_from(days % 7).unwrap_or(0));
    days / 7 * 5 + rest.map(|day| i64::from(!day.is_weekend())).sum::<i64>()
}
