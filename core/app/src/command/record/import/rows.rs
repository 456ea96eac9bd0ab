//! Rows of a sheet as ids, versions and values; each cell that cannot be read is a problem of its own.

use serde_json::{Map, Value as Json};
use sunlit_domain::error_code::message;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Collection, Field, FieldType};
use sunlit_domain::record::Problem;
use sunlit_domain::value::Value;
use sunlit_domain::{ErrorCode, Locale};
use sunlit_sheet::Sheet;

use super::columns::{Column, Columns};
use super::{CellProblem, MAX_PROBLEMS};

/// A row that could be read.
pub(super) struct Row {
    pub(super) number: u32,
    pub(super) id: Option<RecordId>,
    pub(super) version: Option<i64>,
    /// By index of field; null where the cell is empty.
    pub(super) values: Vec<(usize, Value)>,
}

impl Row {
    pub(super) fn value(&self, field: usize) -> Option<&Value> {
        self.values.iter().find(|(index, value)| *index == field && !value.is_null()).map(|(_, value)| value)
    }

    /// The values as a caller's input. An empty cell empties the field of a record that is there or that the row is a copy
    /// of, and leaves a new one its default.
    pub(super) fn input(&self, collection: &Collection, creating: bool) -> Map<String, Json> {
        let has_default = creating && self.id.is_none();
        let given = self.values.iter().filter(|(_, value)| !(has_default && value.is_null()));
        let named =
            given.filter_map(|(index, value)| Some((collection.fields.get(*index)?.name.to_string(), value.to_json())));
        named.collect()
    }
}

pub(super) fn read(
    collection: &Collection,
    sheet: &Sheet,
    columns: &Columns,
    locale: Locale,
) -> (Vec<Row>, Vec<CellProblem>) {
    let (mut rows, mut problems) = (Vec::with_capacity(sheet.rows.len()), Vec::new());
    for cells in &sheet.rows {
        let before = problems.len();
        let mut row = Row { number: cells.number, id: None, version: None, values: Vec::new() };
        for (at, column) in columns.all.iter().enumerate() {
            let text = cells.get(at);
            if let Err((code, said)) = take(&mut row, collection, *column, text, locale) {
                problems.push(CellProblem {
                    row: cells.number,
                    column: columns.name(*column, collection),
                    code,
                    message: said,
                });
            }
        }
        if problems.len() == before {
            rows.push(row);
        }
        if problems.len() >= MAX_PROBLEMS {
            break;
        }
    }
    (rows, problems)
}

fn take(
    row: &mut Row,
    collection: &Collection,
    column: Column,
    text: &str,
    locale: Locale,
) -> Result<(), (ErrorCode, String)> {
    let wrong = |key: &str| (ErrorCode::InvalidInput, message(key, locale).to_owned());
    let plain = text.trim();
    match column {
        Column::Note => {}
        Column::Id if plain.is_empty() => {}
        Column::Id => row.id = Some(plain.parse().map_err(|_| wrong("import.id"))?),
        Column::Version if plain.is_empty() => {}
        Column::Version => row.version = Some(plain.parse().map_err(|_| wrong("import.version"))?),
        Column::Field(index) => {
            let Some(field) = collection.fields.get(index) else { return Ok(()) };
            let value = Value::from_cell(field.kind(), enum_value(field, text)).map_err(|error| {
                let problem =
                    Problem::of(field, field.name.as_str(), ErrorCode::InvalidInput, "form", error.to_string());
                (ErrorCode::InvalidInput, problem.message(locale))
            })?;
            // The key has to be found however the file spells it.
            row.values.push((index, field.spelled(value)));
        }
    }
    Ok(())
}

/// The stored value of an enum that a cell names by its title; any other text as it is. A stored value comes first: a title
/// may read like another value.
fn enum_value<'a>(field: &'a Field, text: &'a str) -> &'a str {
    if field.field_type != FieldType::Enum {
        return text;
    }
    let plain = text.trim();
    if field.values.iter().any(|option| option.value == *plain) {
        return plain;
    }
    let is_titled = |locale| move |title: &sunlit_domain::LocalText| title.get(locale) == plain;
    let found =
        field.values.iter().find(|option| is_titled(Locale::Zh)(&option.title) || is_titled(Locale::En)(&option.title));
    found.map_or(plain, |option| option.value.as_str())
}
