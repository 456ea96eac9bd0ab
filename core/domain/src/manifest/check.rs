//! What a manifest must obey beyond its form. Each problem names its place and the mend.

use std::collections::BTreeSet;

use super::check_field::{fields, plain_fields};
use super::field::{Field, FieldType};
use super::{API_VERSION, Collection, Manifest, Returned, Returns, STANDARD_FIELDS, Spelling, Version, quoted};
use super::{check_action, check_migrate, check_view, check_workflow, schedule};
use crate::filter::{self, Purpose};
use crate::id::{ActorId, lower_camel, upper_camel};
use crate::toml_source::SourceProblem;
use crate::value::{Kind, MAX_SCALE};

/// How many collections, objects, queries, actions, settings, views or migrations a package may declare.
const MAX_ITEMS: usize = 60;
/// How many fields a collection, object or query may have.
pub(super) const MAX_FIELDS: usize = 100;
/// How many computed fields a collection may have, how many fields each may need, and how many rules a deed may have.
const MAX_COMPUTED: usize = 20;
/// What the API has of each collection: the name's own type, and those with these endings.
const TYPES: [&str; 17] = [
    "",
    "Aggregate",
    "Bounds",
    "Change",
    "Connection",
    "Create",
    "Filter",
    "Group",
    "GroupBy",
    "GroupKey",
    "Groups",
    "ManyPayload",
    "Order",
    "Payload",
    "Totals",
    "Update",
    "UpdateOne",
];
/// Package ids whose types or root fields every schema has already.
const RESERVED_PACKAGES: [&str; 31] = [
    crate::core_setting::PACKAGE,
    "change-kind",
    "query",
    "mutation",
    "subscription",
    "api-version",
    "file",
    "page-info",
    "record-version",
    "date",
    "date-time",
    "decimal",
    "geo-point",
    "user-error",
    "error-code",
    "string",
    "int",
    "float",
    "boolean",
    "id",
    "json",
    "geo-json",
    "workspace",
    "division-codes",
    "division-code",
    "audit-trail",
    "audit-entry",
    "audit-connection",
    "dead-letters",
    "dead-letter",
    "job-payload",
];

/// Stands for whoever asks, where filters are only checked.
pub(super) const SOMEBODY: ActorId = ActorId(uuid::Uuid::nil());

/// Collects problems with their places.
pub(super) struct Report(Vec<SourceProblem>);

impl Report {
    pub(super) fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(SourceProblem { path: path.into(), message: message.into() });
    }
}

/// Everything that is wrong with `manifest`.
pub(super) fn problems(manifest: &Manifest) -> Vec<SourceProblem> {
    let mut report = Report(Vec::new());
    plugin(manifest, &mut report);
    sizes(manifest, &mut report);
    for (index, collection) in manifest.collections.iter().enumerate() {
        check_collection(manifest, collection, &format!("collection.{index}"), &mut report);
    }
    for (index, object) in manifest.objects.iter().enumerate() {
        let path = format!("object.{index}");
        fields(manifest, &object.fields, &format!("{path}.field"), &mut report);
        plain_fields(&object.fields, &format!("{path}.field"), &mut report);
        if object.fields.is_empty() {
            report.add(path, "an object type needs at least one field");
        }
    }
    queries(manifest, &mut report);
    check_action::actions(manifest, &mut report);
    fields(manifest, &manifest.settings, "setting", &mut report);
    plain_fields(&manifest.settings, "setting", &mut report);
    settings(manifest, &mut report);
    schedule::problems(manifest, &mut report);
    api_names(manifest, &mut report);
    check_workflow::workflows(manifest, &mut report);
    // Views and migrations name fields and collections: there is no use in checking them against broken ones.
    if report.0.is_empty() {
        check_view::views(manifest, &mut report);
        check_migrate::migrations(manifest, &mut report);
    }
    report.0
}

fn plugin(manifest: &Manifest, report: &mut Report) {
    let plugin = &manifest.plugin;
    if RESERVED_PACKAGES.contains(&plugin.id.as_str()) {
        report.add("plugin.id", "this id means something else in every API: choose another");
    }
    if plugin.api != API_VERSION {
        report.add("plugin.api", format!("this platform offers \"{API_VERSION}\": build the plugin for it"));
    }
    if let Err(error) = plugin.version.parse::<Version>() {
        report.add("plugin.version", error.to_string());
    }
    if plugin.title.zh.trim().is_empty() {
        report.add("plugin.title", "the Chinese title is empty: name the package");
    }
    for (package, reason) in &manifest.uses {
        let path = format!("uses.{package}");
        if *package == plugin.id {
            report.add(path, "a package need not name itself: refer to its own collections by their names");
        } else if reason.trim().is_empty() {
            report.add(path, "say why: the tenant's administrator reads this before granting it");
        }
    }
    for (capability, reason) in &manifest.capabilities {
        if reason.trim().is_empty() {
            let path = format!("capabilities.{}", capability.name());
            report.add(path, "say why: the tenant's administrator reads this before granting it");
        }
    }
}

