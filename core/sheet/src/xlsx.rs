//! Reads one sheet of an XLSX workbook.
//!
//! - **Cells** come as text: numbers in plain digits, days as `2026-11-22`, instants as `2026-11-22T08:30:00+08:00` (a
//!   spreadsheet knows no zone: it is the time in China), times of day and durations as `08:30:00`, truth values as `true` and
//!   `false`.
//! - **Refused** with their place: formulas (what a file carries beside them is what they gave on somebody's machine at some
//!   time), errors such as `#REF!`, merged cells, and numbers of more than 15 digits, of which a spreadsheet has lost the last.
//! - **Bombs**: what the archive unpacks to is counted before anything is parsed; the sheet itself is then parsed as a
//!   stream.

mod archive;

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, ExcelDateTime, Reader as _, SheetType, Xlsx};

use crate::table::Builder;
use crate::{Fault, MAX_COLUMNS, Sheet, SheetError};

/// Numbers beyond this have more than 15 digits.
const MAX_NUMBER: f64 = 1e15;

/// Reads the sheet of that name, or the first.
///
/// # Errors
/// See [`crate::read`].
pub fn read(bytes: &[u8], name: Option<&str>) -> Result<Sheet, SheetError> {
    archive::check(bytes)?;
    // The parser computes with what the file says, and may overflow on a hostile one.
    catch_unwind(AssertUnwindSafe(|| read_workbook(bytes, name))).unwrap_or_else(|_| Err(Fault::Damaged.whole()))
}

fn read_workbook(bytes: &[u8], name: Option<&str>) -> Result<Sheet, SheetError> {
    let damaged = |_| Fault::Damaged.whole();
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(damaged)?;
    let sheets = workbook.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let found = sheets.map(|sheet| sheet.name.clone()).find(|found| name.is_none_or(|name| name == found));
    let found = found.ok_or_else(|| Fault::NoSheet(name.unwrap_or_default().to_owned()).whole())?;
    let merged = workbook.merge_cells_by_sheet_name(&found).map_err(damaged)?;
    if let Some(area) = merged.first() {
        return Err(Fault::Merged.at(area.start.0.saturating_add(1), area.start.1 as usize));
    }
    let mut cells = workbook.worksheet_cells_reader(&found).map_err(damaged)?;
    let mut rows = Rows::default();
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(damaged)? {
        let (row, column) = (cell.pos.0.saturating_add(1), cell.pos.1 as usize);
        if cell.formula.is_some() {
            return Err(Fault::Formula.at(row, column));
        }
        let text = text_of(cell.value).map_err(|fault| fault.at(row, column))?;
        if !text.is_empty() {
            rows.put(row, column, text)?;
        }
    }
    rows.finish()
}

/// Gathers cells, which come row by row, into rows.
#[derive(Default)]
struct Rows {
    builder: Builder,
    number: u32,
    cells: Vec<String>,
}

impl Rows {
    fn put(&mut self, row: u32, column: usize, text: String) -> Result<(), SheetError> {
        if row < self.number {
            return Err(Fault::Damaged.in_row(row));
        }
        if row > self.number {
            self.flush()?;
            self.number = row;
        }
        if column >= MAX_COLUMNS {
            return Err(Fault::TooManyColumns.in_row(row));
        }
        if self.cells.len() <= column {
            self.cells.resize(column + 1, String::new());
        }
        self.cells[column] = text;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), SheetError> {
        if !self.cells.is_empty() {
            self.builder.push(self.number, self.cells.iter().map(String::as_str))?;
            self.cells.clear();
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Sheet, SheetError> {
        self.flush()?;
        self.builder.finish()
    }
}

fn text_of(value: DataRef<'_>) -> Result<String, Fault> {
    Ok(match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text,
        DataRef::SharedString(text) => text.to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::Int(number) => number.to_string(),
        DataRef::Float(number) => number_text(number)?,
        DataRef::DateTime(time) => time_text(time),
        DataRef::Error(_) => return Err(Fault::CellError),
    })
}

/// The number in plain digits, to the 15 that a spreadsheet shows.
fn number_text(number: f64) -> Result<String, Fault> {
    if !number.is_finite() {
        return Err(Fault::CellError);
    }
    if number.abs() >= MAX_NUMBER {
        return Err(Fault::LostDigits);
    }
    let rounded: f64 = format!("{number:.14e}").parse().unwrap_or(number);
    Ok(if rounded == 0.0 { "0".to_owned() } else { rounded.to_string() })
}

fn time_text(time: ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let fraction = if milli == 0 { String::new() } else { format!(".{milli:03}") };
    if time.is_duration() || time.as_f64() < 1.0 {
        // Whole days of a duration are hours too.
        let days = if time.is_duration() { time.as_f64().max(0.0).floor() } else { 0.0 };
        return format!("{:02}:{minute:02}:{second:02}{fraction}", days * 24.0 + f64::from(hour));
    }
    if (hour, minute, second, milli) == (0, 0, 0, 0) {
        return format!("{year:04}-{month:02}-{day:02}");
    }
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}+08:00")
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType;

    use super::*;

    #[test]
    fn numbers_are_plain_digits_as_a_spreadsheet_shows_them() {
        for (number, expect) in [
            (0.1 + 0.2, "0.3"),
            (12.50, "12.5"),
            (-0.0, "0"),
            (1e14, "100000000000000"),
            (1e-7, "0.0000001"),
            (7.0, "7"),
        ] {
            assert_eq!(number_text(number).as_deref(), Ok(expect));
        }
        assert_eq!(number_text(1e15), Err(Fault::LostDigits));
        assert_eq!(number_text(f64::NAN), Err(Fault::CellError));
    }

    #[test]
    fn times_are_those_of_china() {
        let text = |value, kind| time_text(ExcelDateTime::new(value, kind, false));
        assert_eq!(text(46_348.0, ExcelDateTimeType::DateTime), "2026-11-22");
        assert_eq!(text(46_348.5, ExcelDateTimeType::DateTime), "2026-11-22T12:00:00+08:00");
        assert_eq!(text(0.5, ExcelDateTimeType::DateTime), "12:00:00");
        assert_eq!(text(1.25, ExcelDateTimeType::TimeDelta), "30:00:00");
    }
}
