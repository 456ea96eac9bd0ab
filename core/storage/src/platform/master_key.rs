//! The master keys that the installation needs. Each wraps the platform's own key here, so that a wrong one is found at the
//! start, and not at the first value that does not open.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::{DatabaseTransaction, QueryOrder, QuerySelect};
use sunlit_domain::value::Timestamp;

use super::Platform;
use crate::StorageError;

/// A master key that something is wrapped by.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "master_key")]
pub struct Model {
    /// 1, 2, 3 …: the greatest is the current one, which wraps what is new. Two nodes cannot both make the next.
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i64,
    /// The key's id.
    pub id: String,
    /// The platform's own key, wrapped by it: the value by which it is checked.
    pub platform_key: String,
    /// Since when it is used.
    pub created_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// All that are needed, the current one first.
///
/// # Errors
/// The database's.
pub async fn all(platform: &Platform) -> Result<Vec<Model>, StorageError> {
    Ok(Entity::find().order_by_desc(Column::Number).all(platform.reader()).await?)
}

/// The id of the current one.
pub(crate) async fn current(platform: &Platform) -> Result<Option<String>, StorageError> {
    let found = Entity::find().select_only().column(Column::Id).order_by_desc(Column::Number).limit(1);
    Ok(found.into_tuple().one(platform.reader()).await?)
}

/// Makes a master key the current one; answers whether nobody else was first.
pub(crate) async fn advance(
    platform: &Platform,
    number: i64,
    (id, platform_key): (&str, &str),
    at: Timestamp,
) -> Result<bool, StorageError> {
    let row = ActiveModel {
        number: Set(number),
        id: Set(id.to_owned()),
        platform_key: Set(platform_key.to_owned()),
        created_at: Set(at.to_string()),
    };
    let transaction: DatabaseTransaction = platform.begin().await?;
    match Entity::insert(row).exec_without_returning(&transaction).await.map_err(StorageError::from) {
        Ok(_) => transaction.commit().await.map(|()| true).map_err(StorageError::from),
        Err(StorageError::NotUnique { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Forgets the master keys before the current one, when nothing is wrapped by them any more. `current` is the id of the one
/// that everything is wrapped by: where another one was made the current one meanwhile, all stay.
///
/// # Errors
/// The database's.
pub async fn forget_former(platform: &Platform, current: &str) -> Result<bool, StorageError> {
    let transaction = platform.begin().await?;
    let last = Entity::find().order_by_desc(Column::Number).one(&transaction).await?;
    let Some(last) = last.filter(|last| last.id == current) else { return Ok(false) };
    Entity::delete_many().filter(Column::Number.lt(last.number)).exec(&transaction).await?;
    transaction.commit().await?;
    Ok(true)
}
