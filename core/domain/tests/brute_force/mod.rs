//! A second opinion on counting: its own calendar arithmetic (days as numbers), its own reading of the notices, and a list of
//! days with a mark on each that counts. It shares no code with `sunlit_domain::calendar` beyond the text of a date.

use std::collections::HashMap;
use std::sync::LazyLock;

use sunlit_domain::calendar::deadline::{Pause, Period, Unit};
use sunlit_domain::calendar::{Calendar, LocalDay, Overlay};
use sunlit_domain::value::Date;

/// Which days count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Days {
    /// The mistake of knowing no holidays.
    WeekendsOnly,
    /// The mistake of knowing holidays but no make-up workdays.
    WithoutMakeUp,
    /// As the notices say.
    Right,
    /// Every day.
    All,
}

/// Days off (true) and make-up workdays by day number.
static NOTICES: LazyLock<HashMap<i64, bool>> = LazyLock::new(|| {
    let file: serde_json::Value = serde_json::from_str(include_str!("../../data/holidays.json")).unwrap();
    let days = file["days"].as_array().unwrap();
    days.iter().map(|day| (number(day["date"].as_str().unwrap()), day["off"].as_bool().unwrap())).collect()
});

/// Days since 1970-01-01 of a civil date (Howard Hinnant's algorithm).
fn number(date: &str) -> i64 {
    let mut parts = date.split('-').map(|part| part.parse::<i64>().unwrap());
    let (year, month, day) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let year = if month <= 2 { year - 1 } else { year };
    let (era, shifted) = (year.div_euclid(400), (month + 9) % 12);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * shifted + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The civil date of a day number.
fn date(number: i64) -> Date {
    let shifted = number + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}").parse().unwrap()
}

fn is_weekend(number: i64) -> bool {
    // 1970-01-01 was a Thursday.
    matches!((number + 3).rem_euclid(7), 5 | 6)
}

fn counts(number: i64, days: Days, local: &HashMap<i64, bool>) -> bool {
    let notice = NOTICES.get(&number).copied();
    match days {
        Days::All => true,
        Days::WeekendsOnly => !is_weekend(number),
        Days::WithoutMakeUp => !is_weekend(number) && notice != Some(true),
        Days::Right => match local.get(&number).copied().or(notice) {
            Some(off) => !off,
            None => !is_weekend(number),
        },
    }
}

/// The `n`th counted day after `start`.
pub(crate) fn count(start: Date, n: u32, days: Days) -> Date {
    nth(number(&start.to_string()), n, days, &HashMap::new(), &[])
}

fn nth(start: i64, n: u32, days: Days, local: &HashMap<i64, bool>, excluded: &[(i64, i64)]) -> Date {
    let marks = (start + 1..).filter(|number| {
        counts(*number, days, local) && !excluded.iter().any(|(from, until)| from < number && number <= until)
    });
    match n {
        0 => date(start),
        n => date(marks.take(n as usize).last().unwrap()),
    }
}

/// A random period of a random tenant.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) starts_on: Date,
    pub(crate) days: u32,
    extension: u32,
    unit: Unit,
    pub(crate) pauses: Vec<(i64, i64)>,
    pub(crate) local: Vec<(i64, bool)>,
}

impl Case {
    pub(crate) fn random(random: &mut Random) -> Self {
        let start = random.between(number("2014-06-01"), number("2027-06-01"));
        let (mut pauses, mut at) = (Vec::new(), start);
        for _ in 0..random.between(0, 3) {
            let from = at + random.between(0, 20);
            at = from + random.between(0, 30);
            pauses.push((from, at));
        }
        let mut local = HashMap::new();
        for _ in 0..random.between(0, 6) {
            local.insert(start + random.between(-3, 90), random.between(0, 1) == 1);
        }
        Self {
            starts_on: date(start),
            days: u32::try_from(random.between(0, 40)).unwrap(),
            extension: if random.between(0, 2) == 0 { u32::try_from(random.between(1, 20)).unwrap() } else { 0 },
            unit: if random.between(0, 3) == 0 { Unit::Days } else { Unit::WorkingDays },
            pauses,
            local: local.into_iter().collect(),
        }
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.unit == Unit::WorkingDays && self.pauses.is_empty() && self.extension == 0
    }

    pub(crate) fn calendar(&self) -> Calendar {
        let days = self.local.iter().map(|(at, off)| LocalDay { date: date(*at), name: "x".to_owned(), off: *off });
        Calendar::new(Overlay::new(days.collect()).unwrap())
    }

    pub(crate) fn period(&self) -> Period {
        let mut period = Period::new(self.starts_on, self.days, self.unit);
        for (from, until) in &self.pauses {
            period.pause(date(*from)).unwrap();
            period.resume(date(*until)).unwrap();
        }
        if self.extension > 0 {
            period.extend(self.extension).unwrap();
        }
        let read: Vec<Pause> = period.pauses.iter().map(|pause| pause.to_string().parse().unwrap()).collect();
        assert_eq!(read, period.pauses);
        period
    }

    pub(crate) fn brute_force(&self) -> Date {
        let days = if self.unit == Unit::Days { Days::All } else { Days::Right };
        let local = self.local.iter().copied().collect();
        nth(number(&self.starts_on.to_string()), self.days + self.extension, days, &local, &self.pauses)
    }
}

/// SplitMix64: the same cases on every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        low + i64::try_from(mixed % u64::try_from(high - low + 1).unwrap()).unwrap()
    }
}
