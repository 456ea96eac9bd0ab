//! Writes sheets: CSV row by row, XLSX with its rows in a temporary file until it is finished.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::escape::escape;
use crate::{Fault, Form, MAX_COLUMNS, SheetError};

/// Digits that a spreadsheet keeps of a number (IEEE 754 double precision).
const MAX_DIGITS: usize = 15;
/// Rows of an XLSX sheet, the header among them.
const MAX_XLSX_ROWS: u32 = 1_048_576;

/// What is written into a cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Nothing.
    Empty,
    /// Text that stays text: a code keeps its leading zeros.
    Text(String),
    /// A plain decimal number such as `-12.50`, to be summed up; anything else is written as text.
    Number(String),
}

impl Cell {
    /// What a spreadsheet can take for a number without changing it.
    fn as_number(&self) -> Option<&str> {
        let Self::Number(text) = self else { return None };
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let is_plain = are_digits(whole) && are_digits(fraction) && (whole == "0" || !whole.starts_with('0'));
        (is_plain && whole.len() + fraction.len() <= MAX_DIGITS).then_some(text)
    }

    fn as_text(&self) -> &str {
        match self {
            Self::Empty => "",
            Self::Text(text) | Self::Number(text) => text,
        }
    }
}

/// Writes one sheet.
pub struct Writer(Inner);

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

enum Inner {
    Csv(Box<::csv::Writer<Vec<u8>>>),
    Xlsx(Box<Workbook>, u32),
}

impl Writer {
    /// Begins a sheet with its header: in CSV after a byte-order mark, by which Excel knows UTF-8; in XLSX bold and frozen.
    ///
    /// # Errors
    /// More than [`MAX_COLUMNS`] names, or a name that XLSX has no place for.
    pub fn new(form: Form, header: &[&str]) -> Result<Self, SheetError> {
        if header.len() > MAX_COLUMNS {
            return Err(Fault::TooManyColumns.whole());
        }
        let mut writer = match form {
            Form::Csv => Self(Inner::Csv(Box::new(csv_into(b"\xEF\xBB\xBF".to_vec())))),
            Form::Xlsx => {
                let mut workbook = Workbook::new();
                let sheet = workbook.add_worksheet_with_constant_memory().map_err(|error| failed(&error))?;
                sheet.set_freeze_panes(1, 0).map_err(|error| failed(&error))?;
                Self(Inner::Xlsx(Box::new(workbook), 0))
            }
        };
        let cells: Vec<Cell> = header.iter().map(|name| Cell::Text((*name).to_owned())).collect();
        writer.put(&cells, &Format::new().set_bold())?;
        Ok(writer)
    }

    /// Writes a row.
    ///
    /// # Errors
    /// [`Fault::LongForXlsx`], [`Fault::TooManyRows`].
    pub fn row(&mut self, cells: &[Cell]) -> Result<(), SheetError> {
        self.put(cells, &Format::new())
    }

    fn put(&mut self, cells: &[Cell], format: &Format) -> Result<(), SheetError> {
        match &mut self.0 {
            Inner::Csv(csv) => put_csv(csv, cells),
            Inner::Xlsx(_, row) if *row == MAX_XLSX_ROWS => Err(Fault::TooManyRows.whole()),
            Inner::Xlsx(workbook, row) => {
                put_xlsx(workbook, *row, cells, format)?;
                *row += 1;
                Ok(())
            }
        }
    }

    /// What is ready to be sent so far, once: everything of a CSV file, nothing of an XLSX file.
    ///
    /// # Errors
    /// None that memory does not have.
    pub fn take(&mut self) -> Result<Vec<u8>, SheetError> {
        match &mut self.0 {
            Inner::Csv(csv) => bytes_of(std::mem::replace(&mut **csv, csv_into(Vec::new()))),
            Inner::Xlsx(..) => Ok(Vec::new()),
        }
    }

    /// Ends the file: what [`Self::take`] has not given yet.
    ///
    /// # Errors
    /// [`Fault::Write`] when the workbook cannot be put together.
    pub fn finish(self) -> Result<Vec<u8>, SheetError> {
        match self.0 {
            Inner::Csv(csv) => bytes_of(*csv),
            Inner::Xlsx(mut workbook, _) => workbook.save_to_buffer().map_err(|error| failed(&error)),
        }
    }
}

fn csv_into(buffer: Vec<u8>) -> ::csv::Writer<Vec<u8>> {
    ::csv::WriterBuilder::new().terminator(::csv::Terminator::CRLF).flexible(true).from_writer(buffer)
}

fn bytes_of(csv: ::csv::Writer<Vec<u8>>) -> Result<Vec<u8>, SheetError> {
    csv.into_inner().map_err(|error| Fault::Write(error.to_string()).whole())
}

fn put_csv(csv: &mut ::csv::Writer<Vec<u8>>, cells: &[Cell]) -> Result<(), SheetError> {
    for cell in cells {
        let written = match cell.as_number() {
            Some(number) => csv.write_field(number),
            None => csv.write_field(escape(cell.as_text()).as_bytes()),
        };
        written.map_err(|error| Fault::Write(error.to_string()).whole())?;
    }
    csv.write_record(None::<&[u8]>).map_err(|error| Fault::Write(error.to_string()).whole())
}

fn put_xlsx(workbook: &mut Workbook, row: u32, cells: &[Cell], format: &Format) -> Result<(), SheetError> {
    let sheet = workbook.worksheet_from_index(0).map_err(|error| failed(&error))?;
    for (column, cell) in cells.iter().enumerate() {
        let at = u16::try_from(column).map_err(|_| Fault::TooManyColumns.whole())?;
        let number = cell.as_number().and_then(|number| number.parse::<f64>().ok());
        let written = match (cell, number) {
            (Cell::Empty, _) => continue,
            (_, Some(number)) => sheet.write_number_with_format(row, at, number, format),
            (cell, None) => sheet.write_string_with_format(row, at, cell.as_text(), format),
        };
        written.map_err(|error| match error {
            XlsxError::MaxStringLengthExceeded => Fault::LongForXlsx.at(row + 1, column),
            other => failed(&other),
        })?;
    }
    Ok(())
}

fn failed(error: &XlsxError) -> SheetError {
    Fault::Write(error.to_string()).whole()
}
