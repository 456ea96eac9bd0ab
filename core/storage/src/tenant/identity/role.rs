//! Which roles an account has. The database itself refuses a second separated duty.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::IndexCreateStatement;
use sea_orm::{QueryOrder, QuerySelect};
use sunlit_domain::id::ActorId;
use sunlit_domain::identity::duty::Duty;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Role, Scope};

use super::index_of;
use crate::session::own;
use crate::{Session, StorageError, Work};

/// A role of an account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "role_grant")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The account.
    #[sea_orm(primary_key, auto_increment = false)]
    pub account: Uuid,
    /// The role's name.
    #[sea_orm(primary_key, auto_increment = false)]
    pub role: String,
    /// The same word for each of the separated duties, none for other roles: with the account it is unique.
    pub duty: Option<String>,
    /// When it was given.
    pub granted_at: String,
    /// By whom; none when the tenant was made.
    pub granted_by: Option<Uuid>,
}

const DUTY: &str = "duty";

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub(super) fn index() -> IndexCreateStatement {
    index_of("role_grant", &["account", "duty"]).unique().take()
}

/// Gives a role, by the scope's actor.
///
/// # Errors
/// [`StorageError::NotUnique`] for a role that the account has, or a second separated duty; the database's.
pub async fn grant(
    scope: &Scope,
    work: &Work,
    (account, role): (ActorId, Role),
    at: Timestamp,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        account: Set(account.0),
        role: Set(role.name().to_owned()),
        duty: Set(Duty::of(role).map(|_| DUTY.to_owned())),
        granted_at: Set(at.to_string()),
        granted_by: Set(scope.actor().id().map(|id| id.0)),
    };
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// Takes a role; answers whether the account had it.
///
/// # Errors
/// The database's.
pub async fn revoke(scope: &Scope, work: &Work, account: ActorId, role: Role) -> Result<bool, StorageError> {
    let tenant = work.guard(scope)?;
    let gone = Entity::delete_many()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Account.eq(account.0))
        .filter(Column::Role.eq(role.name()));
    Ok(gone.exec(&work.transaction).await?.rows_affected > 0)
}

/// Takes all roles of an account.
///
/// # Errors
/// The database's.
pub async fn delete_of(scope: &Scope, work: &Work, account: ActorId) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let gone = Entity::delete_many().filter(own(Column::TenantId, tenant.0)).filter(Column::Account.eq(account.0));
    gone.exec(&work.transaction).await?;
    Ok(())
}

/// The roles of an account. What is no role of this version counts for none.
///
/// # Errors
/// The database's.
pub async fn of(scope: &Scope, session: &Session, account: ActorId) -> Result<Vec<Role>, StorageError> {
    Ok(of_all(scope, session, &[account.0]).await?.into_iter().map(|(_, role)| role).collect())
}

/// The roles of these accounts.
///
/// # Errors
/// The database's.
pub async fn of_all(scope: &Scope, session: &Session, accounts: &[Uuid]) -> Result<Vec<(ActorId, Role)>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Account.is_in(accounts.iter().copied()))
        .order_by_asc(Column::Role);
    let rows = found.all(&session.transaction).await?;
    Ok(rows.into_iter().filter_map(|row| Some((ActorId(row.account), Role::named(&row.role)?))).collect())
}

/// How many other accounts than `but` have this role and may sign in.
///
/// # Errors
/// The database's.
pub async fn others(scope: &Scope, session: &Session, role: Role, but: ActorId) -> Result<u64, StorageError> {
    use super::account;

    let tenant = session.guard(scope)?;
    let active = account::Entity::find()
        .select_only()
        .column(account::Column::Id)
        .filter(own(account::Column::TenantId, tenant.0))
        .filter(account::Column::State.ne(account::DISABLED));
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Role.eq(role.name()))
        .filter(Column::Account.ne(but.0))
        .filter(Column::Account.in_subquery(sea_orm::QueryTrait::into_query(active)));
    Ok(found.count(&session.transaction).await?)
}
