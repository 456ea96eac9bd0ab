//! What is known of an uploaded file beside its bytes, which are kept by their digest ([`crate::blobs`]).

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Alias, Func, Index, IndexCreateStatement};
use sea_orm::{QueryOrder, QuerySelect, QueryTrait as _};
use sunlit_domain::Scope;
use sunlit_domain::id::ActorId;
use sunlit_domain::value::Timestamp;

use crate::engine::sum;
use crate::session::own;
use crate::{Session, StorageError, Work};

/// The name of the table, to which the tables of collections refer.
pub(crate) const TABLE: &str = "file";

/// A file.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "file")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The file's id, ordered by time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// SHA-256 of the content, in hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub size: i64,
    /// Its media type, as the first bytes show it.
    pub content_type: String,
    /// Its cleaned name (`sunlit_domain::file::clean_name`).
    pub name: String,
    /// When it was uploaded.
    pub uploaded_at: String,
    /// By whom; nobody in particular when anonymous.
    pub uploaded_by: Option<Uuid>,
    /// [`PENDING`], [`KEPT`] or [`CONDEMNED`].
    pub state: String,
    /// Since when it is in this state.
    pub state_at: String,
}

/// No record is known to refer to it: it is swept after a while.
pub const PENDING: &str = "pending";
/// A record refers to it.
pub const KEPT: &str = "kept";

/// No file: its content is about to be deleted, and no upload may count on it meanwhile.
pub const CONDEMNED: &str = "condemned";

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl Model {
    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        u64::try_from(self.size).unwrap_or(0)
    }

    /// Who uploaded it.
    #[must_use]
    pub fn uploader(&self) -> Option<ActorId> {
        self.uploaded_by.map(ActorId)
    }
}

/// A file that was just uploaded.
#[derive(Debug, Clone)]
pub struct Uploaded {
    /// See [`Model::id`].
    pub id: Uuid,
    /// See [`Model::sha256`].
    pub sha256: String,
    /// See [`Model::size`].
    pub size: u64,
    /// See [`Model::content_type`].
    pub content_type: String,
    /// See [`Model::name`].
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// Indexes for the sweep: files by their state and age, and by their content.
pub(super) fn indexes() -> [IndexCreateStatement; 2] {
    [&["tenant_id", "state", "state_at"][..], &["tenant_id", "sha256"]].map(|columns| {
        let name = format!("ix_file__{}", columns[1]);
        let mut index = Index::create().if_not_exists().name(name).table(Alias::new(TABLE)).take();
        for column in columns {
            index.col(Alias::new(*column));
        }
        index
    })
}

/// Writes an uploaded file, pending; answers it. The scope's actor is who uploaded it.
///
/// # Errors
/// [`StorageError::Interrupted`] when a sweep is about to delete the same content; the database's.
pub async fn insert(scope: &Scope, work: &Work, file: Uploaded) -> Result<Model, StorageError> {
    let tenant = work.guard(scope)?;
    let condemned = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Sha256.eq(file.sha256.as_str()))
        .filter(Column::State.eq(CONDEMNED));
    if condemned.one(&work.transaction).await?.is_some() {
        return Err(StorageError::Interrupted);
    }
    let row = Model {
        tenant_id: tenant.0,
        id: file.id,
        sha256: file.sha256,
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        content_type: file.content_type,
        name: file.name,
        uploaded_at: file.at.to_string(),
        uploaded_by: scope.actor().id().map(|actor| actor.0),
        state: PENDING.to_owned(),
        state_at: file.at.to_string(),
    };
    let active = ActiveModel::from(row.clone()).reset_all();
    Entity::insert(active).exec_without_returning(&work.transaction).await?;
    Ok(row)
}

/// Marks contents that are no file's, which are then to be deleted; each gets one of `ids`.
///
/// # Errors
/// The database's.
pub async fn condemn(
    scope: &Scope,
    work: &Work,
    contents: &[(Uuid, String)],
    at: Timestamp,
) -> Result<(), StorageError> {
    let tenant_id = work.guard(scope)?.0;
    let row = |(id, sha256): &(Uuid, String)| Model {
        tenant_id,
        id: *id,
        sha256: sha256.clone(),
        size: 0,
        content_type: String::new(),
        name: String::new(),
        uploaded_at: at.to_string(),
        uploaded_by: None,
        state: CONDEMNED.to_owned(),
        state_at: at.to_string(),
    };
    let rows: Vec<ActiveModel> = contents.iter().map(|content| ActiveModel::from(row(content)).reset_all()).collect();
    if !rows.is_empty() {
        Entity::insert_many(rows).exec_without_returning(&work.transaction).await?;
    }
    Ok(())
}

/// Takes over contents that were condemned before `before`, at most `first`: condemned anew at `at`, so that nobody else takes
/// them.
///
/// # Errors
/// The database's.
pub async fn take_condemned(
    scope: &Scope,
    work: &Work,
    (before, at): (Timestamp, Timestamp),
    first: u64,
) -> Result<Vec<(Uuid, String)>, StorageError> {
    let tenant = work.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::State.eq(CONDEMNED))
        .filter(Column::StateAt.lt(before.to_string()));
    let found = found.order_by_asc(Column::StateAt).limit(first).all(&work.transaction).await?;
    let taken: Vec<(Uuid, String)> = found.into_iter().map(|row| (row.id, row.sha256)).collect();
    let update = Entity::update_many()
        .col_expr(Column::StateAt, Expr::value(at.to_string()))
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Id.is_in(taken.iter().map(|(id, _)| *id)));
    update.exec(&work.transaction).await?;
    Ok(taken)
}

