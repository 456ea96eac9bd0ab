//! How a statutory period runs: from the day after its start, not during pauses, extended at most once, begun again by a
//! restart.
//!
//! 政府信息公开条例 (国务院令第711号): Art. 33 gives 20 working days, one extension of at most 20, and does not count the time
//! in which third parties and other organs are asked (a *pause*); by Art. 30 a corrected request begins the period anew (a
//! *restart*).

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Calendar, Counted};
use crate::value::Date;

/// What a period counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Every day.
    Days,
    /// Working days of the tenant's calendar.
    WorkingDays,
}

impl Unit {
    /// Its name, as manifests and stores write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Days => "days",
            Self::WorkingDays => "working_days",
        }
    }

    /// The unit of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Days, Self::WorkingDays].into_iter().find(|unit| unit.name() == name)
    }

    fn between(self, calendar: &Calendar, from: Date, to: Date) -> i64 {
        match self {
            Self::Days => from.days_until(to),
            Self::WorkingDays => calendar.working_days_between(from, to),
        }
    }

    fn counts(self, calendar: &Calendar, date: Date) -> bool {
        self == Self::Days || calendar.is_working_day(date)
    }
}

/// Days that are not counted: those after `from` and not after `until`, so that the day of asking still counts and the day of
/// the answer does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// The last day that counts.
    pub from: Date,
    /// The last day that does not.
    pub until: Date,
}

impl Pause {
    fn covers(self, date: Date) -> bool {
        self.from < date && date <= self.until
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.from, self.until)
    }
}

impl FromStr for Pause {
    type Err = DeadlineError;

    /// Reads `2025-09-19/2025-10-11`.
    fn from_str(text: &str) -> Result<Self, DeadlineError> {
        let read = |text: &str| text.parse::<Date>().map_err(|_| DeadlineError::Unreadable);
        let (from, until) = text.split_once('/').ok_or(DeadlineError::Unreadable)?;
        let (from, until) = (read(from)?, read(until)?);
        if from <= until { Ok(Self { from, until }) } else { Err(DeadlineError::Unreadable) }
    }
}

/// Why a period cannot do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DeadlineError {
    /// It is paused already.
    #[error("the period is paused already")]
    Paused,
    /// It is not paused.
    #[error("the period is not paused")]
    Running,
    /// It was extended before: Art. 33 allows it once.
    #[error("the period was extended before, and may be only once")]
    Extended,
    /// The day lies before something that has happened.
    #[error("the day lies before the period's start or last pause")]
    Backwards,
    /// The period ends after the year 9999.
    #[error("the period ends after the year 9999")]
    TooFar,
    /// A stored period is not readable.
    #[error("the stored period is not readable")]
    Unreadable,
}

/// A period that runs, or is paused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The day of receipt or of whatever began it; not counted.
    pub starts_on: Date,
    /// Its length, without the extension.
    pub days: u32,
    /// What is counted.
    pub unit: Unit,
    /// By how many days it was extended; 0 when it was not.
    pub extension: u32,
    /// The pauses that are over, in order, without overlap.
    pub pauses: Vec<Pause>,
    /// The day on which the present pause began; none while it runs.
    pub paused_on: Option<Date>,
}

impl Period {
    /// A period that begins the day after `starts_on`.
    #[must_use]
    pub fn new(starts_on: Date, days: u32, unit: Unit) -> Self {
        Self { starts_on, days, unit, extension: 0, pauses: Vec::new(), paused_on: None }
    }

    /// Stops counting after `on`.
    ///
    /// # Errors
    /// [`DeadlineError::Paused`], [`DeadlineError::Backwards`].
    pub fn pause(&mut self, on: Date) -> Result<(), DeadlineError> {
        if self.paused_on.is_some() {
            return Err(DeadlineError::Paused);
        }
        let last = self.pauses.last().map_or(self.starts_on, |pause| pause.until);
        if on < last {
            return Err(DeadlineError::Backwards);
        }
        self.paused_on = Some(on);
        Ok(())
    }

    /// Counts again after `on`.
    ///
    /// # Errors
    /// [`DeadlineError::Running`], [`DeadlineError::Backwards`].
    pub fn resume(&mut self, on: Date) -> Result<(), DeadlineError> {
        let from = self.paused_on.ok_or(DeadlineError::Running)?;
        if on < from {
            return Err(DeadlineError::Backwards);
        }
        self.paused_on = None;
        self.pauses.push(Pause { from, until: on });
        Ok(())
    }

    /// Lengthens it by `days`, once.
    ///
    /// # Errors
    /// [`DeadlineError::Extended`].
    pub fn extend(&mut self, days: u32) -> Result<(), DeadlineError> {
        if self.extension > 0 {
            return Err(DeadlineError::Extended);
        }
        self.extension = days;
        Ok(())
    }

    /// The last day of the period; none while it is paused.
    ///
    /// # Errors
    /// [`DeadlineError::TooFar`].
    pub fn due(&self, calendar: &Calendar) -> Result<Option<Counted>, DeadlineError> {
        if self.paused_on.is_some() {
            return Ok(None);
        }
        let mut due = Counted { date: self.starts_on, provisional: false };
        let mut left = u64::from(self.days) + u64::from(self.extension);
        while left > 0 {
            due.date = due.date.tomorrow().ok_or(DeadlineError::TooFar)?;
            due.provisional |= self.unit == Unit::WorkingDays && calendar.is_provisional(due.date);
            left -= u64::from(self.counts(calendar, due.date));
        }
        Ok(Some(due))
    }

    /// The day on which those who work on it are warned: `before` days (of the period's unit) before `due`, not before the
    /// start.
    #[must_use]
    pub fn warning(&self, calendar: &Calendar, due: Date, before: u32) -> Date {
        let mut at = due;
        let mut left = before;
        while left > 0 && at > self.starts_on {
            let Some(previous) = at.yesterday() else { break };
            left -= u32::from(self.counts(calendar, at));
            at = previous;
        }
        at
    }

    /// How many days are left on `today`: 0 on the last day, negative afterwards, standing still while it is paused.
    #[must_use]
    pub fn days_left(&self, calendar: &Calendar, today: Date) -> i64 {
        let now = self.paused_on.map_or(today, |paused| paused.min(today)).max(self.starts_on);
        let used = self.unit.between(calendar, self.starts_on, now) - self.excluded(calendar, now);
        i64::from(self.days) + i64::from(self.extension) - used
    }

    /// How many days up to `now` were not counted because of pauses that are over.
    #[must_use]
    pub fn excluded(&self, calendar: &Calendar, now: Date) -> i64 {
        // The day that begins it may lie ahead.
        let now = now.max(self.starts_on);
        let days = |pause: &Pause| {
            let (from, until) = (pause.from.clamp(self.starts_on, now), pause.until.clamp(self.starts_on, now));
            self.unit.between(calendar, from, until)
        };
        self.pauses.iter().map(days).sum()
    }

    fn counts(&self, calendar: &Calendar, date: Date) -> bool {
        self.unit.counts(calendar, date) && !self.pauses.iter().any(|pause| pause.covers(date))
    }
}
