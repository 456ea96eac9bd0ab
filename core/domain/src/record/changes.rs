//! Reads and validates what a caller wants to write: every value of its field's kind and within its declared rules.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::error_code::{ErrorCode, message};
use crate::locale::Locale;
use crate::manifest::{Collection, Field, Spelling};
use crate::value::Value;

/// New values by index of field.
pub type Changes = BTreeMap<usize, Value>;

/// Why a value is not accepted. Shown to whoever entered it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The kind of problem.
    pub code: ErrorCode,
    /// The field as the caller spells it.
    pub path: String,
    key: &'static str,
    label: crate::locale::LocalText,
    detail: String,
}

impl Problem {
    /// A problem with a value of `field`; `key` names its message `problem.<key>`, `detail` the bound or reason.
    #[must_use]
    pub fn of(field: &Field, path: &str, code: ErrorCode, key: &'static str, detail: impl Into<String>) -> Self {
        Self { code, path: path.to_owned(), key, label: field.label(), detail: detail.into() }
    }

    fn unknown(path: &str) -> Self {
        let path: String = path.chars().take(60).collect();
        let label = crate::locale::LocalText { zh: path.clone(), en: None };
        Self { code: ErrorCode::InvalidInput, path, key: "unknown", label, detail: String::new() }
    }

    /// What people read.
    #[must_use]
    pub fn message(&self, locale: Locale) -> String {
        message(&format!("problem.{}", self.key), locale)
            .replace("{field}", self.label.get(locale))
            .replace("{detail}", &self.detail)
    }
}

/// Reads the values to write from JSON. When `creating`, defaults fill in and required fields must be there.
///
/// # Errors
/// Every problem, at most one for each field.
pub fn read_changes(
    collection: &Collection,
    input: &Map<String, Json>,
    spelling: Spelling,
    creating: bool,
) -> Result<Changes, Vec<Problem>> {
    let mut changes = Changes::new();
    let mut problems = Vec::new();
    for (name, json) in input {
        let Some((index, field)) = collection.field(name, spelling) else {
            problems.push(Problem::unknown(name));
            continue;
        };
        match read_value(field, name, json) {
            Ok(value) => drop(changes.insert(index, value)),
            Err(problem) => problems.push(problem),
        }
    }
    if creating {
        fill_in(collection, spelling, &mut changes, &mut problems);
    }
    if problems.is_empty() { Ok(changes) } else { Err(problems) }
}

fn read_value(field: &Field, path: &str, json: &Json) -> Result<Value, Problem> {
    let value = Value::from_json(field.kind(), json)
        .map_err(|error| Problem::of(field, path, ErrorCode::InvalidInput, "form", error.0))?;
    match field.check(&value) {
        Ok(()) => Ok(field.spelled(value)),
        Err(broken) => {
            let code = if broken.rule == "required" { ErrorCode::Required } else { ErrorCode::InvalidInput };
            Err(Problem::of(field, path, code, broken.rule, broken.bound))
        }
    }
}

fn fill_in(collection: &Collection, spelling: Spelling, changes: &mut Changes, problems: &mut Vec<Problem>) {
    for (index, field) in collection.fields.iter().enumerate() {
        let path = match spelling {
            Spelling::Manifest => field.name.to_string(),
            Spelling::Api => crate::id::lower_camel(field.name.as_str()),
        };
        if changes.contains_key(&index)
            || problems.iter().any(|problem| spelling.is(&problem.path, field.name.as_str()))
        {
            continue;
        }
        let value = field.default_value();
        if value.is_null() && field.required {
            problems.push(Problem::of(field, &path, ErrorCode::Required, "required", ""));
        }
        changes.insert(index, value);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn collection() -> Collection {
        serde_json::from_value(json!({
            "name": "site", "title": { "zh": "载体" },
            "field": [
                { "name": "name", "type": "string", "required": true, "max": 4, "title": { "zh": "名称", "en": "Name" } },
                { "name": "code", "type": "string", "pattern": "[0-9]{3}" },
                { "name": "floors", "type": "int", "min": 1, "max": 9, "default": 1 },
                { "name": "use_kind", "type": "enum", "values": [{ "value": "office", "title": { "zh": "办公" } }] },
            ],
        }))
        .unwrap()
    }

    fn problems(input: &Json, creating: bool) -> Vec<(String, ErrorCode)> {
        let input = input.as_object().unwrap().clone();
        let result = read_changes(&collection(), &input, Spelling::Api, creating);
        result.err().unwrap_or_default().into_iter().map(|problem| (problem.path, problem.code)).collect()
    }

    #[test]
    fn each_rule_is_kept_and_named() {
        let check = |input: Json, expect: &[(&str, ErrorCode)]| {
            let expect: Vec<_> = expect.iter().map(|(path, code)| ((*path).to_owned(), *code)).collect();
            assert_eq!(problems(&input, true), expect);
        };
        check(json!({ "name": "园区", "useKind": "office" }), &[]);
        check(json!({}), &[("name", ErrorCode::Required)]);
        check(json!({ "name": "  " }), &[("name", ErrorCode::Required)]);
        check(json!({ "name": "一二三四五" }), &[("name", ErrorCode::InvalidInput)]);
        check(json!({ "name": "一", "code": "12a" }), &[("code", ErrorCode::InvalidInput)]);
        check(json!({ "name": "一", "floors": 0 }), &[("floors", ErrorCode::InvalidInput)]);
        check(json!({ "name": "一", "useKind": "flat" }), &[("useKind", ErrorCode::InvalidInput)]);
        check(json!({ "name": "一", "id": "x" }), &[("id", ErrorCode::InvalidInput)]);
    }

    #[test]
    fn a_change_may_leave_fields_out_but_not_empty_required_ones() {
        assert!(problems(&json!({ "floors": 2 }), false).is_empty());
        assert_eq!(problems(&json!({ "name": null }), false), [("name".to_owned(), ErrorCode::Required)]);
    }

    #[test]
    fn people_are_told_the_field_and_the_bound() {
        let input = json!({ "name": "一二三四五" }).as_object().unwrap().clone();
        let problem = read_changes(&collection(), &input, Spelling::Api, false).unwrap_err().remove(0);
        assert_eq!(problem.message(Locale::Zh), "“名称”最多 4 个字");
        assert_eq!(problem.message(Locale::En), "Name may have at most 4 characters");
    }

    #[test]
    fn defaults_fill_in_what_is_left_out() {
        let input = json!({ "name": "一" }).as_object().unwrap().clone();
        let changes = read_changes(&collection(), &input, Spelling::Api, true).unwrap();
        assert_eq!(changes[&2], Value::Int(1));
    }
}
