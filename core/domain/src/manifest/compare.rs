//! What differs between two versions of a package, and what of it the version number allows.
//!
//! Within a major version a package only grows: its tenants share tables of one shape, and its clients were written for
//! what an earlier minor version answered.
//!
//! | | between minors | between patches |
//! |---|---|---|
//! | collection, field, computed field, query, action, argument, object, enum value, state, transition or deadline removed | refused | refused |
//! | `type`, `of`, `scale`, `to`, `returns`, `plural` changed | refused | refused |
//! | a value becomes needed: `required` without a default | refused | refused |
//! | values that were accepted no longer are: `max`, `max_items` or `max_bytes` lowered, `min` raised, `pattern` or `format` changed, a media type taken out of `accept` | refused | refused |
//! | `unique` added or removed: the index is of one kind for all minors | refused | refused |
//! | `filter`, `sort`, `search` taken away | refused | refused |
//! | any of it added, or a bound loosened | allowed | refused |
//! | a capability or `uses` added | allowed, and granted anew | refused |
//! | `sensitive` added or removed: all minors share a column, of sealed texts or of plain ones | refused | refused |
//! | texts, pages, schedules, `access`, `readers`, `mask`, `default` | allowed | allowed |
//!
//! Rules of `access` and `readers` may be narrowed: they fail closed, and a fault in them has to be mended without a new
//! major version. A setting may go: nobody outside the package reads it.

use super::compare_field::{self, Purpose};
use super::{Action, Collection, Field, Manifest, ObjectType, Query};
use crate::toml_source::SourceProblem;

/// The mend of what a minor version may not do.
const RAISE_MAJOR: &str = "raise the major version and declare with [[migrate]] how records migrate";
/// The mend of what a patch version may not do.
const RAISE_MINOR: &str = "raise the minor version";

/// One of two manifests that are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The one with the smaller version.
    Older,
    /// The one with the greater version.
    Newer,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its place in the older manifest, or the nearest one there.
    pub before: String,
    /// Its place in the newer manifest, or the nearest one there.
    pub after: String,
    /// What changed, naming collection and field.
    pub message: String,
    /// Whether a client or a table of the older version would break.
    pub breaking: bool,
}

/// What the version numbers do not allow, each with its place in the manifest of `side`. Nothing between two majors.
#[must_use]
pub fn compare(older: &Manifest, newer: &Manifest, side: Side) -> Vec<SourceProblem> {
    let (from, to) = (older.plugin.number(), newer.plugin.number());
    if to <= from {
        let message = format!("{to} does not come after {from}, which is published: raise the version");
        return vec![SourceProblem { path: "plugin.version".to_owned(), message }];
    }
    if from.major != to.major {
        return Vec::new();
    }
    let is_patch = from.minor == to.minor;
    let refused = changes(older, newer).into_iter().filter(|change| is_patch || change.breaking);
    let problem = |change: Change| {
        let mend = if change.breaking { RAISE_MAJOR } else { RAISE_MINOR };
        let path = if side == Side::Older { change.before } else { change.after };
        SourceProblem { path, message: format!("{} between {from} and {to}: {mend}", change.message) }
    };
    refused.map(problem).collect()
}

/// Everything that differs in shape: what tables and the API are made from.
#[must_use]
pub fn changes(older: &Manifest, newer: &Manifest) -> Vec<Change> {
    let mut found = Changes::default();
    asked(older, newer, &mut found);
    let collections = (older.collections.as_slice(), newer.collections.as_slice());
    pairs(collections, ("collection", "collection"), "collection", |c| c.name.to_string(), &mut found, collection);
    let objects = (older.objects.as_slice(), newer.objects.as_slice());
    pairs(objects, ("object", "object"), "object", |o| o.name.to_string(), &mut found, object);
    let queries = (older.queries.as_slice(), newer.queries.as_slice());
    pairs(queries, ("query", "query"), "query", |q| q.name.to_string(), &mut found, query);
    let actions = (older.actions.as_slice(), newer.actions.as_slice());
    pairs(actions, ("action", "action"), "action", |a| a.name.to_string(), &mut found, action);
    fields((&older.settings, &newer.settings), ("setting", "setting"), ("setting", ""), Purpose::Setting, &mut found);
    found.0
}

/// Collects changes.
#[derive(Default)]
pub(super) struct Changes(Vec<Change>);

impl Changes {
    pub(super) fn breaking(&mut self, (before, after): (&str, &str), message: String) {
        self.0.push(Change { before: before.to_owned(), after: after.to_owned(), message, breaking: true });
    }

    pub(super) fn additive(&mut self, (before, after): (&str, &str), message: String) {
        self.0.push(Change { before: before.to_owned(), after: after.to_owned(), message, breaking: false });
    }
}

/// What an administrator has to grant anew. What is no longer asked for breaks nobody.
fn asked(older: &Manifest, newer: &Manifest, found: &mut Changes) {
    for capability in newer.capabilities.keys().filter(|asked| !older.capabilities.contains_key(asked)) {
        let place = format!("capabilities.{}", capability.name());
        found.additive(("capabilities", &place), format!("the capability `{}` is new", capability.name()));
    }
    for package in newer.uses.keys().filter(|used| !older.uses.contains_key(*used)) {
        found.additive(("uses", &format!("uses.{package}")), format!("the use of package `{package}` is new"));
    }
}

