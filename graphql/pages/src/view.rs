//! The rendered view: a declared view after its blocks have been filled with data.
//!
//! It holds plain text and numbers only, never HTML, styles or scripts, and it refuses fields it does not know, so that a
//! plugin cannot smuggle either in. The limits a type cannot say are in [`crate::check`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A view ready to be shown: an id, a title and blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct View {
    /// Version of the vocabulary.
    pub api_version: ApiVersion,
    /// Words of lower-case letters, digits and hyphens, joined by dots: `street-cards.list`.
    pub id: String,
    /// Name of the view; the page that frames it chooses its own heading.
    pub title: Text,
    /// What is shown, in order.
    pub blocks: Vec<Block>,
}

impl View {
    /// A view of the current vocabulary.
    #[must_use]
    pub fn new(id: impl Into<String>, title: Text, blocks: Vec<Block>) -> Self {
        Self { api_version: ApiVersion::V1, id: id.into(), title, blocks }
    }
}

/// Version of the view vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ApiVersion {
    /// The first version.
    #[serde(rename = "view/1")]
    V1,
}

/// Plain text by locale, for instance `{"zh-CN": "街道名片", "en": "Street cards"}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text(pub BTreeMap<String, String>);

impl Text {
    /// Text in Chinese only.
    #[must_use]
    pub fn zh(text: impl Into<String>) -> Self {
        Self(BTreeMap::from([("zh-CN".to_owned(), text.into())]))
    }

    /// Adds the English wording.
    #[must_use]
    pub fn en(mut self, text: impl Into<String>) -> Self {
        self.0.insert("en".to_owned(), text.into());
        self
    }

    /// The locale and the wording to show a reader of `locale`: that locale, else the same language, else Chinese, else
    /// the first there is. `None` when there is no wording at all.
    #[must_use]
    pub fn best(&self, locale: &str) -> Option<(&str, &str)> {
        let language = |tag: &str| tag.split('-').next().unwrap_or_default().to_owned();
        let wanted = language(locale);
        self.0
            .get_key_value(locale)
            .or_else(|| self.0.iter().find(|(tag, _)| language(tag) == wanted))
            .or_else(|| self.0.iter().find(|(tag, _)| language(tag) == "zh"))
            .or_else(|| self.0.first_key_value())
            .map(|(tag, text)| (tag.as_str(), text.as_str()))
    }
}

/// One block of a view.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Block {
    /// Blocks under a heading.
    Section(Section),
    /// Paragraphs.
    Text(TextBlock),
    /// A remark set apart, for instance that the page shows sample data.
    Notice(Notice),
    /// What is said where there is nothing to show.
    Empty(Empty),
    /// A few figures.
    Stats(Stats),
    /// Cards.
    List(List),
    /// Rows and columns.
    Table(Table),
    /// Labelled values of one thing.
    Detail(Detail),
    /// Places, as a sketch map with the list of the same places beside it.
    Map(Map),
    /// Links that look like buttons.
    Actions(Actions),
}

/// Blocks under a heading.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// At most 20 blocks.
    pub blocks: Vec<Block>,
}

/// Paragraphs, separated by line breaks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextBlock {
    /// Heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// The paragraphs.
    pub text: Text,
}

/// A remark set apart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Heading; without one the tone gives the word ("提示", "注意" …).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// The remark.
    pub text: Text,
    /// How much it matters.
    pub tone: Tone,
}

/// What is said where there is nothing to show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Empty {
    /// Heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// The sentence.
    pub text: Text,
}

/// A few figures.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stats {
    /// Heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// At most 12 figures.
    pub items: Vec<Stat>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stat {
    /// What is counted.
    pub label: Text,
    /// The figure.
    pub value: Scalar,
    /// Its unit, shown after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Where it is going.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend: Option<Trend>,
}

/// Direction of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trend {
    /// Rising.
    Up,
    /// Falling.
    Down,
    /// Unchanged.
    Flat,
}

/// Cards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    /// Heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// At most 100 cards.
    pub items: Vec<ListItem>,
    /// Which page of a longer list this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<Pager>,
}

/// One card.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListItem {
    /// Name.
    pub title: String,
    /// Where the card leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    /// A sentence or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// At most six words, for instance "示例数据".
    #[serde(default)]
    pub tags: Vec<String>,
    /// Colour of the card's edge.
    #[serde(default)]
    pub tone: Tone,
}

/// Which page of a longer list is shown. The links to its neighbours are `?page=<n>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pager {
    /// This page, counted from 1.
    pub n: u32,
    /// Number of pages.
    pub of: u32,
    /// Number of items on all pages.
    pub total: u64,
}

