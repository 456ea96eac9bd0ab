//! Takes a file in, before a record refers to it.

use std::fmt::Display;
use std::pin::Pin;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use sunlit_domain::Scope;
use sunlit_domain::access::{self, Deed};
use sunlit_domain::file::{MediaType, clean_name, fitting_name};
use sunlit_domain::manifest::Field;
use sunlit_domain::plan::Quota;
use sunlit_storage::blobs::{Blob, Incoming};
use sunlit_storage::platform::tenant::tombstone;
use sunlit_storage::tenant::file::{self, Uploaded};

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::command::usage::room;
use crate::content_check;
use crate::content_type::{self, HEAD};
use crate::reading::denied;
use crate::{App, AppError, TenantContext};

/// How many files of an uploader may wait for their records; all who are not signed in count as one.
pub const MAX_PENDING_FILES: u64 = 1_000;
/// How many bytes those may have; the file that passes it is the last.
pub const MAX_PENDING_BYTES: u64 = 1024 * 1024 * 1024;

/// What its sender says of a file.
#[derive(Debug, Clone)]
pub struct Said<'a> {
    /// Its name; of a path, the last part counts.
    pub name: &'a str,
    /// Its media type.
    pub content_type: Option<MediaType>,
    /// Its bytes, where the sender tells them before.
    pub size: Option<u64>,
}

/// Takes in a file; it stays pending until a record refers to it. `content` gives the bytes in pieces, or ends with an error
/// when the sender breaks off.
///
/// # Errors
/// [`AppError::Denied`] and [`AppError::Unauthenticated`] where the actor may write no field that holds a file;
/// [`AppError::TooLarge`] and [`AppError::Unsupported`] where none of those would take it; [`AppError::Argument`] when the
/// upload broke off; [`StorageError::Full`], [`AppError::QuotaExceeded`].
pub async fn run<E: Display>(
    app: &App,
    scope: &Scope,
    said: Said<'_>,
    content: impl Stream<Item = Result<Bytes, E>>,
) -> Result<file::Model, AppError> {
    let context = app.context(scope).await?;
    let fields = writable(&context, scope);
    let max_bytes = fields.iter().map(|field| field.max_bytes()).max().ok_or_else(|| denied(scope))?;
    if said.size.is_some_and(|size| size > max_bytes) {
        return Err(AppError::TooLarge(max_bytes));
    }
    begin::may_change(app, scope).await?;
    check_pending(app, scope).await?;
    check_storage(app, scope, said.size.unwrap_or(0)).await?;
    let mut content = std::pin::pin!(content.fuse());
    let head = head(content.as_mut()).await?;
    let content_type = settled(&said, &head, &fields)?;
    let fitting = fields.iter().filter(|field| field.accepts(&content_type)).map(|field| field.max_bytes());
    let mut incoming = app.blobs.begin(scope, app.environment.new_id(), fitting.max().unwrap_or(max_bytes)).await?;
    if let Err(error) = write(&mut incoming, head, content).await {
        incoming.abort().await;
        return Err(error);
    }
    let sealed = incoming.seal().await?;
    if let Err(error) = content_check::run(app, &sealed, &content_type).await {
        sealed.discard().await;
        return Err(error);
    }
    let blob = sealed.keep().await?;
    let name = fitting_name(&clean_name(said.name), &content_type);
    let noted = note(app, scope, blob, content_type, name).await;
    if noted.is_err() && tombstone::of(&app.platform, scope.tenant()).await?.is_some() {
        // The tenant was erased meanwhile.
        app.blobs.erase(scope).await?;
    }
    noted
}

/// The fields that hold files and that the actor may write, as far as the rules of their collections tell before there is a
/// record.
fn writable<'c>(context: &'c TenantContext, scope: &Scope) -> Vec<&'c Field> {
    let actor = scope.actor();
    let collections = context.packages.iter().flat_map(|installed| &installed.package.manifest.collections);
    let may_write = collections.filter(|collection| {
        [Deed::Create, Deed::Update].into_iter().any(|deed| access::allowed(collection, deed, actor).is_some())
    });
    may_write.flat_map(|collection| &collection.fields).filter(|field| field.holds_files()).collect()
}

/// The first pieces, until there is enough to tell what it is.
async fn head<E: Display>(mut content: Pin<&mut impl Stream<Item = Result<Bytes, E>>>) -> Result<Vec<u8>, AppError> {
    let mut head = Vec::new();
    while head.len() < HEAD {
        match content.next().await {
            Some(piece) => head.extend_from_slice(&piece.map_err(|error| broke_off(&error))?),
            None => break,
        }
    }
    Ok(head)
}

fn settled(said: &Said<'_>, head: &[u8], fields: &[&Field]) -> Result<String, AppError> {
    let declared = said.content_type.as_ref();
    let Some(content_type) = content_type::settle(declared, &head[..head.len().min(HEAD)]) else {
        let declared = declared.map_or("", MediaType::as_str);
        return Err(AppError::Unsupported(format!(
            "the file is not {declared}: its first bytes are of another type; send it with the type that it has"
        )));
    };
    if fields.iter().any(|field| field.accepts(&content_type)) {
        return Ok(content_type);
    }
    Err(AppError::Unsupported(format!("no field that you may write takes files of the type {content_type}")))
}

async fn write<E: Display>(
    incoming: &mut Incoming,
    head: Vec<u8>,
    mut content: Pin<&mut impl Stream<Item = Result<Bytes, E>>>,
) -> Result<(), AppError> {
    incoming.write(head.into()).await?;
    while let Some(piece) = content.next().await {
        incoming.write(piece.map_err(|error| broke_off(&error))?).await?;
    }
    Ok(())
}

fn broke_off(error: &impl Display) -> AppError {
    AppError::Argument(format!("the upload broke off: {error}"))
}

async fn note(
    app: &App,
    scope: &Scope,
    blob: Blob,
    content_type: String,
    name: String,
) -> Result<file::Model, AppError> {
    let (at, id) = (app.environment.now(), app.environment.new_id());
    let uploaded = Uploaded { id, sha256: blob.sha256, size: blob.size, content_type, name, at };
    let work = begin::work(app, scope).await?;
    // A content that is there already takes no more room.
    let there = file::stored(scope, &work, Some(&uploaded.sha256)).await?;
    let plan = app.plan_for(scope.tenant()).await?;
    if plan.quotas.storage.is_some_and(|most| there.saturating_add(uploaded.size) > most) {
        return Err(AppError::QuotaExceeded(Quota::Storage));
    }
    let written = file::insert(scope, &work, uploaded).await?;
    trail::of_change(app, scope, &work, ("upload", "file", &id.to_string()), at).await?;
    commit(app, scope, work, None).await?;
    Ok(written)
}

/// Refuses what will not fit, before it is taken in.
async fn check_storage(app: &App, scope: &Scope, size: u64) -> Result<(), AppError> {
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    room(app, scope, &session, (Quota::Storage, size)).await
}

/// Uploads that no record refers to are bounded, so that nobody fills the disk with them.
async fn check_pending(app: &App, scope: &Scope) -> Result<(), AppError> {
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    let (files, bytes) = file::pending_of(scope, &session, scope.actor().id()).await?;
    if files >= MAX_PENDING_FILES || bytes >= MAX_PENDING_BYTES {
        return Err(AppError::Limit(format!(
            "{files} uploaded files of {bytes} bytes wait for a record that refers to them, at most {MAX_PENDING_FILES} files \
             and {MAX_PENDING_BYTES} bytes: refer to them, or wait until they are swept"
        )));
    }
    Ok(())
}
