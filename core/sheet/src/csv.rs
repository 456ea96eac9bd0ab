//! Reads CSV as spreadsheets write it.
//!
//! - **Encoding**: UTF-8 with or without byte-order mark, UTF-16 with one (Excel's "Unicode text"); what is not valid UTF-8 is
//!   read as GB 18030, which is how Excel in China saves CSV and which contains GBK and GB 2312. Text in a further encoding
//!   is refused where it is not valid GB 18030 either; nothing is ever replaced.
//! - **Delimiter**: comma, semicolon or tab, whichever gives the first row the most columns; the comma among equals.
//! - **Quotes**: RFC 4180; a quoted cell may hold delimiters and line breaks. Lines end in CR LF, LF or CR.
//! - **Escape**: [`crate::escape`].

use std::borrow::Cow;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use encoding_rs::{Encoding, GB18030};

use crate::escape::unescape;
use crate::table::Builder;
use crate::{Fault, MAX_COLUMNS, Sheet, SheetError};

/// Cells of a row that are taken in: one more than there may be, to tell when there are too many.
const ENDS: usize = MAX_COLUMNS + 1;
/// Bytes of a row at first; more when a row needs more, up to the whole file.
const ROW_BYTES: usize = 64 * 1024;

/// Reads a file whose size was checked.
///
/// # Errors
/// See [`crate::read`].
pub fn read(bytes: &[u8]) -> Result<Sheet, SheetError> {
    let text = decode(bytes)?;
    let delimiter = detect(&text);
    let mut rows = Rows::new(&text, delimiter);
    let mut builder = Builder::default();
    let mut number = 0;
    while let Some(ends) = rows.next(number + 1)? {
        number += 1;
        let row = std::str::from_utf8(&rows.output).map_err(|_| Fault::Encoding.in_row(number))?;
        let starts = std::iter::once(0).chain(rows.ends[..ends].iter().copied());
        let cells =
            starts.zip(&rows.ends[..ends]).map(|(start, end)| unescape(row.get(start..*end).unwrap_or_default()));
        builder.push(number, cells)?;
    }
    let is_unclosed = text.bytes().filter(|byte| *byte == b'"').count() % 2 == 1;
    if is_unclosed {
        return Err(Fault::Quote.whole());
    }
    builder.finish()
}

fn decode(bytes: &[u8]) -> Result<Cow<'_, str>, SheetError> {
    if let Some((encoding, length)) = Encoding::for_bom(bytes) {
        let rest = bytes.get(length..).unwrap_or_default();
        return strictly(encoding, rest).ok_or(Fault::Encoding.whole());
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => strictly(GB18030, bytes).ok_or(Fault::Encoding.whole()),
    }
}

fn strictly<'a>(encoding: &'static Encoding, bytes: &'a [u8]) -> Option<Cow<'a, str>> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes)
}

/// The delimiter that gives the first row the most columns.
fn detect(text: &str) -> u8 {
    let columns = |delimiter| match Rows::new(text, delimiter).next(1) {
        Ok(columns) => columns.unwrap_or(0),
        Err(_) => ENDS,
    };
    // The first of equals is the one that `min_by_key` keeps.
    [b',', b';', b'\t'].into_iter().min_by_key(|delimiter| std::cmp::Reverse(columns(*delimiter))).unwrap_or(b',')
}

/// Reads row by row into buffers of its own; the number of columns is bounded by the buffer of their ends.
struct Rows<'a> {
    input: &'a [u8],
    reader: Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
    is_done: bool,
}

impl<'a> Rows<'a> {
    fn new(text: &'a str, delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Self { input: text.as_bytes(), reader, output: Vec::new(), ends: vec![0; ENDS], is_done: false }
    }

    /// The next row: its texts lie in `output`, one after the other, and end at the first so many of `ends`.
    fn next(&mut self, number: u32) -> Result<Option<usize>, SheetError> {
        let (mut written, mut cells) = (0, 0);
        self.output.resize(ROW_BYTES.max(self.output.capacity()), 0);
        while !self.is_done {
            let (result, read, wrote, ended) =
                self.reader.read_record(self.input, &mut self.output[written..], &mut self.ends[cells..]);
            self.input = self.input.get(read..).unwrap_or_default();
            written += wrote;
            cells += ended;
            match result {
                // An empty input tells the reader that the file ends.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull => self.output.resize(self.output.len() * 2, 0),
                ReadRecordResult::OutputEndsFull => return Err(Fault::TooManyColumns.in_row(number)),
                ReadRecordResult::Record if cells > MAX_COLUMNS => return Err(Fault::TooManyColumns.in_row(number)),
                ReadRecordResult::Record => {
                    self.output.truncate(written);
                    return Ok(Some(cells));
                }
                ReadRecordResult::End => self.is_done = true,
            }
        }
        Ok(None)
    }
}
