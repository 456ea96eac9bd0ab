//! The line between a plugin and whatever hosts it.
//!
//! In a component the one implementation calls the WIT imports. On other targets a test passes its own to
//! [`Host::new`](crate::Host::new), so that a plugin is tested with `cargo test` and no Wasm.

use std::rc::Rc;

use crate::{Data, Error};

/// The host's functions as the contract in `wit/deps/host` has them.
pub trait HostPort {
    /// Reads records of one of the plugin's collections.
    ///
    /// # Errors
    /// What the host answers: denied, an unknown collection or field, a limit, storage unavailable.
    fn find(&self, collection: &str, query: &Query) -> Result<Found, Error>;

    /// Creates a record of one of the plugin's collections; answers its id. A port that does not say otherwise, like the
    /// host outside of actions, denies every change.
    ///
    /// # Errors
    /// What the host answers: denied, an unknown collection, values that are not acceptable, a limit.
    fn create(&self, _collection: &str, _values: &Data) -> Result<String, Error> {
        Err(Error::denied("records"))
    }

    /// Changes the record that was read at `version`; answers its new version.
    ///
    /// # Errors
    /// As for [`HostPort::create`], and [`Error::CONFLICT`] when it is at another version.
    fn update(&self, _collection: &str, _id: &str, _version: i64, _values: &Data) -> Result<i64, Error> {
        Err(Error::denied("records"))
    }

    /// Deletes the record that was read at `version`.
    ///
    /// # Errors
    /// As for [`HostPort::update`].
    fn delete(&self, _collection: &str, _id: &str, _version: i64) -> Result<(), Error> {
        Err(Error::denied("records"))
    }

    /// Reads one record, with what this call has written.
    ///
    /// # Errors
    /// What the host answers.
    fn get(&self, _collection: &str, _id: &str) -> Result<Option<Data>, Error> {
        Err(Error::denied("records"))
    }

    /// Reads a setting that the manifest declares.
    ///
    /// # Errors
    /// `Invalid` for a name that is not declared.
    fn setting(&self, name: &str) -> Result<Data, Error>;

    /// The instant of the call in microseconds since 1970-01-01T00:00:00Z.
    fn now_micros(&self) -> i64;

    /// Writes a line to the log.
    fn log(&self, level: Level, message: &str, fields: &[(String, String)]);
}

/// A test keeps one handle to look at what was asked, and gives the host another.
impl<P: HostPort + ?Sized> HostPort for Rc<P> {
    fn find(&self, collection: &str, query: &Query) -> Result<Found, Error> {
        (**self).find(collection, query)
    }

    fn create(&self, collection: &str, values: &Data) -> Result<String, Error> {
        (**self).create(collection, values)
    }

    fn update(&self, collection: &str, id: &str, version: i64, values: &Data) -> Result<i64, Error> {
        (**self).update(collection, id, version, values)
    }

    fn delete(&self, collection: &str, id: &str, version: i64) -> Result<(), Error> {
        (**self).delete(collection, id, version)
    }

    fn get(&self, collection: &str, id: &str) -> Result<Option<Data>, Error> {
        (**self).get(collection, id)
    }

    fn setting(&self, name: &str) -> Result<Data, Error> {
        (**self).setting(name)
    }

    fn now_micros(&self) -> i64 {
        (**self).now_micros()
    }

    fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        (**self).log(level, message, fields);
    }
}

/// Which records are wanted, and of them which fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The filter language as an object; none reads all that the viewer may read.
    pub filter: Option<Data>,
    /// The fields to order by, the weightiest first.
    pub order: Vec<Order>,
    /// How many at most, up to 1,000.
    pub first: u32,
    /// The cursor to go on after.
    pub after: Option<String>,
    /// The fields wanted; empty means all.
    pub fields: Vec<String>,
}

/// One field to order by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The name of the field.
    pub field: String,
    /// Largest first.
    pub descending: bool,
}

/// One page of records as it crosses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// A list of objects.
    pub records: Data,
    /// Where the next page begins.
    pub end_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_next: bool,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// For the vendor.
    Debug,
    /// What happened.
    Info,
    /// What should be looked at.
    Warn,
    /// What failed.
    Error,
}
