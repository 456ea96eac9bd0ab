//! The rules of each field's own options: which go with which type, and within what bounds.

use std::collections::BTreeSet;

use super::Manifest;
use super::check::{MAX_FIELDS, Report};
use super::field::{Field, FieldType};
use crate::file::MAX_FILE_BYTES;
use crate::scope::Role;
use crate::value::{MAX_LIST, MAX_SCALE, Value};

/// How long a text may be that records are ordered by: cursors carry it.
const MAX_ORDERED_CHARS: i64 = 500;
/// How many media types a file field may accept.
const MAX_ACCEPTED: usize = 50;
/// Names that mean something else where fields stand: filters and their tests.
const RESERVED_FIELDS: [&str; 19] = [
    "and",
    "or",
    "not",
    "eq",
    "ne",
    "in",
    "not_in",
    "lt",
    "lte",
    "gt",
    "gte",
    "contains",
    "starts_with",
    "is_null",
    "within",
    "near",
    "intersects",
    "has",
    "has_any",
];

/// Checks the options of `fields`.
pub(super) fn fields(manifest: &Manifest, fields: &[Field], path: &str, report: &mut Report) {
    if fields.len() > MAX_FIELDS {
        report.add(path, format!("{} fields, at most {MAX_FIELDS}", fields.len()));
    }
    for (index, field) in fields.iter().enumerate() {
        // An English form is checked with the field that declares it.
        if field.translation_of.is_none() {
            options(manifest, field, &mut |option, message| report.add(format!("{path}.{index}.{option}"), message));
        }
    }
}

/// Arguments, object fields and settings are not stored in tables of their own.
pub(super) fn plain_fields(fields: &[Field], path: &str, report: &mut Report) {
    for (index, field) in fields.iter().enumerate() {
        if field.holds_files() {
            report.add(format!("{path}.{index}.type"), "only a collection's field holds a file");
        }
        let of_tables = field.unique || field.filter || field.sort || field.search || field.translated;
        if of_tables || !field.readers.is_empty() || field.owner_reads || field.sensitive || field.mask.is_some() {
            report.add(
                format!("{path}.{index}"),
                "only a collection's field can be `unique`, `filter`, `sort`, `search`, `translated`, `sensitive` or have `readers` and `mask`",
            );
        }
    }
}

type Say<'a> = dyn FnMut(&str, String) + 'a;

fn options(manifest: &Manifest, field: &Field, say: &mut Say<'_>) {
    if RESERVED_FIELDS.contains(&field.name.as_str()) {
        say("name", "this name means a test or a combination in filters: choose another".to_owned());
    }
    of_lists(field, say);
    of_numbers(field, say);
    of_texts(field, say);
    of_enums_and_refs(manifest, field, say);
    of_files(field, say);
    of_lookups(field, say);
    of_readers(field, say);
    of_default(field, say);
}

fn of_lists(field: &Field, say: &mut Say<'_>) {
    use FieldType::{Date, Decimal, Enum, File, Int, List, Money, Ref, String};
    let is_list = field.field_type == List;
    let fit = [String, Int, Decimal, Money, Date, Enum, Ref, File];
    if is_list && !field.of.is_some_and(|of| fit.contains(&of)) {
        say("of", "a list names the type of its items: string int decimal money date enum ref file".to_owned());
    }
    if !is_list && (field.of.is_some() || field.max_items.is_some()) {
        say("of", "only a list has `of` and `max_items`".to_owned());
    }
    if field.max_items.is_some_and(|max| !(1..=MAX_LIST).contains(&max)) {
        say("max_items", format!("a list has 1 to {MAX_LIST} items"));
    }
}

fn of_numbers(field: &Field, say: &mut Say<'_>) {
    use FieldType::{Decimal, Money};
    let is = field.item_type();
    if field.scale.is_some() && !matches!(is, Decimal | Money) {
        say("scale", "only a decimal has a scale".to_owned());
    }
    let missing = is == Decimal && field.scale.is_none();
    if missing || field.scale.is_some_and(|scale| scale > MAX_SCALE) {
        say("scale", "a decimal needs `scale`, 0 to 9 digits after the point".to_owned());
    }
    bounds(field, say);
}

fn bounds(field: &Field, say: &mut Say<'_>) {
    use FieldType::{Date, Datetime, Decimal, Int, Money, String, Text};
    let (min, max) = (&field.min, &field.max);
    if min.is_none() && max.is_none() {
        return;
    }
    match field.item_type() {
        String | Text => {
            let length = |bound: &Option<serde_json::Value>| bound.as_ref().map(serde_json::Value::as_i64);
            let known = |bound: Option<Option<i64>>| bound.is_none_or(|bound| bound.is_some_and(|n| n >= 0));
            if !known(length(min)) || !known(length(max)) {
                say("max", "the length of a text is a whole number of characters".to_owned());
            } else if matches!((length(min), length(max)), (Some(min), Some(max)) if min > max) {
                say("min", "`min` is greater than `max`".to_owned());
            }
        }
        Int | Decimal | Money | Date | Datetime => {
            let value = |bound| field.bound(Option::as_ref(bound));
            if (min.is_some() && value(min).is_none()) || (max.is_some() && value(max).is_none()) {
                say("min", "`min` and `max` are values of the field's own type".to_owned());
            } else if matches!((value(min), value(max)), (Some(min), Some(max)) if min > max) {
                say("min", "`min` is greater than `max`".to_owned());
            }
        }
        _ => say("max", "only texts, numbers, days and instants have `min` and `max`".to_owned()),
    }
}

