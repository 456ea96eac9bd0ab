//! Whether a tenant's records, audit trail and outbox tell the same story.

use std::collections::BTreeMap;
use std::sync::Arc;

use sunlit_app::{App, Package};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_storage::record::{self, ListQuery};
use sunlit_storage::tenant::{audit, outbox};
use sunlit_storage::{Session, Table};
use uuid::Uuid;

/// What a consistent store holds.
#[derive(Debug, Clone, Default)]
pub struct Story {
    /// The records that are there, with their versions.
    pub records: BTreeMap<RecordId, i64>,
    /// Every event's name and what it is about, oldest first.
    pub events: Vec<(String, Uuid)>,
    /// How many rows the audit trail has.
    pub audited: i64,
    /// The hash of its last row.
    pub head: String,
    /// Jobs that were given up.
    pub dead: usize,
}

impl Story {
    /// How many events have this name and subject.
    #[must_use]
    pub fn count(&self, event: &str, subject: Uuid) -> usize {
        self.events.iter().filter(|(name, about)| name == event && *about == subject).count()
    }
}

/// Reads everything in one snapshot, and holds records, audit and outbox against each other: the events of a record, played
/// back, give its version; the digests of its audit rows join, and the last one is the record's; the chain is sound.
///
/// # Panics
/// Where they differ.
pub async fn check(app: &Arc<App>, scope: &Scope, package: &Package) -> Story {
    let session = app.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
    let mut story = Story::default();
    let mut found = BTreeMap::new();
    for collection in &package.manifest.collections {
        let table = package.table(collection.name.as_str()).unwrap();
        for (id, version, digest) in records(scope, &session, table).await {
            story.records.insert(id, version);
            found.insert(id.0, digest);
        }
    }
    story.events = events(scope, &session).await;
    let played_back = play_back(package, &story.events, scope, &session).await;
    assert_eq!(played_back, story.records, "the events do not lead to the records");
    let changes = digests(package, scope, &session, &found).await;
    let of_records = story.events.iter().filter(|(name, _)| is_of_record(package, name)).count();
    assert_eq!(changes, of_records, "audit rows and events are not one for one");
    let chain = audit::verify(scope, &session, None).await.unwrap();
    assert_eq!(chain.fault, None, "the chain of the audit trail is broken");
    (story.audited, story.head) = (chain.rows, chain.head);
    story.dead = outbox::dead(scope, &session, 1_000).await.unwrap().len();
    story
}

async fn records(scope: &Scope, session: &Session, table: &Table) -> Vec<(RecordId, i64, String)> {
    let collection = table.collection();
    let mut query = ListQuery { first: 500, ..ListQuery::default() };
    let mut all = Vec::new();
    loop {
        let page = record::list(scope, session, table, &query).await.unwrap();
        for record in &page.records {
            all.push((record.id, record.version(), record::digest(scope, session, table, record).await.unwrap()));
        }
        let Some(last) = page.records.last().filter(|_| page.has_next) else { return all };
        query.after = Some(sunlit_domain::page::cursor(collection, &query.order, last));
    }
}

async fn events(scope: &Scope, session: &Session) -> Vec<(String, Uuid)> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = outbox::events(scope, session, after, 1_000).await.unwrap();
        let Some(last) = page.last() else { return all };
        after = Some(last.id);
        all.extend(page.into_iter().map(|event| (event.name, event.subject_id.unwrap())));
    }
}

/// The records and versions to which the events lead, each event one version further.
async fn play_back(
    package: &Package,
    events: &[(String, Uuid)],
    scope: &Scope,
    session: &Session,
) -> BTreeMap<RecordId, i64> {
    let mut records = BTreeMap::new();
    for (name, subject) in events.iter().filter(|(name, _)| is_of_record(package, name)) {
        let id = RecordId(*subject);
        let known = records.get(&id).copied();
        match (name.rsplit('.').next(), known) {
            (Some("created"), None) => records.insert(id, 1),
            (Some("updated"), Some(version)) => records.insert(id, version + 1),
            (Some("deleted"), Some(_)) => records.remove(&id),
            _ => panic!("{name} of {subject} in a place where it cannot be: {known:?}"),
        };
    }
    // What the rows say themselves must agree too.
    let rows = outbox::latest(scope, session, 100_000).await.unwrap();
    for row in rows.iter().filter(|row| is_of_record(package, &row.name) && !row.name.ends_with(".deleted")) {
        let current = records.get(&RecordId(row.subject_id.unwrap()));
        assert!(current.is_none_or(|current| row.version.unwrap() <= *current), "{row:?}");
    }
    records
}

/// Joins each record's audit rows by their digests; answers how many there are.
async fn digests(package: &Package, scope: &Scope, session: &Session, found: &BTreeMap<Uuid, String>) -> usize {
    let mut rows = audit::latest(scope, session, 1_000_000).await.unwrap();
    rows.reverse();
    rows.retain(|row| is_of_record(package, &format!("{}.", row.subject)));
    let mut last: BTreeMap<Uuid, Option<String>> = BTreeMap::new();
    for row in &rows {
        let subject: Uuid = row.subject_id.parse().unwrap();
        let before = last.insert(subject, row.after_digest.clone()).flatten();
        assert_eq!(before, row.before_digest, "row {} does not begin where the one before it ended", row.seq);
    }
    let current: BTreeMap<Uuid, String> =
        last.into_iter().filter_map(|(subject, digest)| Some((subject, digest?))).collect();
    assert_eq!(&current, found, "the audit trail does not end with the records");
    rows.len()
}

/// Whether it is the name of an event of one of the package's collections.
fn is_of_record(package: &Package, event: &str) -> bool {
    let of = |name: &str| event.starts_with(&format!("{}.{name}.", package.id()));
    package.manifest.collections.iter().any(|collection| of(collection.name.as_str()))
}
