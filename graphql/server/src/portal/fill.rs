//! Declared blocks filled with what the reader may read. A computed field whose plugin fails costs its own place on the
//! page, never the page (invariant 10).

use std::collections::BTreeMap;
use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use sunlit_app::query::plugin_resolve;
use sunlit_app::query::record_list::{self, List};
use sunlit_app::{AppError, Installed, Reading};
use sunlit_domain::filter::{self, Purpose};
use sunlit_domain::manifest::{Block, Collection, Link, Source, Spelling, View};
use sunlit_domain::page::Order;
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use sunlit_domain::{ErrorCode, LocalText};
use sunlit_pages::view::{
    Block as Filled, Cell, CellLink, Column, Crs, Detail, DetailItem, Empty, Feature, Geometry, List as FilledList,
    ListItem, Map, Notice, Scalar, Table, TextBlock, Tone, ValueType,
};

use super::files::Files;
use super::show::{self, Shown};
use super::{Frame, text, words};

/// What a path segment may hold as it is (RFC 3986 unreserved).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The view's blocks with their data.
///
/// # Errors
/// When the reader may not read what the view shows, or the database fails.
pub(super) async fn blocks(
    reading: &Reading,
    installed: &Arc<Installed>,
    frame: &Frame<'_>,
    view: &View,
    record: Option<&Record>,
) -> Result<Vec<Filled>, AppError> {
    let mut fill = Fill { reading, installed, frame, view, record, files: Files::default() };
    let mut found = Vec::new();
    for block in &view.blocks {
        found.push(match block.source() {
            Some(source) => Some(fill.records(source).await?),
            None => None,
        });
    }
    fill.files = fill.files_of(&found).await?;
    let mut filled = Vec::new();
    for (block, records) in view.blocks.iter().zip(&found) {
        if let Block::Notice { text: notice, when } = block {
            if fill.is_true_somewhere(when.as_deref(), &found) {
                filled.push(Filled::Notice(Notice { title: None, text: text(notice), tone: Tone::Warning }));
            }
            continue;
        }
        filled.extend(fill.block(block, records.as_ref()).await?);
        if let Some(found) = records.as_ref().filter(|found| found.more) {
            let told = text(&first_only(found.records.len()));
            filled.push(Filled::Notice(Notice { title: None, text: told, tone: Tone::Info }));
        }
    }
    Ok(filled)
}

/// The records of one source.
struct Found {
    collection: String,
    records: Vec<Arc<Record>>,
    more: bool,
}

struct Fill<'a> {
    reading: &'a Reading,
    installed: &'a Arc<Installed>,
    frame: &'a Frame<'a>,
    view: &'a View,
    record: Option<&'a Record>,
    files: Files,
}

