//! What a follower may see of a change, with its own rights.

use std::sync::Arc;

use sunlit_domain::record::Record;

use super::record_get;
use crate::{AppError, Change, ChangeKind, Package, Reading};

/// A change as one viewer sees it.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// The record as it is now, which may be later than the change.
    Record(Arc<Record>),
    /// It is gone; the viewer could read it before.
    Gone,
}

/// What the viewer of `reading` sees; nothing when it may not read the record now, or, of one that was deleted, might not
/// read it before. A record that left the viewer's reach is silent too: to tell of it would tell of what it became. So is an update
/// behind which another has come already: that one has its own word, and what lay between may have been out of reach.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] when no rule lets the viewer read at all any more.
pub async fn run(reading: &Reading, package: &Package, change: &Change) -> Result<Option<Seen>, AppError> {
    let collection = package.table(&change.collection)?.collection();
    let readable = reading.readable(collection)?;
    match &change.removed {
        Some(removed) => Ok(match removed.record(change.id, collection) {
            Some(record) => record_get::written(reading, package, &change.collection, record).map(|_| Seen::Gone),
            None => readable.is_everything().then_some(Seen::Gone),
        }),
        None => {
            let found = record_get::by_ids(reading, package, &change.collection, &[change.id]).await?;
            let is_told_later =
                |record: &Record| change.kind == ChangeKind::Updated && record.version() > change.version;
            let told = found.into_iter().find(|record| !is_told_later(record));
            Ok(told.map(|record| Seen::Record(Arc::new(record))))
        }
    }
}

/// Whether the viewer may read the collection at all.
///
/// # Errors
/// As [`run`].
pub fn may_follow(reading: &Reading, package: &Package, collection: &str) -> Result<(), AppError> {
    reading.readable(package.table(collection)?.collection()).map(drop)
}
