//! What is gathered over a request and asked for at once: referenced records, files, and computed fields of a page of records.
//!
//! A loader lives for one request and is bound to its reading: keys of two tenants never meet.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::dataloader::Loader;
use sunlit_app::query::file_get::{self, File};
use sunlit_app::query::{plugin_resolve, record_get};
use sunlit_app::{AppError, Reading};
use sunlit_domain::access::Root;
use sunlit_domain::id::RecordId;
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use uuid::Uuid;

/// Loads for one reading.
pub(crate) struct Gather(pub(crate) Reading);

/// A referenced record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RefKey {
    pub(crate) root: Root,
    pub(crate) package: Arc<str>,
    pub(crate) collection: Arc<str>,
    pub(crate) id: RecordId,
}

/// A file, by the id that stood in a field shown to the viewer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct FileKey(pub(crate) Uuid);

/// A computed field of a record.
#[derive(Debug, Clone)]
pub(crate) struct ComputedKey {
    pub(crate) root: Root,
    pub(crate) package: Arc<str>,
    pub(crate) collection: Arc<str>,
    pub(crate) computed: Arc<str>,
    pub(crate) record: Arc<Record>,
}

impl ComputedKey {
    fn identity(&self) -> (Root, &str, &str, &str, RecordId) {
        (self.root, &self.package, &self.collection, &self.computed, self.record.id)
    }
}

impl PartialEq for ComputedKey {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for ComputedKey {}

impl Hash for ComputedKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl Loader<RefKey> for Gather {
    type Value = Arc<Record>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[RefKey]) -> Result<HashMap<RefKey, Arc<Record>>, Arc<AppError>> {
        let mut groups: HashMap<_, Vec<RecordId>> = HashMap::new();
        for key in keys {
            groups.entry((key.root, &key.package, &key.collection)).or_default().push(key.id);
        }
        let mut found = HashMap::new();
        for ((root, package, collection), ids) in groups {
            let package_of_tenant = &self.0.context().package(package).map_err(Arc::new)?.package;
            let records = match record_get::by_ids(&self.0.through(root), package_of_tenant, collection, &ids).await {
                Ok(records) => records,
                // What the viewer may not read is not there.
                Err(AppError::Denied | AppError::Unauthenticated) => continue,
                Err(error) => return Err(error.into()),
            };
            found.extend(records.into_iter().map(|record| {
                let (package, collection) = (Arc::clone(package), Arc::clone(collection));
                let key = RefKey { root, package, collection, id: record.id };
                (key, Arc::new(record))
            }));
        }
        Ok(found)
    }
}

impl Loader<ComputedKey> for Gather {
    /// One plugin's failure is its own: other fields of the batch answer.
    type Value = Result<Value, Arc<AppError>>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[ComputedKey]) -> Result<HashMap<ComputedKey, Self::Value>, Arc<AppError>> {
        let mut groups: HashMap<(Root, &str, &str, &str), Vec<&ComputedKey>> = HashMap::new();
        for key in keys {
            groups.entry((key.root, &key.package, &key.collection, &key.computed)).or_default().push(key);
        }
        let mut found = HashMap::new();
        for ((root, package, collection, name), keys) in groups {
            let installed = self.0.context().package(package).map_err(Arc::new)?;
            let table = installed.package.table(collection).map_err(Arc::new)?;
            let Some(computed) = table.collection().computed(name) else { continue };
            let records: Vec<_> = keys.iter().map(|key| Arc::clone(&key.record)).collect();
            let answered =
                plugin_resolve::computed(&self.0.through(root), installed, collection, computed, &records).await;
            match answered {
                Ok(values) => found.extend(keys.into_iter().cloned().zip(values.into_iter().map(Ok))),
                Err(error) => found.extend(all_failed(keys, error)),
            }
        }
        Ok(found)
    }
}

/// The same failure for each of `keys`.
pub(crate) fn all_failed<K: Clone, V>(
    keys: Vec<&K>,
    error: AppError,
) -> impl Iterator<Item = (K, Result<V, Arc<AppError>>)> {
    let error = Arc::new(error);
    keys.into_iter().map(move |key| (key.clone(), Err(Arc::clone(&error))))
}

impl Loader<FileKey> for Gather {
    type Value = Arc<File>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[FileKey]) -> Result<HashMap<FileKey, Arc<File>>, Arc<AppError>> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = file_get::by_ids(&self.0, &ids).await.map_err(Arc::new)?;
        Ok(found.into_iter().map(|file| (FileKey(file.id), Arc::new(file))).collect())
    }
}
