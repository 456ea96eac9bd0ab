//! What a package does by itself at set times, in China time (UTC+8 all year).

use std::collections::BTreeSet;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::check::Report;
use super::{Collection, Manifest, Spelling};
use crate::filter::{self, Filter, FilterError, Purpose};
use crate::id::{CollectionName, FieldName};
use crate::locale::LocalText;
use crate::value::Timestamp;

/// How many schedules a package may have.
pub const MAX_SCHEDULES: usize = 20;
/// How often a schedule may fire at most.
pub const SHORTEST_GAP: Duration = Duration::from_secs(5 * 60);
/// How long a cron expression may be.
const MAX_CRON_CHARS: usize = 100;
/// How many firings are looked at: more than two days of the densest schedule that is allowed.
const LOOKED_AT: usize = 600;
/// Where looking begins: 2024-01-01 in China, before a leap day.
const LOOK_FROM: i64 = 1_704_038_399_000_000;

/// Something that happens at set times: an event `<package>.schedule.<name>`, or, with `delete = true`, the deletion of the
/// records of `collection` that `where` admits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Its name.
    pub name: FieldName,
    /// What it does, for the tenant's administrator.
    pub title: LocalText,
    /// When: minute, hour, day of the month, month, day of the week, in China time; at most every five minutes.
    pub cron: String,
    /// The collection whose records it is about; none for an event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionName>,
    /// Whether the records are deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delete: bool,
    /// Which records. The text `$now` stands for the instant at which the schedule fires, `$today` for its day in China.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<Json>,
}

impl Schedule {
    /// When it fires next after `at`; none when never.
    #[must_use]
    pub fn next_after(&self, at: Timestamp) -> Option<Timestamp> {
        next(&parse(&self.cron).ok()?, at)
    }

    /// The records of `collection` that it is about when it fires at `at`.
    ///
    /// # Errors
    /// As [`filter::parse`].
    pub fn records(&self, collection: &Collection, at: Timestamp) -> Result<Filter, FilterError> {
        let json = self.filter.as_ref().map_or_else(|| Json::Object(serde_json::Map::new()), |json| fill(json, at));
        filter::parse(collection, &json, Spelling::Manifest, Purpose::Manifest)
    }
}

/// Replaces `$now` and `$today`.
fn fill(json: &Json, at: Timestamp) -> Json {
    match json {
        Json::String(text) if text == "$now" => Json::String(at.to_string()),
        Json::String(text) if text == "$today" => Json::String(at.date_in_china().to_string()),
        Json::Array(items) => items.iter().map(|item| fill(item, at)).collect(),
        Json::Object(entries) => {
            Json::Object(entries.iter().map(|(name, value)| (name.clone(), fill(value, at))).collect())
        }
        other => other.clone(),
    }
}

