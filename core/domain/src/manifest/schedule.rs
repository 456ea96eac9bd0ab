//! What a package does by itself at set times, in China time (UTC+8 all year).

use std::collections::BTreeSet;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::check::Report;
use super::workflow::{CommentRule, Transition};
use super::{Attribute, Collection, Manifest, Slot, Spelling, Standard};
use crate::filter::{self, Filter, FilterError, Purpose, Test};
use crate::id::{CollectionName, FieldName};
use crate::locale::LocalText;
use crate::value::{Kind, Timestamp, Value};

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

/// Something that happens at set times: an event `<package>.schedule.<name>`, or what becomes of the records of `collection`
/// that `where` admits: their deletion, or a transition of their workflow.
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
    /// The transition that is made of the records, as far as they are in a state that it leads out of. Nobody has to be
    /// given a role for it, and no comment is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transition: Option<FieldName>,
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
        let parse = |json: &Json| filter::parse(collection, json, Spelling::Manifest, Purpose::Manifest(None));
        let mut all = self.filter.as_ref().map_or_else(|| Ok(Filter::everything()), |json| parse(&fill(json, at)))?;
        if let Some(transition) = self.transition_of(collection) {
            let from = transition.from.iter().map(|state| Value::Text(state.to_string())).collect();
            let state = Attribute { slot: Slot::Standard(Standard::State), kind: Kind::Text };
            all = all.and(Filter::Test(state, Test::In(from)));
            all = all.and(transition.filter.as_ref().map_or_else(|| Ok(Filter::everything()), parse)?);
        }
        Ok(all)
    }

    /// The transition that it makes of records of `collection`.
    #[must_use]
    pub fn transition_of<'a>(&self, collection: &'a Collection) -> Option<&'a Transition> {
        collection.workflow.as_ref()?.transition(self.transition.as_ref()?.as_str())
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
        if schedule.delete || schedule.transition.is_some() || schedule.filter.is_some() {
            let message = "`delete`, `transition` and `where` need the `collection` whose records they are about";
            report.add(at.to_owned(), message);
        }
        return;
    };
    if schedule.delete == schedule.transition.is_some() {
        let message = "say what happens to the records, one of both: `delete = true` or `transition`";
        report.add(format!("{at}.collection"), message);
    }
    if schedule.filter.is_none() {
        report.add(at.to_owned(), "say which records with `where`: not all of them");
    }
    let Some(collection) = manifest.collection(name.as_str()) else {
        report.add(format!("{at}.collection"), "there is no such collection in this package");
        return;
    };
    if let Some(name) = &schedule.transition {
        match schedule.transition_of(collection) {
            Some(transition) => unattended(collection, transition, &format!("{at}.transition"), report),
            None => report.add(format!("{at}.transition"), format!("`{}` has no transition `{name}`", collection.name)),
        }
    }
    if let Some(Err(error)) = Timestamp::from_micros(LOOK_FROM).map(|at| schedule.records(collection, at)) {
        report.add(format!("{at}.where"), error.to_string());
    }
}

/// What a transition must be that no person makes.
fn unattended(collection: &Collection, transition: &Transition, at: &str, report: &mut Report) {
    if transition.comment == CommentRule::Required {
        report.add(at, "it takes a comment, which a schedule cannot write: name a transition without");
    }
    if !transition.distinct_from.is_empty() {
        report.add(at, "it needs a second person, which a schedule is not: name a transition without `distinct_from`");
    }
    if collection.workflow.iter().any(|workflow| workflow.extended_by(transition.name.as_str()).next().is_some()) {
        report.add(at, "it extends a deadline, which a person grants: name another transition");
    }
    if transition.from.contains(&transition.to) {
        report.add(at, "it leads back to a state that it leads out of, and would be made again and again");
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

    #[test]
    fn a_schedule_says_one_thing_that_becomes_of_its_records_and_needs_nobody_for_it() {
        const MANIFEST: &str = r#"
[plugin]
id = "kit"
version = "1.0.0"
api = "0.1"
title = { zh = "测试" }
vendor = "sunlit"
[[collection]]
name = "site"
title = { zh = "载体" }
field = [{ name = "ends_on", type = "date" }]
[collection.workflow]
initial = "open"
state = [{ name = "open", title = { zh = "在架" } }, { name = "closed", title = { zh = "下架" } }]
[[collection.workflow.transition]]
name = "close"
title = { zh = "下架" }
from = ["open"]
to = "closed"
[[collection.workflow.transition]]
name = "reopen"
title = { zh = "上架" }
from = ["closed"]
to = "open"
roles = ["editor"]
[[schedule]]
name = "expire"
title = { zh = "到期下架" }
cron = "0 3 * * *"
collection = "site"
transition = "close"
where = { ends_on = { lt = "$today" } }
"#;
        let check = |from: &str, to: &str, expect: &str| {
            assert!(MANIFEST.contains(from), "the manifest has no {from}");
            let parsed = Manifest::parse("plugin.toml", &MANIFEST.replace(from, to));
            let message = parsed.map_or_else(|errors| errors.to_string(), |_| String::new());
            assert!(message.contains(expect) && message.is_empty() == expect.is_empty(), "{to}: {message}");
        };
        check("cron", "cron", "");
        check("transition = \"close\"", "delete = true\ntransition = \"close\"", "one of both");
        check("transition = \"close\"\n", "", "one of both");
        check("transition = \"close\"", "delete = true", "nobody may do it");
        check("transition = \"close\"", "transition = \"shut\"", "has no transition `shut`");
        check("transition = \"close\"", "transition = \"reopen\"", "let a [[schedule]] make it");
        check("collection = \"site\"\n", "", "need the `collection`");
        check("to = \"closed\"", "to = \"closed\"\ncomment = \"required\"", "takes a comment");
        check("to = \"closed\"", "to = \"closed\"\ndistinct_from = [\"create\"]", "second person");
        check("from = [\"open\"]", "from = [\"open\", \"closed\"]", "again and again");
        let deadline = "[[collection.workflow.deadline]]\nname = \"rent\"\ntitle = { zh = \"出租\" }\n\
                        starts = { state = \"open\" }\ndays = 20\nunit = \"days\"\nstops = [\"closed\"]\n\
                        extension = { days = 5, transition = \"close\" }\n[[schedule]]";
        check("[[schedule]]", deadline, "extends a deadline");
    }
}
