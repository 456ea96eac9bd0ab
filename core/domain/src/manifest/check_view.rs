//! What declared pages must obey: every collection, field, filter and link they name is there.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::check::Report;
use super::field::FieldType;
use super::view::{Block, Link, Source, View, placeholder, segments};
use super::{Collection, Manifest, Spelling};
use crate::filter::{self, Purpose};
use crate::id::FieldName;
use crate::page::Order;
use crate::value::Kind;

/// What stands before a field's name to mean a value of the page's record.
const RECORD: &str = "$record.";

pub(super) fn views(manifest: &Manifest, report: &mut Report) {
    let mut paths = BTreeSet::new();
    for (index, view) in manifest.views.iter().enumerate() {
        let at = format!("view.{index}");
        let shape: Vec<_> =
            segments(&view.path).map(|segment| placeholder(segment).map_or(segment, |_| "{}")).collect();
        if !paths.insert(shape.join("/")) {
            report.add(format!("{at}.path"), "another view has this path");
        }
        path(view, &format!("{at}.path"), report);
        let record = record(manifest, view, &at, report);
        if view.blocks.is_empty() || view.blocks.len() > 30 {
            report.add(&at, "a view has 1 to 30 blocks");
        }
        for (index, block) in view.blocks.iter().enumerate() {
            let check = BlockCheck { manifest, record, at: format!("{at}.block.{index}") };
            check.block(block, report);
        }
    }
}

fn path(view: &View, at: &str, report: &mut Report) {
    let word = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let fits = |segment: &str| placeholder(segment).is_some() || word(segment);
    if !view.path.starts_with('/') || view.path.len() > 100 || !segments(&view.path).all(fits) {
        report.add(at, "expected a path like /streets/{code}: lower-case words and at most one {field}");
    }
    let names: Vec<_> = segments(&view.path).filter_map(placeholder).collect();
    let by = view.record.as_ref().map(|record| record.by.as_str());
    if names.len() > 1 || names.first().copied() != by {
        report.add(at, "a page about a record names its unique field in the path, and no other page has one");
    }
    if view.nav && view.record.is_some() {
        report.add(at, "a page about one record cannot stand in the navigation");
    }
}

fn record<'a>(manifest: &'a Manifest, view: &View, at: &str, report: &mut Report) -> Option<&'a Collection> {
    let binding = view.record.as_ref()?;
    let Some(collection) = manifest.collection(binding.collection.as_str()) else {
        report.add(format!("{at}.record.collection"), "there is no such collection");
        return None;
    };
    match collection.field(binding.by.as_str(), Spelling::Manifest) {
        Some((_, field)) if field.unique && field.field_type == FieldType::String => {}
        _ => report.add(format!("{at}.record.by"), "expected a string field that is `unique`"),
    }
    if collection.field(binding.title.as_str(), Spelling::Manifest).is_none() {
        report.add(format!("{at}.record.title"), "there is no such field");
    }
    Some(collection)
}

struct BlockCheck<'a> {
    manifest: &'a Manifest,
    record: Option<&'a Collection>,
    at: String,
}