fn of_texts(field: &Field, say: &mut Say<'_>) {
    use FieldType::{List, String, Text};
    let is = field.item_type();
    if matches!(is, String | Text) && !(1..=100_000).contains(&field.max_chars()) {
        say("max", "a text has 1 to 100000 characters".to_owned());
    }
    if field.sort && is == String && field.max_chars() > MAX_ORDERED_CHARS {
        say("max", "a text that records are ordered by has at most 500 characters".to_owned());
    }
    if field.pattern.is_some() && is != String {
        say("pattern", "only a string has a pattern".to_owned());
    }
    if field.format.is_some() && is != String {
        say("format", "only a string has a format".to_owned());
    }
    if field.search && !matches!(field.field_type, String | Text) {
        say("search", "only texts are searched".to_owned());
    }
    if field.translated && (field.field_type == List || !matches!(is, String | Text)) {
        say("translated", "only texts are translated".to_owned());
    }
    if field.translated && field.translation().is_none() {
        say("name", "too long for its English form, `<name>_en`: shorten it".to_owned());
    }
}

fn of_enums_and_refs(manifest: &Manifest, field: &Field, say: &mut Say<'_>) {
    use FieldType::{Enum, Ref};
    let is = field.item_type();
    if (is == Enum) == field.values.is_empty() {
        say("values", "an enum, and only an enum, lists its `values`: [{ value, title }]".to_owned());
    }
    let values: BTreeSet<_> = field.values.iter().map(|option| &option.value).collect();
    if values.len() != field.values.len() || values.len() > 200 {
        say("values", "each value stands once, and there are at most 200".to_owned());
    }
    if (is == Ref) != field.to.is_some() {
        say("to", "a ref, and only a ref, names the collection it points to".to_owned());
    }
    let Some(to) = &field.to else { return };
    match to.package() {
        Some(package) if !manifest.uses.contains_key(package) => {
            say("to", format!("the package refers to {package}: add it under [uses] with its reason"));
        }
        None if manifest.collection(to.collection().as_str()).is_none() => {
            say("to", "there is no such collection in this package".to_owned());
        }
        _ => {}
    }
}

fn of_files(field: &Field, say: &mut Say<'_>) {
    let is_file = field.holds_files();
    if !is_file && (!field.accept.is_empty() || field.max_bytes.is_some()) {
        say("accept", "only a file has `accept` and `max_bytes`".to_owned());
    }
    let types: BTreeSet<_> = field.accept.iter().collect();
    if types.len() != field.accept.len() || types.len() > MAX_ACCEPTED {
        say("accept", format!("each media type stands once, and there are at most {MAX_ACCEPTED}"));
    }
    if field.max_bytes.is_some_and(|max| !(1..=MAX_FILE_BYTES).contains(&max)) {
        say("max_bytes", format!("a file has 1 to {MAX_FILE_BYTES} bytes"));
    }
    if is_file && field.filter {
        say("filter", "files are not filtered: keep what is looked up in fields of their own".to_owned());
    }
    if is_file && field.default.is_some() {
        say("default", "a file has no default: it belongs to the tenant that uploads it".to_owned());
    }
}

fn of_lookups(field: &Field, say: &mut Say<'_>) {
    use FieldType::{Area, Bool, Date, Datetime, Decimal, Enum, Int, List, Money, Point, Ref, String};
    let is = field.field_type;
    if field.sort && !matches!(is, String | Int | Decimal | Money | Bool | Date | Datetime | Enum) {
        say("sort", "records cannot be ordered by this type".to_owned());
    }
    let filtered = [String, Int, Decimal, Money, Bool, Date, Datetime, Enum, Ref, Point, Area, List];
    if field.filter && !filtered.contains(&is) {
        say("filter", "long text and JSON are not filtered: use strings, or `search`".to_owned());
    }
    if field.unique && !matches!(is, String | Int | Date | Ref) {
        say("unique", "only a string, int, date or ref can be unique".to_owned());
    }
}

fn of_readers(field: &Field, say: &mut Say<'_>) {
    if field.sensitive && field.readers.is_empty() && !field.owner_reads {
        say("readers", "say who may read what is sensitive: `readers`, `owner_reads` or both".to_owned());
    }
    if field.sensitive && (field.filter || field.sort || field.search || field.unique) {
        say(
            "sensitive",
            "what is sensitive is not looked up: leave out `filter`, `sort`, `search` and `unique`".to_owned(),
        );
    }
    if field.sensitive && !matches!(field.field_type, FieldType::String | FieldType::Text | FieldType::Date) {
        say("sensitive", "only a string, text or date is sealed: keep what is sensitive in one of them".to_owned());
    }
    if field.sensitive && field.readers.contains(&Role::Public) {
        say("readers", "what is sensitive is never public: leave `public` out, or leave out `sensitive`".to_owned());
    }
    if field.sensitive && field.default.is_some() {
        say("default", "what is sensitive has no default: everybody may read a manifest".to_owned());
    }
    if field.mask.is_some() && !(field.sensitive && matches!(field.field_type, FieldType::String | FieldType::Text)) {
        say("mask", "only a sensitive string or text is masked".to_owned());
    }
    let hidden = !field.readers.is_empty() || field.owner_reads;
    if hidden && field.search {
        say("search", "a hidden field is not searched: its words would tell who finds it".to_owned());
    }
}

fn of_default(field: &Field, say: &mut Say<'_>) {
    let Some(default) = &field.default else { return };
    let value = Value::from_json(field.kind(), default);
    if !value.is_ok_and(|value| !value.is_null() && field.check(&value).is_ok()) {
        say("default", "the default is not a value that the field accepts".to_owned());
    }
}
