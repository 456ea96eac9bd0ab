//! What a manifest's `[[migrate]]` must obey by itself. Whether it fits the previous major version is known when the
//! package is published: [`crate::migration::Plan::new`].

use std::collections::BTreeSet;

use super::check::Report;
use super::{Collection, Field, FieldType, Manifest, Migrate, Spelling};
use crate::value::Value;

/// Checks every `[[migrate]]`.
pub(super) fn migrations(manifest: &Manifest, report: &mut Report) {
    if !manifest.migrations.is_empty() && manifest.plugin.major() == 0 {
        report.add("migrate", "there is no major version before 0 to migrate from: leave [[migrate]] out");
    }
    let (mut from, mut into) = (BTreeSet::new(), BTreeSet::new());
    for (index, migrate) in manifest.migrations.iter().enumerate() {
        let at = format!("migrate.{index}");
        if !from.insert(&migrate.from) {
            report.add(format!("{at}.from"), format!("`{}` stands twice: say once what becomes of it", migrate.from));
        }
        match &migrate.collection {
            None => left_behind(migrate, &at, report),
            Some(name) => match manifest.collection(name.as_str()) {
                None => report.add(format!("{at}.collection"), "there is no such collection in this package"),
                Some(_) if !into.insert(name) => {
                    let message = format!("`{name}` stands twice: records of one collection move into it");
                    report.add(format!("{at}.collection"), message);
                }
                Some(collection) => moved(collection, migrate, &at, report),
            },
        }
    }
}

fn left_behind(migrate: &Migrate, at: &str, report: &mut Report) {
    let says_more = !migrate.fields.is_empty()
        || !migrate.values.is_empty()
        || !migrate.defaults.is_empty()
        || !migrate.drop.is_empty();
    if says_more {
        report.add(at, "`collection` is missing: name it, or leave out what is said of its fields");
    }
}

fn moved(collection: &Collection, migrate: &Migrate, at: &str, report: &mut Report) {
    let field = |name: &str| collection.field(name, Spelling::Manifest).map(|(_, field)| field);
    let missing = |name: &str| format!("`{}` has no field `{name}`: new fields stand on the left", collection.name);
    for name in migrate.fields.keys().filter(|name| field(name.as_str()).is_none()) {
        report.add(format!("{at}.fields.{name}"), missing(name.as_str()));
    }
    for (name, json) in &migrate.defaults {
        let place = format!("{at}.defaults.{name}");
        match field(name.as_str()) {
            None => report.add(place, missing(name.as_str())),
            Some(field) if !is_value(field, json) => report.add(place, "this is not a value that the field accepts"),
            Some(_) => {}
        }
    }
    for (name, values) in &migrate.values {
        let place = format!("{at}.values.{name}");
        let Some(field) = field(name.as_str()).filter(|field| field.item_type() == FieldType::Enum) else {
            report.add(place, format!("`{}` has no enum `{name}`: new fields stand here", collection.name));
            continue;
        };
        for (old, new) in values.iter().filter(|(_, new)| field.enum_title(new.as_str()).is_none()) {
            report.add(format!("{place}.{old}"), format!("`{name}` has no value `{new}`"));
        }
    }
}

fn is_value(field: &Field, json: &serde_json::Value) -> bool {
    let value = Value::from_json(field.kind(), json);
    value.is_ok_and(|value| !value.is_null() && field.check(&value).is_ok())
}
