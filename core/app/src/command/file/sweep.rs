//! Deletes files that no record has referred to for a day, and bytes that no file has any more.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;
use sunlit_storage::tenant::file::{self, KEPT};
use uuid::Uuid;

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::query::file_get;
use crate::{App, AppError, TenantContext};

/// How long an upload may wait for its record.
pub const PATIENCE_HOURS: i64 = 24;
/// After how long a run that has condemned contents is taken to have broken off.
const BROKEN_OFF: Duration = Duration::from_secs(3_600);
/// How many files one run looks at, and how many digests one question names.
const BATCH: usize = 500;

/// What a run has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Files that are gone.
    pub files: usize,
    /// Contents whose bytes are gone.
    pub blobs: usize,
    /// Leavings of uploads that broke off.
    pub incoming: usize,
    /// Whether there may be more to do.
    pub more: bool,
}

/// Sweeps the files of the scope's tenant. Running it twice does nothing the second time.
///
/// # Errors
/// Those of the stores; what was deleted before stays deleted.
pub async fn run(app: &App, scope: &Scope) -> Result<Swept, AppError> {
    let now = app.environment.now();
    let before = Timestamp::from_micros(now.micros() - PATIENCE_HOURS * 3_600_000_000).unwrap_or(now);
    let incoming = app.blobs.sweep_incoming(scope, before).await?;
    let (files, more) = sweep_files(app, scope, before).await?;
    let blobs = sweep_blobs(app, scope, before).await?;
    Ok(Swept { files, blobs, incoming, more })
}

async fn sweep_files(app: &App, scope: &Scope, before: Timestamp) -> Result<(usize, bool), AppError> {
    let context = app.context(scope).await?;
    if !context.broken.is_empty() {
        // A package that does not load keeps its records, and they may refer to any file.
        tracing::warn!(tenant.id = %scope.tenant(), "files are not swept: an enabled package does not load");
        return Ok((0, false));
    }
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    let first = u64::try_from(BATCH).unwrap_or(u64::MAX);
    let pending = file::pending_since(scope, &session, before, first).await?;
    drop(session);
    let mut gone = 0;
    for file in &pending {
        match sweep_file(app, scope, &context, file.id).await {
            Ok(deleted) => gone += usize::from(deleted),
            // The database knows of a record that the packages do not show.
            Err(AppError::BrokenReference) => keep(app, scope, file.id).await?,
            Err(error) => return Err(error),
        }
    }
    Ok((gone, pending.len() == BATCH))
}

/// Deletes the file, or keeps it when a record refers to it after all. One file is one transaction: one that cannot go does
/// not hold up the others.
async fn sweep_file(app: &App, scope: &Scope, context: &TenantContext, id: Uuid) -> Result<bool, AppError> {
    let work = begin::work(app, scope).await?;
    if file_get::is_referred_to(scope, &work, context, id).await? {
        drop(work);
        keep(app, scope, id).await?;
        return Ok(false);
    }
    file::delete(scope, &work, id).await?;
    trail::of_change(app, scope, &work, ("sweep", "file", &id.to_string()), app.environment.now()).await?;
    commit(app, scope, work, None).await?;
    Ok(true)
}

async fn keep(app: &App, scope: &Scope, id: Uuid) -> Result<(), AppError> {
    let work = begin::work(app, scope).await?;
    file::put_state(scope, &work, &[id], KEPT, app.environment.now()).await?;
    commit(app, scope, work, None).await
}

/// Deletes contents that are no file's and a day old. They are condemned first, in the transaction that sees that they are no
/// file's, and an upload of the same content waits until they are gone: bytes are never deleted under a file. Each is deleted
/// by the run that condemned it, or by one that has taken it over from a run that broke off.
async fn sweep_blobs(app: &App, scope: &Scope, before: Timestamp) -> Result<usize, AppError> {
    let mut gone = take_over(app, scope).await?;
    let mut batches = app.blobs.older_than(scope, before).try_chunks(BATCH);
    while let Some(digests) = batches.try_next().await.map_err(|error| error.1)? {
        let work = begin::work(app, scope).await?;
        let known = file::known_digests(scope, &work, &digests).await?;
        // What was made from a content stands beside it, and tells of it once more.
        let digests: BTreeSet<String> = digests.into_iter().collect();
        let unknown = digests.into_iter().filter(|digest| !known.contains(digest));
        let condemned: Vec<_> = unknown.map(|digest| (app.environment.new_id(), digest)).collect();
        if condemned.is_empty() {
            continue;
        }
        file::condemn(scope, &work, &condemned, app.environment.now()).await?;
        commit(app, scope, work, None).await?;
        gone += delete_condemned(app, scope, &condemned).await?;
    }
    Ok(gone)
}

/// Deletes what a run has condemned that broke off.
async fn take_over(app: &App, scope: &Scope) -> Result<usize, AppError> {
    let now = app.environment.now();
    let work = begin::work(app, scope).await?;
    let first = u64::try_from(BATCH).unwrap_or(u64::MAX);
    let left = file::take_condemned(scope, &work, (now.minus(BROKEN_OFF), now), first).await?;
    if left.is_empty() {
        return Ok(0);
    }
    commit(app, scope, work, None).await?;
    delete_condemned(app, scope, &left).await
}

async fn delete_condemned(app: &App, scope: &Scope, condemned: &[(Uuid, String)]) -> Result<usize, AppError> {
    for (_, sha256) in condemned {
        app.blobs.delete(scope, sha256).await?;
    }
    let ids: Vec<Uuid> = condemned.iter().map(|(id, _)| *id).collect();
    let work = begin::work(app, scope).await?;
    file::forget(scope, &work, &ids).await?;
    commit(app, scope, work, None).await?;
    Ok(ids.len())
}
