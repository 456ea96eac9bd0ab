//! TOML texts that people write: read into types, with errors that name file, line, field and mend.

use std::fmt;
use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::de::{DeTable, DeValue};

/// How many errors are told at once.
const MAX_ERRORS: usize = 50;

/// Something wrong at a place that is named by its keys and indices: `collection.0.field.2.scale`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceProblem {
    /// Keys and indices, joined by points.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// One error with its place in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    /// The file as it was named.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The field's path; empty when the text is not TOML at all.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, path, message } = self;
        if path.is_empty() {
            write!(f, "{file}:{line}: {message}")
        } else {
            write!(f, "{file}:{line}: {path}: {message}")
        }
    }
}

/// All that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceErrors(pub Vec<SourceError>);

impl fmt::Display for SourceErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.0.iter().enumerate() {
            write!(f, "{}{error}", if index == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for SourceErrors {}

/// A text with the name of its file.
#[derive(Debug, Clone, Copy)]
pub struct TomlSource<'a> {
    file: &'a str,
    text: &'a str,
}

impl<'a> TomlSource<'a> {
    /// `file` is only named in errors.
    #[must_use]
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text }
    }

    /// Reads the text into a type.
    ///
    /// # Errors
    /// The first thing that does not fit.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, SourceErrors> {
        if self.text.len() > 1_048_576 {
            return Err(self.error(0, String::new(), "larger than 1 MiB: split it"));
        }
        toml::from_str(self.text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            self.error(offset, String::new(), error.message())
        })
    }

    /// Gives problems their lines.
    #[must_use]
    pub fn errors(&self, problems: Vec<SourceProblem>) -> SourceErrors {
        let table = DeTable::parse(self.text).ok();
        let locate =
            |path: &str| table.as_ref().and_then(|table| locate(table.get_ref(), path)).map_or(0, |span| span.start);
        let errors = problems.into_iter().take(MAX_ERRORS).map(|problem| SourceError {
            file: self.file.to_owned(),
            line: self.line(locate(&problem.path)),
            path: problem.path,
            message: problem.message,
        });
        SourceErrors(errors.collect())
    }

    fn error(&self, offset: usize, path: String, message: &str) -> SourceErrors {
        let line = self.line(offset);
        SourceErrors(vec![SourceError { file: self.file.to_owned(), line, path, message: message.trim().to_owned() }])
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
    }
}

/// The span of the deepest part of `path` that is there.
fn locate(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let mut steps = path.split('.');
    let (key, value) = table.iter().find(|(key, _)| Some(key.get_ref().as_ref()) == steps.clone().next())?;
    steps.next();
    let mut found = key.span();
    let mut here = value;
    for step in steps {
        let (span, next) = match here.get_ref() {
            DeValue::Table(table) => match table.iter().find(|(key, _)| key.get_ref() == step) {
                Some((key, value)) => (key.span(), value),
                None => break,
            },
            DeValue::Array(items) => match step.parse::<usize>().ok().and_then(|index| items.get(index)) {
                Some(value) => (value.span(), value),
                None => break,
            },
            _ => break,
        };
        found = span;
        here = next;
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "[plugin]\nid = 'x'\n\n[[collection]]\nname = 'a'\n[[collection.field]]\nname = 'b'\nscale = 3\n";

    #[test]
    fn a_problem_is_told_with_its_line() {
        let check = |path: &str, line| {
            let problem = SourceProblem { path: path.to_owned(), message: "wrong".to_owned() };
            assert_eq!(TomlSource::new("plugin.toml", TEXT).errors(vec![problem]).0[0].line, line, "{path}");
        };
        check("plugin.id", 2);
        check("collection.0.name", 5);
        check("collection.0.field.0.scale", 8);
        check("collection.0.field.0.missing", 6);
        check("nothing", 1);
    }

    #[test]
    fn text_that_is_not_toml_is_told_with_its_line() {
        let error = TomlSource::new("x.toml", "a = 1\nb = \n").read::<toml::Table>().unwrap_err();
        assert_eq!((error.0[0].line, error.to_string().starts_with("x.toml:2: ")), (2, true));
    }
}
