//! Exact decimals.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::Error;

/// An exact decimal: `unscaled / 10^scale`. Equality is of the pair, so compare values of one scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits without the point.
    pub unscaled: i64,
    /// How many of them stand after the point.
    pub scale: u8,
}

impl Decimal {
    /// The name by which the tokens recognise a decimal among newtypes.
    pub(crate) const NAME: &'static str = "$sunlit::Decimal";

    /// `unscaled / 10^scale`: `new(48, 1)` is 4.8.
    #[must_use]
    pub const fn new(unscaled: i64, scale: u8) -> Self {
        Self { unscaled, scale }
    }

    /// A measured number with `scale` digits after the point, halves away from zero.
    ///
    /// # Errors
    /// When the number is not finite or its digits do not fit.
    pub fn rounded(number: f64, scale: u8) -> Result<Self, Error> {
        let unscaled = (number * 10_f64.powi(i32::from(scale))).round();
        // 2^63 is exact as a float, and no float lies between it and the largest i64.
        if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&unscaled) {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number inside the range of i64")]
            let unscaled = unscaled as i64;
            Ok(Self { unscaled, scale })
        } else {
            Err(Error::fault(format!("a number does not fit a decimal of scale {scale}")))
        }
    }

    /// The nearest float, to measure with.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "the nearest float is what is asked for")]
        let unscaled = self.unscaled as f64;
        unscaled / 10_f64.powi(i32::from(self.scale))
    }
}

impl From<i64> for Decimal {
    fn from(number: i64) -> Self {
        Self { unscaled: number, scale: 0 }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.unscaled.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let point = if scale == 0 { "" } else { "." };
        write!(f, "{sign}{whole}{point}{fraction}")
    }
}

impl Serialize for Decimal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(Self::NAME, &(self.unscaled, self.scale))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::NAME, DecimalVisitor)
    }
}

struct DecimalVisitor;

impl<'de> de::Visitor<'de> for DecimalVisitor {
    type Value = Decimal;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Decimal, D::Error> {
        let (unscaled, scale) = Deserialize::deserialize(deserializer)?;
        Ok(Decimal { unscaled, scale })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_every_digit_after_the_point() {
        let check = |unscaled, scale, text| assert_eq!(Decimal::new(unscaled, scale).to_string(), text);
        check(48, 1, "4.8");
        check(-5, 2, "-0.05");
        check(0, 0, "0");
        check(i64::MIN, 3, "-9223372036854775.808");
    }

    #[test]
    fn rounds_halves_away_from_zero_and_refuses_what_does_not_fit() {
        let check = |number, expect| assert_eq!(Decimal::rounded(number, 1).ok(), expect);
        check(4.25, Some(Decimal::new(43, 1)));
        check(-4.25, Some(Decimal::new(-43, 1)));
        check(f64::NAN, None);
        check(f64::INFINITY, None);
        check(1e18, None);
    }
}
