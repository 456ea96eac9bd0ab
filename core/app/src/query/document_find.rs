//! Registered GraphQL documents by their hash.

use std::sync::Arc;

use moka::sync::Cache;
use sha2::{Digest as _, Sha256};
use sunlit_domain::id::TenantId;
use sunlit_storage::tenant::document;

use crate::package::hex;
use crate::{AppError, Reading};

/// Bytes of registered documents that are remembered, of all tenants together.
const REMEMBERED_BYTES: u64 = 8 * 1024 * 1024;

/// Documents that were found before. A document never changes, so what is remembered stays right.
#[derive(Debug)]
pub(crate) struct Documents(Cache<(TenantId, String), Arc<str>>);

impl Documents {
    pub(crate) fn new() -> Self {
        let weigh = |_: &(TenantId, String), text: &Arc<str>| u32::try_from(text.len() + 200).unwrap_or(u32::MAX);
        Self(Cache::builder().weigher(weigh).max_capacity(REMEMBERED_BYTES).build())
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.run_pending_tasks();
        self.0.entry_count()
    }

    /// Forgets those of all tenants.
    pub(crate) fn forget(&self) {
        self.0.invalidate_all();
    }
}

/// SHA-256 of a document's text: 64 hexadecimal digits in lower case.
#[must_use]
pub fn hash_of(text: &str) -> String {
    hex(&Sha256::digest(text.as_bytes()))
}

/// The text of the document that the viewer's tenant registered under `hash`, with or without `sha256:` before it.
///
/// # Errors
/// [`AppError::DocumentUnknown`], also for what is no hash.
pub async fn by_hash(reading: &Reading, hash: &str) -> Result<Arc<str>, AppError> {
    let hash = hash.strip_prefix("sha256:").unwrap_or(hash).to_ascii_lowercase();
    if hash.len() != 64 || !hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(AppError::DocumentUnknown);
    }
    let known = &reading.app().documents.0;
    let key = (reading.scope().tenant(), hash);
    if let Some(text) = known.get(&key) {
        return Ok(text);
    }
    let session = reading.session().await?;
    let row = document::find(reading.scope(), &session, &key.1).await?.ok_or(AppError::DocumentUnknown)?;
    let text: Arc<str> = row.text.into();
    known.insert(key, Arc::clone(&text));
    Ok(text)
}
