//! Counts, sums, least and greatest values, of all records that a filter admits or by groups of them.

use sea_orm::QueryResult;
use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Order as SqlOrder, SelectStatement};
use sunlit_domain::Scope;
use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::Attribute;
use sunlit_domain::value::{Kind, Total, Value};

use super::encoding;
use super::read::apply;
use crate::engine::{substr, sum};
use crate::{Session, StorageError, Table};

/// What is cut off a sum's parts, so that no engine's 64 bits overflow: each is summed alone.
const PART: i64 = 1_000_000_000;

/// By what records are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GroupTerm {
    /// The value itself.
    Value(Attribute),
    /// The year of a day.
    Year(Attribute),
    /// The month of a day, as `2026-11`.
    Month(Attribute),
}

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct AggregateQuery {
    /// Which records; none means all.
    pub filter: Option<Filter>,
    /// By what; nothing makes one group of all.
    pub by: Vec<GroupTerm>,
    /// Of which values.
    pub measures: Vec<Attribute>,
    /// How many groups at most, the largest first.
    pub first: u32,
}

/// One group.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The value of each term: a year is a whole number, a month is text.
    pub keys: Vec<Value>,
    /// How many records.
    pub count: i64,
    /// One for each measure, in their order.
    pub measures: Vec<Measure>,
}

/// What is known of the values of a group; nothing where no record has one.
#[derive(Debug, Clone, PartialEq)]
pub struct Measure {
    /// How many records have a value.
    pub present: i64,
    /// The sum of numbers.
    pub sum: Option<Total>,
    /// The least.
    pub min: Value,
    /// The greatest.
    pub max: Value,
}

/// Groups of a query, the largest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Groups {
    /// The groups.
    pub groups: Vec<Group>,
    /// Whether there are more than were asked for.
    pub has_next: bool,
}

/// The groups of the records that the query admits. Without terms there is exactly one, of all.
///
/// # Errors
/// The database's.
pub async fn aggregate(
    scope: &Scope,
    session: &Session,
    table: &Table,
    query: &AggregateQuery,
) -> Result<Groups, StorageError> {
    let mut select = session.select(scope, table.name())?;
    apply(&mut select, session, table, query.filter.as_ref());
    // Named, not repeated: a repeated expression would bind its own variables and be another one to PostgreSQL.
    let names: Vec<Alias> = (0..query.by.len()).map(|at| Alias::new(format!("group_{at}_"))).collect();
    for (term, name) in query.by.iter().zip(&names) {
        select.expr_as(key(table, *term), name.clone()).add_group_by([Expr::col(name.clone())]);
    }
    select.expr(Func::count(Expr::col(Alias::new("id"))));
    for attribute in &query.measures {
        measured(&mut select, table, *attribute);
    }
    select.order_by_expr(Func::count(Expr::col(Alias::new("id"))).into(), SqlOrder::Desc);
    for name in names {
        match session.engine().nulls(false) {
            Some(nulls) => select.order_by_with_nulls(name, SqlOrder::Asc, nulls),
            None => select.order_by(name, SqlOrder::Asc),
        };
    }
    let rows = session.first(&select, u64::from(query.first) + 1).await?;
    let wanted = usize::try_from(query.first).unwrap_or(usize::MAX);
    let groups = rows.iter().take(wanted).map(|row| read(row, query)).collect::<Result<_, _>>()?;
    Ok(Groups { groups, has_next: rows.len() > wanted })
}

fn column(table: &Table, attribute: Attribute) -> Expr {
    Expr::col(Alias::new(table.columns(attribute.slot).swap_remove(0)))
}

fn key(table: &Table, term: GroupTerm) -> Expr {
    let head = |attribute, length| substr(column(table, attribute), length);
    match term {
        GroupTerm::Value(attribute) => column(table, attribute),
        GroupTerm::Year(attribute) => head(attribute, 4),
        GroupTerm::Month(attribute) => head(attribute, 7),
    }
}

fn measured(select: &mut SelectStatement, table: &Table, attribute: Attribute) {
    let column = || column(table, attribute);
    select.expr(Func::count(column())).expr(Func::min(column())).expr(Func::max(column()));
    if is_number(attribute.kind) {
        select.expr(sum(column().div(PART))).expr(sum(column().modulo(PART)));
    }
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Int | Kind::Decimal(_))
}

fn read(row: &QueryResult, query: &AggregateQuery) -> Result<Group, StorageError> {
    let mut at = 0;
    let mut keys = Vec::new();
    for term in &query.by {
        keys.push(match term {
            GroupTerm::Value(attribute) => encoding::read(row, &mut at, attribute.kind, "group")?,
            GroupTerm::Year(_) => match encoding::read(row, &mut at, Kind::Text, "group")? {
                Value::Text(year) => year.parse().map_or(Value::Null, Value::Int),
                _ => Value::Null,
            },
            GroupTerm::Month(_) => encoding::read(row, &mut at, Kind::Text, "group")?,
        });
    }
    let count = number(row, &mut at)?;
    let measures = query.measures.iter().map(|attribute| read_measure(row, &mut at, attribute.kind));
    Ok(Group { keys, count, measures: measures.collect::<Result<_, _>>()? })
}

fn read_measure(row: &QueryResult, at: &mut usize, kind: Kind) -> Result<Measure, StorageError> {
    let present = number(row, at)?;
    let min = encoding::read(row, at, kind, "min")?;
    let max = encoding::read(row, at, kind, "max")?;
    let sum = match kind {
        Kind::Int | Kind::Decimal(_) => {
            let (high, low) = (number(row, at)?, number(row, at)?);
            let scale = if let Kind::Decimal(scale) = kind { scale } else { 0 };
            let unscaled = i128::from(high) * i128::from(PART) + i128::from(low);
            (present > 0).then_some(Total { unscaled, scale })
        }
        _ => None,
    };
    Ok(Measure { present, sum, min, max })
}

fn number(row: &QueryResult, at: &mut usize) -> Result<i64, StorageError> {
    *at += 1;
    Ok(row.try_get_by_index::<Option<i64>>(*at - 1)?.unwrap_or(0))
}
