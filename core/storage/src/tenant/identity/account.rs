//! Accounts: the people of a tenant.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::IndexCreateStatement;
use sea_orm::{QueryOrder, QuerySelect};
use sunlit_domain::Scope;
use sunlit_domain::id::ActorId;

use super::index_of;
use crate::session::own;
use crate::{Session, StorageError, Work};

/// An account.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "account")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The actor's id, ordered by time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Its address (`sunlit_domain::identity::account::email`), one account each.
    pub email: String,
    /// What the person is called.
    pub name: String,
    /// [`INVITED`], [`ACTIVE`] or [`DISABLED`].
    pub state: String,
    /// The hash of its password, in PHC form; none before one was chosen.
    pub password: Option<String>,
    /// Since when.
    pub password_at: Option<String>,
    /// Wrong answers in a row.
    pub failures: i64,
    /// Until when it is locked.
    pub locked_until: Option<String>,
    /// The sealed secret of its authenticator.
    pub totp: Option<String>,
    /// Since when the authenticator is asked for; none while it is not confirmed.
    pub totp_at: Option<String>,
    /// The step of the last code that was taken: none is taken twice (RFC 6238, §5.2).
    pub totp_step: i64,
    /// When it was made.
    pub created_at: String,
    /// By whom; none for the first ones of a tenant and for whoever registered.
    pub created_by: Option<Uuid>,
    /// When somebody last signed in to it.
    pub signed_in_at: Option<String>,
}

/// Its owner has not taken the invitation yet.
pub const INVITED: &str = "invited";
/// Its owner may sign in.
pub const ACTIVE: &str = "active";
/// Nobody may sign in to it.
pub const DISABLED: &str = "disabled";

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The place of an account's authenticator secret, for the vault.
#[must_use]
pub fn totp_context(account: Uuid) -> String {
    format!("account/{account}/totp")
}

pub(super) fn index() -> IndexCreateStatement {
    index_of("account", &["email"]).unique().take()
}

/// Writes a new account.
///
/// # Errors
/// [`StorageError::NotUnique`] when its address has one, or the database's.
pub async fn insert(scope: &Scope, work: &Work, account: Model) -> Result<(), StorageError> {
    work.guard(scope)?;
    let row = ActiveModel::from(Model { tenant_id: scope.tenant().0, ..account }).reset_all();
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// Writes all of an account that is there.
///
/// # Errors
/// [`StorageError::NotFound`], [`StorageError::NotUnique`] for an address that another has, or the database's.
pub async fn put(scope: &Scope, work: &Work, account: Model) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let id = account.id;
    let row = ActiveModel::from(Model { tenant_id: tenant.0, ..account }).reset_all();
    let update = Entity::update_many().set(row).filter(own(Column::TenantId, tenant.0)).filter(Column::Id.eq(id));
    if update.exec(&work.transaction).await?.rows_affected == 0 {
        return Err(StorageError::NotFound);
    }
    Ok(())
}

/// Removes an account; its grants, sessions and the like are removed by their own functions.
///
/// # Errors
/// The database's.
pub async fn delete(scope: &Scope, work: &Work, id: ActorId) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let gone = Entity::delete_many().filter(own(Column::TenantId, tenant.0)).filter(Column::Id.eq(id.0));
    gone.exec(&work.transaction).await?;
    Ok(())
}

/// The account of that id.
///
/// # Errors
/// The database's.
pub async fn find(scope: &Scope, session: &Session, id: ActorId) -> Result<Option<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::Id.eq(id.0));
    Ok(found.one(&session.transaction).await?)
}

/// The account of that address, in the spelling in which it is kept.
///
/// # Errors
/// The database's.
pub async fn by_email(scope: &Scope, session: &Session, email: &str) -> Result<Option<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::Email.eq(email));
    Ok(found.one(&session.transaction).await?)
}

/// Accounts in the order of their ids, those after `after`.
///
/// # Errors
/// The database's.
pub async fn page(
    scope: &Scope,
    session: &Session,
    first: u64,
    after: Option<ActorId>,
) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let mut found = Entity::find().filter(own(Column::TenantId, tenant.0)).order_by_asc(Column::Id).limit(first);
    if let Some(after) = after {
        found = found.filter(Column::Id.gt(after.0));
    }
    Ok(found.all(&session.transaction).await?)
}

/// How many accounts there are.
///
/// # Errors
/// The database's.
pub async fn count(scope: &Scope, session: &Session) -> Result<u64, StorageError> {
    let tenant = session.guard(scope)?;
    Ok(Entity::find().filter(own(Column::TenantId, tenant.0)).count(&session.transaction).await?)
}

/// How many accounts there are that somebody may sign in to, or may take.
///
/// # Errors
/// The database's.
pub async fn count_open(scope: &Scope, session: &Session) -> Result<u64, StorageError> {
    let tenant = session.guard(scope)?;
    let open = Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::State.ne(DISABLED));
    Ok(open.count(&session.transaction).await?)
}
