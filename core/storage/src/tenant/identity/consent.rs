//! What people have agreed to, and taken back: each agreement is a row that stays, so that it can be shown when and to what (个人信息保护法,
//! Art. 14, 15).

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{QueryOrder, QuerySelect, QueryTrait as _};
use sunlit_domain::Scope;
use sunlit_domain::id::ActorId;
use sunlit_domain::value::Timestamp;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// An agreement.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consent")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// Whose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: Uuid,
    /// To what.
    #[sea_orm(primary_key, auto_increment = false)]
    pub purpose: String,
    /// To which version of the text that was shown.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: String,
    /// When it was given.
    pub given_at: String,
    /// When it was taken back.
    pub withdrawn_at: Option<String>,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Notes that somebody agrees, from now on.
///
/// # Errors
/// The database's.
pub async fn give(
    scope: &Scope,
    work: &Work,
    (account, purpose, version): (ActorId, &str, &str),
    at: Timestamp,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        account: Set(account.0),
        purpose: Set(purpose.to_owned()),
        version: Set(version.to_owned()),
        given_at: Set(at.to_string()),
        withdrawn_at: Set(None),
    };
    let key = [Column::TenantId, Column::Account, Column::Purpose, Column::Version];
    let conflict = OnConflict::columns(key).update_columns([Column::GivenAt, Column::WithdrawnAt]).to_owned();
    work.execute(&Entity::insert(row).on_conflict(conflict).into_query()).await?;
    Ok(())
}

/// Notes that somebody takes back what they agreed to for a purpose; answers how much that was.
///
/// # Errors
/// The database's.
pub async fn withdraw(
    scope: &Scope,
    work: &Work,
    (account, purpose): (ActorId, &str),
    at: Timestamp,
) -> Result<u64, StorageError> {
    let tenant = work.guard(scope)?;
    let update = Entity::update_many()
        .col_expr(Column::WithdrawnAt, Expr::value(at.to_string()))
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Account.eq(account.0))
        .filter(Column::Purpose.eq(purpose))
        .filter(Column::WithdrawnAt.is_null());
    Ok(update.exec(&work.transaction).await?.rows_affected)
}

/// What somebody has agreed to, the latest first, at most `first`.
///
/// # Errors
/// The database's.
pub async fn of(scope: &Scope, session: &Session, account: ActorId, first: u64) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::Account.eq(account.0));
    Ok(found.order_by_desc(Column::GivenAt).limit(first).all(&session.transaction).await?)
}

/// Removes what is known of an account.
///
/// # Errors
/// The database's.
pub async fn delete_of(scope: &Scope, work: &Work, account: ActorId) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let gone = Entity::delete_many().filter(own(Column::TenantId, tenant.0)).filter(Column::Account.eq(account.0));
    gone.exec(&work.transaction).await?;
    Ok(())
}
