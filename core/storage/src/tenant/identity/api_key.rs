//! Keys for programs: each is an actor of its own, with roles and bounds.

use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// A key.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_key")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The actor's id, ordered by time.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What it is for.
    pub name: String,
    /// SHA-256 of its secret, in hexadecimal. The secret is random, so that nobody finds it from its hash.
    pub hash: String,
    /// Its roles, separated by spaces.
    pub roles: String,
    /// What it may be used for: `sunlit_domain::identity::key_scope::KeyScope` as JSON.
    pub scope: String,
    /// When it was made.
    pub created_at: String,
    /// By whom.
    pub created_by: Option<Uuid>,
    /// Until when it is good.
    pub expires_at: String,
    /// Since when it is no longer good.
    pub revoked_at: Option<String>,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Writes a new key.
///
/// # Errors
/// The database's.
pub async fn insert(scope: &Scope, work: &Work, key: Model) -> Result<(), StorageError> {
    let row = ActiveModel::from(Model { tenant_id: work.guard(scope)?.0, ..key }).reset_all();
    Entity::insert(row).exec_without_returning(&work.transaction).await?;
    Ok(())
}

/// Ends a key; answers whether it was good.
///
/// # Errors
/// The database's.
pub async fn revoke(scope: &Scope, work: &Work, id: Uuid, at: Timestamp) -> Result<bool, StorageError> {
    let tenant = work.guard(scope)?;
    let update = Entity::update_many()
        .col_expr(Column::RevokedAt, Expr::value(at.to_string()))
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Id.eq(id))
        .filter(Column::RevokedAt.is_null());
    Ok(update.exec(&work.transaction).await?.rows_affected > 0)
}

/// The key of that id.
///
/// # Errors
/// The database's.
pub async fn find(scope: &Scope, session: &Session, id: Uuid) -> Result<Option<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::Id.eq(id));
    Ok(found.one(&session.transaction).await?)
}

/// All keys, the latest first. There are few: whoever makes one more than the limit is refused.
///
/// # Errors
/// The database's.
pub async fn all(scope: &Scope, session: &Session) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).order_by_desc(Column::Id);
    Ok(found.all(&session.transaction).await?)
}
