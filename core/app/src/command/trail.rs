//! What a command leaves beside its records: an audit entry, an event, and the state of the files that they refer to.

use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Field;
use sunlit_domain::record::Record;
use sunlit_domain::value::Timestamp;
use sunlit_storage::tenant::{audit, outbox};
use sunlit_storage::{Table, Work, record as stored};

use super::deadline::{self, subject};
use super::record::attachment;
use crate::nodes::Removed;
use crate::{App, AppError, Change, ChangeKind};

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done<'a> {
    Created,
    Updated,
    Deleted,
    /// A transition of this name was made.
    Moved(&'a str),
}

impl<'a> Done<'a> {
    fn action(self) -> &'static str {
        match self {
            Self::Created => "create",
            Self::Updated => "update",
            Self::Deleted => "delete",
            Self::Moved(_) => "transition",
        }
    }

    fn kind(self) -> ChangeKind {
        match self {
            Self::Created => ChangeKind::Created,
            Self::Updated | Self::Moved(_) => ChangeKind::Updated,
            Self::Deleted => ChangeKind::Deleted,
        }
    }

    fn event(self) -> &'a str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
            Self::Moved(transition) => transition,
        }
    }
}

/// Settles the files, writes the audit entry and the event of a change from `before` to `after`, and lets history and
/// deadlines follow; answers what is to be told once it is committed (`Changes::commit`).
pub(super) async fn of_record(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    (before, after): (Option<&Record>, Option<&Record>),
    (done, at): (Done<'_>, Timestamp),
) -> Result<Option<Change>, AppError> {
    let Some(record) = after.or(before) else { return Ok(None) };
    let collection = table.collection();
    attachment::settle(scope, work, collection, (before, after), at).await?;
    let mut digests = [None, None];
    for (record, digest) in [before, after].into_iter().zip(&mut digests) {
        if let Some(record) = record {
            *digest = Some(stored::digest(scope, work, table, record).await?);
        }
    }
    let [before_digest, after_digest] = digests;
    let entry = audit::Entry {
        id: RecordId(app.environment.new_id()),
        at,
        action: done.action(),
        subject: subject(table),
        subject_id: record.id.to_string(),
        before_digest,
        after_digest,
    };
    audit::write(scope, work, entry).await?;
    outbox::write(scope, work, event(app, table, record, (done, at))).await?;
    deadline::follow::run(app, scope, work, table, &[(before, after)], at).await?;
    Ok(Some(told(scope, table, (before, after), (record, done))))
}

fn told(
    scope: &Scope,
    table: &Table,
    (before, after): (Option<&Record>, Option<&Record>),
    (record, done): (&Record, Done<'_>),
) -> Change {
    Change {
        tenant: scope.tenant(),
        package: table.manifest().plugin.id.as_str().into(),
        collection: table.collection().name.as_str().into(),
        id: record.id,
        version: record.version(),
        kind: done.kind(),
        removed: before
            .filter(|_| after.is_none())
            .map(|before| Removed::Here(table.clone(), Box::new(before.clone()))),
    }
}

/// What [`of_record`] leaves but for the audit entries, for a command whose one entry is about all these records, each as it
/// was and as it is.
pub(super) async fn events_of_records(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    records: &[(Option<&Record>, Record)],
    (done, at): (Done<'_>, Timestamp),
) -> Result<Vec<Change>, AppError> {
    let events = records.iter().map(|(_, record)| event(app, table, record, (done, at)));
    outbox::write_many(scope, work, events.collect()).await?;
    let collection = table.collection();
    if collection.fields.iter().any(Field::holds_files) {
        for (before, after) in records {
            attachment::settle(scope, work, collection, (*before, Some(after)), at).await?;
        }
    }
    let pairs: Vec<_> = records.iter().map(|(before, after)| (*before, Some(after))).collect();
    deadline::follow::run(app, scope, work, table, &pairs, at).await?;
    Ok(records.iter().map(|(before, after)| told(scope, table, (*before, Some(after)), (after, done))).collect())
}

fn event(app: &App, table: &Table, record: &Record, (done, at): (Done<'_>, Timestamp)) -> outbox::Event {
    outbox::Event {
        id: RecordId(app.environment.new_id()),
        at,
        event: format!("{}.{}", subject(table), done.event()),
        record: record.id,
        version: record.version(),
    }
}

/// Writes the audit entry and the event of an import: which file, as its SHA-256 or what stands for it, and how many records it created and
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
    let mut digest = digest.to_owned();
    if table.collection().has_sealed() {
        // Of a file with few rows its digest alone would let one try out what they hold.
        app.vault.sealer(scope, work).await?;
        digest = stored::digest_of(scope, work, table, digest.as_bytes()).await?;
    }
    let entry = audit::Entry {
        id: RecordId(app.environment.new_id()),
        at,
        action: "import",
        subject: subject(table),
        subject_id: format!("{id} created={created} updated={updated}"),
        before_digest: None,
        after_digest: Some(digest),
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
