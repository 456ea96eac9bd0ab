//! What differs between two versions of one field, argument or setting.

use serde_json::Value as Json;

use super::compare::Changes;
use super::{Field, FieldType};

/// What a field is there for: which side of the API relies on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// A collection's field: written and read.
    Stored,
    /// An argument: only written.
    Given,
    /// A field of an object type: only read.
    Answered,
    /// Set by a tenant.
    Setting,
}

/// What is said about one field.
struct Subject<'a> {
    name: &'a str,
    before: &'a str,
    after: &'a str,
    found: &'a mut Changes,
}

impl Subject<'_> {
    fn breaking(&mut self, option: &str, what: &str) {
        let places = (format!("{}.{option}", self.before), format!("{}.{option}", self.after));
        self.found.breaking((&places.0, &places.1), format!("{} {what}", self.name));
    }

    fn additive(&mut self, option: &str, what: &str) {
        let places = (format!("{}.{option}", self.before), format!("{}.{option}", self.after));
        self.found.additive((&places.0, &places.1), format!("{} {what}", self.name));
    }

    /// Either, as `breaks` says.
    fn changed(&mut self, breaks: bool, option: &str, what: &str) {
        if breaks { self.breaking(option, what) } else { self.additive(option, what) }
    }
}

/// Compares two versions of a field of the same name.
pub(super) fn compare(
    (old, new): (&Field, &Field),
    (before, after): (&str, &str),
    name: &str,
    purpose: Purpose,
    found: &mut Changes,
) {
    // An English form follows the field that declares it.
    if old.translation_of.is_some() && new.translation_of.is_some() {
        return;
    }
    let mut subject = Subject { name, before, after, found };
    if of_type(old, new, &mut subject) {
        return;
    }
    of_enum(old, new, &mut subject);
    if purpose == Purpose::Answered {
        if old.required != new.required {
            subject.changed(old.required, "required", "no longer promises the same: `required` changed");
        }
        return;
    }
    of_need(old, new, &mut subject);
    of_bounds(old, new, &mut subject);
    if purpose == Purpose::Stored {
        of_lookups(old, new, &mut subject);
    }
}

/// What a field that is new brings.
pub(super) fn added(field: &Field, (before, after): (&str, &str), name: &str, purpose: Purpose, found: &mut Changes) {
    let mut subject = Subject { name, before, after, found };
    match purpose {
        Purpose::Stored | Purpose::Given if is_needed(field) => {
            subject.breaking("required", "is new and required without a default");
        }
        // Every record that is there would have the same value.
        Purpose::Stored if field.required && field.unique => {
            subject.breaking("unique", "is new, required and unique at once");
        }
        _ => subject.additive("name", "is new"),
    }
}

/// Whether a caller has to give a value.
fn is_needed(field: &Field) -> bool {
    field.required && field.default.is_none()
}

/// Whether the type changed, so that nothing else is worth comparing.
fn of_type(old: &Field, new: &Field, subject: &mut Subject<'_>) -> bool {
    if old.field_type != new.field_type {
        subject.breaking("type", &format!("changed its type from {} to {}", type_name(old), type_name(new)));
        return true;
    }
    if old.of != new.of {
        subject.breaking("of", "changed the type of its items");
        return true;
    }
    if old.kind() != new.kind() {
        subject.breaking("scale", "changed its scale");
        return true;
    }
    if old.to != new.to {
        let to = |field: &Field| field.to.clone().map(String::from).unwrap_or_default();
        subject.breaking("to", &format!("refers to {} instead of {}", to(new), to(old)));
    }
    false
}

/// A type as manifests write it.
fn type_name(field: &Field) -> String {
    let written = serde_json::to_value(field.field_type).ok();
    written.and_then(|json| json.as_str().map(str::to_owned)).unwrap_or_default()
}