fn sizes(manifest: &Manifest, report: &mut Report) {
    let counts = [
        ("collection", manifest.collections.len()),
        ("object", manifest.objects.len()),
        ("query", manifest.queries.len()),
        ("action", manifest.actions.len()),
        ("setting", manifest.settings.len()),
        ("view", manifest.views.len()),
        ("migrate", manifest.migrations.len()),
    ];
    for (what, count) in counts {
        if count > MAX_ITEMS {
            report.add(what, format!("{count} of them, at most {MAX_ITEMS}: split the package"));
        }
    }
}

fn check_collection(manifest: &Manifest, collection: &Collection, path: &str, report: &mut Report) {
    if collection.fields.is_empty() {
        report.add(path, "a collection needs at least one [[collection.field]]");
    }
    fields(manifest, &collection.fields, &format!("{path}.field"), report);
    columns(collection, path, report);
    if collection.computed.len() > MAX_COMPUTED {
        report.add(path, format!("{} computed fields, at most {MAX_COMPUTED}", collection.computed.len()));
    }
    for (index, computed) in collection.computed.iter().enumerate() {
        let at = format!("{path}.computed.{index}");
        if computed.needs.len() > MAX_COMPUTED {
            report.add(format!("{at}.needs"), format!("{} fields, at most {MAX_COMPUTED}", computed.needs.len()));
        }
        if computed.field_type == FieldType::Decimal && computed.scale.is_none() {
            report.add(format!("{at}.scale"), "a decimal needs its scale");
        }
        if !computed.field_type.is_scalar() {
            report.add(
                format!("{at}.type"),
                "a computed field is a scalar: string text int decimal bool date datetime point",
            );
        }
        for need in &computed.needs {
            if collection.attribute(need.as_str(), Spelling::Manifest).is_none() {
                report.add(format!("{at}.needs"), format!("there is no field {}", quoted(need)));
            }
        }
    }
    let access = &collection.access;
    let deeds =
        [("read", &access.read), ("create", &access.create), ("update", &access.update), ("delete", &access.delete)];
    for (deed, rules) in deeds {
        if rules.len() > MAX_COMPUTED {
            report.add(format!("{path}.access.{deed}"), format!("{} rules, at most {MAX_COMPUTED}", rules.len()));
        }
        for (index, rule) in rules.iter().enumerate() {
            let Some(json) = &rule.filter else { continue };
            let at = format!("{path}.access.{deed}.{index}.where");
            let purpose = Purpose::Manifest(Some(SOMEBODY));
            if let Err(error) = filter::parse(collection, json, Spelling::Manifest, purpose) {
                report.add(at, error.to_string());
            }
        }
    }
}

/// Names that cannot be columns of the collection's table, or that two fields would share.
fn columns(collection: &Collection, path: &str, report: &mut Report) {
    let mut taken: BTreeSet<String> = STANDARD_FIELDS.iter().map(|standard| standard.name().to_owned()).collect();
    taken.insert("tenant_id".to_owned());
    for (index, field) in collection.fields.iter().enumerate() {
        let names = field.columns();
        let clash = taken.contains(field.name.as_str()) || names.iter().any(|name| taken.contains(name));
        if clash {
            report.add(
                format!("{path}.field.{index}.name"),
                format!("{} is taken: every record has a field or column of this name", quoted(&field.name)),
            );
        }
        taken.extend(names);
        taken.insert(field.name.to_string());
    }
}

fn settings(manifest: &Manifest, report: &mut Report) {
    for (index, setting) in manifest.settings.iter().enumerate() {
        let plain = setting.field_type.is_scalar() && setting.field_type != FieldType::Point;
        if !plain && setting.field_type != FieldType::Enum {
            report.add(format!("setting.{index}.type"), "a setting is a text, number, date, yes-no or enum");
        }
        if setting.required && setting.default.is_none() {
            report.add(format!("setting.{index}"), "a required setting needs a default, so that a tenant can start");
        }
    }
}

