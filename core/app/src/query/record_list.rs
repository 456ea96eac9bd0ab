//! Which records, in which order, from where on: with the viewer's rights.

use sunlit_domain::filter::{Filter, Test};
use sunlit_domain::manifest::{Attribute, RunsAs, Slot, Standard};
use sunlit_domain::page::{self, Order};
use sunlit_domain::record::Record;
use sunlit_domain::value::{Kind, Value};
use sunlit_storage::Table;
use sunlit_storage::record::{self, ListQuery};

use crate::{AppError, Package, Reading};

/// How many records one page may have. More is asked for page by page.
pub const MAX_FIRST: u32 = 100;
/// How many a page of a host call may have (`storage.wit`).
pub const MAX_FIRST_FOR_PLUGIN: u32 = 1_000;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct List {
    /// Beside what the viewer may read.
    pub filter: Option<Filter>,
    /// By id when empty.
    pub order: Order,
    /// How many, 1 to [`MAX_FIRST`] or as the caller's own bound says.
    pub first: u32,
    /// The cursor of the last record before the page.
    pub after: Option<String>,
    /// What is wanted of each record beside its id; none means everything.
    pub slots: Option<Vec<Slot>>,
}

/// A page.
#[derive(Debug, Clone)]
pub struct Page {
    /// The records.
    pub records: Vec<Record>,
    /// Whether more follow.
    pub has_next: bool,
    order: Order,
}

impl Page {
    /// A page without records, of a list in this order.
    #[must_use]
    pub fn empty(order: Order) -> Self {
        Self::new(Vec::new(), false, order)
    }

    pub(crate) fn new(records: Vec<Record>, has_next: bool, order: Order) -> Self {
        Self { records, has_next, order }
    }

    /// The cursor of one of the page's records.
    #[must_use]
    pub fn cursor(&self, package: &Package, collection: &str, record: &Record) -> Option<String> {
        let table = package.table(collection).ok()?;
        Some(page::cursor(table.collection(), &self.order, record))
    }
}

/// A page of the collection's records that the viewer may read.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] when no rule lets the viewer read, [`AppError::Page`] for a
/// foreign cursor, [`AppError::Limit`].
pub async fn run(
    reading: &Reading,
    package: &Package,
    collection: &str,
    list: List,
    max: u32,
) -> Result<Page, AppError> {
    let table = package.table(collection)?;
    within(reading, table, (RunsAs::Caller, reading.readable(table.collection())?), list, max).await
}

/// As [`run`], of the records that `readable` admits.
pub(crate) async fn within(
    reading: &Reading,
    table: &Table,
    (runs_as, readable): (RunsAs, Filter),
    list: List,
    max: u32,
) -> Result<Page, AppError> {
    if list.first == 0 || list.first > max {
        return Err(AppError::Limit(format!("first is {}: ask for 1 to {max}", list.first)));
    }
    let filter = Some(list.filter.into_iter().fold(readable, Filter::and));
    // A cursor carries the ordered values, so they are read whatever was asked for.
    let ordered = list.order.0.iter().map(|term| term.attribute.slot);
    let owner = table.collection().depends_on_owner().then_some(Slot::Standard(Standard::Owner));
    let slots = list.slots.map(|slots| slots.into_iter().chain(ordered).chain(owner).collect());
    let query = ListQuery { filter, order: list.order.clone(), first: list.first, after: list.after, slots };
    let found = record::list(reading.scope(), &*reading.session().await?, table, &query).await?;
    let records = reading.shown_as(runs_as, table.collection(), found.records)?;
    Ok(Page { records, has_next: found.has_next, order: list.order })
}

/// How many records the filter admits and the viewer may read.
///
/// # Errors
/// As [`run`].
pub async fn count(
    reading: &Reading,
    package: &Package,
    collection: &str,
    filter: Option<Filter>,
) -> Result<i64, AppError> {
    let table = package.table(collection)?;
    let readable = reading.readable(table.collection())?;
    let filter = filter.into_iter().fold(readable, Filter::and);
    Ok(record::count(reading.scope(), &*reading.session().await?, table, Some(&filter)).await?)
}

/// Every record but those of these ids.
pub(crate) fn outside(ids: Vec<Value>) -> Filter {
    let id = Attribute { slot: Slot::Standard(Standard::Id), kind: Kind::Id };
    if ids.is_empty() { Filter::everything() } else { Filter::Test(id, Test::NotIn(ids)) }
}

/// Whether there is a record that the filter admits, whoever may read it.
pub(crate) async fn exists(reading: &Reading, table: &Table, filter: Filter) -> Result<bool, AppError> {
    let query = ListQuery { filter: Some(filter), first: 1, slots: Some(Vec::new()), ..ListQuery::default() };
    let found = record::list(reading.scope(), &*reading.session().await?, table, &query).await?;
    Ok(!found.records.is_empty())
}
