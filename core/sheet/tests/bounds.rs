//! What others' programs write is read; what is hostile is refused, with its place, before it costs anything.
#![expect(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

use std::io::{Cursor, Write as _};

use sunlit_sheet::{Fault, Form, MAX_COLUMNS, MAX_ROWS, Sheet, SheetError, read};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

fn csv(bytes: impl AsRef<[u8]>) -> Result<Sheet, SheetError> {
    read(Form::Csv, bytes.as_ref(), None)
}

fn rows(sheet: &Sheet) -> Vec<Vec<&str>> {
    sheet.rows.iter().map(|row| row.cells().collect()).collect()
}

fn refused(result: Result<Sheet, SheetError>, fault: &Fault, row: Option<u32>, column: Option<usize>) {
    assert_eq!(result, Err(SheetError { fault: fault.clone(), row, column }));
}

#[test]
fn csv_of_each_encoding_and_delimiter_is_read() {
    let utf16: Vec<u8> = "\u{FEFF}名称\t码\r\n西安\t1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    // 名称,码 and 西安,1 in GBK.
    let gbk = b"\xC3\xFB\xB3\xC6,\xC2\xEB\r\n\xCE\xF7\xB0\xB2,1\r\n";
    for bytes in [
        "名称,码\r\n西安,1\r\n".as_bytes(),
        "\u{FEFF}名称,码\n西安,1".as_bytes(),
        "名称;码\r西安;1\r".as_bytes(),
        "名称\t码\n西安\t1\n\n".as_bytes(),
        " 名称 ,码,,\n西安,1,,\n,,,\n".as_bytes(),
        &gbk[..],
        &utf16,
    ] {
        let sheet = csv(bytes).unwrap();
        assert_eq!((sheet.header.join("|").as_str(), rows(&sheet)), ("名称|码", vec![vec!["西安", "1"]]));
    }
    refused(csv(b"a,b\n\xFF\xFF,1"), &Fault::Encoding, None, None);
}

#[test]
fn quoted_cells_may_hold_delimiters_quotes_and_line_breaks() {
    let sheet = csv("a,b\n\"x,\"\"y\"\"\r\nz\",\n,\"1\"").unwrap();
    assert_eq!(rows(&sheet), [["x,\"y\"\r\nz", ""], ["", "1"]]);
    assert_eq!(sheet.rows[1].number, 3);
}

#[test]
fn what_does_not_fit_is_told_with_its_place() {
    refused(csv(""), &Fault::NoHeader, None, None);
    refused(csv(" ,\n1"), &Fault::NoHeader, Some(1), None);
    refused(csv("a,,b\n"), &Fault::NoName, Some(1), Some(1));
    refused(csv("a,b,a\n"), &Fault::SameName("a".to_owned()), Some(1), Some(2));
    refused(csv("a,b\n1,2\n1,2,,4\n"), &Fault::Beyond, Some(3), Some(3));
    refused(csv("a,b\n1,\"2\n3,4\n"), &Fault::Quote, None, None);
    refused(csv(format!("a\n{}", "长".repeat(100_001))), &Fault::LongCell, Some(2), Some(0));
    assert!(csv(format!("a\n{}", "长".repeat(100_000))).is_ok());
}

#[test]
fn a_csv_of_too_many_columns_or_rows_is_refused() {
    for delimiter in [",", ";", "\t"] {
        let million = format!("a{}", format!("{delimiter}a").repeat(1_000_000));
        refused(csv(&million), &Fault::TooManyColumns, Some(1), None);
        refused(csv(format!("a{delimiter}b\n{million}")), &Fault::TooManyColumns, Some(2), None);
    }
    let widest: Vec<String> = (0..MAX_COLUMNS).map(|n| format!("c{n}")).collect();
    assert_eq!(csv(widest.join(",")).unwrap().header.len(), MAX_COLUMNS);
    assert_eq!(csv(format!("a\n{}", "1\n".repeat(MAX_ROWS))).unwrap().rows.len(), MAX_ROWS);
    refused(csv(format!("a\n{}", "1\n".repeat(MAX_ROWS + 1))), &Fault::TooManyRows, None, None);
    refused(csv(format!("{}\n{}", widest.join(","), "1\n".repeat(20_001))), &Fault::TooManyCells, None, None);
}

const SHARED: &str = r#"<sst uniqueCount="1"><si><t>共</t></si></sst>"#;

