//! Erasing a tenant's whole store.

use std::path::{Path, PathBuf};

use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query};
use sea_orm::{ConnectionTrait, DbErr, Statement};
use sunlit_domain::Scope;

use crate::postgres::tables_of_tenants;
use crate::session::TENANT;
use crate::sqlite::SqliteFile;
use crate::{Engine, StorageError, Work};

/// Removes a tenant's file and what belongs to it. What it holds is overwritten first, as far as SQLite can: another process may
/// have it open, and would keep the bytes of a removed file for as long.
pub(crate) async fn file(path: &Path) -> Result<(), StorageError> {
    if path.exists()
        && let Err(error) = overwrite(path).await
    {
        tracing::warn!(%error, path = %path.display(), "a tenant's file could not be overwritten: it is removed as it is");
    }
    let path = path.to_owned();
    let removed = tokio::task::spawn_blocking(move || remove(&path));
    removed.await.map_err(|_| StorageError::Interrupted)?
}

async fn overwrite(path: &Path) -> Result<(), StorageError> {
    let file = SqliteFile::open(path, 1, false).await?;
    let done = empty(&file).await;
    file.close().await;
    Ok(done?)
}

/// Drops every table while SQLite writes zeros over what it frees, and brings that from the log into the file.
async fn empty(file: &SqliteFile) -> Result<(), DbErr> {
    let writer = &file.writer;
    writer.execute_unprepared("PRAGMA secure_delete = ON; PRAGMA foreign_keys = OFF").await?;
    let named = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'";
    for row in writer.query_all_raw(Statement::from_string(Engine::Sqlite.backend(), named)).await? {
        let name: String = row.try_get_by_index(0)?;
        writer.execute_unprepared(&format!("DROP TABLE \"{}\"", name.replace('"', "\"\""))).await?;
    }
    writer.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    Ok(())
}

fn remove(path: &Path) -> Result<(), StorageError> {
    for suffix in ["-wal", "-shm", "-journal", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let part = PathBuf::from(name);
        match std::fs::remove_file(&part) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StorageError::File { path: part.display().to_string(), source: error });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Deletes the tenant's rows of every table that holds rows of tenants, whoever made it, in one transaction.
pub(crate) async fn rows(scope: &Scope, work: Work) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    work.defer_references().await?;
    work.take_time().await?;
    for table in tables_of_tenants(&work.transaction).await? {
        work.execute(&work.delete(scope, &table)?).await?;
        // What the policy of row-level security hides would not be deleted.
        let mut left = Query::select();
        left.expr(Expr::val(1_i64))
            .from(Alias::new(&table))
            .and_where(Expr::col(Alias::new(TENANT)).eq(tenant.0))
            .limit(1);
        if work.one(&left).await?.is_some() {
            return Err(StorageError::Unsafe(format!(
                "rows of the table {table} cannot be deleted: look at its triggers"
            )));
        }
    }
    work.commit().await
}
