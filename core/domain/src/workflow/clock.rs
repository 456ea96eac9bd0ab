//! How a declared deadline follows the states of its record: begun, paused, resumed, extended, ended.

use crate::calendar::Calendar;
use crate::calendar::deadline::{DeadlineError, Period};
use crate::manifest::workflow::{Deadline, Start};
use crate::value::Date;
use crate::workflow::WhyNot;

/// How a deadline stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeadlineState {
    /// It runs.
    Running,
    /// It does not run for now.
    Paused,
    /// What it was for was done in time.
    Met,
    /// It passed; also when what it was for was done later.
    Overdue,
}

impl DeadlineState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Met, Self::Overdue];

    /// Its name, as stores write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Met => "met",
            Self::Overdue => "overdue",
        }
    }
}

/// A deadline of one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clock {
    /// How it runs.
    pub period: Period,
    /// How many days before its last day a warning is given.
    pub warn: Option<u32>,
    /// The day on which what it is for was done.
    pub ended_on: Option<Date>,
    /// Whether the warning was given.
    pub warned: bool,
    /// Whether it passed.
    pub overdue: bool,
}

/// The days of a clock by one calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dates {
    /// The last day; none while paused.
    pub due_on: Option<Date>,
    /// The day of the warning.
    pub warn_on: Option<Date>,
    /// Whether they may still move.
    pub provisional: bool,
}

/// What happens to a clock by time alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening {
    /// Its last day is near.
    Warned,
    /// Its last day has passed.
    Overdue,
}

impl Happening {
    /// The last part of the event's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warned => "warned",
            Self::Overdue => "overdue",
        }
    }
}

impl Clock {
    /// A clock that begins after `starts_on`.
    #[must_use]
    pub fn new(rule: &Deadline, starts_on: Date) -> Self {
        let period = Period::new(starts_on, rule.days, rule.unit);
        Self { period, warn: rule.warn, ended_on: None, warned: false, overdue: false }
    }

    /// How it stands.
    #[must_use]
    pub fn state(&self) -> DeadlineState {
        match (self.overdue, self.ended_on, self.period.paused_on) {
            (true, _, _) => DeadlineState::Overdue,
            (false, Some(_), _) => DeadlineState::Met,
            (false, None, Some(_)) => DeadlineState::Paused,
            (false, None, None) => DeadlineState::Running,
        }
    }

    /// Its days.
    ///
    /// # Errors
    /// [`DeadlineError::TooFar`].
    pub fn dates(&self, calendar: &Calendar) -> Result<Dates, DeadlineError> {
        let due = self.period.due(calendar)?;
        Ok(Dates {
            due_on: due.map(|due| due.date),
            warn_on: due.zip(self.warn).map(|(due, before)| self.period.warning(calendar, due.date, before)),
            provisional: due.is_some_and(|due| due.provisional),
        })
    }

    /// The day at whose beginning something happens next by time alone.
    #[must_use]
    pub fn next(&self, dates: Dates) -> Option<Date> {
        let due_on = dates.due_on.filter(|_| self.state() == DeadlineState::Running)?;
        dates.warn_on.filter(|_| !self.warned).or_else(|| due_on.tomorrow())
    }

    /// Lets time pass up to `today`; answers what happened. A second time nothing happens.
    pub fn tick(&mut self, dates: Dates, today: Date) -> Option<Happening> {
        let due_on = dates.due_on.filter(|_| self.state() == DeadlineState::Running)?;
        if due_on < today {
            self.overdue = true;
            return Some(Happening::Overdue);
        }
        if !self.warned && dates.warn_on.is_some_and(|warn_on| warn_on <= today) {
            self.warned = true;
            return Some(Happening::Warned);
        }
        None
    }

    /// Lengthens it by `days`, or as much as the rule allows.
    ///
    /// # Errors
    /// [`WhyNot::NoDeadline`], [`WhyNot::Extended`], [`WhyNot::ExtensionForm`].
    pub fn extend(&mut self, most: u32, days: Option<u32>, calendar: &Calendar, on: Date) -> Result<(), WhyNot> {
        if self.ended_on.is_some() {
            return Err(WhyNot::NoDeadline);
        }
        let days = days.unwrap_or(most);
        let over = self.overdue || self.is_past(calendar, on);
        if over || !(1..=most).contains(&days) {
            return Err(WhyNot::ExtensionForm);
        }
        self.period.extend(days).map_err(|_| WhyNot::Extended)?;
        self.warned = false;
        Ok(())
    }

