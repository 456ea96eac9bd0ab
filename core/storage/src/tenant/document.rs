//! The GraphQL documents that the tenant trusts, by the SHA-256 of their text. A row never changes: other text has another
//! hash.

use sea_orm::ActiveValue::Set;
use sea_orm::QueryTrait as _;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sunlit_domain::Scope;
use sunlit_domain::value::Timestamp;

use crate::session::own;
use crate::{Session, StorageError, Work};

/// A registered document.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "document")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// SHA-256 of the text, 64 hexadecimal digits in lower case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hash: String,
    /// The GraphQL document.
    pub text: String,
    /// What people call it, such as the file that it came from.
    pub name: String,
    /// When it was registered.
    pub added_at: String,
    /// By whom.
    pub added_by: Option<Uuid>,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A document to register.
#[derive(Debug, Clone)]
pub struct Document {
    /// See [`Model::hash`].
    pub hash: String,
    /// See [`Model::text`].
    pub text: String,
    /// See [`Model::name`].
    pub name: String,
    /// See [`Model::added_at`].
    pub at: Timestamp,
}

/// Registers a document, by the scope's actor; one that is registered already stays as it is.
///
/// # Errors
/// The database's.
pub async fn add(scope: &Scope, work: &Work, document: Document) -> Result<(), StorageError> {
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        hash: Set(document.hash),
        text: Set(document.text),
        name: Set(document.name),
        added_at: Set(document.at.to_string()),
        added_by: Set(scope.actor().id().map(|id| id.0)),
    };
    let conflict = OnConflict::columns([Column::TenantId, Column::Hash]).do_nothing().to_owned();
    let insert = Entity::insert(row).on_conflict(conflict).into_query();
    work.execute(&insert).await?;
    Ok(())
}

/// The document with this hash.
///
/// # Errors
/// The database's.
pub async fn find(scope: &Scope, session: &Session, hash: &str) -> Result<Option<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find().filter(own(Column::TenantId, tenant.0)).filter(Column::Hash.eq(hash));
    Ok(found.one(&session.transaction).await?)
}

/// How many documents are registered.
///
/// # Errors
/// The database's.
pub async fn count(scope: &Scope, session: &Session) -> Result<u64, StorageError> {
    let tenant = session.guard(scope)?;
    Ok(Entity::find().filter(own(Column::TenantId, tenant.0)).count(&session.transaction).await?)
}
