//! What the columns of a sheet are: from its header, before any row is read.

use sunlit_domain::error_code::message;
use sunlit_domain::manifest::{Collection, Field, Spelling};
use sunlit_domain::{ErrorCode, Locale};

use super::{CellProblem, error_file};
use crate::AppError;

/// What stands in a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    /// The record's id.
    Id,
    /// The version that was exported.
    Version,
    /// The declared field of this index.
    Field(usize),
    /// What an error file said.
    Note,
}

/// The columns in the order of the sheet.
pub(super) struct Columns {
    pub(super) all: Vec<Column>,
    names: Vec<String>,
}

impl Columns {
    /// Reads the header: machine names (`opened_on`), or the titles of fields where only one has it.
    pub(super) fn read(
        collection: &Collection,
        header: &[String],
        key: Option<usize>,
        locale: Locale,
    ) -> Result<Self, Vec<CellProblem>> {
        let problem = |column: &str, key: &str| CellProblem {
            row: 1,
            column: column.to_owned(),
            code: ErrorCode::InvalidInput,
            message: message(key, locale).replace("{field}", column),
        };
        let (mut all, mut problems) = (Vec::new(), Vec::new());
        for name in header {
            match column(collection, name) {
                Some(found) if all.contains(&found) => problems.push(problem(name, "import.same_column")),
                Some(found) => all.push(found),
                None => problems.push(problem(name, "problem.unknown")),
            }
        }
        if let Some(index) = key.filter(|index| !all.contains(&Column::Field(*index))) {
            let name = collection.fields.get(index).map(|field| field.name.to_string()).unwrap_or_default();
            problems.push(problem(&name, "import.no_key"));
        }
        if problems.is_empty() { Ok(Self { all, names: header.to_vec() }) } else { Err(problems) }
    }

    /// The name of a column as the sheet has it; its own name for one that the sheet does not have.
    pub(super) fn name(&self, wanted: Column, collection: &Collection) -> String {
        let found = self.all.iter().position(|column| *column == wanted).and_then(|at| self.names.get(at));
        found.cloned().unwrap_or_else(|| match wanted {
            Column::Id => "id".to_owned(),
            Column::Version => "version".to_owned(),
            Column::Field(index) => {
                collection.fields.get(index).map(|field| field.name.to_string()).unwrap_or_default()
            }
            Column::Note => String::new(),
        })
    }
}

fn column(collection: &Collection, name: &str) -> Option<Column> {
    if error_file::is_note(name) {
        return Some(Column::Note);
    }
    match name {
        "id" => return Some(Column::Id),
        "version" => return Some(Column::Version),
        _ => {}
    }
    if let Some((index, _)) = collection.field(name, Spelling::Manifest) {
        return Some(Column::Field(index));
    }
    let is_titled = |field: &Field| {
        let label = field.label();
        [Locale::Zh, Locale::En].iter().any(|locale| label.get(*locale) == name)
    };
    let mut titled = collection.fields.iter().enumerate().filter(|(_, field)| is_titled(field));
    let (index, _) = titled.next()?;
    titled.next().is_none().then_some(Column::Field(index))
}

/// The unique field that a caller chose as key; none for `id`.
pub(super) fn key(collection: &Collection, name: &str) -> Result<usize, AppError> {
    let found = collection.field(name, Spelling::Api).filter(|(_, field)| field.unique);
    found.map(|(index, _)| index).ok_or_else(|| {
        let name: String = name.chars().take(60).collect();
        AppError::Argument(format!("`{name}` is no unique field of the collection: choose one, or leave the key out"))
    })
}
