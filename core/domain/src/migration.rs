//! The move of records from one major version of a package into the next: a plan from two manifests, and the conversion
//! of one record by it. Nothing is lost silently: each old collection and field is taken over, renamed or dropped by name.
//!
//! A field takes the value of the old field that `fields` names for it, else of the old field of its own name where kinds
//! agree. Numbers may change their scale; what does not fit without rounding is refused, record by record.

use std::collections::BTreeMap;

use crate::error_code::ErrorCode;
use crate::id::FieldName;
use crate::manifest::{Collection, Field, FieldType, Manifest, Migrate, STANDARD_FIELDS, Slot, Spelling};
use crate::record::{Problem, Record};
use crate::toml_source::SourceProblem;
use crate::value::{Kind, Value};

/// How all records of a package move.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// One for each collection whose records move.
    pub moves: Vec<Move>,
    /// The old collections that are left behind, by name.
    pub left: Vec<String>,
}

/// How the records of one collection move.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// The old collection.
    pub from: Collection,
    /// The new one.
    pub to: Collection,
    /// The old fields that are left behind, by name.
    pub dropped: Vec<String>,
    /// For each new field, where its values come from.
    sources: Vec<Source>,
}

#[derive(Debug, Clone, PartialEq)]
struct Source {
    old: Option<usize>,
    values: BTreeMap<String, String>,
    /// Where a record has no value.
    otherwise: Value,
}

impl Plan {
    /// The plan by which records of `old` become records of `new`.
    ///
    /// # Errors
    /// Everything of `old` of which `new` does not say what becomes of it, each with its place in `new`.
    pub fn new(old: &Manifest, new: &Manifest) -> Result<Self, Vec<SourceProblem>> {
        let mut problems = Vec::new();
        let mut plan = Self { moves: Vec::new(), left: Vec::new() };
        for (index, migrate) in new.migrations.iter().enumerate() {
            if old.collection(migrate.from.as_str()).is_none() {
                let message = format!("{} has no collection `{}`", old.plugin.version, migrate.from);
                problems.push(SourceProblem { path: format!("migrate.{index}.from"), message });
            }
        }
        for from in &old.collections {
            match declared(from, new) {
                Some((_, Migrate { collection: None, .. })) => plan.left.push(from.name.to_string()),
                Some((index, migrate)) => {
                    let to = migrate.collection.as_ref().and_then(|name| new.collection(name.as_str()));
                    let at = format!("migrate.{index}");
                    plan.moves.extend(to.map(|to| one(from, to, Some(migrate), &at, &mut problems)));
                }
                None => match new.collection(from.name.as_str()).filter(|to| is_free(to, new)) {
                    Some(to) => plan.moves.push(one(from, to, None, &place(new, to), &mut problems)),
                    None => problems.push(SourceProblem {
                        path: "migrate".to_owned(),
                        message: format!(
                            "nothing is said of `{}` of {}: add [[migrate]] with from = \"{}\", and the collection that its records move into or none",
                            from.name, old.plugin.version, from.name
                        ),
                    }),
                },
            }
        }
        references(&plan, new, &mut problems);
        if problems.is_empty() { Ok(plan) } else { Err(problems) }
    }

    /// The collection that the records of an old one move into.
    fn target(&self, old: &str) -> Option<&str> {
        self.moves.iter().find(|step| step.from.name == *old).map(|step| step.to.name.as_str())
    }
}

/// The declaration about an old collection.
fn declared<'a>(from: &Collection, new: &'a Manifest) -> Option<(usize, &'a Migrate)> {
    new.migrations.iter().enumerate().find(|(_, migrate)| migrate.from == from.name)
}

/// Whether no declaration moves another collection into this one.
fn is_free(to: &Collection, new: &Manifest) -> bool {
    !new.migrations.iter().any(|migrate| migrate.collection.as_ref() == Some(&to.name))
}

fn place(new: &Manifest, to: &Collection) -> String {
    let index = new.collections.iter().position(|collection| collection.name == to.name);
    format!("collection.{}", index.unwrap_or(0))
}