impl Fill<'_> {
    fn collection(&self, name: &str) -> Result<&Collection, AppError> {
        Ok(self.installed.package.table(name)?.collection())
    }

    /// The collection of the page's record.
    fn own(&self) -> Result<&Collection, AppError> {
        let binding = self.view.record.as_ref().ok_or(AppError::NotFound)?;
        self.collection(binding.collection.as_str())
    }

    /// The files of the page's record and of those that its blocks show.
    async fn files_of(&self, found: &[Option<Found>]) -> Result<Files, AppError> {
        let mut records = Vec::new();
        if let Some(record) = self.record {
            records.push((self.own()?, record));
        }
        for found in found.iter().flatten() {
            let collection = self.collection(&found.collection)?;
            records.extend(found.records.iter().map(|record| (collection, record.as_ref())));
        }
        Files::of(self.reading, records.into_iter()).await
    }

    async fn records(&self, source: &Source) -> Result<Found, AppError> {
        let name = source.collection.as_str();
        let collection = self.collection(name)?;
        let filter = source.filter.as_ref().map(|json| self.bound(json)).transpose()?;
        if filter.as_ref().is_some_and(holds_null) {
            // The page's record has no such value, so nothing is like it.
            return Ok(Found { collection: name.to_owned(), records: Vec::new(), more: false });
        }
        let purpose = Purpose::Manifest(self.reading.scope().actor().id());
        let filter = filter.map(|json| filter::parse(collection, &json, Spelling::Manifest, purpose)).transpose()?;
        let order = Order::read(collection, source.order.iter().map(String::as_str), purpose)?;
        let list = List { filter, order, first: source.first, after: None, slots: None };
        let page = record_list::run(self.reading, &self.installed.package, name, list, record_list::MAX_FIRST).await?;
        let records = page.records.into_iter().map(Arc::new).collect();
        Ok(Found { collection: name.to_owned(), records, more: page.has_next })
    }

    /// A filter with the values of the page's record in it.
    fn bound(&self, json: &Json) -> Result<Json, AppError> {
        Ok(match json {
            Json::String(text) => match text.strip_prefix("$record.") {
                None => json.clone(),
                Some(name) => {
                    let attribute = self.own()?.attribute(name, Spelling::Manifest).ok_or(AppError::NotFound)?;
                    self.record.ok_or(AppError::NotFound)?.get(attribute.slot).to_json()
                }
            },
            Json::Array(items) => items.iter().map(|item| self.bound(item)).collect::<Result<_, _>>()?,
            Json::Object(object) => {
                let pairs = object.iter().map(|(key, value)| Ok((key.clone(), self.bound(value)?)));
                Json::Object(pairs.collect::<Result<_, AppError>>()?)
            }
            other => other.clone(),
        })
    }

    /// Whether a notice's condition holds for the page's record or for one that a block shows.
    fn is_true_somewhere(&self, when: Option<&str>, found: &[Option<Found>]) -> bool {
        let Some((name, field)) = when.and_then(|when| when.split_once('.')) else { return when.is_none() };
        let Ok(collection) = self.collection(name) else { return false };
        let Some((index, _)) = collection.field(field, Spelling::Manifest) else { return false };
        let is_true = |record: &Record| record.values.get(index) == Some(&Value::Bool(true));
        let own = self.view.record.as_ref().is_some_and(|binding| binding.collection == *name);
        let shown = found.iter().flatten().filter(|found| found.collection == name).flat_map(|found| &found.records);
        (own && self.record.is_some_and(is_true)) || shown.map(Arc::as_ref).any(is_true)
    }

    async fn block(&self, block: &Block, found: Option<&Found>) -> Result<Option<Filled>, AppError> {
        let none = Found { collection: String::new(), records: Vec::new(), more: false };
        let found = found.unwrap_or(&none);
        Ok(Some(match block {
            Block::Notice { .. } => return Ok(None),
            Block::Text { title, text: fixed, field } => {
                let Some(shown) = self.text(fixed.as_ref(), field.as_ref().map(AsRef::as_ref))? else {
                    return Ok(None);
                };
                Filled::Text(TextBlock { title: title.as_ref().map(text), text: shown })
            }
            Block::Detail { title, fields } => {
                let items = self.details(fields.iter().map(AsRef::as_ref)).await?;
                Filled::Detail(Detail { title: title.as_ref().map(text), items, tags: Vec::new() })
            }
            Block::List { title, empty, .. } | Block::Table { title, empty, .. } if found.records.is_empty() => {
                Filled::Empty(Empty {
                    title: Some(text(title)),
                    text: text(empty.as_ref().unwrap_or(&words("portal.nothing_here"))),
                })
            }
            Block::List { title, source, name, summary, tags, link, .. } => {
                let collection = self.collection(source.collection.as_str())?;
                let item = |record: &Arc<Record>| ListItem {
                    title: self.plain(collection, record, name.as_str()).unwrap_or_default(),
                    href: link.as_ref().map(|link| self.href(collection, record, link)),
                    summary: summary.as_ref().and_then(|field| self.plain(collection, record, field.as_str())),
                    tags: self.tags(collection, record, tags.iter().map(AsRef::as_ref)),
                    ..ListItem::default()
                };
                let items = found.records.iter().map(item).collect();
                Filled::List(FilledList { title: Some(text(title)), items, page: None })
            }
            Block::Table { title, source, fields, .. } => {
                let names: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
                self.table(text(title), source.collection.as_str(), &names, &found.records).await?
            }
            Block::Map { title, source, point, name, summary, tags, link } => {
                let collection = self.collection(source.collection.as_str())?;
                let feature = |record: &Arc<Record>| {
                    let at = collection
                        .field(point.as_str(), Spelling::Manifest)
                        .and_then(|(index, _)| record.values.get(index));
                    let at = if let Some(Value::Point(at)) = at { Some(*at) } else { None };
                    Feature {
                        title: self.plain(collection, record, name.as_str()).unwrap_or_default(),
                        lat: at.map(sunlit_domain::geometry::Point::lat),
                        lng: at.map(sunlit_domain::geometry::Point::lng),
                        href: link.as_ref().map(|link| self.href(collection, record, link)),
                        meta: summary.as_ref().and_then(|field| self.plain(collection, record, field.as_str())),
                        tags: self.tags(collection, record, tags.iter().map(AsRef::as_ref)),
                        tone: Tone::Neutral,
                    }
                };
                let features = found.records.iter().map(feature).collect();
                Filled::Map(Map { title: text(title), crs: Crs::Cgcs2000, outline: self.outline(), features })
            }
        }))
    }

    /// The outline of the tenant's area; a malformed one is left out and told to the operator.
    fn outline(&self) -> Option<Geometry> {
        let json = self.frame.tenant.outline.as_deref()?;
        serde_json::from_str(json)
            .inspect_err(|error| tracing::warn!(%error, tenant.slug = %self.frame.tenant.slug, "the outline is not a GeoJSON geometry"))
            .ok()
    }

    fn plain(&self, collection: &Collection, record: &Record, field: &str) -> Option<String> {
        let names = self.files.names(collection, record, field);
        names.or_else(|| show::plain(collection, record, field, self.frame.locale))
    }

    fn tags<'f>(&self, collection: &Collection, record: &Record, fields: impl Iterator<Item = &'f str>) -> Vec<String> {
        fields.filter_map(|field| show::tag(collection, record, field, self.frame.locale)).collect()
    }

    fn href(&self, collection: &Collection, record: &Record, link: &Link) -> String {
        let path = link.fill(|name| {
            let value = self.plain(collection, record, name).unwrap_or_default();
            utf8_percent_encode(&value, SEGMENT).to_string()
        });
        format!("/p/{}{path}", self.installed.package.id())
    }

    fn text(&self, fixed: Option<&LocalText>, field: Option<&str>) -> Result<Option<sunlit_pages::Text>, AppError> {
        match (fixed, field, self.record) {
            (Some(fixed), _, _) => Ok(Some(text(fixed))),
            (_, Some(field), Some(record)) => Ok(self.plain(self.own()?, record, field).map(sunlit_pages::Text::zh)),
            _ => Ok(None),
        }
    }

    async fn details(&self, fields: impl Iterator<Item = &str>) -> Result<Vec<DetailItem>, AppError> {
        let (collection, Some(record)) = (self.own()?, self.record) else { return Ok(Vec::new()) };
        let records = [Arc::new(record.clone())];
        let mut items = Vec::new();
        for name in fields {
            let shown = match self.files.links(collection, record, name) {
                Some(links) => links,
                None => self.cells(collection, name, &records).await,
            };
            for Shown { value, value_type, href } in shown {
                if !matches!(value, Scalar::Null) {
                    items.push(DetailItem { label: text(&label(collection, name)), value, value_type, href });
                }
            }
        }
        Ok(items)
    }

    async fn table(
        &self,
        title: sunlit_pages::Text,
        collection: &str,
        fields: &[&str],
        records: &[Arc<Record>],
    ) -> Result<Filled, AppError> {
        let collection = self.collection(collection)?;
        let mut columns = Vec::new();
        let mut rows = vec![BTreeMap::new(); records.len()];
        for (index, name) in fields.iter().enumerate() {
            let key = sunlit_domain::id::lower_camel(name);
            let cells = self.cells(collection, name, records).await;
            let value_type = cells.iter().map(|cell| cell.value_type).find(|kind| *kind != ValueType::Text);
            let label = text(&label(collection, name));
            columns.push(Column {
                key: key.clone(),
                label,
                value_type: value_type.unwrap_or_default(),
                row_header: index == 0,
            });
            for (row, cell) in rows.iter_mut().zip(cells) {
                row.insert(key.clone(), in_cell(cell));
            }
        }
        Ok(Filled::Table(Table { title, columns, rows, page: None }))
    }

    /// One field of each record: read, or computed in one call for all of them.
    async fn cells(&self, collection: &Collection, name: &str, records: &[Arc<Record>]) -> Vec<Shown> {
        let locale = self.frame.locale;
        let Some(computed) = collection.computed(name) else {
            let cell = |record: &Arc<Record>| {
                let file = self.files.cell(collection, record, name);
                file.unwrap_or_else(|| show::field(collection, record, name, locale))
            };
            return records.iter().map(cell).collect();
        };
        let answered =
            plugin_resolve::computed(self.reading, self.installed, collection.name.as_str(), computed, records).await;
        match answered {
            Ok(values) => {
                values.iter().map(|value| show::show(value, None, computed.unit.as_deref(), locale)).collect()
            }
            Err(error) => {
                let told = match error.code() {
                    ErrorCode::PluginDeclined => ErrorCode::PluginDeclined,
                    _ => ErrorCode::PluginUnavailable,
                };
                let value = Scalar::Text(told.message(locale).to_owned());
                let shown = Shown { value, value_type: ValueType::Text, href: None };
                vec![shown; records.len()]
            }
        }
    }
}

fn in_cell(shown: Shown) -> Cell {
    match (shown.value, shown.href) {
        (Scalar::Text(text), Some(href)) => Cell::Link(CellLink { text, href }),
        (value, _) => Cell::Value(value),
    }
}

fn holds_null(json: &Json) -> bool {
    match json {
        Json::Null => true,
        Json::Array(items) => items.iter().any(holds_null),
        Json::Object(object) => object.values().any(holds_null),
        _ => false,
    }
}

fn label(collection: &Collection, name: &str) -> LocalText {
    let declared = collection.field(name, Spelling::Manifest).map(|(_, field)| field.label());
    let computed = collection.computed(name).map(|computed| computed.title.clone());
    declared.or(computed).unwrap_or_else(|| LocalText { zh: name.to_owned(), en: None })
}

/// Says that more records exist than the page shows: nothing is cut off in silence.
fn first_only(count: usize) -> LocalText {
    let with_count = |text: &str| text.replace("{count}", &count.to_string());
    let told = words("portal.first_only");
    LocalText { zh: with_count(&told.zh), en: told.en.as_deref().map(with_count) }
}
