//! What a declared workflow must obey: names resolve, every state can be reached, rules can be kept.

use std::collections::BTreeSet;

use super::check::{Report, SOMEBODY};
use super::field::FieldType;
use super::workflow::{CREATE, Deadline, Start, Transition, Workflow};
use super::{Collection, Manifest, Schedule, Spelling};
use crate::filter::{self, Purpose};
use crate::id::{FieldName, lower_camel};

/// How many states, transitions or deadlines a workflow may have.
const MAX_ITEMS: usize = 40;
/// How long a deadline or its extension may be, in days of its unit.
const MAX_DAYS: u32 = 1_000;
/// Names of transitions that mutations or events of every collection have.
const RESERVED: [&str; 10] = [
    CREATE,
    "update",
    "delete",
    "created",
    "updated",
    "deleted",
    "bulk_create",
    "bulk_update",
    "bulk_delete",
    "upsert",
];
/// Fields that records of a collection with a workflow have in the API.
pub(super) const RECORD_FIELDS: [&str; 3] = ["transitions", "history", "deadlines"];
/// Package ids whose namespace would be called like something that a schema with workflows has already.
const RESERVED_PACKAGES: [&str; 8] = [
    "calendar",
    "calendar-payload",
    "local-day",
    "local-day-input",
    "workflow-transition",
    "workflow-step",
    "workflow-deadline",
    "deadline-state",
];

/// Checks the workflows of all collections.
pub(super) fn workflows(manifest: &Manifest, report: &mut Report) {
    if RESERVED_PACKAGES.contains(&manifest.plugin.id.as_str()) {
        report.add("plugin.id", "every API with workflows has this name already: choose another");
    }
    for (index, collection) in manifest.collections.iter().enumerate() {
        let Some(workflow) = &collection.workflow else { continue };
        let path = format!("collection.{index}");
        record_fields(collection, &path, report);
        let path = format!("{path}.workflow");
        sizes(workflow, &path, report);
        states(workflow, &path, report);
        for (index, transition) in workflow.transitions.iter().enumerate() {
            let at = format!("{path}.transition.{index}");
            check_transition(collection, workflow, transition, &at, report);
            if !is_made(manifest, collection, transition) {
                let message = "nobody may do it: name at least one role, `owner = true`, or let a [[schedule]] make it";
                report.add(format!("{at}.roles"), message);
            }
        }
        for (index, deadline) in workflow.deadlines.iter().enumerate() {
            check_deadline(collection, workflow, deadline, &format!("{path}.deadline.{index}"), report);
        }
        unique_names(workflow, &path, report);
    }
}

fn record_fields(collection: &Collection, path: &str, report: &mut Report) {
    let declared = collection.fields.iter().enumerate().map(|(index, field)| ("field", index, &field.name));
    let computed = collection.computed.iter().enumerate().map(|(index, field)| ("computed", index, &field.name));
    for (kind, index, name) in declared.chain(computed) {
        if RECORD_FIELDS.contains(&name.as_str()) {
            report.add(
                format!("{path}.{kind}.{index}.name"),
                format!("records with a workflow have `{name}` in the API already: rename it"),
            );
        }
    }
}

fn sizes(workflow: &Workflow, path: &str, report: &mut Report) {
    let counts = [
        ("state", workflow.states.len()),
        ("transition", workflow.transitions.len()),
        ("deadline", workflow.deadlines.len()),
    ];
    for (what, count) in counts {
        if count > MAX_ITEMS {
            report.add(format!("{path}.{what}"), format!("{count} of them, at most {MAX_ITEMS}: split the workflow"));
        }
    }
}

fn states(workflow: &Workflow, path: &str, report: &mut Report) {
    known(workflow, &workflow.initial, &format!("{path}.initial"), report);
    let reached = reachable(workflow);
    for (index, state) in workflow.states.iter().enumerate() {
        let at = format!("{path}.state.{index}");
        if !reached.contains(&state.name) {
            let message = format!("no transition leads from `{}` to `{}`: add one", workflow.initial, state.name);
            report.add(&at, format!("{message}, or leave the state out"));
        }
        let leaves = workflow.transitions.iter().find(|transition| transition.from.contains(&state.name));
        match leaves {
            Some(transition) if state.is_final => {
                report.add(&at, format!("`{}` leads out of a final state: leave `final` out", transition.name));
            }
            None if !state.is_final && workflow.states.len() > 1 => {
                report.add(&at, "nothing leads out of this state: add a transition, or `final = true`");
            }
            _ => {}
        }
    }
}

/// The states that records can get into.
fn reachable(workflow: &Workflow) -> BTreeSet<&FieldName> {
    let mut reached = BTreeSet::from([&workflow.initial]);
    loop {
        let before = reached.len();
        for transition in &workflow.transitions {
            if transition.from.iter().any(|from| reached.contains(from)) {
                reached.insert(&transition.to);
            }
        }
        if reached.len() == before {
            return reached;
        }
    }
}

fn known(workflow: &Workflow, state: &FieldName, at: &str, report: &mut Report) {
    if workflow.state(state.as_str()).is_none() {
        report.add(at, format!("there is no state `{state}`: declare it with [[collection.workflow.state]]"));
    }
}

