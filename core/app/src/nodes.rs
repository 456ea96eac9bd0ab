//! The nodes of one installation: several processes on one PostgreSQL database that behave as one.
//!
//! A node tells the others what it has committed: changes of records for their followers, jobs for their workers, and that
//! what they remember of packages, settings and tenants is no longer so. A word about a transaction goes out with it. A
//! node that could not listen for a while forgets everything that it remembers, and its followers have to begin anew.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sunlit_domain::access;
use sunlit_domain::id::{RecordId, TenantId};
use sunlit_domain::manifest::Collection;
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use sunlit_storage::postgres::{Listener, MAX_WORD_BYTES};
use sunlit_storage::{Table, Work};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{App, AppError, Change, ChangeKind};

/// How long a node waits before it tries to listen again.
const AGAIN: Duration = Duration::from_secs(1);
/// How many changes one word tells of, at most.
const CHANGES: usize = 40;
/// How many changes of one transaction are told one by one: a follower may be fewer behind.
const MANY: usize = 200;
/// After how long without a word a node says one to itself, and how long it waits for it.
const QUIET: Duration = Duration::from_secs(60);
const ECHO: Duration = Duration::from_secs(10);
/// Bytes that a deleted record may have in a word.
const MAX_REMOVED_BYTES: usize = 2_000;

/// What one node tells the others.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Word {
    node: Uuid,
    said: Said,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Said {
    /// A job was scheduled.
    Job,
    /// What some tenant has enabled, or how, is changed.
    Packages,
    /// A version of a package in development has other content.
    Replaced {
        package: String,
        version: String,
    },
    /// Tenants, or their names, are others.
    Tenants,
    /// What credentials are good for is another.
    Identity,
    /// A tenant serves, or no longer does.
    State(TenantId),
    /// More changes of a tenant than followers would bear.
    Many(TenantId),
    /// A tenant is being erased, or was.
    Erased(TenantId),
    /// Nothing: a node that has heard nothing for long listens to itself.
    Hello,
    Changes {
        tenant: TenantId,
        changes: Vec<Told>,
    },
}

/// A change of a record, in words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Told {
    package: String,
    collection: String,
    id: RecordId,
    version: i64,
    kind: ChangeKind,
    removed: Option<Removed>,
}

/// A record that was deleted: whoever could not read it is not told of its end.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Removed {
    /// As it was, in this process.
    #[serde(skip)]
    Here(Table, Box<Record>),
    /// As another node told of it: what the rules of access look at, by the names in the manifest.
    Told(Map<String, Json>),
    /// It was too large to be told of: only whoever reads everything is told of its end.
    Large,
}

impl Removed {
    /// As it goes to other nodes: what the rules of access look at, and nothing else of it.
    fn told(&self) -> Self {
        let Self::Here(table, record) = self else { return self.clone() };
        let collection = table.collection();
        let slots = access::looked_at(collection).into_iter();
        let values = slots.map(|slot| (collection.slot_name(slot).to_owned(), record.get(slot).to_json()));
        let values: Map<String, Json> = values.filter(|(_, value)| !value.is_null()).collect();
        let is_small = serde_json::to_string(&values).is_ok_and(|text| text.len() <= MAX_REMOVED_BYTES);
        if is_small { Self::Told(values) } else { Self::Large }
    }

    /// The record, as far as it is known.
    pub(crate) fn record(&self, id: RecordId, collection: &Collection) -> Option<Record> {
        match self {
            Self::Here(_, record) => Some(Record::clone(record)),
            Self::Told(values) => {
                let mut record = Record::new(id, collection);
                for slot in collection.slots() {
                    let Some(json) = values.get(collection.slot_name(slot)) else { continue };
                    record.set(slot, Value::from_json(collection.kind_of(slot), json).ok()?);
                }
                Some(record)
            }
            Self::Large => None,
        }
    }
}

/// Says what a transaction did to whoever follows it on other nodes, when it is committed.
pub(crate) async fn say_of(app: &App, work: &Work, changes: &[Change]) -> Result<(), AppError> {
    if app.stores.database().is_none() {
        return Ok(());
    }
    if changes.len() > MANY {
        let tenants: BTreeSet<TenantId> = changes.iter().map(|change| change.tenant).collect();
        for tenant in tenants {
            work.say(&app.word(Said::Many(tenant))).await?;
        }
        return Ok(());
    }
    let mut waiting = changes;
    while let Some(first) = waiting.first() {
        let tenant = first.tenant;
        let mut count = waiting.len().min(CHANGES);
        loop {
            let told = waiting[..count].iter().map(Change::told).collect();
            let word = app.word(Said::Changes { tenant, changes: told });
            if word.len() <= MAX_WORD_BYTES || count == 1 {
                work.say(&word).await?;
                break;
            }
            count /= 2;
        }
        waiting = &waiting[count..];
    }
    Ok(())
}

