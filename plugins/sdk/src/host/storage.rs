//! Reading the plugin's own collections.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;

use super::{Filter, Host};
use crate::port::{Found, HostPort as _, Order, Query};
use crate::{Error, tokens};

/// The most records of one page.
const MAX_PAGE: u32 = 1_000;
/// A page that asks for no number.
const DEFAULT_PAGE: u32 = 100;
/// The most records that [`Find::all`] reads: the platform's budget of rows for one call.
const MAX_ROWS: usize = 5_000;

/// The plugin's own collections, read with the rights of whoever asked, inside the snapshot of the request.
pub struct Storage<'h> {
    pub(super) host: &'h Host,
}

impl<'h> Storage<'h> {
    /// Begins a question to a collection. `T` is a struct of the fields wanted, and of `id`, which always comes along.
    pub fn find<T: DeserializeOwned>(&self, collection: &str) -> Find<'h, T> {
        Find {
            host: self.host,
            collection: collection.to_owned(),
            filter: None,
            order: Vec::new(),
            first: DEFAULT_PAGE,
            after: None,
            fields: Vec::new(),
            record: PhantomData,
        }
    }
}

/// A question to a collection.
#[must_use = "a question is asked by `page` or `all`"]
pub struct Find<'h, T> {
    host: &'h Host,
    collection: String,
    filter: Option<Filter>,
    order: Vec<Order>,
    first: u32,
    after: Option<String>,
    fields: Vec<String>,
    record: PhantomData<fn() -> T>,
}

/// One page of records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The records.
    pub records: Vec<T>,
    /// Where the next page begins, for [`Find::after`].
    pub end_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_next: bool,
}

impl<T: DeserializeOwned> Find<'_, T> {
    /// Only these records; a second filter narrows the first.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(match self.filter.take() {
            Some(first) => Filter::and([first, filter]),
            None => filter,
        });
        self
    }

    /// Smallest first by this field; further calls break ties.
    pub fn order(self, field: &str) -> Self {
        self.order_by(field, false)
    }

    /// Largest first by this field; further calls break ties.
    pub fn order_descending(self, field: &str) -> Self {
        self.order_by(field, true)
    }

    /// At most so many records in a page, up to 1,000; 100 when it is not said.
    pub fn first(mut self, count: u32) -> Self {
        self.first = count;
        self
    }

    /// Goes on after the end cursor of another page.
    pub fn after(mut self, cursor: impl Into<String>) -> Self {
        self.after = Some(cursor.into());
        self
    }

    /// Only these fields: what is not asked for costs nothing. All when it is not said.
    pub fn fields(mut self, names: &[&str]) -> Self {
        self.fields = names.iter().map(|name| (*name).to_owned()).collect();
        self
    }

    /// One page.
    ///
    /// # Errors
    /// What the host answers, and records that do not fit `T`.
    pub fn page(self) -> Result<Page<T>, Error> {
        let (host, collection) = (self.host, self.collection.clone());
        ask(host, &collection, &self.query()?)
    }

    /// All records, page after page; [`Find::first`] has no part in it.
    ///
    /// # Errors
    /// As for [`Find::page`], and `Limit` when there are more than 5,000.
    pub fn all(self) -> Result<Vec<T>, Error> {
        let (host, collection) = (self.host, self.collection.clone());
        let mut query = Query { first: MAX_PAGE, ..self.query()? };
        let mut all = Vec::new();
        loop {
            let page = ask(host, &collection, &query)?;
            let empty = page.records.is_empty();
            all.extend(page.records);
            if !page.has_next {
                return Ok(all);
            }
            if all.len() >= MAX_ROWS {
                return Err(Error::limit(format!("more than {MAX_ROWS} records of {collection}: narrow the filter")));
            }
            if empty || page.end_cursor.is_none() {
                return Err(Error::unavailable(format!("the pages of {collection} lead nowhere")));
            }
            query.after = page.end_cursor;
        }
    }

    fn order_by(mut self, field: &str, descending: bool) -> Self {
        self.order.push(Order { field: field.to_owned(), descending });
        self
    }

    fn query(self) -> Result<Query, Error> {
        let filter = self.filter.as_ref().map(tokens::to_data).transpose()?;
        Ok(Query { filter, order: self.order, first: self.first, after: self.after, fields: self.fields })
    }
}

fn ask<T: DeserializeOwned>(host: &Host, collection: &str, query: &Query) -> Result<Page<T>, Error> {
    let Found { records, end_cursor, has_next } = host.port.find(collection, query)?;
    let records = tokens::from_data(records).map_err(|error| Error::fault(format!("{collection}{error}")))?;
    Ok(Page { records, end_cursor, has_next })
}
