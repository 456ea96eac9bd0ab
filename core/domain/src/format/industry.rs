//! 国民经济行业分类, GB/T 4754-2017.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::{FormatError, refuse};

/// `core/domain/data/README.md` says where the file is from. Its codes carry the letter of their section: `A0111`.
static NAMES: LazyLock<BTreeMap<&'static str, &'static str>> =
    LazyLock::new(|| include_str!("../../data/gbt4754_2017.csv").lines().skip(1).filter_map(entry).collect());

/// One line: code, name in quotes, code of the parent. The code without the letter, which its two digits imply.
fn entry(line: &'static str) -> Option<(&'static str, &'static str)> {
    let (code, rest) = line.split_once(',')?;
    let (name, _) = rest.rsplit_once(',')?;
    Some((without_letter(code), name.trim_matches('"')))
}

fn without_letter(code: &str) -> &str {
    match code.get(1..) {
        Some(digits) if !digits.is_empty() && code.starts_with(|c: char| c.is_ascii_uppercase()) => digits,
        _ => code,
    }
}

/// A letter from A to T, or two, three or four digits, as the standard writes them. The letter before the digits, which
/// many write, is taken when it is the right one, and left out.
pub(super) fn code(text: &str) -> Result<String, FormatError> {
    let code = text.to_ascii_uppercase();
    let is_form = (1..=5).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !is_form {
        return refuse("format.industry.form");
    }
    let plain = without_letter(&code);
    let is_letter_right = plain.len() == code.len() || section(plain) == code.chars().next();
    if NAMES.contains_key(plain) && is_letter_right { Ok(plain.to_owned()) } else { refuse("format.industry.unknown") }
}

/// The letter of the section that digits belong to (GB/T 4754-2017, table 1: its divisions are numbered through).
fn section(digits: &str) -> Option<char> {
    let last = [
        (5, 'A'),
        (12, 'B'),
        (43, 'C'),
        (46, 'D'),
        (50, 'E'),
        (52, 'F'),
        (60, 'G'),
        (62, 'H'),
        (65, 'I'),
        (69, 'J'),
        (70, 'K'),
        (72, 'L'),
        (75, 'M'),
        (79, 'N'),
        (82, 'O'),
        (83, 'P'),
        (85, 'Q'),
        (90, 'R'),
        (96, 'S'),
        (97, 'T'),
    ];
    let division: u8 = digits.get(..2)?.parse().ok()?;
    last.into_iter().find(|(end, _)| division <= *end).map(|(_, letter)| letter)
}

/// The name of an industry by its code, with or without the letter of its section; none for a code that is not there.
///
/// ```
/// assert_eq!(sunlit_domain::format::industry_name("0111"), Some("稻谷种植"));
/// assert_eq!(sunlit_domain::format::industry_name("A0111"), Some("稻谷种植"));
/// ```
#[must_use]
pub fn industry_name(code: &str) -> Option<&'static str> {
    NAMES.get(self::code(code).ok()?.as_str()).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_of_the_file_stands_in_the_section_that_its_letter_says() {
        let lines = include_str!("../../data/gbt4754_2017.csv").lines().skip(1);
        for line in lines {
            let code = line.split(',').next().unwrap();
            assert!(industry_name(code).is_some(), "{code}");
        }
        let levels = |length| NAMES.keys().filter(|code| code.len() == length).count();
        assert_eq!([levels(1), levels(2), levels(3), levels(4)], [20, 97, 473, 1_381]);
    }
}
