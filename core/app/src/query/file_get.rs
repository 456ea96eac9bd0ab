//! Which file, and whether the viewer may read it: whoever may read a record that refers to it, in a field that is shown to
//! them, may read the file; to everybody else it is not there.

use std::ops::Range;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use sunlit_domain::Scope;
use sunlit_domain::access::{self, Root};
use sunlit_domain::file::shortened;
use sunlit_domain::filter::{Filter, Test};
use sunlit_domain::manifest::{Attribute, Slot, Standard};
use sunlit_domain::value::{Kind, Value};
use sunlit_storage::blobs::BlobStream;
use sunlit_storage::record::{self, ListQuery};
use sunlit_storage::tenant::file;
use sunlit_storage::{Session, Table};
use uuid::Uuid;

use crate::address::{MAX_SECONDS, Ticket};
use crate::{App, AppError, Reading, TenantContext};

pub use sunlit_storage::tenant::file::Model as File;

/// How many files one statement asks for: each is a variable of it.
const BATCH: usize = 1_000;
/// What a segment of a path holds as it is (RFC 3986, §2.3).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// Characters of a name that its address carries: the id tells the file, the name is for the eye, and addresses are short.
const MAX_SHOWN: usize = 40;

/// The file, if the viewer may read it: by what is published, or by what they work with when they signed in.
///
/// # Errors
/// [`AppError::NotFound`].
pub async fn by_id(reading: &Reading, id: Uuid) -> Result<File, AppError> {
    let (scope, session) = (reading.scope(), reading.session().await?);
    let found = file::get_many(scope, &session, &[id]).await?.pop().ok_or(AppError::NotFound)?;
    let signed_in = scope.actor().id().is_some();
    let roots = [Some(Root::Public), signed_in.then_some(Root::Workspace)];
    for root in roots.into_iter().flatten() {
        if is_shown(scope, &session, reading.context(), id, root).await? {
            return Ok(found);
        }
    }
    Err(AppError::NotFound)
}

/// The file that an address with this token is for, and for how many seconds from now it is; `width` says which picture in small
/// is asked for. No right is asked for but the token: it was given to somebody who had the right.
///
/// # Errors
/// [`AppError::Address`], which another tenant's token and one for a file that has gone answer too, and [`AppError::Expired`].
pub async fn by_address(
    app: &App,
    scope: &Scope,
    token: &str,
    (id, width): (Uuid, Option<u16>),
) -> Result<(File, i64), AppError> {
    let (ticket, left) = app.addresses.check(scope, token, (id, width), app.environment.now())?;
    let session = app.stores.open(scope).await?.snapshot(scope).await?;
    let found = file::get_many(scope, &session, &[ticket.file]).await?.pop();
    let file = found.filter(|file| ticket.fits(file)).ok_or(AppError::Address)?;
    Ok((file, left))
}

/// Where a file that was shown to the viewer is read by whoever has the address, for `seconds` from now; with `width` its picture
/// in small.
///
/// # Errors
/// [`AppError::Argument`] for a time that is not given out.
pub fn address(reading: &Reading, file: &File, seconds: i64, width: Option<u16>) -> Result<String, AppError> {
    if !(1..=MAX_SECONDS).contains(&seconds) {
        return Err(AppError::Argument(format!(
            "an address is good for 1 to {MAX_SECONDS} seconds, not for {seconds}"
        )));
    }
    let now = reading.app().environment.now();
    let until = now.micros().div_euclid(1_000_000) + seconds;
    let token = reading.app().addresses.sign(&Ticket::of(reading.scope(), file, width, until)?);
    let width = width.map_or_else(String::new, |width| format!("width={width}&"));
    Ok(format!("{}{}?{width}token={token}", reading.base(), path(file)))
}

/// Those of the given files that are there. For ids that stood in fields shown to the viewer.
///
/// # Errors
/// The database's.
pub async fn by_ids(reading: &Reading, ids: &[Uuid]) -> Result<Vec<File>, AppError> {
    let mut files = Vec::with_capacity(ids.len());
    for batch in ids.chunks(BATCH) {
        files.extend(file::get_many(reading.scope(), &*reading.session().await?, batch).await?);
    }
    Ok(files)
}

/// The bytes of a file that [`by_id`] has answered, or those in `range`. Holds no snapshot: a reader may be slow.
///
/// # Errors
/// [`AppError::NotFound`] when the bytes are gone, or the store's.
pub async fn bytes(app: &App, scope: &Scope, file: &File, range: Option<Range<u64>>) -> Result<BlobStream, AppError> {
    Ok(app.blobs.get(scope, &file.sha256, range).await?)
}

/// Where a file is read, below the tenant's address: `/files/<id>/<name>`.
#[must_use]
pub fn path(file: &File) -> String {
    format!("/files/{}/{}", file.id, utf8_percent_encode(&shortened(&file.name, MAX_SHOWN), SEGMENT))
}

/// Whether the actor reads a record through `root` that refers to the file in a field shown to them.
pub(crate) async fn is_shown(
    scope: &Scope,
    session: &Session,
    context: &TenantContext,
    id: Uuid,
    root: Root,
) -> Result<bool, AppError> {
    for (table, index) in places(context) {
        let Some(readable) = access::readable(table.collection(), root, scope.actor()) else { continue };
        let Some(shown) = shown_in(scope, table, index) else { continue };
        if is_any(scope, session, table, readable.and(shown).and(Filter::refers(table.collection(), index, id))).await?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether any record at all refers to the file.
pub(crate) async fn is_referred_to(
    scope: &Scope,
    session: &Session,
    context: &TenantContext,
    id: Uuid,
) -> Result<bool, AppError> {
    for (table, index) in places(context) {
        if is_any(scope, session, table, Filter::refers(table.collection(), index, id)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Every field of the tenant's packages that holds files.
fn places(context: &TenantContext) -> impl Iterator<Item = (&Table, usize)> {
    let packages = context.packages.iter().map(|installed| &installed.package);
    let tables = packages.flat_map(|package| {
        let names = package.manifest.collections.iter().map(|collection| collection.name.as_str());
        names.filter_map(|name| package.table(name).ok())
    });
    tables.flat_map(|table| {
        let fields = table.collection().fields.iter().enumerate();
        fields.filter(|(_, field)| field.holds_files()).map(move |(index, _)| (table, index))
    })
}

/// The records of which the field is shown to the actor; none when it is hidden in all.
fn shown_in(scope: &Scope, table: &Table, index: usize) -> Option<Filter> {
    let actor = scope.actor();
    if table.collection().is_shown(Slot::Field(index), actor) {
        return Some(Filter::everything());
    }
    let own = table.collection().fields.get(index).filter(|field| field.owner_reads).and(actor.id())?;
    let owner = Attribute { slot: Slot::Standard(Standard::Owner), kind: Kind::Id };
    Some(Filter::Test(owner, Test::Eq(Value::Id(own.0))))
}

async fn is_any(scope: &Scope, session: &Session, table: &Table, filter: Filter) -> Result<bool, AppError> {
    let query = ListQuery { filter: Some(filter), first: 1, slots: Some(Vec::new()), ..ListQuery::default() };
    Ok(!record::list(scope, session, table, &query).await?.records.is_empty())
}
