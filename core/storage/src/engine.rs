//! What differs between the database engines, all in one place. Everything else is built once with sea-query.

use sea_orm::sea_query::{Alias, ColumnType, Expr, ExprTrait, Func, IntoColumnRef, NullOrdering};
use sea_orm::{DbBackend, Statement};
use sunlit_domain::value::Kind;

/// A database engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One file per tenant.
    Sqlite,
}

impl Engine {
    pub(crate) fn backend(self) -> DbBackend {
        match self {
            Self::Sqlite => DbBackend::Sqlite,
        }
    }

    /// The column type of a kind. The further columns of points and areas hold whole numbers.
    pub(crate) fn column_type(self, kind: Kind) -> ColumnType {
        let name = match (self, kind) {
            (Self::Sqlite, Kind::Text | Kind::Date | Kind::DateTime | Kind::Area | Kind::Json | Kind::List(_)) => {
                "TEXT"
            }
            (Self::Sqlite, Kind::Int | Kind::Decimal(_) | Kind::Bool | Kind::Point) => "INTEGER",
            (Self::Sqlite, Kind::Id) => "BLOB",
        };
        ColumnType::Custom(Alias::new(name).into())
    }

    /// What follows the closing bracket of `CREATE TABLE`: SQLite checks types only in strict tables.
    pub(crate) fn table_options(self) -> &'static str {
        match self {
            Self::Sqlite => "STRICT",
        }
    }

    /// Until the transaction ends, references are looked at when it does.
    pub(crate) fn defer_references(self) -> &'static str {
        match self {
            Self::Sqlite => "PRAGMA defer_foreign_keys = ON",
        }
    }

    /// The names of a table's columns.
    pub(crate) fn columns_of(self, table: &str) -> Statement {
        let sql = match self {
            Self::Sqlite => "SELECT name FROM pragma_table_info(?)",
        };
        Statement::from_sql_and_values(self.backend(), sql, [table.into()])
    }

    /// Whether `column` contains `part`, by code points and with case.
    pub(crate) fn contains(self, column: impl IntoColumnRef, part: &str) -> Expr {
        let find = match self {
            Self::Sqlite => "instr",
        };
        Expr::expr(Func::cust(Alias::new(find)).args([Expr::col(column), Expr::val(part)])).gt(0)
    }

    /// Whether `column` begins with `part`, by code points and with case.
    pub(crate) fn starts_with(self, column: impl IntoColumnRef, part: &str) -> Expr {
        let length = i64::try_from(part.chars().count()).unwrap_or(i64::MAX);
        let head = Func::cust(Alias::new("substr")).args([Expr::col(column), Expr::val(1_i64), Expr::val(length)]);
        Expr::expr(head).eq(part)
    }

    /// Where records without a value go: before all when ascending. SQLite does so by itself, and keeps its index.
    pub(crate) fn nulls(self, _descending: bool) -> Option<NullOrdering> {
        match self {
            Self::Sqlite => None,
        }
    }
}
