//! Values from the hostile corner of each type that a field accepts.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};
use sunlit_domain::format::Format;
use sunlit_domain::manifest::{Field, FieldType};
use sunlit_domain::value::Value;

use crate::draw::Draw;

/// Texts that trouble spreadsheets, parsers, XML, databases and readers.
const TEXTS: &[&str] = &[
    "",
    " ",
    "\"\"",
    "\"",
    "'",
    "''",
    "'=1",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1",
    "@SUM(A1)",
    "＝1+1",
    "\t=1",
    "a,\"b\";\r\nc\td",
    "a\nb",
    "a\rb",
    "\n",
    "\r\n",
    "007",
    "1e5",
    "12345678901234567890",
    "TRUE",
    "null",
    "[]",
    "{}",
    "2026-11-22",
    " 空格\u{3000}",
    "未央宫",
    "龘𠮷👩‍👩‍👧",
    "e\u{301} é",
    "\u{200B}\u{FEFF}",
    "\u{202E}rtl",
    "]]>&amp;<b onclick=x>",
    "_x0041_",
    "_x000D_",
    "\\N\\\\ \\u0041",
    "%s ${x} {{y}}",
    "'; DROP TABLE x; --",
    "第三",
    "second",
    "a\u{1}b\u{B}\u{1F}",
    "\u{7F}\u{85}\u{2028}",
    "\u{FFFE}\u{FFFF}",
];

/// A value that the field accepts, as a caller sends it; null where it may be and is drawn. `ids` are the records that a
/// reference may lead to, `used` the values that a unique field has.
pub(crate) fn draw(field: &Field, draw: &mut Draw, ids: &[String], used: &mut BTreeSet<Value>) -> Json {
    let all = match field.field_type {
        FieldType::List => lists(field, draw, ids),
        _ => items(field, draw, ids),
    };
    let accepted = |json: &Json| Value::from_json(field.kind(), json).is_ok_and(|value| field.check(&value).is_ok());
    let mut fit: Vec<Json> = all.into_iter().filter(accepted).collect();
    if field.unique {
        fit.retain(|json| !used.contains(&stored(field, json)));
    }
    if !field.required && (fit.is_empty() || draw.below(5) == 0) {
        return Json::Null;
    }
    let json = draw.one_of(&fit).cloned();
    let json = json.unwrap_or_else(|| panic!("{} accepts nothing that is left", field.name));
    used.insert(stored(field, &json));
    json
}

/// What the platform makes of what a caller sends.
pub(crate) fn stored(field: &Field, json: &Json) -> Value {
    field.spelled(Value::from_json(field.kind(), json).unwrap())
}

fn lists(field: &Field, draw: &mut Draw, ids: &[String]) -> Vec<Json> {
    let items: Vec<Json> = items(field, draw, ids).into_iter().filter(|item| !item.is_null()).collect();
    let kind = field.item_type().kind(field.scale).unwrap();
    let accepted =
        |json: &&Json| Value::from_json(kind, json).is_ok_and(|value| field.check(&Value::List(vec![value])).is_ok());
    let items: Vec<Json> = items.iter().filter(accepted).cloned().collect();
    let mut drawn = |count: usize| -> Json { (0..count).filter_map(|_| draw.one_of(&items).cloned()).collect() };
    let mut all = vec![json!([]), drawn(1), drawn(3), drawn(3), drawn(field.max_items())];
    if let Some(first) = items.first() {
        all.push(json!([first, first, first]));
    }
    all
}

/// Values of the field, or of a list's items; some that it refuses are among them.
fn items(field: &Field, draw: &mut Draw, ids: &[String]) -> Vec<Json> {
    let bounds = [&field.min, &field.max].into_iter().flatten().cloned();
    match field.item_type() {
        FieldType::String | FieldType::Text => texts(field, draw),
        FieldType::Int => bounds
            .chain([0, -1, 1, i64::from(i32::MIN), i64::from(i32::MAX)].map(Json::from))
            .chain((0..9).map(|_| json!(draw.below(100_000))))
            .collect(),
        FieldType::Decimal | FieldType::Money => decimals(field).into_iter().map(Json::from).chain(bounds).collect(),
        FieldType::Bool => vec![json!(true), json!(false)],
        FieldType::Date => bounds
            .chain(["0001-01-01", "9999-12-31", "2024-02-29", "1899-12-31", "1900-02-28", "2026-11-22"].map(Json::from))
            .chain((0..9).map(|_| {
                json!(format!("20{:02}-{:02}-{:02}", 10 + draw.below(80), 1 + draw.below(12), 1 + draw.below(28)))
            }))
            .collect(),
        FieldType::Datetime => bounds
            .chain(
                [
                    "0001-01-01T00:00:00Z",
                    "9999-12-30T22:00:00Z",
                    "1969-12-31T23:59:59.999999Z",
                    "2024-02-29T23:59:59+08:00",
                    "2026-01-01T07:59:59.5+08:00",
                    "2016-12-31T15:59:59-09:30",
                ]
                .map(Json::from),
            )
            .collect(),
        FieldType::Enum => field.values.iter().map(|option| json!(option.value.as_str())).collect(),
        FieldType::Ref => ids.iter().map(|id| json!(id)).collect(),
        FieldType::Point => {
            [(0.0, 0.0), (-90.0, -180.0), (90.0, 180.0), (0.000_001, -0.000_001), (34.293_001, 108.946_503)]
                .map(|(lat, lng)| json!({ "lat": lat, "lng": lng }))
                .to_vec()
        }
        FieldType::Area => areas(),
        FieldType::Json => jsons(),
        // The files of one tenant are not in another: tests/conformance/tests/files/spreadsheet.rs takes a column of them round.
        FieldType::List | FieldType::File => Vec::new(),
    }
}