    /// Moves the start to another day; pauses and the extension stay.
    pub fn start_on(&mut self, starts_on: Date) {
        if self.period.starts_on != starts_on {
            self.period.starts_on = starts_on;
            self.warned = false;
            self.overdue = false;
        }
    }

    /// Sees again by another calendar whether it has passed and whether the warning is still to come. What has come with the
    /// calendar happens at the next [`Clock::tick`].
    pub fn recount(&mut self, calendar: &Calendar, today: Date) {
        if self.ended_on.is_none() {
            self.overdue &= self.is_past(calendar, today);
            let warn_on = self.dates(calendar).ok().and_then(|dates| dates.warn_on);
            self.warned &= warn_on.is_none_or(|warn_on| warn_on <= today);
        }
    }

    fn is_past(&self, calendar: &Calendar, on: Date) -> bool {
        self.period.due(calendar).ok().flatten().is_some_and(|due| due.date < on)
    }

    fn pause(&mut self, calendar: &Calendar, on: Date) {
        // What has passed is not brought back by a pause.
        self.overdue |= self.is_past(calendar, on);
        if !self.overdue && self.period.paused_on.is_none() {
            let last = self.period.pauses.last().map_or(self.period.starts_on, |pause| pause.until);
            _ = self.period.pause(on.max(last));
        }
    }

    fn resume(&mut self, on: Date) {
        if let Some(paused_on) = self.period.paused_on {
            _ = self.period.resume(on.max(paused_on));
        }
    }

    fn end(&mut self, calendar: &Calendar, on: Date) {
        self.resume(on);
        self.overdue |= self.is_past(calendar, on);
        self.ended_on = Some(on);
    }
}

/// The clock of `rule` after its record has gone from one state (none: it was created) to another on a day. A state that is
/// not left is not entered either.
#[must_use]
pub fn enter(
    rule: &Deadline,
    (from, to): (Option<&str>, &str),
    on: Date,
    clock: Option<Clock>,
    calendar: &Calendar,
) -> Option<Clock> {
    if from == Some(to) {
        return clock;
    }
    let is_in = |states: &[crate::id::FieldName], state: &str| states.iter().any(|name| *name == *state);
    let begins = matches!(&rule.starts, Start::State(state) if *state == *to);
    let from_pause = from.is_some_and(|from| is_in(&rule.pauses, from));
    match clock {
        // Art. 30: a corrected request begins the period anew. A rule that has changed meanwhile holds for what begins now.
        Some(clock) if begins && (clock.ended_on.is_some() || !from_pause) => Some(Clock::new(rule, on)),
        None if begins => Some(Clock::new(rule, on)),
        Some(mut clock) if clock.ended_on.is_none() => {
            if is_in(&rule.stops, to) {
                clock.end(calendar, on);
            } else if is_in(&rule.pauses, to) {
                clock.pause(calendar, on);
            } else {
                clock.resume(on);
            }
            Some(clock)
        }
        clock => clock,
    }
}

/// The clock of a rule that begins with a day in a field, after that field was written on `on` in a record in `state`.
#[must_use]
pub fn follow(
    rule: &Deadline,
    state: &str,
    starts_on: Option<Date>,
    on: Date,
    clock: Option<Clock>,
    calendar: &Calendar,
) -> Option<Clock> {
    let starts_on = starts_on?;
    match clock {
        Some(mut clock) => {
            if clock.ended_on.is_none() {
                clock.start_on(starts_on);
            }
            Some(clock)
        }
        None if rule.stops.iter().any(|stop| *stop == *state) => None,
        None => {
            let mut clock = Clock::new(rule, starts_on);
            if rule.pauses.iter().any(|pause| *pause == *state) {
                clock.pause(calendar, on);
            }
            Some(clock)
        }
    }
}
