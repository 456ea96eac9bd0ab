//! What a command leaves beside its records: an audit entry and an event.

use sha2::{Digest as _, Sha256};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::record::Record;
use sunlit_domain::value::Timestamp;
use sunlit_storage::tenant::{audit, outbox};
use sunlit_storage::{Table, Work};

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

/// Writes the audit entry and the event of a change from `before` to `after`.
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
    let digest = |record: Option<&Record>| record.map(|record| hex(&Sha256::digest(record.canonical(collection))));
    let entry = audit::Entry {
        id: RecordId(app.environment.new_id()),
        at,
        action: done.action(),
        subject: subject(table),
        subject_id: record.id.to_string(),
        before_digest: digest(before),
        after_digest: digest(after),
    };
    audit::write(scope, work, entry).await?;
    Ok(outbox::write(scope, work, event(app, table, record, (done, at))).await?)
}

/// Writes the events of changes that left `records`, for a command whose one audit entry is about all of them.
pub(super) async fn events_of_records(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    records: &[Record],
    (done, at): (Done, Timestamp),
) -> Result<(), AppError> {
    let events = records.iter().map(|record| event(app, table, record, (done, at)));
    Ok(outbox::write_many(scope, work, events.collect()).await?)
}

fn event(app: &App, table: &Table, record: &Record, (done, at): (Done, Timestamp)) -> outbox::Event {
    outbox::Event {
        id: RecordId(app.environment.new_id()),
        at,
        event: format!("{}.{}", subject(table), done.event()),
        record: record.id,
        version: record.version(),
    }
}

/// `street-cards.street`.
fn subject(table: &Table) -> String {
    format!("{}.{}", table.manifest().plugin.id, table.collection().name)
}

/// Writes the audit entry and the event of an import: which file, as its SHA-256, and how many records it created and
/// changed. The event `<package>.<collection>.imported` names the import by its id, and has the number of records for a
/// version.
pub(super) async fn of_import(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    (id, digest, created, updated): (RecordId, &str, usize, usize),
    at: Timestamp,
) -> Result<(), AppError> {
    let entry = audit::Entry {
        id: RecordId(app.environment.new_id()),
        at,
        action: "import",
        subject: subject(table),
        subject_id: format!("{id} created={created} updated={updated}"),
        before_digest: None,
        after_digest: Some(digest.to_owned()),
    };
    audit::write(scope, work, entry).await?;
    let event = outbox::Event {
        id: RecordId(app.environment.new_id()),
        at,
        event: format!("{}.imported", subject(table)),
        record: id,
        version: i64::try_from(created + updated).unwrap_or(i64::MAX),
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