fn of_enum(old: &Field, new: &Field, subject: &mut Subject<'_>) {
    for value in old.values.iter().filter(|option| new.enum_title(option.value.as_str()).is_none()) {
        subject.breaking("values", &format!("lost the value `{}`", value.value));
    }
    for value in new.values.iter().filter(|option| old.enum_title(option.value.as_str()).is_none()) {
        subject.additive("values", &format!("has the new value `{}`", value.value));
    }
}

fn of_need(old: &Field, new: &Field, subject: &mut Subject<'_>) {
    if is_needed(new) && !is_needed(old) {
        subject.breaking("required", "is required without a default");
    } else if old.required != new.required || is_needed(old) != is_needed(new) {
        subject.additive("required", "changed whether it is required");
    }
}

fn of_bounds(old: &Field, new: &Field, subject: &mut Subject<'_>) {
    if matches!(old.item_type(), FieldType::String | FieldType::Text) {
        let least = |field: &Field| field.min.as_ref().and_then(Json::as_i64).unwrap_or(0);
        bound(subject, "max", new.max_chars().cmp(&old.max_chars()), "allows");
        bound(subject, "min", least(old).cmp(&least(new)), "allows");
    } else {
        // No bound is the loosest: the greatest `max`, the smallest `min`.
        let max = |field: &Field| (field.max.is_none(), field.bound(field.max.as_ref()));
        let min = |field: &Field| (field.min.is_some(), field.bound(field.min.as_ref()));
        bound(subject, "max", max(new).cmp(&max(old)), "allows");
        bound(subject, "min", min(old).cmp(&min(new)), "allows");
    }
    if old.item_type() == FieldType::File {
        bound(subject, "max_bytes", new.max_bytes().cmp(&old.max_bytes()), "allows");
        of_accepted(old, new, subject);
    }
    bound(subject, "max_items", new.max_items().cmp(&old.max_items()), "holds");
    match (&old.pattern, &new.pattern) {
        (old, new) if old == new => {}
        (_, None) => subject.additive("pattern", "has no pattern any more"),
        _ => subject.breaking("pattern", "accepts another pattern"),
    }
    match (old.format, new.format) {
        (old, new) if old == new => {}
        (_, None) => subject.additive("format", "has no format any more"),
        _ => subject.breaking("format", "accepts another format"),
    }
}

/// The media types of files. None named means all that the server takes.
fn of_accepted(old: &Field, new: &Field, subject: &mut Subject<'_>) {
    let lacks = |one: &Field, other: &Field| {
        !one.accept.is_empty()
            && (other.accept.is_empty() || other.accept.iter().any(|media_type| !one.accept.contains(media_type)))
    };
    if lacks(new, old) {
        subject.breaking("accept", "accepts fewer media types");
    } else if lacks(old, new) {
        subject.additive("accept", "accepts more media types");
    }
}

/// `looser`: how much the newer bound allows against the older one.
fn bound(subject: &mut Subject<'_>, option: &str, looser: std::cmp::Ordering, verb: &str) {
    match looser {
        std::cmp::Ordering::Less => subject.breaking(option, &format!("{verb} less: `{option}` is tighter")),
        std::cmp::Ordering::Greater => subject.additive(option, &format!("{verb} more: `{option}` is looser")),
        std::cmp::Ordering::Equal => {}
    }
}

fn of_lookups(old: &Field, new: &Field, subject: &mut Subject<'_>) {
    if old.sensitive != new.sensitive {
        // Both versions share a column, which holds sealed texts or plain ones.
        let what = if new.sensitive { "became sensitive" } else { "is not sensitive any more" };
        subject.breaking("sensitive", what);
    }
    if old.unique != new.unique {
        let what = if new.unique { "became unique" } else { "is not unique any more" };
        subject.breaking("unique", what);
    }
    let lookups =
        [("filter", old.filter, new.filter), ("sort", old.sort, new.sort), ("search", old.search, new.search)];
    for (option, was, is) in lookups.into_iter().filter(|(_, was, is)| was != is) {
        let what = if is { format!("can be used for `{option}`") } else { format!("lost its `{option}`") };
        subject.changed(was, option, &what);
    }
}
