//! What a command leaves beside its records: an audit entry, an event, and the state of the files that they refer to.

use sha2::{Digest as _, Sha256};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::record::Record;
use sunlit_domain::value::Timestamp;
use sunlit_storage::tenant::{audit, outbox};
use sunlit_storage::{Table, Work};

use super::record::attachment;
use crate::package::hex;
use crate::{App, AppError};

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    Created,
    Updated,
    Deleted,
}

impl Done {
    fn action(self) -> &'static str {
        match self {
            Self::Created => "create",
            Self::Updated => "update",
            Self::Deleted => "delete",
        }
    }

    fn event(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}

/// Settles the files and writes the audit entry and the event of a change from `before` to `after`.
pub(super) async fn of_record(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    (before, after): (Option<&Record>, Option<&Record>),
    (done, at): (Done, Timestamp),
) -> Result<(), AppError> {
    let Some(record) = after.or(before) else { return Ok(()) };
    let collection = table.collection();
    attachment::settle(scope, work, collection, (before, after), at).await?;
    let subject = format!("{}.{}", table.manifest().plugin.id, collection.name);
    let digest = |record: Option<&Record>| record.map(|record| hex(&Sha256::digest(record.canonical(collection))));
    let entry = audit::Entry {
        id: RecordId(app.environment.new_id()),
        at,
        action: done.action(),
        subject: subject.clone(),
        subject_id: record.id.to_string(),
        before_digest: digest(before),
        after_digest: digest(after),
    };
    audit::write(scope, work, entry).await?;
    let event = outbox::Event {
        id: RecordId(app.environment.new_id()),
        at,
        event: format!("{subject}.{}", done.event()),
        record: record.id,
        version: record.version(),
    };
    Ok(outbox::write(scope, work, event).await?)
}

/// Writes the audit entry of a change to something that is no record.
pub(super) async fn of_change(
    app: &App,
    scope: &Scope,
    work: &Work,
    (action, subject, subject_id): (&'static str, &str, &str),
    at: Timestamp,
) -> Result<(), AppError> {
    let entry = audit::Entry {
        id: RecordId(app.environment.new_id()),
        at,
        action,
        subject: subject.to_owned(),
        subject_id: subject_id.to_owned(),
        before_digest: None,
        after_digest: None,
    };
    Ok(audit::write(scope, work, entry).await?)
}
