//! Jobs as workers see them: leased, done, put off, given up.
//!
//! A claim is good for one attempt: attempt and lease are checked by whatever ends it. A worker that comes too late, since
//! its lease ran out and another has claimed the job, gets [`StorageError::LeaseLost`], and its transaction is undone with
//! all that it did. So a job that ends in the transaction in which it writes has its effect exactly once.

use std::time::Duration;

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{QueryOrder, QuerySelect, UpdateMany};
use serde_json::Value as Json;
use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;

use super::{Column, DEAD, DONE, Entity, JOB, Model, WAITING, of_kind};
use crate::session::own;
use crate::{StorageError, Work};

/// How much of an error is kept.
const MAX_ERROR_CHARS: usize = 1_000;

/// A job that is this worker's until its lease ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// The job's id.
    pub id: Uuid,
    /// See [`super::Job::kind`].
    pub kind: String,
    /// See [`super::Job::key`].
    pub key: String,
    /// See [`super::Job::payload`].
    pub payload: Json,
    /// Since when it is due.
    pub due_at: Timestamp,
    /// Which attempt this is, from 1.
    pub attempt: i64,
    /// Until when it is this worker's.
    pub leased_until: Timestamp,
}

/// Leases jobs that are due and not leased, longest due first, at most `limit`.
///
/// # Errors
/// The database's.
pub async fn claim(
    scope: &Scope,
    work: &Work,
    now: Timestamp,
    lease: Duration,
    limit: u64,
) -> Result<Vec<Claimed>, StorageError> {
    let free = Column::LeasedUntil.is_null().or(Column::LeasedUntil.lte(now.to_string()));
    let found = of_kind(work.guard(scope)?, JOB)
        .filter(Column::State.eq(WAITING))
        .filter(Column::At.lte(now.to_string()))
        .filter(free)
        .order_by_asc(Column::At)
        .order_by_asc(Column::Id)
        .limit(limit);
    let leased_until = now.plus(lease);
    let mut claimed = Vec::new();
    for job in found.all(&work.transaction).await? {
        // The attempt is checked again, for engines on which two workers may have read the same row.
        let leased = Entity::update_many()
            .col_expr(Column::Attempts, Expr::value(job.attempts + 1))
            .col_expr(Column::LeasedUntil, Expr::value(leased_until.to_string()))
            .filter(own(Column::TenantId, job.tenant_id))
            .filter(Column::Id.eq(job.id))
            .filter(Column::State.eq(WAITING))
            .filter(Column::Attempts.eq(job.attempts));
        if leased.exec(&work.transaction).await?.rows_affected == 1 {
            claimed.push(read(job, leased_until)?);
        }
    }
    Ok(claimed)
}

/// Marks a claimed job as done. To be called in the transaction in which the job writes.
///
/// # Errors
/// [`StorageError::LeaseLost`], or the database's.
pub async fn finish(scope: &Scope, work: &Work, job: &Claimed, at: Timestamp) -> Result<(), StorageError> {
    let done = Entity::update_many()
        .col_expr(Column::State, Expr::value(DONE))
        .col_expr(Column::EndedAt, Expr::value(at.to_string()))
        .col_expr(Column::LastError, Expr::value(Option::<String>::None));
    end(scope, work, job, done).await
}

/// Gives a claimed job back that has done a part of its work in this transaction: it goes on at once, with all its attempts.
///
/// # Errors
/// [`StorageError::LeaseLost`], or the database's.
pub async fn proceed(scope: &Scope, work: &Work, job: &Claimed, at: Timestamp) -> Result<(), StorageError> {
    let rest = Entity::update_many()
        .col_expr(Column::Attempts, Expr::value(0_i64))
        .col_expr(Column::At, Expr::value(at.to_string()))
        .col_expr(Column::LastError, Expr::value(Option::<String>::None));
    end(scope, work, job, rest).await?;
    work.note_due(at);
    Ok(())
}

/// Gives a claimed job back that failed: it is due again at `due_at`.
///
/// # Errors
/// [`StorageError::LeaseLost`], or the database's.
pub async fn retry(
    scope: &Scope,
    work: &Work,
    job: &Claimed,
    due_at: Timestamp,
    reason: &str,
) -> Result<(), StorageError> {
    let later = Entity::update_many()
        .col_expr(Column::At, Expr::value(due_at.to_string()))
        .col_expr(Column::LastError, Expr::value(cut(reason)));
    end(scope, work, job, later).await?;
    work.note_due(due_at);
    Ok(())
}

/// Gives a claimed job up: it stays as a dead letter until somebody puts it back.
///
/// # Errors
/// [`StorageError::LeaseLost`], or the database's.
pub async fn bury(scope: &Scope, work: &Work, job: &Claimed, at: Timestamp, reason: &str) -> Result<(), StorageError> {
    let dead = Entity::update_many()
        .col_expr(Column::State, Expr::value(DEAD))
        .col_expr(Column::EndedAt, Expr::value(at.to_string()))
        .col_expr(Column::LastError, Expr::value(cut(reason)));
    end(scope, work, job, dead).await
}

/// Ends this attempt, if the job is still this worker's.
async fn end(scope: &Scope, work: &Work, job: &Claimed, change: UpdateMany<Entity>) -> Result<(), StorageError> {
    let ended = change
        .col_expr(Column::LeasedUntil, Expr::value(Option::<String>::None))
        .filter(own(Column::TenantId, work.guard(scope)?.0))
        .filter(Column::Id.eq(job.id))
        .filter(Column::State.eq(WAITING))
        .filter(Column::Attempts.eq(job.attempt))
        .filter(Column::LeasedUntil.eq(job.leased_until.to_string()));
    let ended = ended.exec(&work.transaction).await?;
    if ended.rows_affected == 1 { Ok(()) } else { Err(StorageError::LeaseLost) }
}

fn read(job: Model, leased_until: Timestamp) -> Result<Claimed, StorageError> {
    let corrupt = |what: &str| StorageError::Corrupt(what.to_owned());
    Ok(Claimed {
        id: job.id,
        kind: job.name,
        key: job.key.unwrap_or_default(),
        payload: serde_json::from_str(&job.payload.unwrap_or_default()).map_err(|_| corrupt("payload"))?,
        due_at: job.at.parse().map_err(|_| corrupt("at"))?,
        attempt: job.attempts + 1,
        leased_until,
    })
}

fn cut(reason: &str) -> String {
    reason.chars().take(MAX_ERROR_CHARS).collect()
}
