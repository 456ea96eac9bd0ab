//! Spreadsheets: bytes of a CSV or XLSX file to rows of text, and back.
//!
//! Knows nothing of manifests, records or HTTP. A sheet is one header row of names and rows of text below it; what a text
//! means is the caller's affair. Every bound is kept while the file is read, so that a hostile one is refused quickly and
//! in little memory. Start reading at [`table`], then [`csv`](mod@csv) and [`xlsx`].

pub mod csv;
mod error;
pub mod escape;
pub mod table;
pub mod write;
pub mod xlsx;

pub use error::{Fault, SheetError, column_letters};
pub use table::{Row, Sheet};
pub use write::{Cell, Writer};

/// Bytes of a file.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Columns of a sheet.
pub const MAX_COLUMNS: usize = 500;
/// Rows of a sheet below its header.
pub const MAX_ROWS: usize = 200_000;
/// Characters of a cell.
pub const MAX_CELL_CHARS: usize = 100_000;
/// Cells of a sheet.
pub const MAX_CELLS: usize = 10_000_000;
/// Bytes of all texts of a sheet. GB 18030 takes two bytes for what UTF-8 takes three.
pub const MAX_TEXT_BYTES: usize = MAX_BYTES / 2 * 3;

/// The form of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Comma-separated values, RFC 4180.
    Csv,
    /// Office Open XML, ISO/IEC 29500.
    Xlsx,
}

impl Form {
    /// The form of that name or file extension.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }

    /// Its name and file extension.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }

    /// Its media type (RFC 7111; IANA).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

/// Reads a file. `sheet` names one of the sheets of an XLSX file; the first is read when it is none.
///
/// # Errors
/// What is wrong, with row and column where there are any, and the mend.
pub fn read(form: Form, bytes: &[u8], sheet: Option<&str>) -> Result<Sheet, SheetError> {
    if bytes.len() > MAX_BYTES {
        return Err(Fault::TooManyBytes.whole());
    }
    match form {
        Form::Csv => csv::read(bytes),
        Form::Xlsx => xlsx::read(bytes, sheet),
    }
}
