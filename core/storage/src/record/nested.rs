//! Lists of records by what they refer to: one page for each of many parents, in one statement.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Order as SqlOrder, WindowStatement};
use sunlit_domain::Scope;
use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::Attribute;
use sunlit_domain::page;
use sunlit_domain::value::Value;
use uuid::Uuid;

use super::read::{ListQuery, RecordPage, apply, chosen, columns, read_record};
use super::sealed;
use crate::{Session, StorageError, Table};

/// The name of a record's place among those of the same parent.
const PLACE: &str = "place_";

/// For each of `parents` the page of records whose reference `by` leads to it. A parent without records has no entry.
///
/// # Errors
/// A cursor of another list, or the database's.
pub async fn list_by(
    scope: &Scope,
    session: &Session,
    table: &Table,
    (by, parents): (Attribute, &[Uuid]),
    query: &ListQuery,
) -> Result<BTreeMap<Uuid, RecordPage>, StorageError> {
    let asked = query.slots.as_ref().map(|slots| slots.iter().copied().chain([by.slot]).collect::<Vec<_>>());
    let slots = chosen(table, asked.as_deref());
    let reference = reference(table, by);
    let mut inner = columns(session.select(scope, table.name())?, table, &slots);
    inner.and_where(Expr::col(reference.clone()).is_in(parents.iter().copied()));
    apply(&mut inner, session, table, query.filter.as_ref());
    if let Some(cursor) = &query.after {
        apply(&mut inner, session, table, Some(&page::after(table.collection(), &query.order, cursor)?));
    }
    let mut window = WindowStatement::partition_by(reference);
    for term in query.order.with_id() {
        let direction = if term.descending { SqlOrder::Desc } else { SqlOrder::Asc };
        for column in table.columns(term.attribute.slot) {
            match session.engine().nulls(term.descending) {
                Some(nulls) => window.order_by_with_nulls(Alias::new(column), direction.clone(), nulls),
                None => window.order_by(Alias::new(column), direction.clone()),
            };
        }
    }
    inner.expr_window_as(Func::cust(Alias::new("ROW_NUMBER")), window, Alias::new(PLACE));
    let mut select = session.among(inner);
    select
        .and_where(Expr::col(Alias::new(PLACE)).lte(i64::from(query.first) + 1))
        .order_by(Alias::new(PLACE), SqlOrder::Asc);
    let mut pages: BTreeMap<Uuid, RecordPage> = BTreeMap::new();
    let wanted = usize::try_from(query.first).unwrap_or(usize::MAX);
    for row in session.all(&columns(select, table, &slots)).await? {
        let record = read_record(&row, table, &slots)?;
        let Value::Id(parent) = record.get(by.slot) else { continue };
        let page = pages.entry(*parent).or_insert_with(|| RecordPage { records: Vec::new(), has_next: false });
        if page.records.len() < wanted {
            page.records.push(record);
        } else {
            page.has_next = true;
        }
    }
    for page in pages.values_mut() {
        sealed::open(scope, session, table, &mut page.records).await?;
    }
    Ok(pages)
}

/// For each of `parents` how many records refer to it by `by`. A parent without records has no entry.
///
/// # Errors
/// The database's.
pub async fn count_by(
    scope: &Scope,
    session: &Session,
    table: &Table,
    (by, parents): (Attribute, &[Uuid]),
    filter: Option<&Filter>,
) -> Result<BTreeMap<Uuid, i64>, StorageError> {
    let reference = reference(table, by);
    let mut select = session.select(scope, table.name())?;
    select
        .column(reference.clone())
        .expr(Func::count(Expr::col(Alias::new("id"))))
        .and_where(Expr::col(reference.clone()).is_in(parents.iter().copied()))
        .add_group_by([Expr::col(reference)]);
    apply(&mut select, session, table, filter);
    let rows = session.all(&select).await?;
    let pair = |row: &sea_orm::QueryResult| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?));
    rows.iter().map(pair).collect()
}

fn reference(table: &Table, by: Attribute) -> Alias {
    Alias::new(table.columns(by.slot).swap_remove(0))
}
