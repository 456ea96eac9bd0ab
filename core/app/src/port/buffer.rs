//! What one action has written so far: the changes in their order, and the records as the call sees them.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use sunlit_domain::id::RecordId;
use sunlit_domain::record::Record;

use crate::command::record::apply::Write;

/// The changes of one call. Nothing here touches the database; dropping it forgets all of it.
#[derive(Debug, Default)]
pub(crate) struct Buffer(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    writes: Vec<Write>,
    /// By collection and id; none for a record that was deleted.
    seen: BTreeMap<String, BTreeMap<RecordId, Option<Record>>>,
    /// The versions of the last change that came for a record at another version: expected, found.
    conflict: Option<(i64, i64)>,
}

impl Buffer {
    /// Keeps a change, and what the record is after it.
    pub(crate) fn keep(&self, write: Write, after: Option<Record>) {
        let mut kept = self.lock();
        kept.seen.entry(write.collection.clone()).or_default().insert(write.id, after);
        kept.writes.push(write);
    }

    /// Remembers that the plugin knew an older version than there is.
    pub(crate) fn note_conflict(&self, expected: i64, found: i64) {
        self.lock().conflict = Some((expected, found));
    }

    /// The last conflict that the plugin was told.
    pub(crate) fn conflict(&self) -> Option<(i64, i64)> {
        self.lock().conflict
    }

    /// The record, if this call has changed it: none inside for a deleted one.
    pub(crate) fn record(&self, collection: &str, id: RecordId) -> Option<Option<Record>> {
        self.lock().seen.get(collection)?.get(&id).cloned()
    }

    /// The collection's records that this call has changed.
    pub(crate) fn records(&self, collection: &str) -> BTreeMap<RecordId, Option<Record>> {
        self.lock().seen.get(collection).cloned().unwrap_or_default()
    }

    /// Takes the changes out, for the command that commits them.
    pub(crate) fn take(&self) -> Vec<Write> {
        std::mem::take(&mut self.lock().writes)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
