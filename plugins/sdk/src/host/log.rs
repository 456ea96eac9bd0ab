//! The log.

use super::Host;
use crate::port::{HostPort as _, Level};

/// Lines for the operator and the vendor; the host adds tenant, package, version and trace. Past 64 KiB a call the rest
/// is dropped.
pub struct Log<'h> {
    pub(super) host: &'h Host,
}

impl Log<'_> {
    /// For the vendor.
    pub fn debug(&self, message: &str, fields: &[(&str, &str)]) {
        self.write(Level::Debug, message, fields);
    }

    /// What happened.
    pub fn info(&self, message: &str, fields: &[(&str, &str)]) {
        self.write(Level::Info, message, fields);
    }

    /// What should be looked at.
    pub fn warn(&self, message: &str, fields: &[(&str, &str)]) {
        self.write(Level::Warn, message, fields);
    }

    /// What failed.
    pub fn error(&self, message: &str, fields: &[(&str, &str)]) {
        self.write(Level::Error, message, fields);
    }

    fn write(&self, level: Level, message: &str, fields: &[(&str, &str)]) {
        let fields: Vec<_> = fields.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        self.host.port.log(level, message, &fields);
    }
}
