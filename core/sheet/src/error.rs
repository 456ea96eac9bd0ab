//! Why a file is not read or written: what, where, and the mend.

use crate::{MAX_BYTES, MAX_CELL_CHARS, MAX_CELLS, MAX_COLUMNS, MAX_ROWS};

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// More than [`MAX_BYTES`], packed or unpacked.
    #[error("the file holds more than {MAX_BYTES} bytes: split it")]
    TooManyBytes,
    /// More than [`MAX_COLUMNS`].
    #[error("there are more than {MAX_COLUMNS} columns: leave out those that are not needed")]
    TooManyColumns,
    /// More than [`MAX_ROWS`].
    #[error("there are more than {MAX_ROWS} rows: split the file")]
    TooManyRows,
    /// More than [`MAX_CELLS`].
    #[error("there are more than {MAX_CELLS} cells: split the file")]
    TooManyCells,
    /// More than [`MAX_CELL_CHARS`].
    #[error("the cell holds more than {MAX_CELL_CHARS} characters: shorten it")]
    LongCell,
    /// Neither UTF-8 nor GB 18030.
    #[error("the text is neither UTF-8 nor GB 18030: save the file as CSV UTF-8")]
    Encoding,
    /// A quote that is opened and not closed.
    #[error("a quotation mark is not closed: put the cell into quotation marks and double those inside")]
    Quote,
    /// Not an XLSX file, or a damaged one.
    #[error("the file is no XLSX workbook, or it is damaged or locked by a password: save it anew as XLSX")]
    Damaged,
    /// No sheet of that name, or none at all.
    #[error("there is no sheet {0}: check its name")]
    NoSheet(String),
    /// No header row.
    #[error("the first row must hold the names of the columns")]
    NoHeader,
    /// A column without name.
    #[error("the column has no name in the first row: name it or clear it")]
    NoName,
    /// A name that two columns have.
    #[error("two columns are called {0}: leave one of them out")]
    SameName(String),
    /// A value in a column that the header does not have.
    #[error("the cell stands beyond the last named column: clear it or name its column")]
    Beyond,
    /// A formula.
    #[error("the cell holds a formula: paste it as a value")]
    Formula,
    /// `#REF!` and the like.
    #[error("the cell holds an error of the spreadsheet: mend or clear it")]
    CellError,
    /// Merged cells.
    #[error("cells are merged here: unmerge them and fill in each")]
    Merged,
    /// A number of more digits than a spreadsheet keeps.
    #[error("a number of more than 15 digits has lost its last ones: format the column as text and enter it again")]
    LostDigits,
    /// A text that XLSX has no place for.
    #[error("the text has more than the 32,767 characters that an XLSX cell can hold: use CSV")]
    LongForXlsx,
    /// The file could not be written.
    #[error("the workbook could not be written: {0}")]
    Write(String),
}

/// A fault and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{fault}", self.place())]
pub struct SheetError {
    /// What is wrong.
    pub fault: Fault,
    /// The row as spreadsheets count, from 1.
    pub row: Option<u32>,
    /// The column, from 0; [`column_letters`] names it.
    pub column: Option<usize>,
}

impl Fault {
    /// Names its message: `sheet.<key>` in translation files, with the places `{place}` and `{detail}`.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::TooManyBytes => "too_many_bytes",
            Self::TooManyColumns => "too_many_columns",
            Self::TooManyRows => "too_many_rows",
            Self::TooManyCells => "too_many_cells",
            Self::LongCell => "long_cell",
            Self::Encoding => "encoding",
            Self::Quote => "quote",
            Self::Damaged => "damaged",
            Self::NoSheet(_) => "no_sheet",
            Self::NoHeader => "no_header",
            Self::NoName => "no_name",
            Self::SameName(_) => "same_name",
            Self::Beyond => "beyond",
            Self::Formula => "formula",
            Self::CellError => "cell_error",
            Self::Merged => "merged",
            Self::LostDigits => "lost_digits",
            Self::LongForXlsx => "long_for_xlsx",
            Self::Write(_) => "write",
        }
    }

    /// The name or bound that its message tells.
    #[must_use]
    pub fn detail(&self) -> String {
        match self {
            Self::TooManyBytes => (MAX_BYTES / 1024 / 1024).to_string(),
            Self::TooManyColumns => MAX_COLUMNS.to_string(),
            Self::TooManyRows => MAX_ROWS.to_string(),
            Self::TooManyCells => MAX_CELLS.to_string(),
            Self::LongCell => MAX_CELL_CHARS.to_string(),
            Self::NoSheet(name) | Self::SameName(name) => name.chars().take(60).collect(),
            _ => String::new(),
        }
    }

    /// The fault of a whole file.
    #[must_use]
    pub fn whole(self) -> SheetError {
        SheetError { fault: self, row: None, column: None }
    }

    pub(crate) fn at(self, row: u32, column: usize) -> SheetError {
        SheetError { fault: self, row: Some(row), column: Some(column) }
    }

    pub(crate) fn in_row(self, row: u32) -> SheetError {
        SheetError { fault: self, row: Some(row), column: None }
    }
}

impl SheetError {
    fn place(&self) -> String {
        match (self.row, self.column) {
            (Some(row), Some(column)) => format!("{}{row}: ", column_letters(column)),
            (Some(row), None) => format!("row {row}: "),
            _ => String::new(),
        }
    }
}

/// The letters by which spreadsheets name a column: `A` for 0, `AA` for 26.
#[must_use]
pub fn column_letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(b'A' + u8::try_from(rest % 26).unwrap_or(0));
        rest /= 26;
    }
    letters.iter().rev().map(|letter| char::from(*letter)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_as_in_spreadsheets() {
        for (column, expect) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(column_letters(column), expect);
        }
        assert!(Fault::Formula.at(3, 1).to_string().starts_with("B3: "));
    }
}
