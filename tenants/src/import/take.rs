//! The second reading: a thread unpacks, and what it hands over is written in batches.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use sunlit_app::Package;
use sunlit_app::command::tenant::import::Importing;
use sunlit_domain::manifest::Version;
use sunlit_storage::Table;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::archive::manifest::{Content, refused};
use crate::archive::read::{self, Sink};
use crate::archive::{ArchiveError, Entry, Manifest, Opening};

/// Rows, and bytes, of one statement's batch.
const BATCH_ROWS: usize = 200;
const BATCH_BYTES: usize = 1024 * 1024;
/// Pieces that wait to be taken.
const WAITING: usize = 16;

/// The tables that the archive's packages make: those of the greatest version of each major hold every column.
pub(super) struct Tables {
    manifests: Vec<Arc<sunlit_domain::Manifest>>,
    by_path: BTreeMap<(String, u16, String), Table>,
}

impl Tables {
    pub(super) fn of(packages: &[Arc<Package>]) -> Self {
        let mut greatest: BTreeMap<(String, u16), (Version, Arc<sunlit_domain::Manifest>)> = BTreeMap::new();
        for package in packages {
            let version = package.manifest.plugin.number();
            let key = (package.id().to_owned(), version.major);
            if greatest.get(&key).is_none_or(|(known, _)| *known < version) {
                greatest.insert(key, (version, Arc::clone(&package.manifest)));
            }
        }
        let mut by_path = BTreeMap::new();
        for ((package, major), (_, manifest)) in &greatest {
            for collection in &manifest.collections {
                if let Some(table) = Table::of(manifest, collection.name.as_str()) {
                    by_path.insert((package.clone(), *major, collection.name.to_string()), table);
                }
            }
        }
        Self { manifests: greatest.into_values().map(|(_, manifest)| manifest).collect(), by_path }
    }
}

/// What the reading thread hands over.
enum Step {
    Entry(Entry),
    Piece(Bytes),
    End,
}

/// Sends what it reads, as long as somebody takes it.
struct Sending {
    seal: String,
    steps: mpsc::Sender<Step>,
    begun: bool,
}

impl Sending {
    fn send(&self, step: Step) -> Result<(), ArchiveError> {
        self.steps.blocking_send(step).map_err(|_| ArchiveError::Interrupted)
    }

    fn begin(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        if !std::mem::replace(&mut self.begun, true) {
            self.send(Step::Entry(entry.clone()))?;
        }
        Ok(())
    }
}

impl Sink for Sending {
    fn manifest(&mut self, manifest: &Manifest) -> Result<(), ArchiveError> {
        if manifest.seal == self.seal { Ok(()) } else { Err(refused("it was changed while it was read".to_owned())) }
    }

    fn piece(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.begin(entry)?;
        self.send(Step::Piece(Bytes::copy_from_slice(bytes)))
    }

    fn end(&mut self, entry: &Entry) -> Result<(), ArchiveError> {
        self.begin(entry)?;
        self.begun = false;
        self.send(Step::End)
    }
}

/// Reads the archive a second time, and writes it.
pub(super) async fn take(
    importing: &mut Importing<'_>,
    (path, opening): (&Path, &Opening),
    manifest: &Manifest,
    tables: &Tables,
    total: u64,
) -> Result<(), ArchiveError> {
    let total = if total == 0 { read::MAX_TOTAL_BYTES } else { total };
    let (sender, mut steps) = mpsc::channel(WAITING);
    let mut sink = Sending { seal: manifest.seal.clone(), steps: sender, begun: false };
    let (path, opening) = (path.to_owned(), opening.clone());
    let reading: JoinHandle<Result<(), ArchiveError>> =
        tokio::task::spawn_blocking(move || read::read(&path, &opening, total, &mut sink).map(drop));
    let taken = take_all(importing, &mut steps, tables).await;
    // Whoever reads on would wait for ever to be taken from.
    drop(steps);
    match (taken, reading.await.map_err(|_| ArchiveError::Interrupted)?) {
        (Ok(()), read) => read,
        (Err(_), Err(error)) if !matches!(error, ArchiveError::Interrupted) => Err(error),
        (Err(error), _) => Err(error),
    }
}

async fn take_all(
    importing: &mut Importing<'_>,
    steps: &mut mpsc::Receiver<Step>,
    tables: &Tables,
) -> Result<(), ArchiveError> {
    let mut has_tables = false;
    while let Some(step) = steps.recv().await {
        let Step::Entry(entry) = step else { continue };
        let content = entry.content().ok_or(ArchiveError::Interrupted)?;
        match content {
            // Published already.
            Content::Package | Content::Platform(_) => {
                while let Some(Step::Piece(_)) = steps.recv().await {}
                continue;
            }
            Content::File(sha256) => {
                importing.file((&sha256, entry.bytes), pieces(steps)).await?;
                continue;
            }
            Content::Rows(_) | Content::Records { .. } if !has_tables => {
                importing.tables(&tables.manifests).await?;
                has_tables = true;
            }
            Content::Rows(_) | Content::Records { .. } => {}
        }
        let mut lines = Lines::default();
        while let Some(Step::Piece(piece)) = steps.recv().await {
            for batch in lines.cut(&piece)? {
                put(importing, &entry, tables, &batch).await?;
            }
        }
        put(importing, &entry, tables, &lines.whole).await?;
    }
    Ok(())
}

async fn put(importing: &Importing<'_>, entry: &Entry, tables: &Tables, lines: &[String]) -> Result<(), ArchiveError> {
    match entry.content() {
        Some(Content::Rows(table)) => Ok(importing.rows(&table, lines).await?),
        Some(Content::Records { package, major, collection }) => {
            let key = (package.to_string(), major, collection.to_string());
            let table = tables.by_path.get(&key);
            let table = table.ok_or_else(|| refused(format!("`{}` is of no package that it carries", entry.path)))?;
            Ok(importing.records(table, lines).await?)
        }
        _ => Ok(()),
    }
}

/// The pieces of one entry, to its end.
fn pieces(steps: &mut mpsc::Receiver<Step>) -> impl futures_util::Stream<Item = Bytes> {
    stream::unfold(steps, |steps| async {
        match steps.recv().await {
            Some(Step::Piece(piece)) => Some((piece, steps)),
            _ => None,
        }
    })
}

/// Gathers pieces to lines, and lines to batches.
#[derive(Default)]
struct Lines {
    rest: Vec<u8>,
    whole: Vec<String>,
    bytes: usize,
}

impl Lines {
    /// The batches that are full with this piece.
    fn cut(&mut self, piece: &[u8]) -> Result<Vec<Vec<String>>, ArchiveError> {
        let mut batches = Vec::new();
        for part in piece.split_inclusive(|byte| *byte == b'\n') {
            self.rest.extend_from_slice(part);
            if !part.ends_with(b"\n") {
                continue;
            }
            self.rest.pop();
            self.bytes += self.rest.len();
            let line = String::from_utf8(std::mem::take(&mut self.rest));
            self.whole.push(line.map_err(|_| refused("a row is no text".to_owned()))?);
            if self.whole.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES {
                batches.push(std::mem::take(&mut self.whole));
                self.bytes = 0;
            }
        }
        Ok(batches)
    }
}
