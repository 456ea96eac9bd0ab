//! What must hold before anything is served from a PostgreSQL database.

use sea_orm::{ConnectionTrait, FromQueryResult, Statement};

use super::SCHEMA;
use super::migrate::{VERSION, VERSION_TABLE, unprotected};
use crate::{Engine, StorageError};

/// The first minor of each major version without a known hole in row-level security: CVE-2024-10976 (row security below
/// subqueries), CVE-2025-8713 (statistics tell of rows that a policy hides). Later majors never had them.
const SOUND: [(i32, i32); 3] = [(15, 14), (16, 10), (17, 6)];

#[derive(Debug, FromQueryResult)]
struct Who {
    role: String,
    is_super: bool,
    bypasses: bool,
    version: i32,
}

/// # Errors
/// [`StorageError::Unsafe`] naming the mend.
pub(super) async fn run(connection: &impl ConnectionTrait) -> Result<(), StorageError> {
    let who: Who = one(
        connection,
        "SELECT rolname::text AS role, rolsuper AS is_super, rolbypassrls AS bypasses, \
         current_setting('server_version_num')::int AS version FROM pg_roles WHERE rolname = current_user",
    )
    .await?;
    let Who { role, is_super, bypasses, version } = who;
    sound(version)?;
    if is_super || bypasses {
        return Err(refused(format!(
            "the role {role} passes by row-level security: connect as one that is no superuser and has no BYPASSRLS"
        )));
    }
    text_order(connection).await?;
    migrated(connection).await?;
    let tables = "c.relkind IN ('r', 'p')";
    let owned = relations(connection, &format!("{tables} AND pg_has_role(c.relowner, 'MEMBER')")).await?;
    none(&owned, |tables| {
        format!("the role {role} owns {tables}, or is a member of the role that does: connect as one that does not")
    })?;
    no_way_around(connection, &role).await?;
    let invoker = "EXISTS (SELECT 1 FROM pg_options_to_table(c.reloptions) \
                   WHERE option_name = 'security_invoker' AND option_value::boolean)";
    let own = of_no_extension("pg_class", "c");
    let seen_through =
        relations(connection, &format!("{own} AND (c.relkind = 'm' OR c.relkind = 'v' AND NOT {invoker})")).await?;
    none(&seen_through, |views| {
        format!("the views {views} show rows of all tenants: drop them, or make them WITH (security_invoker = true)")
    })?;
    let emptied = relations(connection, &format!("{tables} AND has_table_privilege(c.oid, 'TRUNCATE')")).await?;
    none(&emptied, |tables| {
        format!("the role {role} may TRUNCATE {tables}, which no policy stops: revoke that right")
    })?;
    none(&unprotected(connection).await?, |tables| {
        format!("the tables {tables} of tenants lack their policy of row-level security: run `sunlit migrate`")
    })
}

/// The role itself is bound by row-level security; so must be whatever it may become or call.
async fn no_way_around(connection: &impl ConnectionTrait, role: &str) -> Result<(), StorageError> {
    let stronger = names(
        connection,
        "SELECT rolname::text FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND pg_has_role(oid, 'MEMBER') ORDER BY 1",
    )
    .await?;
    none(&stronger, |roles| {
        format!("the role {role} is a member of {roles}, which passes by row-level security: revoke that membership")
    })?;
    let own = of_no_extension("pg_proc", "p");
    let sql = format!(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
         WHERE n.nspname = '{SCHEMA}' AND p.prosecdef AND has_function_privilege(p.oid, 'EXECUTE') AND {own} ORDER BY 1"
    );
    none(&names(connection, &sql).await?, |functions| {
        format!(
            "the functions {functions} run with their owner's rights: drop them, make them SECURITY INVOKER, or revoke \
             EXECUTE from PUBLIC and {role}"
        )
    })
}

/// That the object `alias`, a row of `catalogue`, belongs to no extension.
fn of_no_extension(catalogue: &str, alias: &str) -> String {
    format!(
        "NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = '{catalogue}'::regclass AND d.objid = {alias}.oid \
         AND d.deptype = 'e')"
    )
}

