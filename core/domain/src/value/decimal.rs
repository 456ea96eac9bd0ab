//! Exact decimals: an integer and a scale. Nothing is ever rounded silently.

use std::fmt;

use super::ValueError;

/// The largest scale of a field: 18 digits after the point fit 64 bits.
pub const MAX_SCALE: u8 = 9;

/// `unscaled / 10^scale`. Comparison is meant between values of one field, which share their scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal {
    /// The digits as a whole number.
    pub unscaled: i64,
    /// How many of the digits stand after the point.
    pub scale: u8,
}

impl Decimal {
    /// Reads `-12.5` into `scale` digits after the point.
    ///
    /// # Errors
    /// When the text is no plain decimal number, has more digits after the point than `scale` (zeros aside), or is too
    /// large for 64 bits.
    pub fn parse(text: &str, scale: u8) -> Result<Self, ValueError> {
        let wrong = || ValueError(format!("expected a decimal number with at most {scale} digits after the point"));
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(fraction) {
            return Err(wrong());
        }
        let fraction = fraction.trim_end_matches('0');
        if fraction.len() > usize::from(scale) {
            return Err(wrong());
        }
        let padded = format!("{whole}{fraction:0<width$}", width = usize::from(scale));
        let magnitude: i64 = padded.parse().map_err(|_| ValueError("the number is too large".to_owned()))?;
        Ok(Self { unscaled: if negative { -magnitude } else { magnitude }, scale })
    }

    /// The same number in another scale; none when digits would be lost or 64 bits do not hold it.
    #[must_use]
    pub fn rescale(self, scale: u8) -> Option<Self> {
        let unscaled = if scale >= self.scale {
            self.unscaled.checked_mul(10_i64.checked_pow(u32::from(scale - self.scale))?)?
        } else {
            let divisor = 10_i64.checked_pow(u32::from(self.scale - scale))?;
            (self.unscaled % divisor == 0).then_some(self.unscaled / divisor)?
        };
        Some(Self { unscaled, scale })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Total { unscaled: self.unscaled.into(), scale: self.scale }.fmt(f)
    }
}

/// A sum of many decimals of one scale, which may be larger than one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Total {
    /// The digits as a whole number.
    pub unscaled: i128,
    /// How many of the digits stand after the point.
    pub scale: u8,
}

impl Total {
    /// The mean of `count` values with this sum, with two more digits after the point, half rounded away from zero; none of
    /// no values.
    #[must_use]
    pub fn mean(self, count: i64) -> Option<Self> {
        let (count, doubled) = (i128::from(count), self.unscaled.checked_mul(200)?);
        if count <= 0 {
            return None;
        }
        let unscaled = (doubled + doubled.signum() * count) / (count * 2);
        Some(Self { unscaled, scale: self.scale + 2 })
    }
}

impl fmt::Display for Total {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let digits = self.unscaled.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_number_agree() {
        let check = |text, scale, unscaled, shown: &str| {
            let decimal = Decimal::parse(text, scale).unwrap();
            assert_eq!((decimal.unscaled, decimal.to_string().as_str()), (unscaled, shown));
        };
        check("12.5", 2, 1250, "12.50");
        check("-0.05", 2, -5, "-0.05");
        check("4.800", 1, 48, "4.8");
        check("7", 0, 7, "7");
        check("9223372036854775807", 0, i64::MAX, "9223372036854775807");
    }

    #[test]
    fn nothing_is_rounded_and_nothing_odd_is_read() {
        for text in ["1.005", "", ".", "1.", ".5", "+1", "1e3", "１", "0x1", " 1", "99999999999999999999"] {
            assert!(Decimal::parse(text, 2).is_err(), "{text}");
        }
        assert_eq!(Decimal { unscaled: 125, scale: 2 }.rescale(1), None);
        assert_eq!(Decimal { unscaled: 120, scale: 2 }.rescale(1), Some(Decimal { unscaled: 12, scale: 1 }));
        assert_eq!(Decimal { unscaled: i64::MAX, scale: 0 }.rescale(1), None);
    }
}
