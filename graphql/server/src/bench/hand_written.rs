//! The handler that the GraphQL measurement is compared with: what somebody would write by hand for this one list.
//!
//! It knows its tenant, its table and its columns, asks in one prepared statement without a transaction, and checks no
//! rights beyond the state. With `engine/` the only place outside storage that speaks SQL, see [`Streets`].

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::error::ErrorInternalServerError;
use actix_web::{HttpResponse, web};
use sea_orm::sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sea_orm::sqlx::{self, AssertSqlSafe, Row as _};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// As many as storage opens for a tenant.
const READERS: u32 = 2;

/// The parameters of a request.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Asked {
    contains: String,
    from: String,
    first: i64,
}

#[derive(Debug, Serialize)]
struct Street {
    id: Uuid,
    code: Option<String>,
    name: Option<String>,
    location: Option<String>,
    industries: Option<String>,
    phone: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    data: Packages,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Packages {
    street_cards: Collections,
}

#[derive(Serialize)]
struct Collections {
    streets: List,
}

#[derive(Serialize)]
struct List {
    nodes: Vec<Street>,
}

/// How the statement is told how many records it may answer.
#[derive(Debug, Clone, Copy)]
pub(super) enum Limit {
    /// As a parameter, as the product's own statement is.
    Bound,
    /// In its text.
    Written,
}

/// What connections are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// Connections to a tenant's file, as many as the product has and with the same settings.
pub(super) fn pool(file: &Path, access: Access) -> SqlitePool {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(false)
        .read_only(access == Access::Read)
        .busy_timeout(Duration::from_secs(5))
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true);
    SqlitePoolOptions::new()
        .max_connections(if access == Access::Read { READERS } else { 1 })
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .connect_lazy_with(options)
}

/// The streets of one tenant.
#[derive(Debug)]
pub(super) struct Streets {
    pool: SqlitePool,
    sql: String,
    sql_with_bound_limit: Arc<str>,
    tenant: Uuid,
}

impl Streets {
    /// Reads `table` of the file, with the settings of the product's own readers.
    pub(super) fn open(file: &Path, table: &str, tenant: Uuid) -> Self {
        let pool = pool(file, Access::Read);
        let sql = format!(
            "SELECT id, code, name, location, industries, phone FROM \"{table}\" \
             WHERE tenant_id = ? AND state = 'published' AND instr(name, ?) > 0 AND code >= ? \
             ORDER BY code, id LIMIT "
        );
        Self { pool, sql_with_bound_limit: format!("{sql}?").into(), sql, tenant }
    }

    async fn select(&self, asked: &Asked, limit: Limit) -> Result<Vec<Street>, sqlx::Error> {
        let sql = match limit {
            Limit::Bound => Arc::clone(&self.sql_with_bound_limit),
            Limit::Written => format!("{}{}", self.sql, asked.first).into(),
        };
        let query =
            sqlx::query(AssertSqlSafe(sql)).bind(self.tenant).bind(asked.contains.as_str()).bind(asked.from.as_str());
        let query = match limit {
            Limit::Bound => query.bind(asked.first),
            Limit::Written => query,
        };
        let rows = query.fetch_all(&self.pool).await?;
        let street = |row: &sqlx::sqlite::SqliteRow| {
            Ok(Street {
                id: row.try_get(0)?,
                code: row.try_get(1)?,
                name: row.try_get(2)?,
                location: row.try_get(3)?,
                industries: row.try_get(4)?,
                phone: row.try_get(5)?,
            })
        };
        rows.iter().map(street).collect()
    }

    /// The statement alone, without HTTP: how many streets it finds.
    pub(super) async fn count(&self, asked: &Asked, limit: Limit) -> Result<usize, sqlx::Error> {
        self.select(asked, limit).await.map(|streets| streets.len())
    }

    pub(super) async fn close(&self) {
        self.pool.close().await;
    }
}

/// Answers in the shape of the GraphQL answer.
pub(super) async fn list(
    streets: web::Data<Streets>,
    asked: web::Json<Asked>,
) -> Result<HttpResponse, actix_web::Error> {
    let nodes = streets.select(&asked, Limit::Bound).await.map_err(ErrorInternalServerError)?;
    let answer = Answer { data: Packages { street_cards: Collections { streets: List { nodes } } } };
    Ok(HttpResponse::Ok().json(answer))
}
