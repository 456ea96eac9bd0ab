//! What the server has acknowledged, in a file that no kill of the server touches.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sunlit_domain::id::RecordId;
use uuid::Uuid;

/// The book. A line is `create <id> 1`, `update <id> <version>`, `delete <id> 0` or `job <id> 0`.
pub(crate) struct Book {
    path: PathBuf,
    file: File,
    /// Each record with its acknowledged version; none when its deletion was acknowledged.
    pub(crate) records: BTreeMap<RecordId, Option<i64>>,
    pub(crate) jobs: BTreeSet<Uuid>,
    pub(crate) creates: usize,
    pub(crate) updates: usize,
    pub(crate) deletes: usize,
}

impl Book {
    pub(crate) fn new(folder: &Path) -> Self {
        let path = folder.join("acknowledged.log");
        let file = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        Self { path, file, records: BTreeMap::new(), jobs: BTreeSet::new(), creates: 0, updates: 0, deletes: 0 }
    }

    pub(crate) fn enter(&mut self, line: &str) {
        writeln!(self.file, "{line}").unwrap();
    }

    /// Takes everything from the file again: it alone says what was acknowledged.
    pub(crate) fn read_again(&mut self) {
        (self.creates, self.updates, self.deletes) = (0, 0, 0);
        (self.records, self.jobs) = (BTreeMap::new(), BTreeSet::new());
        for line in std::fs::read_to_string(&self.path).unwrap().lines() {
            let words: Vec<_> = line.split(' ').collect();
            let (id, version): (Uuid, i64) = (words[1].parse().unwrap(), words[2].parse().unwrap());
            match words[0] {
                "job" => {
                    self.jobs.insert(id);
                    continue;
                }
                "create" => self.creates += 1,
                "update" => self.updates += 1,
                _ => self.deletes += 1,
            }
            self.records.insert(RecordId(id), (version > 0).then_some(version));
        }
    }
}
