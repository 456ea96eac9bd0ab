//! The file that an import refused, with a column that says what is wrong: to be mended and imported again as it is.

use std::collections::BTreeMap;

use sunlit_domain::Locale;
use sunlit_domain::error_code::message;
use sunlit_sheet::{Cell, Form, Sheet, SheetError, Writer};

use super::CellProblem;
use crate::AppError;

/// The name of the column; an import passes over it.
const NOTE: &str = "import.note";

pub(super) fn is_note(name: &str) -> bool {
    [Locale::Zh, Locale::En].iter().any(|locale| message(NOTE, *locale) == name)
}

/// The rows of `sheet`, and behind each what is wrong with it. What is wrong with the header stands behind the first row.
///
/// # Errors
/// [`AppError::Sheet`] when the form has no place for it.
pub fn error_file(form: Form, sheet: &Sheet, problems: &[CellProblem], locale: Locale) -> Result<Vec<u8>, AppError> {
    Ok(write(form, sheet, &notes(problems), locale)?)
}

fn notes(problems: &[CellProblem]) -> BTreeMap<u32, String> {
    let mut notes: BTreeMap<u32, String> = BTreeMap::new();
    for problem in problems {
        let note = notes.entry(problem.row).or_default();
        if !note.is_empty() {
            note.push('；');
        }
        note.push_str(&format!("{}：{}", problem.column, problem.message));
    }
    notes
}

fn write(form: Form, sheet: &Sheet, notes: &BTreeMap<u32, String>, locale: Locale) -> Result<Vec<u8>, SheetError> {
    // The note of an earlier attempt makes way.
    let kept: Vec<usize> = (0..sheet.header.len()).filter(|at| !is_note(&sheet.header[*at])).collect();
    let names = kept.iter().map(|at| sheet.header[*at].as_str());
    let header: Vec<&str> = names.chain([message(NOTE, locale)]).collect();
    let mut writer = Writer::new(form, &header)?;
    let mut of_header = notes.get(&1).cloned();
    for row in &sheet.rows {
        let own = notes.get(&row.number).cloned();
        let note = [of_header.take(), own].into_iter().flatten().collect::<Vec<_>>().join("；");
        let texts = kept.iter().map(|at| row.get(*at)).chain([note.as_str()]);
        let cells: Vec<Cell> = texts.map(|text| Cell::Text(text.to_owned())).collect();
        writer.row(&cells)?;
    }
    if let Some(note) = of_header {
        let blank = kept.iter().map(|_| Cell::Empty);
        writer.row(&blank.chain([Cell::Text(note)]).collect::<Vec<_>>())?;
    }
    writer.finish()
}
