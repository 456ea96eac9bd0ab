//! The tables that every tenant's store has beside its collections: audit, outbox, installations, settings, files.

pub mod audit;
pub mod file;
pub mod installation;
pub mod outbox;
pub mod setting;

use sea_orm::{ConnectionTrait, EntityTrait, Schema};

use crate::{Engine, StorageError};

/// Makes the tables that are not there yet.
pub(crate) async fn create_tables(connection: &impl ConnectionTrait, engine: Engine) -> Result<(), StorageError> {
    create(connection, engine, audit::Entity).await?;
    create(connection, engine, outbox::Entity).await?;
    create(connection, engine, installation::Entity).await?;
    create(connection, engine, file::Entity).await?;
    file::create_indexes(connection).await?;
    create(connection, engine, setting::Entity).await
}

pub(crate) async fn create<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    engine: Engine,
    entity: E,
) -> Result<(), StorageError> {
    let mut table = Schema::new(engine.backend()).create_table_from_entity(entity);
    connection.execute(table.if_not_exists()).await?;
    Ok(())
}
