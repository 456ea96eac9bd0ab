//! The limits of a view that its types cannot say.
//!
//! A view comes from a plugin, so each refusal names the place in the view and how to mend it. The first problem found is
//! the one reported.

use std::collections::BTreeSet;

use crate::view::{Block, Cell, Column, Feature, Geometry, Map, Scalar, Table, Text, ValueType, View};
use crate::{dates, href};

/// Deepest nesting of blocks.
pub const MAX_DEPTH: usize = 6;
/// Most blocks in a view, nested ones counted.
pub const MAX_BLOCKS: usize = 100;
/// Most places on a map.
pub const MAX_FEATURES: usize = 2_000;
/// Most positions in an outline.
pub const MAX_POSITIONS: usize = 20_000;
/// Longest text, in characters.
pub const MAX_TEXT: usize = 2_000;

/// A view that is not shown, and why.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("view `{view}`, {path}: {problem}")]
pub struct ViewRefused {
    /// Id of the view.
    pub view: String,
    /// Place in the view, for instance `blocks[2].items[0].href`.
    pub path: String,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a view.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Problem {
    /// The id is not well formed.
    #[error("`{id}` is no id; use up to four words of lower-case letters, digits and hyphens, joined by dots")]
    Id {
        /// The id.
        id: String,
    },
    /// A column key is not well formed.
    #[error("`{key}` is no key; use a lower-case letter, then up to 39 letters, digits or underscores")]
    Key {
        /// The key.
        key: String,
    },
    /// A text has no wording.
    #[error("the text has no wording; give it at least one locale, for instance `zh-CN`")]
    NoWording,
    /// A locale is not well formed.
    #[error("`{locale}` is no locale; use for instance `zh-CN` or `en`")]
    Locale {
        /// The locale.
        locale: String,
    },
    /// A text is too long.
    #[error("the text has {length} characters, {limit} are allowed; shorten it, or split it over blocks")]
    TextTooLong {
        /// Its length.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// There is too little or too much of something.
    #[error("there are {count}, {least} to {most} are allowed; show less at a time")]
    Count {
        /// How many there are.
        count: usize,
        /// The fewest allowed.
        least: usize,
        /// The most allowed.
        most: usize,
    },
    /// Blocks are nested too deeply.
    #[error("blocks are nested more than {limit} deep; flatten the sections")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A link has an address that is not allowed.
    #[error("`{href}` is no allowed address; use a path (`/…`), `https://…`, `?…`, `#…` or `tel:` with digits")]
    Href {
        /// The address.
        href: String,
    },
    /// A value is shown as a link but has no address.
    #[error("a value of type `link` has no address; give `href`, or another type")]
    LinkWithoutHref,
    /// A date is not a date.
    #[error("`{date}` is no date; write it as YYYY-MM-DD")]
    Date {
        /// The text.
        date: String,
    },
    /// Two columns have the same key.
    #[error("the key `{key}` names two columns; give each its own")]
    RepeatedColumn {
        /// The key.
        key: String,
    },
    /// A row has a cell for which there is no column.
    #[error("the row has a cell `{key}` but no column has that key; add the column or drop the cell")]
    CellWithoutColumn {
        /// The key.
        key: String,
    },
    /// A row lacks a cell.
    #[error("the row has no cell `{key}`; give one, `null` if the value is not known")]
    MissingCell {
        /// The key.
        key: String,
    },
    /// A position is not on the earth.
    #[error(
        "longitude {lng}, latitude {lat} is no position; give finite degrees, longitude first, -180 to 180 and -90 to 90"
    )]
    Position {
        /// Longitude.
        lng: f64,
        /// Latitude.
        lat: f64,
    },
    /// Only one of latitude and longitude is given.
    #[error("only one of `lat` and `lng` is given; give both, or neither")]
    HalfPosition,
    /// A ring of an outline is too short.
    #[error("a ring has {count} positions, at least 4 are needed, the last equal to the first; mend the GeoJSON")]
    Ring {
        /// How many it has.
        count: usize,
    },
    /// A page number is out of range.
    #[error("page {n} of {of} does not exist; count pages from 1")]
    PageNumber {
        /// The page.
        n: u32,
        /// Number of pages.
        of: u32,
    },
}

/// Checks everything about `view` that its types do not.
///
/// # Errors
/// The first problem found, with its place.
pub fn check(view: &View) -> Result<(), ViewRefused> {
    let mut walk = Walk { blocks: 0 };
    walk.view(view).map_err(|(path, problem)| ViewRefused { view: view.id.clone(), path, problem })
}

type Checked = Result<(), (String, Problem)>;

struct Walk {
    blocks: usize,
}

