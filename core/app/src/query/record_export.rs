//! A collection as a spreadsheet, with the viewer's rights: the records of a list, page by page, so that neither they nor a
//! slow reader hold anything for long.
//!
//! Each page is a snapshot of its own. A record that is there all the while comes once when records go by id, as they do
//! unless an order is asked for; one that is changed meanwhile in a field that orders may come twice or not at all.

use std::sync::Arc;

use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::{Collection, Slot, Spelling, Standard};
use sunlit_domain::page::Order;
use sunlit_domain::value::Value;
use sunlit_domain::{Locale, Scope};
use sunlit_sheet::{Cell, Form, MAX_COLUMNS, MAX_ROWS, Writer};
use sunlit_storage::StorageError;

use super::record_list::{self, List};
use crate::{App, AppError, Package, Reading};

/// Records that are read at once, when they are not large.
const PAGE: u32 = 1_000;

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The form of the file.
    pub form: Form,
    /// Beside what the viewer may read.
    pub filter: Option<Filter>,
    /// By id when empty.
    pub order: Order,
    /// The names of the columns; id, version and every declared field when none.
    pub fields: Option<Vec<String>>,
    /// Titles in this language as header, for people; the names of the manifest, which an import reads, when none.
    pub titles: Option<Locale>,
}

/// An export under way.
#[derive(Debug)]
pub struct Export {
    app: Arc<App>,
    scope: Scope,
    locale: Locale,
    package: Arc<Package>,
    collection: String,
    columns: Vec<Slot>,
    list: List,
    /// None when everything was read.
    writer: Option<Writer>,
}

impl Export {
    /// Begins an export.
    ///
    /// # Errors
    /// [`AppError::NotFound`], [`AppError::Denied`] or [`AppError::Unauthenticated`] when no rule lets the viewer read,
    /// [`AppError::Argument`] for a column that is not there, [`AppError::Limit`] for more records than a file may have.
    pub async fn begin(
        reading: &Reading,
        package: &Arc<Package>,
        collection: &str,
        ask: Ask,
    ) -> Result<Self, AppError> {
        let declared = package.table(collection)?.collection();
        let columns = columns(declared, ask.fields.as_deref())?;
        let count = record_list::count(reading, package, collection, ask.filter.clone()).await?;
        if usize::try_from(count).is_ok_and(|count| count > MAX_ROWS) {
            return Err(AppError::Limit(format!("{count} records: filter them, at most {MAX_ROWS} go into one file")));
        }
        let names: Vec<String> = columns.iter().map(|slot| name(declared, *slot, ask.titles)).collect();
        let header: Vec<&str> = names.iter().map(String::as_str).collect();
        let slots = Some(columns.clone());
        Ok(Self {
            app: Arc::clone(reading.app()),
            scope: reading.scope().clone(),
            locale: reading.locale(),
            package: Arc::clone(package),
            collection: collection.to_owned(),
            columns,
            list: List { filter: ask.filter, order: ask.order, first: PAGE, after: None, slots },
            writer: Some(Writer::new(ask.form, &header)?),
        })
    }

    /// The next bytes of the file; none after the last.
    ///
    /// # Errors
    /// Those of [`record_list::run`], and [`AppError::Sheet`] for what the form has no place for.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, AppError> {
        while let Some(mut writer) = self.writer.take() {
            let page = self.page().await?;
            for record in &page.records {
                let cells: Vec<Cell> = self.columns.iter().map(|slot| cell(record.get(*slot))).collect();
                writer.row(&cells)?;
            }
            let last = page.records.last().filter(|_| page.has_next);
            self.list.after = last.and_then(|record| page.cursor(&self.package, &self.collection, record));
            if self.list.after.is_none() {
                // Putting a workbook together takes a while.
                let finished = tokio::task::spawn_blocking(move || writer.finish()).await;
                return Ok(Some(finished.map_err(|_| AppError::Storage(StorageError::Interrupted))??));
            }
            let ready = writer.take()?;
            self.writer = Some(writer);
            if !ready.is_empty() {
                return Ok(Some(ready));
            }
        }
        Ok(None)
    }

    /// The next page, of fewer records when they are so large that a page passes the bound of a reading.
    async fn page(&mut self) -> Result<record_list::Page, AppError> {
        loop {
            let reading = Reading::begin(&self.app, self.scope.clone(), self.locale).await?.own();
            match record_list::run(&reading, &self.package, &self.collection, self.list.clone(), PAGE).await {
                Err(AppError::Limit(_)) if self.list.first > 1 => self.list.first = self.list.first.div_ceil(4),
                other => return other,
            }
        }
    }
}

/// The standard fields that a file may have: not who did what.
fn is_exported(standard: Standard) -> bool {
    standard.is_open() || standard == Standard::Version
}

fn columns(collection: &Collection, fields: Option<&[String]>) -> Result<Vec<Slot>, AppError> {
    let Some(fields) = fields else {
        let standard = [Standard::Id, Standard::Version].map(Slot::Standard);
        return Ok(standard.into_iter().chain((0..collection.fields.len()).map(Slot::Field)).collect());
    };
    if fields.len() > MAX_COLUMNS {
        return Err(AppError::Argument(format!("{} columns: at most {MAX_COLUMNS}", fields.len())));
    }
    let mut columns = Vec::new();
    for name in fields {
        let slot = collection.attribute(name, Spelling::Api).map(|attribute| attribute.slot);
        let slot = slot.filter(|slot| !matches!(slot, Slot::Standard(standard) if !is_exported(*standard)));
        match slot {
            Some(slot) if !columns.contains(&slot) => columns.push(slot),
            _ => {
                let name: String = name.chars().take(60).collect();
                return Err(AppError::Argument(format!("there is no column `{name}`, or it is asked for twice")));
            }
        }
    }
    Ok(columns)
}

fn name(collection: &Collection, slot: Slot, titles: Option<Locale>) -> String {
    match (slot, titles) {
        (Slot::Field(index), Some(locale)) => {
            collection.fields.get(index).map(|field| field.label().get(locale).to_owned()).unwrap_or_default()
        }
        _ => collection.slot_name(slot).to_owned(),
    }
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Null => Cell::Empty,
        Value::Int(_) | Value::Decimal(_) => Cell::Number(value.to_cell()),
        other => Cell::Text(other.to_cell()),
    }
}

/// A collection's title, for the name of the file.
///
/// # Errors
/// [`AppError::NotFound`].
pub fn title(package: &Package, collection: &str, locale: Locale) -> Result<String, AppError> {
    Ok(package.table(collection)?.collection().title.get(locale).to_owned())
}

#[cfg(test)]
mod tests {
    use sunlit_domain::manifest::STANDARD_FIELDS;

    use super::*;

    #[test]
    fn who_did_what_is_not_exported() {
        let exported: Vec<&str> =
            STANDARD_FIELDS.into_iter().filter(|standard| is_exported(*standard)).map(Standard::name).collect();
        assert_eq!(exported, ["id", "state", "version", "created_at", "updated_at", "published_at"]);
    }
}