fn parse(cron: &str) -> Result<Cron, String> {
    if cron.split_whitespace().count() != 5 || cron.chars().count() > MAX_CRON_CHARS {
        return Err(
            "five fields: minute hour day month weekday, like \"0 3 * * *\"; seconds and years are not offered"
                .to_owned(),
        );
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(cron).map_err(|error| format!("{error}: write it like \"0 3 * * *\""))
}

fn next(cron: &Cron, at: Timestamp) -> Option<Timestamp> {
    Timestamp::of_civil_in_china(cron.find_next_occurrence(&at.civil_in_china(), false).ok()?)
}

/// Why this cron expression is refused; none for a good one.
fn fault(text: &str) -> Option<String> {
    let cron = match parse(text) {
        Ok(cron) => cron,
        Err(message) => return Some(message),
    };
    let Some(mut last) = Timestamp::from_micros(LOOK_FROM).and_then(|from| next(&cron, from)) else {
        return Some("it never fires: there is no such day".to_owned());
    };
    for _ in 0..LOOKED_AT {
        let Some(following) = next(&cron, last) else { break };
        if following < last.plus(SHORTEST_GAP) {
            return Some("it fires more often than every 5 minutes: leave time between".to_owned());
        }
        last = following;
    }
    None
}

/// What is wrong with the schedules of `manifest`.
pub(super) fn problems(manifest: &Manifest, report: &mut Report) {
    if manifest.schedules.len() > MAX_SCHEDULES {
        report.add("schedule", format!("{} of them, at most {MAX_SCHEDULES}", manifest.schedules.len()));
        return;
    }
    let mut names = BTreeSet::new();
    for (index, schedule) in manifest.schedules.iter().enumerate() {
        let at = format!("schedule.{index}");
        if !names.insert(&schedule.name) {
            report.add(format!("{at}.name"), "another schedule has this name: choose another");
        }
        if schedule.title.zh.trim().is_empty() {
            report.add(format!("{at}.title"), "the Chinese title is empty: say what it does");
        }
        if let Some(message) = fault(&schedule.cron) {
            report.add(format!("{at}.cron"), message);
        }
        action(manifest, schedule, &at, report);
    }
}

fn action(manifest: &Manifest, schedule: &Schedule, at: &str, report: &mut Report) {
    let Some(name) = &schedule.collection else {
        if schedule.delete || schedule.filter.is_some() {
            report.add(at.to_owned(), "`delete` and `where` need the `collection` whose records they are about");
        }
        return;
    };
    if !schedule.delete {
        report.add(format!("{at}.collection"), "say what happens to the records: `delete = true`");
    }
    if schedule.filter.is_none() {
        report.add(at.to_owned(), "say which records with `where`: not all of them");
    }
    let Some(collection) = manifest.collection(name.as_str()) else {
        report.add(format!("{at}.collection"), "there is no such collection in this package");
        return;
    };
    if let Some(Err(error)) = Timestamp::from_micros(LOOK_FROM).map(|at| schedule.records(collection, at)) {
        report.add(format!("{at}.where"), error.to_string());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schedule(cron: &str) -> Schedule {
        serde_json::from_value(json!({ "name": "expire", "title": { "zh": "到期" }, "cron": cron })).unwrap()
    }

    #[test]
    fn a_schedule_fires_by_the_clock_of_china() {
        let next = |cron: &str, at: &str| {
            schedule(cron).next_after(at.parse().unwrap()).map(|next| next.to_string()).unwrap_or_default()
        };
        assert_eq!(next("0 3 * * *", "2026-11-22T18:00:00Z"), "2026-11-22T19:00:00.000000Z");
        assert_eq!(next("0 3 * * *", "2026-11-22T19:00:00Z"), "2026-11-23T19:00:00.000000Z");
        assert_eq!(next("0 0 1 1 *", "2026-06-01T00:00:00Z"), "2026-12-31T16:00:00.000000Z");
        assert_eq!(next("*/5 * * * *", "2026-11-22T18:02:30.5Z"), "2026-11-22T18:05:00.000000Z");
        assert_eq!(next("30 8 * * MON", "2026-11-22T18:00:00Z"), "2026-11-23T00:30:00.000000Z");
        assert_eq!(next("0 0 29 2 *", "2026-11-22T18:00:00Z"), "2028-02-28T16:00:00.000000Z");
    }

    #[test]
    fn what_fires_too_often_or_never_or_by_the_second_is_refused() {
        for good in ["0 3 * * *", "*/5 * * * *", "0,55 * * * *", "0 9-17 * * MON-FRI", "0 0 29 2 *", "15 0 L * *"] {
            assert_eq!(fault(good), None, "{good}");
        }
        let check = |cron: &str, expect: &str| {
            let message = fault(cron).unwrap_or_default();
            assert!(message.contains(expect), "{cron}: {message}");
        };
        check("* * * * * *", "five fields");
        check("0 0 * * * * 2030", "five fields");
        check("@daily", "five fields");
        check("", "five fields");
        check("* * * * *", "more often");
        check("*/4 * * * *", "more often");
        check("0,58 * * * *", "more often");
        check("0 0 30 2 *", "never fires");
        check("61 * * * *", "write it like");
        check("a b c d e", "write it like");
        check(&"0,".repeat(60), "five fields");
    }

    #[test]
    fn the_records_of_a_schedule_may_depend_on_the_instant() {
        let collection: Collection = serde_json::from_value(json!({
            "name": "site", "title": { "zh": "载体" },
            "field": [{ "name": "ends_on", "type": "date" }]
        }))
        .unwrap();
        let mut schedule = schedule("0 3 * * *");
        schedule.filter = Some(json!({ "ends_on": { "lt": "$today" }, "created_at": { "lt": "$now" } }));
        let filter = schedule.records(&collection, "2026-11-22T18:00:00Z".parse().unwrap()).unwrap();
        let told = format!("{filter:?}");
        assert!(told.contains("2026-11-23"), "{told}");
    }
}