fn texts(field: &Field, draw: &mut Draw) -> Vec<Json> {
    let made: Vec<String> = match (field.format, &field.pattern) {
        (Some(format), _) => formatted(format).iter().map(|text| (*text).to_owned()).collect(),
        (None, Some(_)) => (0..20).map(|_| shaped(draw)).collect(),
        (None, None) => {
            let longest = usize::try_from(field.max_chars()).unwrap();
            let mut made: Vec<String> = TEXTS.iter().map(|text| (*text).to_owned()).collect();
            made.extend(["𠮷".repeat(longest.min(500)), "\"\n".repeat(longest.min(20_000) / 2)]);
            made.extend((0..9).map(|_| format!("={},{}", draw.below(1_000_000), draw.below(1_000_000))));
            made
        }
    };
    made.into_iter().map(Json::from).collect()
}

/// What the package's pattern wants.
fn shaped(draw: &mut Draw) -> String {
    let letter = draw.one_of(&["A", "B", "Q", "Y"]).unwrap();
    format!("{letter}A-{:03}", draw.below(1_000))
}

/// Decimals of the field's scale at the ends of 64 bits and around zero.
fn decimals(field: &Field) -> Vec<String> {
    let Some(sunlit_domain::value::Kind::Decimal(scale)) = field.item_type().kind(field.scale) else {
        return Vec::new();
    };
    let all = [i64::MAX, -i64::MAX, 0, 1, -1, 10, 999_999_999_999_999, 1_000_000_000_000_001, -12_345];
    all.map(|unscaled| sunlit_domain::value::Decimal { unscaled, scale }.to_string()).to_vec()
}

fn areas() -> Vec<Json> {
    let outline = json!([[108.9, 34.2], [109.0, 34.2], [109.0, 34.3], [108.900_001, 34.3], [108.9, 34.2]]);
    let hole = json!([[108.95, 34.25], [108.96, 34.25], [108.96, 34.26], [108.95, 34.25]]);
    let far = json!([[-180.0, -90.0], [180.0, -90.0], [180.0, 90.0], [-180.0, -90.0]]);
    let wide: Vec<Json> =
        (0..200).map(|n| json!([100.0 + f64::from(n) * 0.000_007, 30.0 + f64::from(n % 7) * 0.1])).collect();
    let wide: Vec<Json> = wide.iter().chain(wide.first()).cloned().collect();
    vec![
        json!({ "type": "Polygon", "coordinates": [outline] }),
        json!({ "type": "Polygon", "coordinates": [outline, hole, hole] }),
        json!({ "type": "MultiPolygon", "coordinates": [[outline, hole], [far]] }),
        json!({ "type": "MultiPolygon", "coordinates": [[far]] }),
        json!({ "type": "Polygon", "coordinates": [wide] }),
    ]
}

fn jsons() -> Vec<Json> {
    let deep = (0..30).fold(json!("x"), |inner, _| json!([inner]));
    let texts: Vec<Json> = TEXTS.iter().map(|text| json!(text)).collect();
    let by_text: Json = TEXTS.iter().map(|text| ((*text).to_owned(), json!({ "n": text.len() }))).collect();
    vec![
        json!({}),
        json!([]),
        json!(""),
        json!("=1"),
        json!("null"),
        json!(false),
        json!(0),
        json!(-5),
        json!(u64::MAX),
        json!([0.1 + 0.2, 1e300, -1e-300, 5e-324, 9_007_199_254_740_993_u64, -0.0]),
        json!([null, [null], { "": null }]),
        json!("a\u{1}b"),
        json!(texts),
        deep,
        by_text,
        json!({ "b": 1, "a": { "d": [true, { "文": "“" }], "c": 2 } }),
    ]
}

/// Texts of the format, some of which it spells in another way.
fn formatted(format: Format) -> &'static [&'static str] {
    match format {
        Format::Uscc => &["91110000600037341L", " 91110000600037341l ", "１1441700007280420Y", "N2511702MF0A1B2C3M"],
        Format::OrganizationCode => &["00728042-0", "mb151840x", "M000100Y-4"],
        Format::ResidentId => &["11010519491231002X", "11010519491231002x", "610103200002290019"],
        Format::Division => &["610112", "６１０１１２", "820000"],
        Format::Division9 => &["610112001", "441900003"],
        Format::Division12 => &["610112001003", " 610112001000"],
        Format::Industry => &["A", "01", "0111"],
        Format::DocumentNumber => &["国办发〔2019〕54号", "国办发[2019]054号", "国务院令第711号"],
        Format::Postcode => &["710014", "012345"],
        Format::Phone => &["029-86521234", "+86 138 0000 0000", "12345", "(029)8652-1234转5"],
        Format::Email => &["=1+1@Example.ORG", "+a@b.cn", "'x@y.cn", "-a@b.cn"],
        Format::Url => &["HTTPS://Example.org/a?b=%20&c=1#d", "http://[::1]:8080/", "http://政务.cn/路"],
        Format::IndexNumber => &["91110000600037341L/2021-00050", "007280420/202106-1"],
    }
}