/// Compares what has the same name on both sides with `same`; what stands on one side only was removed or added.
fn pairs<T>(
    (older, newer): (&[T], &[T]),
    (before, after): (&str, &str),
    what: &str,
    name: fn(&T) -> String,
    found: &mut Changes,
    same: fn((&T, &T), (&str, &str), &mut Changes),
) {
    for (index, old) in older.iter().enumerate() {
        let at = format!("{before}.{index}");
        match newer.iter().position(|new| name(new) == name(old)) {
            Some(place) => same((old, &newer[place]), (&at, &format!("{after}.{place}")), found),
            None => found.breaking((&at, after), format!("the {what} `{}` is gone", name(old))),
        }
    }
    for (index, new) in newer.iter().enumerate() {
        if !older.iter().any(|old| name(old) == name(new)) {
            found.additive((before, &format!("{after}.{index}")), format!("the {what} `{}` is new", name(new)));
        }
    }
}

/// Compares fields by name. `owner` is written before each name: `site.` for `site.rent`.
fn fields(
    (older, newer): (&[Field], &[Field]),
    (before, after): (&str, &str),
    (what, owner): (&str, &str),
    purpose: Purpose,
    found: &mut Changes,
) {
    for (index, old) in older.iter().enumerate() {
        let at = format!("{before}.{index}");
        let subject = format!("the {what} `{owner}{}`", old.name);
        match newer.iter().position(|new| new.name == old.name) {
            Some(place) => {
                let places = (at.as_str(), &*format!("{after}.{place}"));
                compare_field::compare((old, &newer[place]), places, &subject, purpose, found);
            }
            None if purpose == Purpose::Setting => found.additive((&at, after), format!("{subject} is gone")),
            None => found.breaking((&at, after), format!("{subject} is gone")),
        }
    }
    for (index, new) in newer.iter().enumerate() {
        if !older.iter().any(|old| old.name == new.name) {
            let places = (before, &*format!("{after}.{index}"));
            compare_field::added(new, places, &format!("the {what} `{owner}{}`", new.name), purpose, found);
        }
    }
}

fn collection((old, new): (&Collection, &Collection), (before, after): (&str, &str), found: &mut Changes) {
    let owner = format!("{}.", old.name);
    if old.plural() != new.plural() {
        let message = format!("the plural of `{}` changed from `{}` to `{}`", old.name, old.plural(), new.plural());
        found.breaking((&format!("{before}.plural"), &format!("{after}.plural")), message);
    }
    let places = (&*format!("{before}.field"), &*format!("{after}.field"));
    fields((&old.fields, &new.fields), places, ("field", &owner), Purpose::Stored, found);
    workflow((old, new), (&format!("{before}.workflow"), &format!("{after}.workflow")), found);
    for (index, computed) in old.computed.iter().enumerate() {
        let (at, subject) = (format!("{before}.computed.{index}"), format!("the field `{owner}{}`", computed.name));
        match new.computed.iter().position(|other| other.name == computed.name) {
            None => found.breaking((&at, after), format!("{subject} is gone")),
            Some(place) if new.computed[place].kind() != computed.kind() => {
                found.breaking((&at, &format!("{after}.computed.{place}")), format!("{subject} changed its type"));
            }
            Some(_) => {}
        }
    }
    for (index, computed) in new.computed.iter().enumerate() {
        if old.computed(computed.name.as_str()).is_none() {
            let place = format!("{after}.computed.{index}");
            found.additive((before, &place), format!("the field `{owner}{}` is new", computed.name));
        }
    }
}

fn object((old, new): (&ObjectType, &ObjectType), (before, after): (&str, &str), found: &mut Changes) {
    let places = (&*format!("{before}.field"), &*format!("{after}.field"));
    fields((&old.fields, &new.fields), places, ("field", &format!("{}.", old.name)), Purpose::Answered, found);
}

fn query((old, new): (&Query, &Query), (before, after): (&str, &str), found: &mut Changes) {
    if old.returns != new.returns {
        let (was, is) = (old.returns.as_str(), new.returns.as_str());
        let message = format!("the query `{}` changed what it returns from {was} to {is}", old.name);
        found.breaking((&format!("{before}.returns"), &format!("{after}.returns")), message);
    }
    let places = (&*format!("{before}.arg"), &*format!("{after}.arg"));
    fields((&old.args, &new.args), places, ("argument", &format!("{}.", old.name)), Purpose::Given, found);
}

fn action((old, new): (&Action, &Action), (before, after): (&str, &str), found: &mut Changes) {
    if old.returns != new.returns {
        let message = format!("the action `{}` changed what it returns", old.name);
        found.breaking((&format!("{before}.returns"), &format!("{after}.returns")), message);
    }
    let places = (&*format!("{before}.arg"), &*format!("{after}.arg"));
    fields((&old.args, &new.args), places, ("argument", &format!("{}.", old.name)), Purpose::Given, found);
}

/// The states, transitions and deadlines of a collection. Records stand in the states, and clients call the transitions.
fn workflow((old, new): (&Collection, &Collection), (before, after): (&str, &str), found: &mut Changes) {
    let (Some(older), Some(newer)) = (&old.workflow, &new.workflow) else {
        if old.workflow.is_some() != new.workflow.is_some() {
            let message = format!("`{}` has a workflow in one version only", old.name);
            found.breaking((before, after), message);
        }
        return;
    };
    let states = (older.states.as_slice(), newer.states.as_slice());
    pairs(states, (before, after), "state", |state| state.name.to_string(), found, |_, _, _| {});
    let transitions = (older.transitions.as_slice(), newer.transitions.as_slice());
    pairs(transitions, (before, after), "transition", |one| one.name.to_string(), found, |_, _, _| {});
    // Those that run are kept by name, and ended by their rule.
    let deadlines = (older.deadlines.as_slice(), newer.deadlines.as_slice());
    pairs(deadlines, (before, after), "deadline", |one| one.name.to_string(), found, |_, _, _| {});
}

#[cfg(test)]
mod tests;