/// The move from one collection to another. `at` is where problems are told.
fn one(
    from: &Collection,
    to: &Collection,
    migrate: Option<&Migrate>,
    at: &str,
    problems: &mut Vec<SourceProblem>,
) -> Move {
    let renamed = renamed(from, to, migrate);
    let dropped = dropped(from, migrate);
    let mut say = |part: &str, message: String| {
        let path = if migrate.is_some() { format!("{at}.{part}") } else { at.to_owned() };
        problems.push(SourceProblem { path, message });
    };
    for name in migrate.iter().flat_map(|migrate| &migrate.drop) {
        if from.field(name.as_str(), Spelling::Manifest).is_none() {
            say("drop", format!("the old `{}` has no field `{name}`", from.name));
        } else if renamed.values().any(|old| old == name) {
            say("drop", format!("`{}.{name}` is both taken over and dropped: choose one", from.name));
        }
    }
    for state in from.states().into_iter().filter(|state| !to.states().contains(state)) {
        say(
            "collection",
            format!(
                "records of `{}` may be in the state `{state}`, which `{}` has not: declare it",
                from.name, to.name
            ),
        );
    }
    let sources: Vec<Source> =
        to.fields.iter().map(|field| source(from, to, field, migrate, (&renamed, &dropped), &mut say)).collect();
    for (index, field) in from.fields.iter().enumerate() {
        let taken = sources.iter().any(|source| source.old == Some(index));
        if !taken && !dropped.contains(&field.name.to_string()) {
            say(
                "drop",
                format!(
                    "nothing is said of the old field `{}.{}`: name it in `fields` (new = \"{}\") or in `drop`",
                    from.name, field.name, field.name
                ),
            );
        }
    }
    Move { from: from.clone(), to: to.clone(), dropped, sources }
}

/// The declared renames, and those of the English forms that follow from them.
fn renamed(from: &Collection, to: &Collection, migrate: Option<&Migrate>) -> BTreeMap<FieldName, FieldName> {
    let mut renamed = migrate.map(|migrate| migrate.fields.clone()).unwrap_or_default();
    let forms = |collection: &Collection, name: &FieldName| {
        let form = collection.fields.iter().find(|field| field.translation_of.as_ref() == Some(name));
        form.map(|field| field.name.clone())
    };
    for (new, old) in renamed.clone() {
        if let (Some(new), Some(old)) = (forms(to, &new), forms(from, &old)) {
            renamed.entry(new).or_insert(old);
        }
    }
    renamed
}

/// The dropped fields with their English forms.
fn dropped(from: &Collection, migrate: Option<&Migrate>) -> Vec<String> {
    let drop = migrate.map(|migrate| migrate.drop.as_slice()).unwrap_or_default();
    let is_dropped = |field: &&Field| {
        drop.contains(&field.name) || field.translation_of.as_ref().is_some_and(|whole| drop.contains(whole))
    };
    from.fields.iter().filter(is_dropped).map(|field| field.name.to_string()).collect()
}

fn source(
    from: &Collection,
    to: &Collection,
    field: &Field,
    migrate: Option<&Migrate>,
    (renamed, dropped): (&BTreeMap<FieldName, FieldName>, &[String]),
    say: &mut dyn FnMut(&str, String),
) -> Source {
    let name = &field.name;
    let mut source = Source { old: None, values: BTreeMap::new(), otherwise: otherwise(field, migrate) };
    match renamed.get(name) {
        Some(old) => match from.field(old.as_str(), Spelling::Manifest) {
            None => say("fields", format!("the old `{}` has no field `{old}`", from.name)),
            Some((_, before)) if !converts(before, field) => {
                say("fields", format!("`{}.{old}` cannot become `{}.{name}`: their types differ", from.name, to.name));
            }
            Some((index, _)) => source.old = Some(index),
        },
        None => {
            let same = from.field(name.as_str(), Spelling::Manifest);
            let taken = same.filter(|(_, before)| !dropped.contains(&before.name.to_string()));
            match taken {
                Some((index, before)) if is_same(before, field) => source.old = Some(index),
                Some(_) => say(
                    "fields",
                    format!(
                        "`{}.{name}` changed its type: name it in `fields` where numbers agree, or in `drop`",
                        to.name
                    ),
                ),
                None => {}
            }
        }
    }
    if let Some(before) = source.old.and_then(|index| from.fields.get(index)) {
        source.values = values(from, before, field, migrate, say);
        if before.sensitive && !field.sensitive {
            say(
                "fields",
                format!(
                    "`{}.{}` is sensitive and `{}.{name}` is not: its values would lie open; declare it so, or name the old \
                     one in `drop`",
                    from.name, before.name, to.name
                ),
            );
        }
    } else if field.required && source.otherwise.is_null() {
        say("defaults", format!("`{}.{name}` is required and new: give it a value under `defaults`", to.name));
    }
    source
}

/// The value where a record has none: the declared one, else the default of a field that needs one.
fn otherwise(field: &Field, migrate: Option<&Migrate>) -> Value {
    let declared = migrate.and_then(|migrate| migrate.defaults.get(&field.name));
    let value = declared.and_then(|json| Value::from_json(field.kind(), json).ok());
    value.unwrap_or_else(|| if field.required { field.default_value() } else { Value::Null })
}

/// Whether values of one field may become values of another. Decimals that do not fit the new scale are found record by
/// record.
fn converts(old: &Field, new: &Field) -> bool {
    is_same(old, new) || matches!((old.kind(), new.kind()), (Kind::Int | Kind::Decimal(_), Kind::Decimal(_)))
}