/// Forgets condemned contents whose bytes are gone.
///
/// # Errors
/// The database's.
pub async fn forget(scope: &Scope, work: &Work, ids: &[Uuid]) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let delete = Entity::delete_many()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::State.eq(CONDEMNED));
    work.execute(&delete.into_query()).await?;
    Ok(())
}

/// How many files of an uploader wait for their records, and how many bytes they have; all who are not signed in count as one.
///
/// # Errors
/// The database's.
pub async fn pending_of(
    scope: &Scope,
    session: &Session,
    uploader: Option<ActorId>,
) -> Result<(u64, u64), StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .select_only()
        .column_as(Column::Id.count(), "files")
        .expr_as(Func::coalesce([sum(Expr::col(Column::Size)), Expr::value(0_i64)]), "bytes")
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::State.eq(PENDING))
        .filter(uploader.map_or_else(|| Column::UploadedBy.is_null(), |actor| Column::UploadedBy.eq(actor.0)));
    let (files, bytes): (i64, i64) = found.into_tuple().one(&session.transaction).await?.unwrap_or_default();
    Ok((u64::try_from(files).unwrap_or(0), u64::try_from(bytes).unwrap_or(0)))
}

/// The bytes of all contents, each once however many files have it; without the content of the digest `but`.
///
/// # Errors
/// The database's.
pub async fn stored(scope: &Scope, session: &Session, but: Option<&str>) -> Result<u64, StorageError> {
    let tenant = session.guard(scope)?;
    let mut contents = Entity::find()
        .select_only()
        .column(Column::Sha256)
        .column_as(Column::Size.max(), "bytes")
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::State.ne(CONDEMNED))
        .group_by(Column::Sha256);
    if let Some(but) = but {
        contents = contents.filter(Column::Sha256.ne(but));
    }
    let mut total = session.among(contents.into_query());
    total.expr(Func::coalesce([sum(Expr::col(Alias::new("bytes"))), Expr::value(0_i64)]));
    let row = session.one(&total).await?;
    let bytes: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or_default();
    Ok(u64::try_from(bytes).unwrap_or(0))
}

/// Those of the given files that are there, in the order of their ids.
///
/// # Errors
/// The database's.
pub async fn get_many(scope: &Scope, session: &Session, ids: &[Uuid]) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::State.ne(CONDEMNED));
    Ok(found.order_by_asc(Column::Id).all(&session.transaction).await?)
}

/// Moves the given files into `state`, those that are not in it already.
///
/// # Errors
/// The database's.
pub async fn put_state(
    scope: &Scope,
    work: &Work,
    ids: &[Uuid],
    state: &str,
    at: Timestamp,
) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    if ids.is_empty() {
        return Ok(());
    }
    let update = Entity::update_many()
        .set(ActiveModel { state: Set(state.to_owned()), state_at: Set(at.to_string()), ..Default::default() })
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Id.is_in(ids.iter().copied()))
        .filter(Column::State.ne(state));
    work.execute(&update.into_query()).await?;
    Ok(())
}

/// The files that are pending since before `before`, oldest first, at most `first`.
///
/// # Errors
/// The database's.
pub async fn pending_since(
    scope: &Scope,
    session: &Session,
    before: Timestamp,
    first: u64,
) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::State.eq(PENDING))
        .filter(Column::StateAt.lt(before.to_string()));
    Ok(found.order_by_asc(Column::StateAt).limit(first).all(&session.transaction).await?)
}

/// Deletes a file that is still pending; its bytes stay, for another file may share them.
///
/// # Errors
/// [`StorageError::BrokenReference`] when a record refers to it after all, or the database's.
pub async fn delete(scope: &Scope, work: &Work, id: Uuid) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let delete = Entity::delete_many()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Id.eq(id))
        .filter(Column::State.eq(PENDING));
    work.execute(&delete.into_query()).await?;
    Ok(())
}

/// The contents of files after the digest `after`, each once with its bytes, by digest, at most `first`.
///
/// # Errors
/// The database's.
pub async fn contents(
    scope: &Scope,
    session: &Session,
    after: Option<&str>,
    first: u64,
) -> Result<Vec<(String, u64)>, StorageError> {
    let tenant = session.guard(scope)?;
    let mut found = Entity::find()
        .select_only()
        .column(Column::Sha256)
        .column(Column::Size)
        .distinct()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::State.ne(CONDEMNED))
        .order_by_asc(Column::Sha256)
        .limit(first);
    if let Some(after) = after {
        found = found.filter(Column::Sha256.gt(after));
    }
    let rows: Vec<(String, i64)> = found.into_tuple().all(&session.transaction).await?;
    Ok(rows.into_iter().map(|(sha256, size)| (sha256, u64::try_from(size).unwrap_or(0))).collect())
}

/// Which of the given digests are those of files, or are condemned already.
///
/// # Errors
/// The database's.
pub async fn known_digests(scope: &Scope, session: &Session, digests: &[String]) -> Result<Vec<String>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .select_only()
        .column(Column::Sha256)
        .distinct()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Sha256.is_in(digests.iter().map(String::as_str)));
    Ok(found.into_tuple().all(&session.transaction).await?)
}