fn queries(manifest: &Manifest, report: &mut Report) {
    for (index, query) in manifest.queries.iter().enumerate() {
        let at = format!("query.{index}");
        fields(manifest, &query.args, &format!("{at}.arg"), report);
        plain_fields(&query.args, &format!("{at}.arg"), report);
        returns(manifest, &query.returns, &format!("{at}.returns"), report);
    }
}

/// What a component answers is declared.
pub(super) fn returns(manifest: &Manifest, returns: &Returns, at: &str, report: &mut Report) {
    match manifest.returned(returns) {
        None => report.add(
            at,
            "expected T or [T], T one of string text int decimal(2) bool date datetime point, an object or a collection",
        ),
        Some(Returned::Scalar(Kind::Decimal(scale))) if scale > MAX_SCALE => {
            report.add(at, "a decimal has 0 to 9 digits after the point");
        }
        Some(_) => {}
    }
}

/// Names that two things would share in the API. `a_1` and `a1` are both `a1` there.
fn api_names(manifest: &Manifest, report: &mut Report) {
    let mut types = Names::default();
    let mut roots = Names::default();
    for (index, collection) in manifest.collections.iter().enumerate() {
        let path = format!("collection.{index}");
        let name = upper_camel(collection.name.as_str());
        for suffix in TYPES {
            types.take(format!("{name}{suffix}"), &path, report);
        }
        roots.take(lower_camel(collection.name.as_str()), &path, report);
        roots.take(lower_camel(&collection.plural()), &path, report);
        roots.take(format!("{}Aggregate", lower_camel(&collection.plural())), &path, report);
        let mut names = Names::default();
        for standard in STANDARD_FIELDS {
            names.0.insert(lower_camel(standard.name()));
        }
        for (index, field) in collection.fields.iter().enumerate() {
            let at = format!("{path}.field.{index}");
            names.take(lower_camel(field.name.as_str()), &at, report);
            enum_type(&mut types, &name, field, &at, report);
        }
        for (index, computed) in collection.computed.iter().enumerate() {
            names.take(lower_camel(computed.name.as_str()), &format!("{path}.computed.{index}"), report);
        }
        if collection.workflow.is_some() {
            names.reserve(check_workflow::RECORD_FIELDS.map(str::to_owned));
        }
        for referring in manifest.referring(collection) {
            names.take(lower_camel(&referring.name()), &path, report);
        }
    }
    for (index, object) in manifest.objects.iter().enumerate() {
        let path = format!("object.{index}");
        let name = upper_camel(object.name.as_str());
        types.take(name.clone(), &path, report);
        unique_fields(&object.fields, &path, report);
        for (index, field) in object.fields.iter().enumerate() {
            enum_type(&mut types, &name, field, &format!("{path}.field.{index}"), report);
        }
    }
    for (index, query) in manifest.queries.iter().enumerate() {
        let path = format!("query.{index}");
        let name = lower_camel(query.name.as_str());
        roots.take(name, &path, report);
        unique_fields(&query.args, &path, report);
        for (index, arg) in query.args.iter().enumerate() {
            enum_type(&mut types, &upper_camel(query.name.as_str()), arg, &format!("{path}.arg.{index}"), report);
        }
    }
    check_action::names(manifest, &mut types, report);
    unique_fields(&manifest.settings, "setting", report);
}

/// An enum field has a type of its own in the API: `<Owner><Field>`.
pub(super) fn enum_type(types: &mut Names, owner: &str, field: &Field, path: &str, report: &mut Report) {
    if field.item_type() == FieldType::Enum {
        let name = format!("{owner}{}", upper_camel(field.name.as_str()));
        types.take(format!("{name}Filter"), path, report);
        types.take(name, path, report);
    }
}

pub(super) fn unique_fields(fields: &[Field], path: &str, report: &mut Report) {
    let mut names = Names::default();
    for (index, field) in fields.iter().enumerate() {
        names.take(lower_camel(field.name.as_str()), &format!("{path}.{index}"), report);
    }
}

/// Names of the API that are taken.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    /// Takes names that were checked elsewhere.
    pub(super) fn reserve(&mut self, names: impl IntoIterator<Item = String>) {
        self.0.extend(names);
    }

    /// Takes a name; a problem when it is taken.
    pub(super) fn take(&mut self, name: String, path: &str, report: &mut Report) {
        if self.0.contains(&name) {
            report.add(path, format!("`{name}` would stand twice in the API: rename one"));
        }
        self.0.insert(name);
    }
}
