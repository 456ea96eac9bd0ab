//! What is left of a sensitive text for those who may read its record and not the text itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands for what is masked. A masked field takes no text that has it, so that nobody writes a mask back.
pub(super) const COVER: char = '*';
/// The longest row of covers: the length of a long text is nobody's business.
const MOST: usize = 10;

/// How a text is masked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mask {
    /// `138****5678`: the first three and the last four; of fewer than eleven characters the last two.
    Phone,
    /// `6101**********1234`: the first four and the last four; of fewer than fifteen characters the first and the last.
    Identity,
    /// `张*`: the first.
    Name,
    /// `******`, whatever it is.
    All,
}

impl Mask {
    /// The text with everything covered that nobody is to see.
    #[must_use]
    pub fn cover(self, text: &str) -> String {
        let length = text.chars().count();
        let (head, tail) = match self {
            Self::Phone if length >= 11 => (3, 4),
            Self::Phone if length >= 7 => (0, 2),
            Self::Identity if length >= 15 => (4, 4),
            Self::Identity if length >= 8 => (1, 1),
            Self::Name if length >= 2 => (1, 0),
            Self::Phone | Self::Identity | Self::Name => (0, 0),
            Self::All => return COVER.to_string().repeat(6),
        };
        let covered = (length - head - tail).min(MOST);
        let shown = |skip: usize, take: usize| text.chars().skip(skip).take(take).collect::<String>();
        format!("{}{}{}", shown(0, head), COVER.to_string().repeat(covered), shown(length - tail, tail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mask_leaves_what_it_says() {
        let check = |mask: Mask, text: &str, expect: &str| assert_eq!(mask.cover(text), expect, "{mask:?} {text}");
        check(Mask::Phone, "13812345678", "138****5678");
        check(Mask::Phone, "+8613812345678", "+86*******5678");
        check(Mask::Phone, "029-88886666", "029*****6666");
        check(Mask::Phone, "88886666", "******66");
        check(Mask::Phone, "8888666", "*****66");
        check(Mask::Phone, "888866", "******");
        check(Mask::Phone, "12345", "*****");
        check(Mask::Phone, "", "");
        check(Mask::Identity, "610112199003071234", "6101**********1234");
        check(Mask::Identity, "61011219900307123X", "6101**********123X");
        check(Mask::Identity, "610112900307123", "6101*******7123");
        check(Mask::Identity, "E12345678", "E*******8");
        check(Mask::Identity, "E123456", "*******");
        check(Mask::Name, "张三", "张*");
        check(Mask::Name, "张三丰", "张**");
        check(Mask::Name, "欧阳娜娜", "欧***");
        check(Mask::Name, "张", "*");
        check(Mask::Name, "Alexander Hamilton", "A**********");
        check(Mask::Name, "𠮷野家", "𠮷**");
        check(Mask::All, "x", "******");
        check(Mask::All, "一段很长很长很长很长的文字", "******");
        check(Mask::Identity, &"9".repeat(100), "9999**********9999");
    }

    #[test]
    fn no_mask_shows_more_than_half_of_a_text() {
        for mask in [Mask::Phone, Mask::Identity, Mask::Name, Mask::All] {
            for length in 1..60_usize {
                let text: String = ('a'..='z').cycle().take(length).collect();
                let shown = mask.cover(&text).chars().filter(|c| *c != COVER).count();
                assert!(shown * 2 <= length + 5 && (shown * 3 <= length * 2), "{mask:?} {length}: {shown}");
            }
        }
    }
}
