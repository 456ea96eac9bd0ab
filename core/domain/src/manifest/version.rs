//! Version numbers: `major.minor.patch`, compared by number. What each of the three promises is said in [`super::compare()`].

use std::fmt;
use std::str::FromStr;

/// `major.minor.patch`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// A new one has tables of its own, and may change everything.
    pub major: u16,
    /// A new one may add.
    pub minor: u16,
    /// A new one changes nothing that others see.
    pub patch: u16,
}

/// A text that is no version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected major.minor.patch, like \"1.0.0\"")]
pub struct VersionError;

impl FromStr for Version {
    type Err = VersionError;

    /// Accepts plain numbers up to 65535 without leading zeros, so that a version has one spelling.
    fn from_str(text: &str) -> Result<Self, VersionError> {
        let mut parts =
            text.split('.').map(|part| part.parse::<u16>().ok().filter(|number| number.to_string() == part));
        let mut next = || parts.next().flatten().ok_or(VersionError);
        let version = Self { major: next()?, minor: next()?, patch: next()? };
        if parts.next().is_none() { Ok(version) } else { Err(VersionError) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number_and_have_one_spelling() {
        let version = |text: &str| text.parse::<Version>();
        assert!(version("1.10.0").unwrap() > version("1.9.9").unwrap());
        assert!(version("10.0.0").unwrap() > version("9.65535.1").unwrap());
        assert_eq!(version("0.1.2").unwrap().to_string(), "0.1.2");
        for wrong in ["", "1", "1.0", "1.0.0.0", "01.0.0", "+1.0.0", "1.0.x", "1.0.65536", "1..0", " 1.0.0"] {
            assert!(version(wrong).is_err(), "{wrong}");
        }
    }
}