/// Text has to order by code point, everywhere, as it does on SQLite.
pub(super) async fn text_order(connection: &impl ConnectionTrait) -> Result<(), StorageError> {
    #[derive(Debug, FromQueryResult)]
    struct Order {
        by_code_point: bool,
        encoding: String,
    }
    let order: Order = one(
        connection,
        "SELECT 'Z' < 'a' AND 'a-b' < 'aB' AND 'z' < '一' AND datcollate IN ('C', 'POSIX', 'C.UTF-8') AS by_code_point, \
         pg_encoding_to_char(encoding)::text AS encoding FROM pg_database WHERE datname = current_database()",
    )
    .await?;
    if order.by_code_point && order.encoding == "UTF8" {
        return Ok(());
    }
    Err(refused(
        "the database does not order text by code point: make one with CREATE DATABASE … TEMPLATE template0 ENCODING \
         'UTF8' LOCALE 'C'"
            .to_owned(),
    ))
}

fn sound(version: i32) -> Result<(), StorageError> {
    let (major, minor) = (version / 10_000, version % 10_000);
    if major < 15 {
        return Err(refused(format!("PostgreSQL {major} is too old: use 15 or later")));
    }
    match SOUND.into_iter().find(|(known, minor_needed)| *known == major && minor < *minor_needed) {
        Some((_, needed)) => Err(refused(format!(
            "PostgreSQL {major}.{minor} has a known hole in row-level security: use {major}.{needed} or later"
        ))),
        None => Ok(()),
    }
}

pub(super) async fn migrated(connection: &impl ConnectionTrait) -> Result<(), StorageError> {
    let is_there = names(connection, &format!("SELECT '' WHERE to_regclass('{VERSION_TABLE}') IS NOT NULL")).await?;
    let mend = |found: i64| {
        let text = match found {
            found if found > VERSION => "the database is of a later version of Sunlit: use that version",
            _ => "the database is not made for this version yet: run `sunlit migrate`",
        };
        refused(text.to_owned())
    };
    if is_there.is_empty() {
        return Err(mend(0));
    }
    #[derive(Debug, FromQueryResult)]
    struct Version {
        version: i64,
    }
    let sql = format!("SELECT COALESCE(max(version), 0) AS version FROM {VERSION_TABLE}");
    let Version { version } = one(connection, &sql).await?;
    if version == VERSION { Ok(()) } else { Err(mend(version)) }
}

async fn one<T: FromQueryResult>(connection: &impl ConnectionTrait, sql: &str) -> Result<T, StorageError> {
    let row = connection.query_one_raw(Statement::from_string(Engine::Postgres.backend(), sql)).await?;
    Ok(T::from_query_result(&row.ok_or(StorageError::Interrupted)?, "")?)
}

async fn names(connection: &impl ConnectionTrait, sql: &str) -> Result<Vec<String>, StorageError> {
    let rows = connection.query_all_raw(Statement::from_string(Engine::Postgres.backend(), sql)).await?;
    Ok(rows.iter().map(|row| row.try_get_by_index(0)).collect::<Result<_, _>>()?)
}

/// The tables and views of our schema of which `condition` holds.
async fn relations(connection: &impl ConnectionTrait, condition: &str) -> Result<Vec<String>, StorageError> {
    let from = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace";
    let sql = format!("SELECT c.relname::text FROM {from} WHERE n.nspname = '{SCHEMA}' AND {condition} ORDER BY 1");
    names(connection, &sql).await
}

fn none(names: &[String], mend: impl Fn(String) -> String) -> Result<(), StorageError> {
    if names.is_empty() { Ok(()) } else { Err(refused(mend(names.join(", ")))) }
}

fn refused(mend: String) -> StorageError {
    StorageError::Unsafe(mend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minors_with_known_holes_are_refused() {
        for bad in [140_020, 150_013, 160_009, 170_005] {
            assert!(sound(bad).is_err(), "{bad}");
        }
        for good in [150_014, 160_010, 170_006, 180_000] {
            assert!(sound(good).is_ok(), "{good}");
        }
    }
}
