//! The records that refer to others: a page, and a count, for each of many parents, with the viewer's rights.

use std::collections::BTreeMap;

use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::{Attribute, Slot, Standard};
use sunlit_domain::record::Record;
use sunlit_storage::Table;
use sunlit_storage::record::{self, ListQuery};
use uuid::Uuid;

use super::record_list::{List, MAX_FIRST, Page};
use crate::{AppError, Package, Reading};

/// How many parents may be asked for at once: each is a variable of the SQL statement.
const MAX_PARENTS: usize = 1_000;

/// For each of `parents` the page of the collection's records whose reference, the field of index `by`, leads to it.
///
/// # Errors
/// As [`super::record_list::run`]; [`AppError::Denied`] when the reference is hidden from the viewer.
pub async fn run(
    reading: &Reading,
    package: &Package,
    collection: &str,
    (by, parents): (usize, &[Uuid]),
    list: List,
) -> Result<BTreeMap<Uuid, Page>, AppError> {
    if list.first == 0 || list.first > MAX_FIRST {
        return Err(AppError::Limit(format!("first is {}: ask for 1 to {MAX_FIRST}", list.first)));
    }
    let table = package.table(collection)?;
    let (by, readable) = looked_up(reading, table, by, parents)?;
    let ordered = list.order.0.iter().map(|term| term.attribute.slot);
    let owner = table.collection().depends_on_owner().then_some(Slot::Standard(Standard::Owner));
    let slots = list.slots.map(|slots| slots.into_iter().chain(ordered).chain(owner).collect());
    let filter = Some(list.filter.into_iter().fold(readable, Filter::and));
    let query = ListQuery { filter, order: list.order.clone(), first: list.first, after: list.after, slots };
    let session = reading.session().await?;
    let found = record::list_by(reading.scope(), &session, table, (by, parents), &query).await?;
    let page = |(parent, page): (Uuid, record::RecordPage)| {
        let records: Vec<Record> = reading.shown(table.collection(), page.records)?;
        Ok((parent, Page::new(records, page.has_next, list.order.clone())))
    };
    found.into_iter().map(page).collect()
}

/// For each of `parents` how many of the collection's records refer to it that the viewer may read.
///
/// # Errors
/// As [`run`].
pub async fn count(
    reading: &Reading,
    package: &Package,
    collection: &str,
    (by, parents): (usize, &[Uuid]),
    filter: Option<Filter>,
) -> Result<BTreeMap<Uuid, i64>, AppError> {
    let table = package.table(collection)?;
    let (by, readable) = looked_up(reading, table, by, parents)?;
    let filter = filter.into_iter().fold(readable, Filter::and);
    let session = reading.session().await?;
    Ok(record::count_by(reading.scope(), &session, table, (by, parents), Some(&filter)).await?)
}

fn looked_up(reading: &Reading, table: &Table, by: usize, parents: &[Uuid]) -> Result<(Attribute, Filter), AppError> {
    if parents.len() > MAX_PARENTS {
        return Err(AppError::Limit(format!("{} lists are asked for at once, at most {MAX_PARENTS}", parents.len())));
    }
    let collection = table.collection();
    let field = collection.fields.get(by).ok_or(AppError::NotFound)?;
    let attribute = Attribute { slot: Slot::Field(by), kind: field.kind() };
    if !collection.is_shown(attribute.slot, reading.scope().actor()) {
        return Err(AppError::Denied);
    }
    Ok((attribute, reading.readable(collection)?))
}