/// A workbook of one sheet with these parts.
fn workbook(sheet: &str, shared: &str) -> Vec<u8> {
    let main = r#"xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships""#;
    let rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006/relationships";
    let parts = [
        (
            "_rels/.rels",
            format!(
                r#"<Relationships xmlns="{package}"><Relationship Id="r1" Type="{rel}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            format!(r#"<workbook {main}><sheets><sheet name="表" sheetId="1" r:id="r1"/></sheets></workbook>"#),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                r#"<Relationships xmlns="{package}"><Relationship Id="r1" Type="{rel}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/styles.xml",
            format!(
                r#"<styleSheet {main}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>"#
            ),
        ),
        ("xl/sharedStrings.xml", shared.to_owned()),
        ("xl/worksheets/sheet1.xml", format!("<worksheet {main}>{sheet}</worksheet>")),
    ];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn xlsx(rows: &str) -> Result<Sheet, SheetError> {
    read(Form::Xlsx, &workbook(&format!("<sheetData>{rows}</sheetData>"), SHARED), None)
}

#[test]
fn cells_of_each_kind_become_text() {
    let header = r#"<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c><c r="B1" t="str"><v>b</v></c></row>"#;
    let sheet = xlsx(&format!(
        r#"{header}<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2"><v>0.1</v></c></row>
           <row r="5"><c r="A5" s="1"><v>46348</v></c><c r="B5" t="b"><v>1</v></c></row>
           <row r="6"><c r="A6" s="1"><v>46348.5</v></c><c r="B6" t="inlineStr"><is><t>007</t></is></c></row>"#
    ))
    .unwrap();
    let expect = [["共", "0.1"], ["2026-11-22", "true"], ["2026-11-22T12:00:00+08:00", "007"]];
    assert_eq!((rows(&sheet), sheet.rows[1].number), (expect.map(Vec::from).to_vec(), 5));
    let bytes = workbook(&format!("<sheetData>{header}</sheetData>"), SHARED);
    assert_eq!(read(Form::Xlsx, &bytes, Some("表")).unwrap().header, ["a", "b"]);
    refused(read(Form::Xlsx, &bytes, Some("无")), &Fault::NoSheet("无".to_owned()), None, None);
}

#[test]
fn formulas_errors_merged_cells_and_lost_digits_are_refused_with_their_place() {
    let header = r#"<row r="1"><c r="A1" t="str"><v>a</v></c></row>"#;
    let cell = |cell: &str| xlsx(&format!(r#"{header}<row r="2">{cell}</row>"#));
    let at = (Some(2), Some(0));
    refused(cell(r#"<c r="A2"><f>1+1</f><v>2</v></c>"#), &Fault::Formula, at.0, at.1);
    refused(
        cell(r#"<c r="A2"><f t="shared" ref="A2:A3" si="99999999999">1+1</f><v>2</v></c>"#),
        &Fault::Formula,
        at.0,
        at.1,
    );
    refused(cell(r#"<c r="A2" t="e"><v>#REF!</v></c>"#), &Fault::CellError, at.0, at.1);
    refused(cell(r#"<c r="A2"><v>610112199001011234</v></c>"#), &Fault::LostDigits, at.0, at.1);
    refused(cell(r#"<c r="XFD2"><v>1</v></c>"#), &Fault::TooManyColumns, Some(2), None);
    refused(cell(r#"<c r="B2"><v>1</v></c>"#), &Fault::Beyond, Some(2), Some(1));
    let merged = format!(r#"<sheetData>{header}</sheetData><mergeCells><mergeCell ref="A1:B1"/></mergeCells>"#);
    refused(read(Form::Xlsx, &workbook(&merged, SHARED), None), &Fault::Merged, Some(1), Some(0));
}

#[test]
fn what_is_no_workbook_is_refused() {
    let whole = workbook("<sheetData></sheetData>", SHARED);
    refused(read(Form::Xlsx, &whole, None), &Fault::NoHeader, None, None);
    for bytes in [&b""[..], b"a,b\n1,2", b"PK\x03\x04", &whole[..whole.len() / 2], b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"]
    {
        refused(read(Form::Xlsx, bytes, None), &Fault::Damaged, None, None);
    }
    for reference in ["A0", "A99999999999", "ZZZZZZZZZZ1", "1", "é1"] {
        assert!(xlsx(&format!(r#"<row r="1"><c r="{reference}"><v>1</v></c></row>"#)).is_err(), "{reference}");
    }
}

#[test]
fn archives_that_unpack_to_too_much_are_refused_before_they_are_parsed() {
    let blank = " ".repeat(5 * 1024 * 1024);
    let unpacked = |shared: &str, sheet: &str| read(Form::Xlsx, &workbook(sheet, shared), None);
    refused(unpacked(SHARED, &" ".repeat(513 * 1024 * 1024)), &Fault::TooManyBytes, None, None);
    refused(unpacked(&blank.repeat(26), "<sheetData/>"), &Fault::TooManyBytes, None, None);
    // An announcement of so many texts would make the parser reserve their places.
    for announced in [r#"<sst uniqueCount="99999999999999">"#, "<sst uniqueCount = '999999999'>"] {
        refused(unpacked(announced, "<sheetData/>"), &Fault::Damaged, None, None);
        refused(unpacked(&format!("{}{announced}", &blank[..65_530]), "<sheetData/>"), &Fault::Damaged, None, None);
    }
    let wide: String = "<sst>".encode_utf16().flat_map(u16::to_be_bytes).map(char::from).collect();
    refused(unpacked(&wide, "<sheetData/>"), &Fault::Damaged, None, None);
}

#[test]
fn one_shared_text_in_many_cells_is_counted_each_time() {
    let shared = format!("<sst><si><t>{}</t></si></sst>", "a".repeat(99_000));
    let cells: String =
        (1..1_200).map(|row| format!(r#"<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>"#)).collect();
    let bytes = workbook(&format!("<sheetData>{cells}</sheetData>"), &shared);
    refused(read(Form::Xlsx, &bytes, None), &Fault::TooManyBytes, None, None);
}
