//! What is written is read again, exactly, in both forms.
#![expect(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use sunlit_sheet::{Cell, Form, Writer, read};

fn written(form: Form, header: &[&str], rows: &[Vec<Cell>]) -> Vec<u8> {
    let mut writer = Writer::new(form, header).unwrap();
    let mut bytes = Vec::new();
    for row in rows {
        writer.row(row).unwrap();
        bytes.extend(writer.take().unwrap());
    }
    bytes.extend(writer.finish().unwrap());
    bytes
}

fn texts(rows: &[Vec<Cell>]) -> Vec<Vec<String>> {
    let text = |cell: &Cell| match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) | Cell::Number(text) => text.clone(),
    };
    rows.iter().map(|row| row.iter().map(text).collect()).collect()
}

fn check(form: Form, rows: &[Vec<Cell>]) {
    let names: Vec<String> = (0..rows[0].len()).map(|n| format!("c{n}")).collect();
    let header: Vec<&str> = names.iter().map(String::as_str).collect();
    let sheet = read(form, &written(form, &header, rows), None).unwrap();
    assert_eq!(sheet.header, names);
    let found: Vec<Vec<String>> = sheet.rows.iter().map(|row| row.cells().map(str::to_owned).collect()).collect();
    assert_eq!(found, texts(rows), "{form:?}");
}

/// Texts that trouble spreadsheets, parsers and XML.
const HOSTILE: [&str; 30] = [
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "'",
    "''",
    "'=1",
    "''=1",
    "＝1+1",
    " =1",
    "007",
    "1e5",
    "TRUE",
    "2026-11-22",
    "a,b",
    "a;b\tc",
    "a\"b",
    "\"",
    "\"\"",
    "a\r\nb",
    "a\nb",
    " 空格 ",
    "]]>&amp;<b>",
    "_x0041_",
    "_x000D_",
    "龘𠮷👩‍👩‍👧",
    "\u{200B}\u{FEFF}",
];

#[test]
fn hostile_texts_come_back_as_they_were() {
    for form in [Form::Csv, Form::Xlsx] {
        let rows: Vec<Vec<Cell>> =
            HOSTILE.iter().map(|text| vec![Cell::Text((*text).to_owned()), Cell::Empty]).collect();
        check(form, &rows);
    }
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => proptest::sample::select(&HOSTILE[..]).prop_map(str::to_owned),
        3 => "[=+@'\"\t\r\n,;A甲 \u{3000}_x0-9-]{0,8}",
        // What XML 1.0 can hold: no control characters but tab, line feed and carriage return.
        2 => "[\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]{0,12}",
    ]
}

fn cell() -> impl Strategy<Value = Cell> {
    prop_oneof![
        1 => Just(Cell::Empty),
        6 => text().prop_map(Cell::Text),
        1 => (-99_999_999_i64..99_999_999).prop_map(|n| Cell::Number(n.to_string())),
        1 => (-9_999_i64..9_999, 1_u8..9).prop_map(|(n, tenth)| Cell::Number(format!("{n}.{tenth}"))),
        1 => Just(Cell::Number("12345678901234567890.5".to_owned())),
    ]
}

fn rows() -> impl Strategy<Value = Vec<Vec<Cell>>> {
    // A row without any value is no row.
    let first = text().prop_filter("a row has a value", |text| !text.is_empty()).prop_map(Cell::Text).boxed();
    let row = move |width| (first.clone(), proptest::collection::vec(cell(), width));
    (0_usize..5).prop_flat_map(move |width| {
        proptest::collection::vec(row(width), 1..8)
            .prop_map(|rows| rows.into_iter().map(|(first, rest)| [vec![first], rest].concat()).collect())
    })
}

proptest! {
    #[test]
    fn csv_gives_back_what_was_written(rows in rows()) {
        check(Form::Csv, &rows);
    }

    #[test]
    fn xlsx_gives_back_what_was_written(rows in rows()) {
        check(Form::Xlsx, &rows);
    }
}

#[test]
fn no_cell_of_a_written_csv_begins_with_what_a_spreadsheet_runs() {
    for hostile in HOSTILE {
        let bytes = written(Form::Csv, &["a"], &[vec![Cell::Text(hostile.to_owned())]]);
        let text = String::from_utf8(bytes).unwrap();
        let cell = text.split_once("\r\n").unwrap().1.trim_start_matches('"').trim_start_matches(' ');
        assert!(
            !cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']) || cell.starts_with("\r\n"),
            "{hostile:?}: {cell:?}"
        );
    }
}

#[test]
fn a_written_csv_is_what_excel_and_rfc_4180_expect() {
    let row = vec![Cell::Text("甲,乙".to_owned()), Cell::Number("-5".to_owned()), Cell::Text("=1".to_owned())];
    let bytes = written(Form::Csv, &["名称", "n", "t"], &[row]);
    assert_eq!(String::from_utf8(bytes).unwrap(), "\u{FEFF}名称,n,t\r\n\"甲,乙\",-5,'=1\r\n");
}
