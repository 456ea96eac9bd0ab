//! Codes of administrative divisions, and the days on which they hold: districts are merged and founded every year.

use crate::value::Date;

/// How many former codes an authority may have.
pub const MAX_FORMER_CODES: usize = 20;

/// A code that is an authority's, or was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DivisionCode {
    /// See [`is_code`].
    pub code: String,
    /// The first day on which it held; none when nobody says which.
    pub valid_from: Option<Date>,
    /// The first day on which it no longer held; none of today's.
    pub valid_to: Option<Date>,
}

impl DivisionCode {
    /// Whether both are the same code and hold on a common day.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.code == other.code && !self.ends_before(other) && !other.ends_before(self)
    }

    fn ends_before(&self, other: &Self) -> bool {
        self.valid_to.zip(other.valid_from).is_some_and(|(to, from)| to <= from)
    }
}

/// Whether a text is written like a code: six digits (GB/T 2260), or nine of a street (统计用区划代码).
#[must_use]
pub fn is_code(text: &str) -> bool {
    matches!(text.len(), 6 | 9) && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_overlap_when_they_are_the_same_on_a_common_day() {
        let code = |code: &str, from: &str, to: &str| DivisionCode {
            code: code.to_owned(),
            valid_from: from.parse().ok(),
            valid_to: to.parse().ok(),
        };
        let check = |one: DivisionCode, other: DivisionCode, expect: bool| {
            assert_eq!((one.overlaps(&other), other.overlaps(&one)), (expect, expect), "{one:?} {other:?}");
        };
        let held = || code("900001", "2001-01-01", "2009-05-06");
        check(held(), held(), true);
        check(held(), code("900001", "2009-05-06", ""), false);
        check(held(), code("900001", "2009-05-05", ""), true);
        check(held(), code("900001", "", "2001-01-01"), false);
        check(held(), code("900001", "", ""), true);
        check(held(), code("900002", "", ""), false);
    }

    #[test]
    fn a_code_has_six_or_nine_digits() {
        for code in ["900001", "900001001"] {
            assert!(is_code(code), "{code}");
        }
        for text in ["", "90000", "9000010", "900001001001", "90000x", "９０", "cn-one"] {
            assert!(!is_code(text), "{text}");
        }
    }
}