impl Walk {
    fn view(&mut self, view: &View) -> Checked {
        if !is_id(&view.id) {
            return refuse("id", Problem::Id { id: view.id.clone() });
        }
        text("title", &view.title)?;
        count("blocks", view.blocks.len(), 1, 60)?;
        self.blocks("blocks", &view.blocks, 1)
    }

    fn blocks(&mut self, path: &str, blocks: &[Block], depth: usize) -> Checked {
        if depth > MAX_DEPTH {
            return refuse(path, Problem::TooDeep { limit: MAX_DEPTH });
        }
        for (index, block) in blocks.iter().enumerate() {
            self.blocks += 1;
            let path = format!("{path}[{index}]");
            if self.blocks > MAX_BLOCKS {
                return refuse(path, Problem::Count { count: self.blocks, least: 1, most: MAX_BLOCKS });
            }
            self.block(&path, block, depth)?;
        }
        Ok(())
    }

    fn block(&mut self, path: &str, block: &Block, depth: usize) -> Checked {
        match block {
            Block::Section(section) => {
                title(path, section.title.as_ref())?;
                count(&format!("{path}.blocks"), section.blocks.len(), 0, 20)?;
                self.blocks(&format!("{path}.blocks"), &section.blocks, depth + 1)
            }
            Block::Text(block) => {
                title(path, block.title.as_ref()).and_then(|()| text(&format!("{path}.text"), &block.text))
            }
            Block::Notice(block) => {
                title(path, block.title.as_ref()).and_then(|()| text(&format!("{path}.text"), &block.text))
            }
            Block::Empty(block) => {
                title(path, block.title.as_ref()).and_then(|()| text(&format!("{path}.text"), &block.text))
            }
            Block::Stats(stats) => {
                title(path, stats.title.as_ref())?;
                each(path, "items", &stats.items, 12, |path, stat| text(&format!("{path}.label"), &stat.label))
            }
            Block::List(list) => {
                title(path, list.title.as_ref())?;
                pager(path, list.page)?;
                each(path, "items", &list.items, 100, |path, item| {
                    target(path, item.href.as_deref())?;
                    tags(path, &item.tags)?;
                    item.date.as_deref().map_or(Ok(()), |value| date(&format!("{path}.date"), value))
                })
            }
            Block::Table(block) => table(path, block),
            Block::Detail(detail) => {
                title(path, detail.title.as_ref())?;
                tags(path, &detail.tags)?;
                each(path, "items", &detail.items, 60, |path, item| {
                    text(&format!("{path}.label"), &item.label)?;
                    target(path, item.href.as_deref())?;
                    value(&format!("{path}.value"), &item.value, item.value_type)?;
                    link_has_href(path, item.value_type, item.href.is_some() || item.value == Scalar::Null)
                })
            }
            Block::Map(block) => map(path, block),
            Block::Actions(actions) => {
                title(path, actions.title.as_ref())?;
                each(path, "items", &actions.items, 6, |path, action| {
                    text(&format!("{path}.label"), &action.label)?;
                    target(path, Some(&action.href))
                })
            }
        }
    }
}

fn table(path: &str, table: &Table) -> Checked {
    text(&format!("{path}.title"), &table.title)?;
    count(&format!("{path}.columns"), table.columns.len(), 1, 24)?;
    pager(path, table.page)?;
    let mut keys = BTreeSet::new();
    each(path, "columns", &table.columns, 24, |path, column| {
        if !is_key(&column.key) {
            return refuse(format!("{path}.key"), Problem::Key { key: column.key.clone() });
        }
        if !keys.insert(column.key.as_str()) {
            return refuse(format!("{path}.key"), Problem::RepeatedColumn { key: column.key.clone() });
        }
        text(&format!("{path}.label"), &column.label)
    })?;
    each(path, "rows", &table.rows, 200, |path, row| {
        if let Some(key) = row.keys().find(|key| !keys.contains(key.as_str())) {
            return refuse(path, Problem::CellWithoutColumn { key: key.clone() });
        }
        table.columns.iter().try_for_each(|column| cell(path, column, row.get(&column.key)))
    })
}

fn cell(path: &str, column: &Column, cell: Option<&Cell>) -> Checked {
    match cell {
        None => refuse(path, Problem::MissingCell { key: column.key.clone() }),
        Some(Cell::Link(link)) => target(&format!("{path}.{}", column.key), Some(&link.href)),
        Some(Cell::Value(scalar)) => {
            let path = format!("{path}.{}", column.key);
            value(&path, scalar, column.value_type)?;
            link_has_href(&path, column.value_type, *scalar == Scalar::Null)
        }
    }
}

fn map(path: &str, map: &Map) -> Checked {
    text(&format!("{path}.title"), &map.title)?;
    each(path, "features", &map.features, MAX_FEATURES, feature)?;
    map.outline.as_ref().map_or(Ok(()), |geometry| outline(&format!("{path}.outline"), geometry))
}