/// Rows and columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Caption.
    pub title: Text,
    /// 1 to 24 columns.
    pub columns: Vec<Column>,
    /// At most 200 rows; each has one cell for each column key.
    pub rows: Vec<BTreeMap<String, Cell>>,
    /// Which page of a longer table this is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub page: Option<Pager>,
}

/// One column.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Column {
    /// Key of its cells.
    pub key: String,
    /// Heading.
    pub label: Text,
    /// How its values are written.
    #[serde(default, rename = "type")]
    pub value_type: ValueType,
    /// Its cells name their rows.
    #[serde(default)]
    pub row_header: bool,
}

/// One cell: a value, or a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Cell {
    /// A value.
    Value(Scalar),
    /// A link.
    Link(CellLink),
}

/// A link in a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CellLink {
    /// What is read.
    pub text: String,
    /// Where it leads.
    pub href: String,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValueType {
    /// As it is.
    #[default]
    Text,
    /// With thousands separators.
    Number,
    /// With thousands separators; the label or unit names the currency.
    Money,
    /// `YYYY-MM-DD`, written the reader's way.
    Date,
    /// As a tag.
    Status,
    /// As a link to `href`.
    Link,
}

/// Labelled values of one thing.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// Heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// At most 60 values.
    pub items: Vec<DetailItem>,
    /// At most six words about the thing, for instance "示例数据".
    #[serde(default)]
    pub tags: Vec<String>,
}

/// One labelled value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailItem {
    /// What the value is.
    pub label: Text,
    /// The value; line breaks in it are kept.
    pub value: Scalar,
    /// How it is written.
    #[serde(default, rename = "type")]
    pub value_type: ValueType,
    /// Where it leads, `tel:` for a telephone number included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
}

/// Places.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// Heading, and the name of the picture.
    pub title: Text,
    /// Coordinate reference system of every coordinate in the block.
    #[serde(default)]
    pub crs: Crs,
    /// The area drawn under the places.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outline: Option<Geometry>,
    /// At most 2,000 places.
    pub features: Vec<Feature>,
}

/// Coordinate reference system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Crs {
    /// China Geodetic Coordinate System 2000, longitude and latitude in degrees.
    #[default]
    Cgcs2000,
    /// World Geodetic System 1984; at the scale of a sketch the same.
    Wgs84,
}

/// A GeoJSON area. Positions are `[longitude, latitude]`; the first ring of a polygon is its edge, the others are holes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", deny_unknown_fields)]
pub enum Geometry {
    /// One area.
    Polygon {
        /// Its rings.
        coordinates: Vec<Vec<[f64; 2]>>,
    },
    /// Several areas.
    MultiPolygon {
        /// Their rings.
        coordinates: Vec<Vec<Vec<[f64; 2]>>>,
    },
}

impl Geometry {
    /// Every ring of every polygon.
    pub fn rings(&self) -> impl Iterator<Item = &[[f64; 2]]> {
        let polygons = match self {
            Self::Polygon { coordinates } => std::slice::from_ref(coordinates),
            Self::MultiPolygon { coordinates } => coordinates,
        };
        polygons.iter().flatten().map(Vec::as_slice)
    }
}

/// One place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Name.
    pub title: String,
    /// Latitude in degrees, north positive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Longitude in degrees, east positive. A place without a position is in the list only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lng: Option<f64>,
    /// Where name and marker lead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub href: Option<String>,
    /// A line about the place, for instance its address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub meta: Option<String>,
    /// At most six words, for instance "示例数据".
    #[serde(default)]
    pub tags: Vec<String>,
    /// Colour of the marker.
    #[serde(default)]
    pub tone: Tone,
}

/// Links that look like buttons.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actions {
    /// Heading.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// At most six links.
    pub items: Vec<Action>,
}

/// One link that looks like a button.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// What it does.
    pub label: Text,
    /// Where it leads.
    pub href: String,
    /// How it looks; `info` is the main one.
    #[serde(default)]
    pub tone: Tone,
}

/// How much a thing matters. Never shown by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// Nothing special.
    #[default]
    Neutral,
    /// Worth knowing.
    Info,
    /// Went well.
    Success,
    /// Take care.
    Warning,
    /// Went wrong, or may.
    Danger,
}

/// A single value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// Not known; shown as "未提供".
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// Words, or a date.
    Text(String),
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Scalar {
    fn from(number: i64) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Scalar {
    fn from(yes: bool) -> Self {
        Self::Bool(yes)
    }
}

impl<T: Into<Scalar>> From<Option<T>> for Scalar {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}
