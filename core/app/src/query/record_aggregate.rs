//! Counts, sums, means, least and greatest values of the records that the viewer may read.

use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::Attribute;
use sunlit_storage::record::{self, AggregateQuery};
pub use sunlit_storage::record::{Group, GroupTerm, Groups, Measure};

use crate::{AppError, Package, Reading};

/// How many groups one answer may have.
pub const MAX_GROUPS: u32 = 1_000;
/// By how many terms records are grouped at once.
pub const MAX_TERMS: usize = 4;

/// What is asked for.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    /// Beside what the viewer may read.
    pub filter: Option<Filter>,
    /// By what; nothing makes one group of all.
    pub by: Vec<GroupTerm>,
    /// Of which values.
    pub measures: Vec<Attribute>,
    /// How many groups, 1 to [`MAX_GROUPS`].
    pub first: u32,
}

/// The groups of the collection's records that the viewer may read, the largest first.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] when no rule lets the viewer read, or for a value that is hidden from
/// the viewer: a sum would tell of it. [`AppError::Limit`].
pub async fn run(reading: &Reading, package: &Package, collection: &str, ask: Ask) -> Result<Groups, AppError> {
    if ask.first == 0 || ask.first > MAX_GROUPS {
        return Err(AppError::Limit(format!("first is {}: ask for 1 to {MAX_GROUPS} groups", ask.first)));
    }
    if ask.by.len() > MAX_TERMS {
        return Err(AppError::Limit(format!("grouped by {} terms, at most {MAX_TERMS}", ask.by.len())));
    }
    let table = package.table(collection)?;
    let terms = ask.by.iter().map(|term| match term {
        GroupTerm::Value(attribute) | GroupTerm::Year(attribute) | GroupTerm::Month(attribute) => attribute,
    });
    let actor = reading.scope().actor();
    if terms.chain(&ask.measures).any(|attribute| !table.collection().is_shown(attribute.slot, actor)) {
        return Err(AppError::Denied);
    }
    let readable = reading.readable(table.collection())?;
    let filter = Some(ask.filter.into_iter().fold(readable, Filter::and));
    let query = AggregateQuery { filter, by: ask.by, measures: ask.measures, first: ask.first };
    Ok(record::aggregate(reading.scope(), &*reading.session().await?, table, &query).await?)
}