/// Whether values of one field are values of the other. Ids of records and of files are of one kind, and not the same.
fn is_same(old: &Field, new: &Field) -> bool {
    let is_file = |field: &Field| field.item_type() == FieldType::File;
    old.kind() == new.kind() && is_file(old) == is_file(new)
}

/// What becomes of each enum value that does not stay.
fn values(
    from: &Collection,
    before: &Field,
    field: &Field,
    migrate: Option<&Migrate>,
    say: &mut dyn FnMut(&str, String),
) -> BTreeMap<String, String> {
    let declared = migrate.and_then(|migrate| migrate.values.get(&field.name));
    let map: BTreeMap<String, String> =
        declared.into_iter().flatten().map(|(old, new)| (old.to_string(), new.to_string())).collect();
    for old in map.keys().filter(|old| before.enum_title(old).is_none()) {
        say("values", format!("the old `{}.{}` has no value `{old}`", from.name, before.name));
    }
    if field.item_type() != FieldType::Enum {
        return map;
    }
    for option in &before.values {
        let value = option.value.as_str();
        if field.enum_title(value).is_none() && !map.contains_key(value) {
            say(
                "values",
                format!(
                    "nothing is said of the value `{value}` of `{}.{}`: name it under `values.{}`",
                    from.name, before.name, field.name
                ),
            );
        }
    }
    map
}

/// A reference follows the records that it leads to.
fn references(plan: &Plan, new: &Manifest, problems: &mut Vec<SourceProblem>) {
    for step in &plan.moves {
        for (source, field) in step.sources.iter().zip(&step.to.fields) {
            let before = source.old.and_then(|index| step.from.fields.get(index));
            let (Some(was), Some(is)) = (before.and_then(|field| field.to.as_ref()), &field.to) else { continue };
            let follows = match (was.package(), is.package()) {
                (None, None) => plan.target(was.collection().as_str()) == Some(is.collection().as_str()),
                _ => was == is,
            };
            if !follows {
                let message = format!(
                    "`{}.{}` refers to `{}`, where the records of `{}` do not move: drop it, or move them there",
                    step.to.name,
                    field.name,
                    String::from(is.clone()),
                    String::from(was.clone())
                );
                problems.push(SourceProblem { path: place(new, &step.to), message });
            }
        }
    }
}

impl Move {
    /// The record in the new collection: its id, version, state, owner and stamps stay.
    ///
    /// # Errors
    /// Each value that the new collection does not accept.
    pub fn convert(&self, record: &Record) -> Result<Record, Vec<Problem>> {
        let mut moved = Record::new(record.id, &self.to);
        for standard in STANDARD_FIELDS.map(Slot::Standard) {
            moved.set(standard, record.get(standard).clone());
        }
        let mut problems = Vec::new();
        for (index, (source, field)) in self.sources.iter().zip(&self.to.fields).enumerate() {
            match source.value(record, field).and_then(|value| checked(field, value)) {
                Ok(value) => moved.set(Slot::Field(index), value),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(moved) } else { Err(problems) }
    }

    /// Checks a record of the new collection that was changed after its conversion.
    ///
    /// # Errors
    /// Each value that the new collection does not accept.
    pub fn check(&self, record: &Record) -> Result<(), Vec<Problem>> {
        let problems: Vec<Problem> = (self.to.fields.iter().enumerate())
            .filter_map(|(index, field)| checked(field, record.get(Slot::Field(index)).clone()).err())
            .collect();
        if problems.is_empty() { Ok(()) } else { Err(problems) }
    }
}

impl Source {
    fn value(&self, record: &Record, field: &Field) -> Result<Value, Problem> {
        let found = self.old.map_or(&Value::Null, |index| record.get(Slot::Field(index)));
        match (found, field.kind()) {
            (Value::Null, _) => Ok(self.otherwise.clone()),
            (Value::Int(_) | Value::Decimal(_), kind @ Kind::Decimal(_)) => Value::from_json(kind, &found.to_json())
                .map_err(|error| Problem::of(field, field.name.as_str(), ErrorCode::InvalidInput, "form", error.0)),
            _ => Ok(self.renamed(found)),
        }
    }

    /// The value with enum values under their new names.
    fn renamed(&self, value: &Value) -> Value {
        match value {
            Value::Text(text) => self.values.get(text).map_or_else(|| value.clone(), |new| Value::Text(new.clone())),
            Value::List(items) if !self.values.is_empty() => {
                Value::List(items.iter().map(|item| self.renamed(item)).collect())
            }
            other => other.clone(),
        }
    }
}

/// The value as the new field spells it.
fn checked(field: &Field, value: Value) -> Result<Value, Problem> {
    match field.check(&value) {
        Ok(()) => Ok(field.spelled(value)),
        Err(broken) => {
            let code = if broken.rule == "required" { ErrorCode::Required } else { ErrorCode::InvalidInput };
            Err(Problem::of(field, field.name.as_str(), code, broken.rule, broken.bound))
        }
    }
}

#[cfg(test)]
mod tests;
