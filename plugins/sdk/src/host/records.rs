//! Changing the plugin's own collections.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Host;
use crate::port::HostPort as _;
use crate::{Data, Error, Id, tokens};

/// Changes of the plugin's own collections, in an action; elsewhere all of them are denied.
///
/// The host keeps what is written until the action has answered a value, and then commits all of it together; an error
/// leaves nothing. Later reads of the same call see it already. An action may run again from its beginning, on newer data,
/// when somebody else was faster: it must not take anything from one run to the next.
pub struct Records<'h> {
    pub(super) host: &'h Host,
}

impl Records<'_> {
    /// Creates a record of these values, a struct of fields; what it leaves out takes the declared default. Answers its id;
    /// its version is 1.
    ///
    /// # Errors
    /// `Invalid` with the name of each value that is not acceptable, `Denied`, `NotFound` for another package's
    /// collection, `Limit` past 200 changes or 1 MiB a call.
    pub fn create(&self, collection: &str, values: &impl Serialize) -> Result<Id, Error> {
        Ok(Id::new(self.host.port.create(collection, &tokens::to_data(values)?)?))
    }

    /// Changes the fields that `values` names, of a record that was read at `version`. Answers its new version.
    ///
    /// # Errors
    /// As for [`Records::create`]; [`Error::CONFLICT`] when the record is at another version.
    pub fn update(&self, collection: &str, id: &Id, version: i64, values: &impl Serialize) -> Result<i64, Error> {
        self.host.port.update(collection, id.as_str(), version, &tokens::to_data(values)?)
    }

    /// Deletes a record that was read at `version`.
    ///
    /// # Errors
    /// As for [`Records::update`].
    pub fn delete(&self, collection: &str, id: &Id, version: i64) -> Result<(), Error> {
        self.host.port.delete(collection, id.as_str(), version)
    }

    /// One record as this call sees it. `T` is a struct of the fields wanted, among them `id`, `version` and `state`.
    ///
    /// # Errors
    /// What the host answers, and a record that does not fit `T`.
    pub fn get<T: DeserializeOwned>(&self, collection: &str, id: &Id) -> Result<Option<T>, Error> {
        let found: Option<Data> = self.host.port.get(collection, id.as_str())?;
        let read = |data| tokens::from_data(data).map_err(|error| Error::fault(format!("{collection}: {error}")));
        found.map(read).transpose()
    }
}