fn feature(path: &str, feature: &Feature) -> Checked {
    target(path, feature.href.as_deref())?;
    tags(path, &feature.tags)?;
    match (feature.lng, feature.lat) {
        (None, None) => Ok(()),
        (Some(lng), Some(lat)) => position(path, lng, lat),
        _ => refuse(path, Problem::HalfPosition),
    }
}

fn outline(path: &str, geometry: &Geometry) -> Checked {
    let mut positions = 0;
    for ring in geometry.rings() {
        if ring.len() < 4 || ring.first() != ring.last() {
            return refuse(path, Problem::Ring { count: ring.len() });
        }
        positions += ring.len();
        ring.iter().try_for_each(|[lng, lat]| position(path, *lng, *lat))?;
    }
    count(path, positions, 0, MAX_POSITIONS)
}

fn position(path: &str, lng: f64, lat: f64) -> Checked {
    // A range contains neither infinity nor "not a number".
    if (-180.0..=180.0).contains(&lng) && (-90.0..=90.0).contains(&lat) {
        return Ok(());
    }
    refuse(path, Problem::Position { lng, lat })
}

fn each<'a, T>(
    path: &str,
    name: &str,
    items: &'a [T],
    most: usize,
    mut check: impl FnMut(&str, &'a T) -> Checked,
) -> Checked {
    count(&format!("{path}.{name}"), items.len(), 0, most)?;
    items.iter().enumerate().try_for_each(|(index, item)| check(&format!("{path}.{name}[{index}]"), item))
}

fn count(path: &str, count: usize, least: usize, most: usize) -> Checked {
    if (least..=most).contains(&count) { Ok(()) } else { refuse(path, Problem::Count { count, least, most }) }
}

fn title(path: &str, title: Option<&Text>) -> Checked {
    title.map_or(Ok(()), |title| text(&format!("{path}.title"), title))
}

fn text(path: &str, text: &Text) -> Checked {
    if text.0.is_empty() {
        return refuse(path, Problem::NoWording);
    }
    text.0.iter().try_for_each(|(locale, wording)| {
        if !is_locale(locale) {
            return refuse(path, Problem::Locale { locale: locale.clone() });
        }
        let length = wording.chars().count();
        if length > MAX_TEXT { refuse(path, Problem::TextTooLong { length, limit: MAX_TEXT }) } else { Ok(()) }
    })
}

fn tags(path: &str, tags: &[String]) -> Checked {
    count(&format!("{path}.tags"), tags.len(), 0, 6)
}

fn target(path: &str, target: Option<&str>) -> Checked {
    match target {
        Some(href) if !href::is_allowed(href) => {
            refuse(format!("{path}.href"), Problem::Href { href: href.to_owned() })
        }
        _ => Ok(()),
    }
}

fn link_has_href(path: &str, value_type: ValueType, has_href: bool) -> Checked {
    if value_type == ValueType::Link && !has_href { refuse(path, Problem::LinkWithoutHref) } else { Ok(()) }
}

fn value(path: &str, value: &Scalar, value_type: ValueType) -> Checked {
    match (value_type, value) {
        (ValueType::Date, Scalar::Text(text)) => date(path, text),
        _ => Ok(()),
    }
}

fn date(path: &str, text: &str) -> Checked {
    if dates::parse(text).is_some() { Ok(()) } else { refuse(path, Problem::Date { date: text.to_owned() }) }
}

fn pager(path: &str, page: Option<crate::view::Pager>) -> Checked {
    match page {
        Some(page) if page.n == 0 || page.n > page.of.max(1) => {
            refuse(format!("{path}.page"), Problem::PageNumber { n: page.n, of: page.of })
        }
        _ => Ok(()),
    }
}

fn refuse(path: impl Into<String>, problem: Problem) -> Checked {
    Err((path.into(), problem))
}

/// `^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*){0,3}$`
fn is_id(id: &str) -> bool {
    id.split('.').count() <= 4
        && id.split('.').all(|word| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        })
}

/// `^[a-z][a-zA-Z0-9_]{0,39}$`
fn is_key(key: &str) -> bool {
    key.len() <= 40
        && key.starts_with(|c: char| c.is_ascii_lowercase())
        && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// `^[a-z]{2,3}(-[A-Za-z]{2,4})?$`
fn is_locale(locale: &str) -> bool {
    let (language, region) =
        locale.split_once('-').map_or((locale, None), |(language, region)| (language, Some(region)));
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_lowercase())
        && region
            .is_none_or(|region| (2..=4).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_alphabetic()))
}

#[cfg(test)]
mod tests;
