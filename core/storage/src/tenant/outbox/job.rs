//! Jobs as commands and staff see them: scheduled, cancelled, found dead, put back.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, Func};
use sea_orm::{QueryOrder, QuerySelect};
use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;

use super::{ActiveModel, Column, DEAD, Entity, JOB, Model, WAITING, of_kind, row};
use crate::session::own;
use crate::{Session, StorageError, Work};

/// How large a job's payload may be.
pub const MAX_PAYLOAD_BYTES: usize = 64 * 1024;

/// Work to be done once.
#[derive(Debug, Clone)]
pub struct Job<'a> {
    /// The job's id.
    pub id: Uuid,
    /// What is to be done: a name of the registry of jobs.
    pub kind: &'a str,
    /// What makes it one: a waiting job of the same kind and key is replaced.
    pub key: String,
    /// When it may be done at the earliest.
    pub due_at: Timestamp,
    /// What it has to know, at most [`MAX_PAYLOAD_BYTES`] as text.
    pub payload: serde_json::Value,
}

/// Writes a job that waits for its time. A waiting job of the same kind and key goes, even while a worker has it: then what
/// that worker does is undone.
///
/// # Errors
/// [`StorageError::PayloadTooLarge`], [`StorageError::NotUnique`] for an id that was there before, or the database's.
pub async fn schedule(scope: &Scope, work: &Work, job: Job<'_>) -> Result<(), StorageError> {
    let payload = job.payload.to_string();
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(StorageError::PayloadTooLarge(payload.len()));
    }
    cancel(scope, work, job.kind, &job.key).await?;
    let row = ActiveModel {
        key: Set(Some(job.key)),
        payload: Set(Some(payload)),
        ..row(work.guard(scope)?, job.id, JOB, job.kind.to_owned(), job.due_at)
    };
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    work.note_due(job.due_at);
    Ok(())
}

/// Removes the waiting job of that kind and key; answers whether there was one.
///
/// # Errors
/// The database's.
pub async fn cancel(scope: &Scope, work: &Work, kind: &str, key: &str) -> Result<bool, StorageError> {
    let tenant = work.guard(scope)?;
    let gone = Entity::delete_many()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Name.eq(kind))
        .filter(Column::Key.eq(key))
        .filter(Column::State.eq(WAITING));
    Ok(gone.exec(&work.transaction).await?.rows_affected > 0)
}

/// The waiting jobs of a kind, by their keys; at most 1,000.
///
/// # Errors
/// The database's.
pub async fn waiting(scope: &Scope, session: &Session, kind: &str) -> Result<Vec<Model>, StorageError> {
    let found = of_kind(session.guard(scope)?, JOB).filter(Column::Name.eq(kind)).filter(Column::State.eq(WAITING));
    Ok(found.order_by_asc(Column::Key).limit(1_000).all(&session.transaction).await?)
}

/// The jobs that were given up, latest first.
///
/// # Errors
/// The database's.
pub async fn dead(scope: &Scope, session: &Session, first: u64) -> Result<Vec<Model>, StorageError> {
    let found = of_kind(session.guard(scope)?, JOB).filter(Column::State.eq(DEAD));
    Ok(found.order_by_desc(Column::EndedAt).order_by_desc(Column::Id).limit(first).all(&session.transaction).await?)
}

/// Puts a job that was given up back among the waiting ones, due at `now`, with all its attempts; answers its kind.
///
/// # Errors
/// [`StorageError::NotFound`] when no such job is dead, [`StorageError::NotUnique`] when another of its kind and key
/// waits, or the database's.
pub async fn replay(scope: &Scope, work: &Work, id: Uuid, now: Timestamp) -> Result<String, StorageError> {
    let found = of_kind(work.guard(scope)?, JOB).filter(Column::Id.eq(id)).filter(Column::State.eq(DEAD));
    let job = found.one(&work.transaction).await?.ok_or(StorageError::NotFound)?;
    let put_back = Entity::update_many()
        .col_expr(Column::State, Expr::value(WAITING))
        .col_expr(Column::At, Expr::value(now.to_string()))
        .col_expr(Column::Attempts, Expr::value(0_i64))
        .col_expr(Column::EndedAt, Expr::value(Option::<String>::None))
        .filter(own(Column::TenantId, job.tenant_id))
        .filter(Column::Id.eq(id));
    put_back.exec(&work.transaction).await?;
    work.note_due(now);
    Ok(job.name)
}

/// When the tenant's next job is due, or free again if a worker has it.
///
/// # Errors
/// The database's.
pub async fn next_due(scope: &Scope, session: &Session) -> Result<Option<Timestamp>, StorageError> {
    let free_at = Func::coalesce([Expr::col(Column::LeasedUntil), Expr::col(Column::At)]);
    let found = Entity::find()
        .select_only()
        .expr(Expr::expr(free_at).min())
        .filter(own(Column::TenantId, session.guard(scope)?.0))
        .filter(Column::State.eq(WAITING));
    let next: Option<Option<String>> = found.into_tuple().one(&session.transaction).await?;
    let read = |text: String| text.parse().map_err(|_| StorageError::Corrupt("at".to_owned()));
    next.flatten().map(read).transpose()
}