fn all_known(workflow: &Workflow, states: &[FieldName], at: &str, report: &mut Report) {
    for (index, state) in states.iter().enumerate() {
        known(workflow, state, at, report);
        if states[..index].contains(state) {
            report.add(at, format!("`{state}` stands twice: leave one out"));
        }
    }
}

/// Whether there is somebody, or a schedule, to make the transition.
fn is_made(manifest: &Manifest, collection: &Collection, transition: &Transition) -> bool {
    let by_schedule = |schedule: &Schedule| {
        schedule.collection.as_ref() == Some(&collection.name) && schedule.transition.as_ref() == Some(&transition.name)
    };
    !transition.roles.is_empty() || transition.owner || manifest.schedules.iter().any(by_schedule)
}

fn check_transition(
    collection: &Collection,
    workflow: &Workflow,
    transition: &Transition,
    at: &str,
    report: &mut Report,
) {
    if RESERVED.contains(&transition.name.as_str()) {
        report.add(format!("{at}.name"), "every collection has this in its API or events: choose another name");
    }
    if transition.from.is_empty() {
        report.add(format!("{at}.from"), "name at least one state that it leads out of");
    }
    all_known(workflow, &transition.from, &format!("{at}.from"), report);
    known(workflow, &transition.to, &format!("{at}.to"), report);
    for name in &transition.distinct_from {
        if *name != *CREATE && workflow.transition(name.as_str()).is_none() {
            let message = format!("there is no transition `{name}`: name one of this workflow, or `{CREATE}`");
            report.add(format!("{at}.distinct_from"), message);
        }
    }
    if transition.distinct_from.contains(&transition.name) {
        report.add(format!("{at}.distinct_from"), "a transition cannot be distinct from itself: name another");
    }
    if let Some(json) = &transition.filter
        && let Err(error) = filter::parse(collection, json, Spelling::Manifest, Purpose::Manifest(Some(SOMEBODY)))
    {
        report.add(format!("{at}.where"), error.to_string());
    }
}

fn check_deadline(collection: &Collection, workflow: &Workflow, deadline: &Deadline, at: &str, report: &mut Report) {
    let mut days = |place: &str, days: u32| {
        if !(1..=MAX_DAYS).contains(&days) {
            report.add(format!("{at}.{place}"), format!("{days} days: give 1 to {MAX_DAYS}"));
        }
    };
    days("days", deadline.days);
    if let Some(extension) = &deadline.extension {
        days("extension.days", extension.days);
    }
    if deadline.warn.is_some_and(|warn| warn >= deadline.days) {
        report.add(format!("{at}.warn"), "the warning would come before the deadline begins: give fewer days");
    }
    match &deadline.starts {
        Start::State(state) => {
            known(workflow, state, &format!("{at}.starts"), report);
            if deadline.pauses.contains(state) || deadline.stops.contains(state) {
                report.add(format!("{at}.starts"), format!("`{state}` begins it: take it out of `pauses` and `stops`"));
            }
        }
        Start::Field(name) => {
            let field = collection.field(name.as_str(), Spelling::Manifest);
            if !field.is_some_and(|(_, field)| field.field_type == FieldType::Date) {
                report
                    .add(format!("{at}.starts"), format!("there is no field `{name}` of type date in the collection"));
            }
        }
    }
    all_known(workflow, &deadline.pauses, &format!("{at}.pauses"), report);
    all_known(workflow, &deadline.stops, &format!("{at}.stops"), report);
    if deadline.stops.is_empty() {
        report.add(format!("{at}.stops"), "nothing would end it: name at least one state");
    }
    if let Some(state) = deadline.pauses.iter().find(|state| deadline.stops.contains(state)) {
        report.add(format!("{at}.pauses"), format!("`{state}` ends it as well: leave it out of one of the two"));
    }
    if let Some(extension) = &deadline.extension
        && workflow.transition(extension.transition.as_str()).is_none()
    {
        let message = format!("there is no transition `{}`: name the one that grants it", extension.transition);
        report.add(format!("{at}.extension.transition"), message);
    }
}

fn unique_names(workflow: &Workflow, path: &str, report: &mut Report) {
    let lists: [(&str, Vec<&FieldName>); 3] = [
        ("state", workflow.states.iter().map(|state| &state.name).collect()),
        ("transition", workflow.transitions.iter().map(|transition| &transition.name).collect()),
        ("deadline", workflow.deadlines.iter().map(|deadline| &deadline.name).collect()),
    ];
    for (kind, names) in lists {
        let mut taken = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            if !taken.insert(lower_camel(name.as_str())) {
                report.add(
                    format!("{path}.{kind}.{index}"),
                    format!("`{name}` would stand twice in the API: rename one"),
                );
            }
        }
    }
    // Both are events of the collection: `<transition>` and `<deadline>.overdue`.
    for (index, deadline) in workflow.deadlines.iter().enumerate() {
        if workflow.transition(deadline.name.as_str()).is_some() {
            let message = format!("a transition is called `{}`, too: rename one", deadline.name);
            report.add(format!("{path}.deadline.{index}.name"), message);
        }
    }
}
