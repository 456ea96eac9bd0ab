//! The tables that every tenant's store has beside its collections: audit, outbox, installations, migrations, settings, documents, the
//! calendar's own days, files, the history of records and their deadlines, data keys, who may sign in, and where its audit trail comes from.

pub mod audit;
pub mod calendar_day;
pub mod catalogue;
pub mod data_key;
pub mod deadline;
pub mod document;
pub mod file;
pub mod identity;
pub mod installation;
pub mod migration;
pub mod origin;
pub mod outbox;
pub mod rows;
pub mod setting;
pub mod step;

use sea_orm::{ConnectionTrait, EntityTrait, Schema};

use crate::{Engine, StorageError, table};

/// Makes the tables that are not there yet.
pub(crate) async fn create_tables(connection: &impl ConnectionTrait, engine: Engine) -> Result<(), StorageError> {
    create(connection, engine, audit::Entity).await?;
    create(connection, engine, outbox::Entity).await?;
    create(connection, engine, installation::Entity).await?;
    create(connection, engine, file::Entity).await?;
    for index in [audit::index(), audit::by_actor()].into_iter().chain(outbox::indexes()).chain(file::indexes()) {
        table::make_index(connection, engine, &index).await?;
    }
    create(connection, engine, migration::Entity).await?;
    create(connection, engine, setting::Entity).await?;
    create(connection, engine, document::Entity).await?;
    create(connection, engine, calendar_day::Entity).await?;
    create(connection, engine, step::Entity).await?;
    create(connection, engine, deadline::Entity).await?;
    create(connection, engine, data_key::Entity).await?;
    identity::create_tables(connection, engine).await?;
    create(connection, engine, origin::Entity).await
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
