//! What differs between the database engines, all in one place. Everything else is built once with sea-query.
//!
//! On PostgreSQL the database orders text by code point (`LOCALE 'C'`, see [`crate::postgres`]), as SQLite does.

use sea_orm::sea_query::{Alias, ColumnType, Expr, ExprTrait, Func, IntoColumnRef, NullOrdering};
use sea_orm::{DbBackend, Statement};
use sunlit_domain::value::Kind;

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file per tenant.
    Sqlite,
    /// One database for all tenants, parted by row-level security.
    Postgres,
}

impl Engine {
    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
            Self::Postgres => DbBackend::Postgres,
        }
    }

    /// The column type of a kind. The further columns of points and areas hold whole numbers.
    pub(crate) fn column_type(self, kind: Kind) -> ColumnType {
        let name = match (self, kind) {
            (_, Kind::Text | Kind::Date | Kind::DateTime | Kind::Area | Kind::Json | Kind::List(_)) => "TEXT",
            (Self::Sqlite, Kind::Int | Kind::Decimal(_) | Kind::Bool | Kind::Point) => "INTEGER",
            (Self::Postgres, Kind::Int | Kind::Decimal(_) | Kind::Bool | Kind::Point) => "BIGINT",
            (Self::Sqlite, Kind::Id) => "BLOB",
            (Self::Postgres, Kind::Id) => "UUID",
        };
        ColumnType::Custom(Alias::new(name).into())
    }

    /// What follows the closing bracket of `CREATE TABLE`: SQLite checks types only in strict tables.
    pub(crate) fn table_options(self) -> Option<&'static str> {
        match self {
            Self::Sqlite => Some("STRICT"),
            Self::Postgres => None,
        }
    }

    /// Until the transaction ends, references are looked at when it does.
    pub(crate) fn defer_references(self) -> &'static str {
        match self {
            Self::Sqlite => "PRAGMA defer_foreign_keys = ON",
            Self::Postgres => "SET CONSTRAINTS ALL DEFERRED",
        }
    }

    /// The names of a table's columns.
    pub(crate) fn columns_of(self, table: &str) -> Statement {
        let sql = match self {
            Self::Sqlite => "SELECT name FROM pragma_table_info(?)",
            Self::Postgres => {
                "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(quote_ident($1)) \
                 AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
            }
        };
        Statement::from_sql_and_values(self.backend(), sql, [table.into()])
    }

    /// Whether `column` contains `part`, by code points and with case.
    pub(crate) fn contains(self, column: impl IntoColumnRef, part: &str) -> Expr {
        let find = match self {
            Self::Sqlite => "instr",
            Self::Postgres => "strpos",
        };
        Expr::expr(Func::cust(Alias::new(find)).args([Expr::col(column), Expr::val(part)])).gt(0)
    }

    /// Whether `column` begins with `part`, by code points and with case.
    pub(crate) fn starts_with(self, column: impl IntoColumnRef, part: &str) -> Expr {
        let length = i32::try_from(part.chars().count()).unwrap_or(i32::MAX);
        substr(Expr::col(column), length).eq(part)
    }

    /// Where records without a value go: before all when ascending. SQLite does so by itself, and keeps its index.
    pub(crate) fn nulls(self, descending: bool) -> Option<NullOrdering> {
        match (self, descending) {
            (Self::Sqlite, _) => None,
            (Self::Postgres, false) => Some(NullOrdering::First),
            (Self::Postgres, true) => Some(NullOrdering::Last),
        }
    }
}

/// The first `length` characters of a text.
pub(crate) fn substr(text: Expr, length: i32) -> Expr {
    Expr::expr(Func::cust(Alias::new("substr")).args([text, Expr::val(1_i32), Expr::val(length)]))
}

/// The sum of whole numbers as one: PostgreSQL answers a sum of 64 bits as a decimal number.
pub(crate) fn sum(numbers: Expr) -> Expr {
    numbers.sum().cast_as(Alias::new("bigint"))
}