impl BlockCheck<'_> {
    fn block(&self, block: &Block, report: &mut Report) {
        let source = block.source().and_then(|source| self.source(source, report));
        match block {
            Block::Notice { when, .. } => self.when(when.as_deref(), report),
            Block::Text { text, field, .. } => {
                if text.is_some() == field.is_some() {
                    report.add(&self.at, "a text block has either `text` or `field`");
                }
                self.record_fields(field.as_slice(), report);
            }
            Block::Detail { fields, .. } => self.record_fields(fields, report),
            Block::List { name, summary, tags, link, .. } => {
                self.fields(source, [name].into_iter().chain(summary).chain(tags), report);
                self.link(source, link.as_ref(), report);
            }
            Block::Table { fields, .. } => {
                if fields.is_empty() || fields.len() > 24 {
                    report.add(&self.at, "a table has 1 to 24 fields");
                }
                self.fields(source, fields, report);
            }
            Block::Map { point, name, summary, tags, link, .. } => {
                self.fields(source, [name].into_iter().chain(summary).chain(tags), report);
                self.link(source, link.as_ref(), report);
                let attribute = source.and_then(|collection| collection.attribute(point.as_str(), Spelling::Manifest));
                if source.is_some() && attribute.is_none_or(|attribute| attribute.kind != Kind::Point) {
                    report.add(format!("{}.point", self.at), "expected a point field");
                }
            }
        }
    }

    fn when(&self, when: Option<&str>, report: &mut Report) {
        let Some(when) = when else { return };
        let field = when.split_once('.').and_then(|(collection, field)| {
            self.manifest.collection(collection)?.field(field, Spelling::Manifest).map(|(_, field)| field)
        });
        if field.is_none_or(|field| field.field_type != FieldType::Bool) {
            report.add(format!("{}.when", self.at), "expected a yes-no field like \"street.sample\"");
        }
    }

    fn source(&self, source: &Source, report: &mut Report) -> Option<&Collection> {
        let Some(collection) = self.manifest.collection(source.collection.as_str()) else {
            report.add(format!("{}.source.collection", self.at), "there is no such collection");
            return None;
        };
        if let Some(json) = &source.filter {
            match self.with_sample_record(json) {
                Ok(json) => {
                    if let Err(error) = filter::parse(collection, &json, Spelling::Manifest, Purpose::Manifest(None)) {
                        report.add(format!("{}.source.filter", self.at), error.to_string());
                    }
                }
                Err(name) => report.add(format!("{}.source.filter", self.at), format!("the page has no `{name}`")),
            }
        }
        if let Err(error) = Order::read(collection, source.order.iter().map(String::as_str), Purpose::Manifest(None)) {
            report.add(format!("{}.source.order", self.at), error.to_string());
        }
        if !(1..=100).contains(&source.first) {
            report.add(format!("{}.source.first", self.at), "expected 1 to 100");
        }
        Some(collection)
    }

    /// The filter with a value of the right kind wherever it names one of the page's record.
    fn with_sample_record(&self, json: &Json) -> Result<Json, String> {
        Ok(match json {
            Json::String(text) => match text.strip_prefix(RECORD) {
                None => json.clone(),
                Some(name) => {
                    let attribute = self.record.and_then(|record| record.attribute(name, Spelling::Manifest));
                    sample(attribute.ok_or_else(|| text.clone())?.kind)
                }
            },
            Json::Array(items) => items.iter().map(|item| self.with_sample_record(item)).collect::<Result<_, _>>()?,
            Json::Object(object) => {
                let pairs = object.iter().map(|(key, value)| Ok((key.clone(), self.with_sample_record(value)?)));
                Json::Object(pairs.collect::<Result<_, String>>()?)
            }
            other => other.clone(),
        })
    }

    fn record_fields(&self, names: &[FieldName], report: &mut Report) {
        if !names.is_empty() && self.record.is_none() {
            report.add(&self.at, "this block shows a record: give the view a [view.record]");
        }
        self.fields(self.record, names, report);
    }

    fn fields<'n>(
        &self,
        collection: Option<&Collection>,
        names: impl IntoIterator<Item = &'n FieldName>,
        report: &mut Report,
    ) {
        let Some(collection) = collection else { return };
        for name in names {
            let known = collection.attribute(name.as_str(), Spelling::Manifest).is_some()
                || collection.computed(name.as_str()).is_some();
            if !known {
                report.add(&self.at, format!("`{}` has no field `{name}`", collection.name));
            }
        }
    }

    fn link(&self, collection: Option<&Collection>, link: Option<&Link>, report: &mut Report) {
        let (Some(collection), Some(link)) = (collection, link) else { return };
        let names: Vec<_> = link.placeholders().collect();
        if names.iter().any(|name| collection.field(name, Spelling::Manifest).is_none()) {
            report.add(format!("{}.link", self.at), "a placeholder names no field of the collection");
        }
        let sample = link.fill(|_| "x".to_owned());
        if !self.manifest.views.iter().any(|view| view.matches(&sample).is_some()) {
            report.add(format!("{}.link", self.at), "no view of this package has such a path");
        }
    }
}

fn sample(kind: Kind) -> Json {
    match kind {
        Kind::Text => json!("x"),
        Kind::Int | Kind::Decimal(_) => json!(0),
        Kind::Bool => json!(true),
        Kind::Date => json!("2000-01-01"),
        Kind::DateTime => json!("2000-01-01T00:00:00Z"),
        Kind::Point => json!({ "lat": 0, "lng": 0 }),
        Kind::Id => json!(uuid::Uuid::nil().to_string()),
        Kind::List(element) => json!([sample(element.kind())]),
        Kind::Area | Kind::Json => Json::Null,
    }
}
