//! Sessions: each time that somebody signed in, until it ends.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, IndexCreateStatement};
use sea_orm::{QueryOrder, QuerySelect};
use sunlit_domain::Scope;
use sunlit_domain::id::ActorId;
use sunlit_domain::value::Timestamp;

use super::index_of;
use crate::session::own;
use crate::{Session, StorageError, Work};

/// A session.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "session")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Its id, ordered by time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Who signed in.
    pub account: Uuid,
    /// SHA-256 of the one refresh token that is good now, in hexadecimal.
    pub refresh_hash: String,
    /// How it was signed in: `password`, `password+totp`, `oidc`, `oidc+totp`.
    pub method: String,
    /// What the browser or program said it was, cut short.
    pub agent: String,
    /// From which address.
    pub address: String,
    /// When it began.
    pub began_at: String,
    /// When it was last refreshed.
    pub used_at: String,
    /// When it ended before its time; none while it goes on.
    pub ended_at: Option<String>,
    /// Why: `signed-out`, `revoked`, `reused`, `password`, `disabled`.
    pub ended_why: Option<String>,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(super) fn index() -> IndexCreateStatement {
    index_of("session", &["account"])
}

/// Writes a new session.
///
/// # Errors
/// The database's.
pub async fn insert(scope: &Scope, work: &Work, session: Model) -> Result<(), StorageError> {
    let row = ActiveModel::from(Model { tenant_id: work.guard(scope)?.0, ..session }).reset_all();
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// Gives a session its next refresh token.
///
/// # Errors
/// The database's.
pub async fn refresh(scope: &Scope, work: &Work, (id, hash): (Uuid, &str), at: Timestamp) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let update = Entity::update_many()
        .col_expr(Column::RefreshHash, Expr::value(hash))
        .col_expr(Column::UsedAt, Expr::value(at.to_string()))
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Id.eq(id));
    update.exec(&work.transaction).await?;
    Ok(())
}

/// Ends a session that goes on; answers whether there was one.
///
/// # Errors
/// The database's.
pub async fn end(scope: &Scope, work: &Work, (id, why): (Uuid, &str), at: Timestamp) -> Result<bool, StorageError> {
    let ended = end_where(scope, work, why, at)?.filter(Column::Id.eq(id));
    Ok(ended.exec(&work.transaction).await?.rows_affected > 0)
}

/// Ends all sessions of an account but `but`; answers how many went on.
///
/// # Errors
/// The database's.
pub async fn end_of(
    scope: &Scope,
    work: &Work,
    (account, why, but): (ActorId, &str, Option<Uuid>),
    at: Timestamp,
) -> Result<u64, StorageError> {
    let mut ended = end_where(scope, work, why, at)?.filter(Column::Account.eq(account.0));
    if let Some(but) = but {
        ended = ended.filter(Column::Id.ne(but));
    }
    Ok(ended.exec(&work.transaction).await?.rows_affected)
}

fn end_where(
    scope: &Scope,
    work: &Work,
    why: &str,
    at: Timestamp,
) -> Result<sea_orm::UpdateMany<Entity>, StorageError> {
    let tenant = work.guard(scope)?;
    Ok(Entity::update_many()
        .col_expr(Column::EndedAt, Expr::value(at.to_string()))
        .col_expr(Column::EndedWhy, Expr::value(why))
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::EndedAt.is_null()))
}

/// Removes the sessions of an account.
///
/// # Errors
/// The database's.
pub async fn delete_of(scope: &Scope, work: &Work, account: ActorId) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let gone = Entity::delete_many().filter(own(Column::TenantId, tenant.0)).filter(Column::Account.eq(account.0));
    gone.exec(&work.transaction).await?;
    Ok(())
}

/// Removes the sessions that nobody has used since `before`; answers how many.
///
/// # Errors
/// The database's.
pub async fn sweep(scope: &Scope, work: &Work, before: Timestamp) -> Result<u64, StorageError> {
    let tenant = work.guard(scope)?;
    let gone =
        Entity::delete_many().filter(own(Column::TenantId, tenant.0)).filter(Column::UsedAt.lt(before.to_string()));
    Ok(gone.exec(&work.transaction).await?.rows_affected)
}

/// The session of that id.
///
/// # Errors
/// The database's.
pub async fn find(scope: &Scope, session: &Session, id: Uuid) -> Result<Option<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::Id.eq(id));
    Ok(found.one(&session.transaction).await?)
}

/// The sessions of an account that have not been ended, latest first, at most `first`.
///
/// # Errors
/// The database's.
pub async fn of(scope: &Scope, session: &Session, account: ActorId, first: u64) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Account.eq(account.0))
        .filter(Column::EndedAt.is_null())
        .order_by_desc(Column::UsedAt)
        .limit(first);
    Ok(found.all(&session.transaction).await?)
}