impl Change {
    fn told(&self) -> Told {
        let removed = self.removed.as_ref().map(Removed::told);
        let (package, collection) = (self.package.to_string(), self.collection.to_string());
        Told { package, collection, id: self.id, version: self.version, kind: self.kind, removed }
    }
}

impl App {
    fn word(&self, said: Said) -> String {
        serde_json::to_string(&Word { node: self.node, said }).unwrap_or_default()
    }

    /// Says something that is committed already. What other nodes remember ends by itself soon, so that a failure here only
    /// makes it late.
    pub(crate) async fn say(&self, said: Said) {
        if let Err(error) = self.platform.say(&self.word(said)).await {
            tracing::warn!(%error, "the other nodes were not told: they learn of it when what they remember has ended");
        }
    }

    /// Does what another node's word asks for.
    async fn hear(&self, text: &str) {
        let word: Word = match serde_json::from_str(text) {
            Ok(word) => word,
            Err(error) => {
                return tracing::warn!(%error, "a word of another node is not understood: is it of another version?");
            }
        };
        if word.node == self.node {
            return;
        }
        match word.said {
            Said::Job => self.ring(),
            Said::Packages => self.forget_contexts(),
            Said::Replaced { package, version } => self.forget_own(&package, &version).await,
            Said::Tenants => self.directory.forget(),
            Said::State(tenant) => {
                self.directory.forget();
                self.changes.end(tenant);
                self.ring();
            }
            Said::Identity => self.forget_identity(),
            Said::Many(tenant) => self.changes.end(tenant),
            Said::Erased(tenant) => {
                self.forget_tenants();
                self.changes.end(tenant);
            }
            Said::Hello => {}
            Said::Changes { tenant, changes } => {
                for Told { package, collection, id, version, kind, removed } in changes {
                    let (package, collection) = (package.into(), collection.into());
                    self.changes.tell(Change { tenant, package, collection, id, version, kind, removed });
                }
            }
        }
    }

    /// Forgets what other nodes may have changed while they could not be heard.
    fn catch_up(&self) {
        self.forget_packages();
        self.forget_contexts();
        self.forget_identity();
        self.directory.forget();
        self.changes.break_off();
        self.ring();
    }
}

/// Listens to the other nodes until it is dropped; nothing where there can be none.
#[derive(Debug)]
pub struct Listening(Option<JoinHandle<()>>);

impl Drop for Listening {
    fn drop(&mut self) {
        if let Some(task) = &self.0 {
            task.abort();
        }
    }
}

/// Begins to listen.
///
/// # Errors
/// The database's.
pub async fn listen(app: &Arc<App>) -> Result<Listening, AppError> {
    let Some(database) = app.stores.database() else { return Ok(Listening(None)) };
    let listener = database.listen().await?;
    Ok(Listening(Some(tokio::spawn(until_dropped(Arc::clone(app), listener)))))
}

async fn until_dropped(app: Arc<App>, mut listener: Listener) {
    loop {
        let Err(lost) = listen_to(&app, &mut listener).await;
        tracing::error!(error = lost, "the other nodes cannot be heard");
        listener = loop {
            match app.stores.database() {
                Some(database) => match database.listen().await {
                    Ok(listener) => break listener,
                    Err(_) => tokio::time::sleep(AGAIN).await,
                },
                None => return,
            }
        };
        // Whoever listens again has missed what was said in between.
        app.catch_up();
    }
}

/// Listens until it cannot any more; answers why.
async fn listen_to(app: &App, listener: &mut Listener) -> Result<Infallible, String> {
    let mut patience = QUIET;
    loop {
        match tokio::time::timeout(patience, listener.next()).await {
            Ok(Ok(Some(word))) => {
                app.hear(&word).await;
                patience = QUIET;
            }
            Ok(Ok(None)) => return Err("the connection was lost".to_owned()),
            Ok(Err(error)) => return Err(error.to_string()),
            Err(_) if patience == QUIET => {
                app.say(Said::Hello).await;
                patience = ECHO;
            }
            Err(_) => return Err("a word to itself did not come back".to_owned()),
        }
    }
}
