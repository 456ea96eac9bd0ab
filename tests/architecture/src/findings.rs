//! What a rule found, told all at once.

use std::fmt::Display;

/// Breaches of one rule.
#[derive(Debug, Default)]
pub struct Findings(Vec<String>);

impl Findings {
    /// A breach that belongs to a whole file or folder.
    pub fn add(&mut self, place: &str, what: impl Display) {
        self.0.push(format!("{place}: {what}"));
    }

    /// A breach in a line, from 1.
    pub fn at(&mut self, file: &str, line: usize, what: impl Display) {
        self.0.push(format!("{file}:{line}: {what}"));
    }

    /// Fails the test when there is any; `mend` says what to do about all of them.
    ///
    /// # Panics
    /// When there is any.
    pub fn none(self, mend: &str) {
        let Self(found) = self;
        assert!(found.is_empty(), "\n{}\n\n{} found. {mend}\n", found.join("\n"), found.len());
    }
}
