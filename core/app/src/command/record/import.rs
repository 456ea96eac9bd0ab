//! Imports a spreadsheet into a collection: every row creates or changes one record, and all of them do or none.
//!
//! A row names its record by the column `id`, or by the unique field that the caller chose as key; one that names none
//! creates. A column `version` makes each change depend on the version that was exported. The steps: read the columns,
//! read the rows, and then in one transaction find the records, check the values, write.
//!
//! An administrator may carry records over from another installation or tenant: [`File::keep_ids`] creates what is not there
//! under the id that the row gives, so that references from other files keep leading to it. Such a row is a copy: an empty
//! cell is no value and never the default, and rows may refer to each other in any order. What no column carries (state,
//! owner, who changed what and when) begins anew.

mod columns;
mod error_file;
mod find;
mod rows;
mod write;

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sunlit_domain::access::Deed;
use sunlit_domain::filter::Filter;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Collection;
use sunlit_domain::{ErrorCode, Locale, Role, Scope};
use sunlit_sheet::{Form, Sheet};
use sunlit_storage::StorageError;

pub use error_file::error_file;

use self::columns::Columns;
use self::find::Existing;
use super::begin;
use crate::command::begin::may_change;
use crate::command::commit::commit;
use crate::command::trail;
use crate::package::hex;
use crate::reading::allowed;
use crate::{App, AppError, Package};

/// Rows of an import: one transaction writes them.
pub const MAX_ROWS: usize = 100_000;
/// Problems that are told; the check ends there.
pub const MAX_PROBLEMS: usize = 10_000;

/// How long an import waits for others to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// A file and what to do with it.
#[derive(Debug, Clone)]
pub struct File {
    /// Its form.
    pub form: Form,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The sheet of an XLSX file; the first when none.
    pub sheet: Option<String>,
    /// The unique field by which rows without `id` find their record; by `id` alone when none.
    pub key: Option<String>,
    /// Whether a row whose `id` leads to no record creates one of that id; for administrators.
    pub keep_ids: bool,
    /// Whether to do everything and keep nothing.
    pub dry_run: bool,
    /// The language of messages.
    pub locale: Locale,
}

/// What an import did, or would have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    /// The import's id, in the audit trail and in its event.
    pub id: RecordId,
    /// Records that were created.
    pub created: usize,
    /// Records that were changed.
    pub updated: usize,
    /// Records that already had all values.
    pub unchanged: usize,
}

/// Why a cell or row is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellProblem {
    /// The row as spreadsheets count, from 1: the header.
    pub row: u32,
    /// The name of the column.
    pub column: String,
    /// The kind of problem.
    pub code: ErrorCode,
    /// What people read.
    pub message: String,
}

/// How an import ended.
#[derive(Debug)]
pub enum Outcome {
    /// Everything was written, or would have been.
    Done(Imported),
    /// Nothing was written.
    Refused {
        /// At most [`MAX_PROBLEMS`], by row.
        problems: Vec<CellProblem>,
        /// What was read, for [`error_file`].
        sheet: Box<Sheet>,
    },
}

/// What the actor may do here at all; each is asked again for each record.
struct Rights {
    create: Option<Filter>,
    update: Option<Filter>,
}

/// Whether the actor may import into the collection at all, and keep the ids of the file where that is wanted; to be asked
/// before a file is taken in.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Denied`], [`AppError::Unauthenticated`], [`AppError::ReadOnly`].
pub async fn check_rights(
    app: &App,
    scope: &Scope,
    package: &Package,
    collection: &str,
    keep_ids: bool,
) -> Result<(), AppError> {
    rights(scope, package.table(collection)?.collection(), keep_ids)?;
    may_change(app, scope).await
}

