//! Every table that a tenant has beside its collections, and what becomes of its rows when the tenant is taken along: the one
//! list that archives go by. A table that is missing here fails a test below.

use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{Alias, ColumnType, Expr, ExprTrait as _};
use sea_orm::{ColumnTrait as _, EntityTrait, IdenStatic as _, Iterable as _, PrimaryKeyToColumn as _};

use super::identity::{account, api_key, consent, external, provider, role, session, ticket};
use super::{
    audit, calendar_day, data_key, deadline, document, file, installation, migration, origin, outbox, setting, step,
};
use crate::session::TENANT;

/// A table and its fate.
#[derive(Debug, Clone)]
pub struct FixedTable {
    /// Its name in the database.
    pub name: &'static str,
    /// What becomes of its rows.
    pub fate: Fate,
    pub(crate) columns: Vec<Column>,
    /// The columns of its key after the tenant, in their order; none of a table with one row for each tenant.
    pub(crate) key: Vec<Column>,
    /// The column that the tenant's vault seals, with what the place of its value is called.
    pub(crate) sealed: Option<Sealed>,
}

/// A sealed column, and the place of the value in the row of that id.
pub(crate) type Sealed = (&'static str, PlaceOf);
pub(crate) type PlaceOf = fn(Option<Uuid>) -> String;

/// What becomes of a table's rows when the tenant is taken along.
#[derive(Debug, Clone, Copy)]
pub enum Fate {
    /// They are carried.
    Carried,
    /// Those of which the condition does not hold are carried; why the others are not.
    But(fn() -> Expr, &'static str),
    /// They stay behind, and why.
    Left(&'static str),
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) sort: Sort,
}

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    Id,
    Text,
    Number,
    Truth,
    Bytes,
    /// What no archive knows how to write: a test refuses it.
    Unknown,
}

/// All of them.
#[must_use]
pub fn all() -> Vec<FixedTable> {
    use Fate::{But, Carried, Left};
    vec![
        table(installation::Entity, Carried),
        table(migration::Entity, Carried),
        table(setting::Entity, Carried),
        table(document::Entity, Carried),
        table(calendar_day::Entity, Carried),
        table(file::Entity, But(condemned, "a content that is about to be deleted is no file")),
        table(audit::Entity, Carried),
        table(origin::Entity, Carried),
        table(step::Entity, Carried),
        table(deadline::Entity, Carried),
        table(outbox::Entity, But(done, "what is done is of use to this installation's followers only")),
        table(
            data_key::Entity,
            Left("values are carried in clear, and sealed anew with keys of the installation that they come to"),
        ),
        sealing(table(account::Entity, Carried), "totp", |id| account::totp_context(id.unwrap_or_default())),
        table(role::Entity, Carried),
        table(
            session::Entity,
            Left("whoever was signed in signs in again: a copy is not entered with what opens the original"),
        ),
        table(
            api_key::Entity,
            Left("a key opens one installation's tenant, and one that was revoked since must not come back"),
        ),
        table(
            ticket::Entity,
            Left("invitations and resets are under way by mail, are good for days, and are sent again"),
        ),
        table(external::Entity, Carried),
        table(consent::Entity, Carried),
        sealing(table(provider::Entity, Carried), "client_secret", |_| provider::SECRET_CONTEXT.to_owned()),
    ]
}

/// A table with a column that the vault seals.
fn sealing(table: FixedTable, column: &'static str, place: PlaceOf) -> FixedTable {
    FixedTable { sealed: Some((column, place)), ..table }
}

fn condemned() -> Expr {
    Expr::col(Alias::new("state")).eq(file::CONDEMNED)
}

fn done() -> Expr {
    Expr::col(Alias::new("state")).eq(outbox::DONE)
}

fn table<E: EntityTrait>(entity: E, fate: Fate) -> FixedTable {
    let column = |column: E::Column| Column {
        name: column.as_str().to_owned(),
        sort: match column.def().get_column_type() {
            ColumnType::Uuid => Sort::Id,
            ColumnType::Char(_) | ColumnType::String(_) | ColumnType::Text => Sort::Text,
            ColumnType::BigInteger => Sort::Number,
            ColumnType::Boolean => Sort::Truth,
            ColumnType::Binary(_) | ColumnType::VarBinary(_) | ColumnType::Blob => Sort::Bytes,
            _ => Sort::Unknown,
        },
    };
    let is_of_row = |column: &Column| column.name != TENANT;
    FixedTable {
        name: entity.table_name(),
        fate,
        columns: E::Column::iter().map(column).filter(is_of_row).collect(),
        key: E::PrimaryKey::iter().map(|key| column(key.into_column())).filter(is_of_row).collect(),
        sealed: None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sea_orm::{ConnectionTrait as _, Database, Statement};

    use super::*;
    use crate::Engine;

    /// Both engines make their tables with the same function.
    #[tokio::test]
    async fn every_fixed_table_is_in_the_catalogue_with_every_column() {
        let connection = Database::connect("sqlite::memory:").await.unwrap();
        crate::tenant::create_tables(&connection, Engine::Sqlite).await.unwrap();
        let tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
        let rows = connection.query_all_raw(Statement::from_string(Engine::Sqlite.backend(), tables)).await.unwrap();
        let there: BTreeSet<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        let listed = all();
        let known: BTreeSet<String> = listed.iter().map(|table| table.name.to_owned()).collect();
        assert_eq!(
            there, known,
            "say in core/storage/src/tenant/catalogue.rs whether its rows are carried, or why they stay behind"
        );
        assert_eq!(known.len(), listed.len());
        for table in listed {
            let rows = connection.query_all_raw(Engine::Sqlite.columns_of(table.name)).await.unwrap();
            let there: BTreeSet<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
            let known = table.columns.iter().map(|column| column.name.clone()).chain([TENANT.to_owned()]).collect();
            assert_eq!(there, known, "{}", table.name);
            if let Some((column, _)) = table.sealed {
                assert!(table.columns.iter().any(|known| known.name == column && known.sort == Sort::Text), "{column}");
            }
            let unknown: Vec<_> = table.columns.iter().filter(|column| column.sort == Sort::Unknown).collect();
            assert_eq!(unknown, Vec::<&Column>::new(), "{}", table.name);
            if let Fate::Left(why) | Fate::But(_, why) = table.fate {
                assert!(why.len() > 20, "say why rows of {} stay behind", table.name);
            }
        }
    }
}
