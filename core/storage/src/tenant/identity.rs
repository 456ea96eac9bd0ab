//! Who may sign in to a tenant, and what stands between them and its data: accounts with their roles, sessions, keys, tickets,
//! and providers of identities.

pub mod account;
pub mod api_key;
pub mod consent;
pub mod external;
pub mod provider;
pub mod role;
pub mod session;
pub mod ticket;

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Alias, Index, IndexCreateStatement};

use super::create;
use crate::session::TENANT;
use crate::{Engine, StorageError, table};

/// Makes the tables that are not there yet.
pub(super) async fn create_tables(connection: &impl ConnectionTrait, engine: Engine) -> Result<(), StorageError> {
    create(connection, engine, account::Entity).await?;
    create(connection, engine, role::Entity).await?;
    create(connection, engine, session::Entity).await?;
    create(connection, engine, api_key::Entity).await?;
    create(connection, engine, ticket::Entity).await?;
    create(connection, engine, external::Entity).await?;
    create(connection, engine, provider::Entity).await?;
    create(connection, engine, consent::Entity).await?;
    for index in [account::index(), role::index(), session::index(), external::index()] {
        table::make_index(connection, engine, &index).await?;
    }
    Ok(())
}

/// An index of a tenant's table on these columns, the tenant first.
fn index_of(table: &str, columns: &[&str]) -> IndexCreateStatement {
    let name = format!("ix_{table}__{}", columns.join("__"));
    let mut index = Index::create().if_not_exists().name(name).table(Alias::new(table)).take();
    for column in [TENANT].iter().chain(columns) {
        index.col(Alias::new(*column));
    }
    index
}