fn rights(scope: &Scope, collection: &Collection, keep_ids: bool) -> Result<Rights, AppError> {
    // Ids are the platform's to give: whoever chooses one could take the id that another installation has for its record.
    if keep_ids && !scope.actor().has(Role::Administrator) {
        return Err(if scope.actor().id().is_some() { AppError::Denied } else { AppError::Unauthenticated });
    }
    let (create, update) = (allowed(scope, collection, Deed::Create), allowed(scope, collection, Deed::Update));
    match (create, update) {
        (Err(error), Err(_)) => Err(error),
        (create, update) => Ok(Rights { create: create.ok(), update: update.ok() }),
    }
}

/// Imports `file` into `collection`.
///
/// # Errors
/// [`AppError::Sheet`] for a file that cannot be read, [`AppError::Argument`] for a key that is no unique field,
/// [`AppError::Limit`] for too many rows, [`AppError::Overloaded`] when too many run at once, and those of [`check_rights`].
/// What is wrong with cells is no error but [`Outcome::Refused`].
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    collection: &str,
    file: File,
) -> Result<Outcome, AppError> {
    let table = package.table(collection)?;
    let rights = rights(scope, table.collection(), file.keep_ids)?;
    let key = file.key.as_deref().map(|name| columns::key(table.collection(), name)).transpose()?;
    let (locale, dry_run, keep_ids) = (file.locale, file.dry_run, file.keep_ids);
    let _place = tokio::time::timeout(PATIENCE, app.imports.acquire())
        .await
        .map_err(|_| AppError::Overloaded("other imports are running: try again in a minute".to_owned()))?;
    let (sheet, digest) = read(file).await?;
    if sheet.rows.len() > MAX_ROWS {
        return Err(AppError::Limit(format!("{} rows: import at most {MAX_ROWS} at once", sheet.rows.len())));
    }
    let refused = |problems: Vec<CellProblem>, sheet| Outcome::Refused { problems, sheet: Box::new(sheet) };
    let columns = match Columns::read(table.collection(), &sheet.header, key, locale) {
        Ok(columns) => columns,
        Err(problems) => return Ok(refused(problems, sheet)),
    };
    let (rows, mut problems) = rows::read(table.collection(), &sheet, &columns, locale);
    let (at, id) = (app.environment.now(), RecordId(app.environment.new_id()));
    let context = app.context(scope).await?;
    let work = begin(app, scope, package).await?;
    let mut existing = Existing::find(scope, &work, table, &rows, (key, rights.update.as_ref())).await?;
    if keep_ids {
        existing.admit_new(scope, &work, table, &rows).await?;
    }
    let step = write::Step {
        app,
        scope,
        work: &work,
        context: &context,
        package,
        table,
        rights: &rights,
        columns: &columns,
        locale,
        at,
    };
    let plan = step.check(rows, &existing, &mut problems).await?;
    if !problems.is_empty() {
        problems.sort_by_key(|problem| problem.row);
        problems.truncate(MAX_PROBLEMS);
        return Ok(refused(problems, sheet));
    }
    let (created, updated, unchanged) = (plan.creates.len(), plan.updates.len(), plan.unchanged);
    let told = match step.write(plan).await? {
        Ok(told) => told,
        Err(problem) => return Ok(refused(vec![problem], sheet)),
    };
    trail::of_import(app, scope, &work, table, (id, &digest, created, updated), at).await?;
    if !dry_run {
        commit(app, scope, work, told).await?;
    }
    Ok(Outcome::Done(Imported { id, created, updated, unchanged }))
}

/// Reads the file off the async threads: 64 MiB take a while.
async fn read(file: File) -> Result<(Sheet, String), AppError> {
    let read = tokio::task::spawn_blocking(move || {
        let sheet = sunlit_sheet::read(file.form, &file.bytes, file.sheet.as_deref())?;
        Ok::<_, sunlit_sheet::SheetError>((sheet, hex(&Sha256::digest(&file.bytes))))
    });
    Ok(read.await.map_err(|_| AppError::Storage(StorageError::Interrupted))??)
}
