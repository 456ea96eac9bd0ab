//! Codes of places, by their form: which of them are in use changes each year and is data of a tenant.

use super::{FormatError, is_digits, refuse};

/// The first two digits of GB/T 2260-2007: the 34 provinces, autonomous regions, municipalities and special regions.
const PROVINCES: [&str; 34] = [
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82",
];

pub(super) fn is_province(digits: &str) -> bool {
    PROVINCES.contains(&digits)
}

/// GB/T 2260 for six digits; 统计用区划代码 (国家统计局《统计用区划代码和城乡划分代码编制规则》) for nine and twelve: province,
/// city, county of two digits each, street and village of three. Nothing stands below a level that is all zeros, but a
/// street may stand right below a city that has no counties.
pub(super) fn division(text: &str, digits: usize) -> Result<String, FormatError> {
    if !is_digits(text, digits) {
        return refuse(match digits {
            6 => "format.division.form",
            9 => "format.division_9.form",
            _ => "format.division_12.form",
        });
    }
    if !is_province(&text[..2]) {
        return refuse("format.division.province");
    }
    let is_zero = |from: usize, to: usize| text.get(from..to).is_none_or(|part| part.bytes().all(|byte| byte == b'0'));
    let has_gap = is_zero(2, 4) && !is_zero(4, digits) || is_zero(6, 9) && !is_zero(9, digits);
    if has_gap { refuse("format.division.gap") } else { Ok(text.to_owned()) }
}

/// Six digits, not all of them zero. Which of them post offices use is not known here.
pub(super) fn postcode(text: &str) -> Result<String, FormatError> {
    if is_digits(text, 6) && text != "000000" { Ok(text.to_owned()) } else { refuse("format.postcode") }
}
