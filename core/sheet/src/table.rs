//! A sheet as it was read: names and rows of text, kept compactly.

use crate::{Fault, MAX_CELL_CHARS, MAX_CELLS, MAX_COLUMNS, MAX_ROWS, MAX_TEXT_BYTES, SheetError};

/// One row: as many texts as the sheet has columns. A cell without value is an empty text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row as spreadsheets count, from 1; the header is the first. Records of a CSV file count once each, whatever
    /// lines they take, and lines with nothing at all are not counted.
    pub number: u32,
    text: Box<str>,
    ends: Box<[u32]>,
}

impl Row {
    /// The text in a column; empty beyond the last.
    #[must_use]
    pub fn get(&self, column: usize) -> &str {
        let start = column.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(column).copied().unwrap_or(start);
        self.text.get(start as usize..end as usize).unwrap_or_default()
    }

    /// All texts.
    pub fn cells(&self) -> impl Iterator<Item = &str> {
        (0..self.ends.len()).map(|column| self.get(column))
    }
}

/// A sheet: the names in its first row, and its other rows but those without any value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sheet {
    /// The names of the columns, without spaces around them.
    pub header: Vec<String>,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Takes rows in as they are read and keeps the bounds.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    header: Option<Vec<String>>,
    rows: Vec<Row>,
    cells: usize,
    bytes: usize,
}

impl Builder {
    /// Takes in the row of that number, given by its texts.
    pub(crate) fn push<'a>(
        &mut self,
        number: u32,
        texts: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<(), SheetError> {
        for (column, text) in texts.clone().enumerate() {
            if text.len() > MAX_CELL_CHARS && text.chars().count() > MAX_CELL_CHARS {
                return Err(Fault::LongCell.at(number, column));
            }
        }
        let Some(header) = &self.header else {
            self.header = Some(header_of(number, texts)?);
            return Ok(());
        };
        if texts.clone().all(str::is_empty) {
            return Ok(());
        }
        let width = header.len();
        if let Some((column, _)) = texts.clone().enumerate().skip(width).find(|(_, text)| !text.is_empty()) {
            return Err(Fault::Beyond.at(number, column));
        }
        let row = row_of(number, width, texts);
        self.cells += width;
        self.bytes += row.text.len();
        if self.rows.len() == MAX_ROWS {
            return Err(Fault::TooManyRows.whole());
        }
        if self.cells > MAX_CELLS {
            return Err(Fault::TooManyCells.whole());
        }
        if self.bytes > MAX_TEXT_BYTES {
            return Err(Fault::TooManyBytes.whole());
        }
        self.rows.push(row);
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<Sheet, SheetError> {
        let header = self.header.ok_or(Fault::NoHeader.whole())?;
        Ok(Sheet { header, rows: self.rows })
    }
}

/// The names, without the empty cells after the last.
fn header_of<'a>(number: u32, texts: impl Iterator<Item = &'a str>) -> Result<Vec<String>, SheetError> {
    let mut names: Vec<String> = texts.map(|text| text.trim().to_owned()).collect();
    while names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    if names.is_empty() {
        return Err(Fault::NoHeader.in_row(number));
    }
    if names.len() > MAX_COLUMNS {
        return Err(Fault::TooManyColumns.in_row(number));
    }
    for (column, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(Fault::NoName.at(number, column));
        }
        if names[..column].contains(name) {
            return Err(Fault::SameName(name.clone()).at(number, column));
        }
    }
    Ok(names)
}

fn row_of<'a>(number: u32, width: usize, texts: impl Iterator<Item = &'a str>) -> Row {
    let mut text = String::new();
    let ends = texts.chain(std::iter::repeat("")).take(width).map(|cell| {
        text.push_str(cell);
        // A row is at most MAX_TEXT_BYTES long.
        u32::try_from(text.len()).unwrap_or(u32::MAX)
    });
    let ends: Box<[u32]> = ends.collect();
    Row { number, ends, text: text.into_boxed_str() }
}
