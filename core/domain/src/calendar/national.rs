//! The State Council's notices by year: `data/holidays.json`, described in `data/README.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::value::Date;

/// The days that notices speak of, and the years that have a notice.
#[derive(Debug, Default)]
pub(super) struct National {
    days: BTreeMap<Date, bool>,
    years: BTreeSet<i16>,
}

/// From this day of December on, days may stand in the notice of the *next* year: that of 2019 moved the weekend of
/// 2018-12-29.
const NEXT_NOTICE_FROM: (i8, i8) = (12, 28);

#[derive(Deserialize)]
struct File {
    papers: BTreeMap<String, Vec<String>>,
    days: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    date: String,
    off: bool,
}

impl National {
    /// The notices that this version carries.
    pub(super) fn carried() -> &'static Self {
        static CARRIED: LazyLock<National> = LazyLock::new(|| National::read(include_str!("../../data/holidays.json")));
        &CARRIED
    }

    /// What cannot be read counts as not published, so that deadlines are provisional and never silently wrong; a test
    /// checks that the carried file reads to its last day.
    fn read(text: &str) -> Self {
        let Ok(file) = serde_json::from_str::<File>(text) else { return Self::default() };
        let published = file.papers.iter().filter(|(_, papers)| !papers.is_empty());
        Self {
            years: published.filter_map(|(year, _)| year.parse().ok()).collect(),
            days: file.days.iter().filter_map(|entry| Some((entry.date.parse().ok()?, entry.off))).collect(),
        }
    }

    /// Whether a notice makes the day a day off (true) or a workday (false); none when it says nothing.
    pub(super) fn is_off(&self, date: Date) -> Option<bool> {
        self.days.get(&date).copied()
    }

    pub(super) fn range(&self, range: (Bound<Date>, Bound<Date>)) -> impl Iterator<Item = (Date, bool)> {
        self.days.range(range).map(|(date, off)| (*date, *off))
    }

    /// Whether every notice that may speak of the day is published.
    pub(super) fn is_settled(&self, date: Date) -> bool {
        let year = date.year();
        let next_too = (date.month(), date.day()) >= NEXT_NOTICE_FROM;
        self.days.contains_key(&date) || self.years.contains(&year) && (!next_too || self.years.contains(&(year + 1)))
    }

    pub(super) fn last_year(&self) -> i16 {
        self.years.last().copied().unwrap_or(0)
    }

    /// One line a day and a year: what a digest is made of.
    pub(super) fn canonical(&self) -> String {
        let years = self.years.iter().map(|year| format!("{year}\n"));
        years.chain(self.days.iter().map(|(date, off)| format!("{date}\t{off}\n"))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_carried_file_reads_to_its_last_day() {
        let national = National::carried();
        assert_eq!((national.days.len(), national.years.len(), national.last_year()), (405, 12, 2026));
        assert!(national.days.keys().all(|date| (2015..=2026).contains(&date.year())));
    }

    #[test]
    fn a_day_is_settled_when_the_notices_that_may_speak_of_it_are_published() {
        let check =
            |date: &str, expect| assert_eq!(National::carried().is_settled(date.parse().unwrap()), expect, "{date}");
        check("2026-10-10", true);
        check("2026-12-27", true);
        check("2026-12-28", false);
        check("2027-01-04", false);
        check("2025-12-31", true);
        check("2014-12-31", false);
    }

    #[test]
    fn a_file_that_cannot_be_read_settles_nothing() {
        let broken = National::read("{");
        assert!(!broken.is_settled("2026-03-02".parse().unwrap()));
    }
}
