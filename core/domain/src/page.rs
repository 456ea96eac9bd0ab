//! Order and pages: what a list asks for, and cursors that say where a page ended.
//!
//! Records always order by the given attributes, values that are not there first, and then by id, so that every record has
//! one place. A cursor holds the last record's place; the next page is "everything after that place", as a [`Filter`].

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::filter::{Filter, Purpose, Test};
use crate::id::RecordId;
use crate::manifest::{Attribute, Collection, Slot, Spelling, Standard};
use crate::record::Record;
use crate::value::{Kind, Value};

/// How many attributes an order may name.
pub const MAX_ORDER: usize = 4;

/// One attribute of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderTerm {
    /// By what.
    pub attribute: Attribute,
    /// Greatest first.
    pub descending: bool,
}

/// By what records order; the id always comes last.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Order(pub Vec<OrderTerm>);

/// Why an order or a cursor is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PageError {
    /// An order by something that cannot be ordered by.
    #[error("records cannot be ordered by `{0}`: declare the field with `sort = true` or leave it out")]
    NotSortable(String),
    /// Too many terms.
    #[error("an order names at most {MAX_ORDER} fields")]
    TooLong,
    /// A cursor that was not made by this list in this order.
    #[error("this cursor belongs to another list or order: start from the first page")]
    ForeignCursor,
}

impl Order {
    /// Reads names like `name` or `-created_at`.
    ///
    /// # Errors
    /// [`PageError::NotSortable`] and [`PageError::TooLong`].
    pub fn read<'a>(
        collection: &Collection,
        names: impl IntoIterator<Item = &'a str>,
        purpose: Purpose<'_>,
    ) -> Result<Self, PageError> {
        let mut terms = Vec::new();
        for name in names {
            let (plain, descending) = name.strip_prefix('-').map_or((name, false), |plain| (plain, true));
            let allowed = |slot: Slot| match purpose {
                _ if collection.is_sealed(slot) => false,
                Purpose::Manifest(_) => true,
                Purpose::Viewer(actor) => collection.is_sortable(slot) && collection.is_shown(slot, actor),
            };
            let attribute = collection
                .attribute(plain, Spelling::Manifest)
                .filter(|attribute| attribute.kind.is_ordered() && allowed(attribute.slot))
                .ok_or_else(|| PageError::NotSortable(plain.chars().take(60).collect()))?;
            terms.push(OrderTerm { attribute, descending });
        }
        if terms.len() > MAX_ORDER { Err(PageError::TooLong) } else { Ok(Self(terms)) }
    }

    /// The terms with the id behind them.
    #[must_use]
    pub fn with_id(&self) -> Vec<OrderTerm> {
        let id = Attribute { slot: Slot::Standard(Standard::Id), kind: Kind::Id };
        self.0.iter().copied().chain([OrderTerm { attribute: id, descending: false }]).collect()
    }

    /// Which of two records comes first: as the storage orders them, and as cursors seek.
    #[must_use]
    pub fn compare(&self, a: &Record, b: &Record) -> Ordering {
        let by_term = |term: &OrderTerm| {
            let ascending = a.get(term.attribute.slot).cmp(b.get(term.attribute.slot));
            if term.descending { ascending.reverse() } else { ascending }
        };
        self.0.iter().map(by_term).find(|order| order.is_ne()).unwrap_or_else(|| a.id.cmp(&b.id))
    }

    fn names(&self, collection: &Collection) -> Vec<String> {
        let sign = |term: &OrderTerm| if term.descending { "-" } else { "" };
        self.0.iter().map(|term| format!("{}{}", sign(term), collection.slot_name(term.attribute.slot))).collect()
    }
}

#[derive(Serialize, Deserialize)]
struct CursorText {
    c: String,
    o: Vec<String>,
    v: Vec<Json>,
    i: RecordId,
}

/// The place of `record` in its list, as an opaque text.
#[must_use]
pub fn cursor(collection: &Collection, order: &Order, record: &Record) -> String {
    let text = CursorText {
        c: collection.name.to_string(),
        o: order.names(collection),
        v: order.0.iter().map(|term| record.get(term.attribute.slot).to_json()).collect(),
        i: record.id,
    };
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&text).unwrap_or_default())
}

/// Everything after the place that `cursor` names.
///
/// # Errors
/// [`PageError::ForeignCursor`] unless the cursor was made by [`cursor`] for the same collection and order.
pub fn after(collection: &Collection, order: &Order, cursor: &str) -> Result<Filter, PageError> {
    let text = read_cursor(cursor).ok_or(PageError::ForeignCursor)?;
    if text.c != *collection.name.as_str() || text.o != order.names(collection) || text.v.len() != order.0.len() {
        return Err(PageError::ForeignCursor);
    }
    let mut values = Vec::new();
    for (term, json) in order.0.iter().zip(&text.v) {
        values.push(Value::from_json(term.attribute.kind, json).map_err(|_| PageError::ForeignCursor)?);
    }
    values.push(Value::Id(text.i.0));
    let start = order.0.first().zip(values.first()).and_then(|(term, value)| not_before(*term, value));
    let mut terms = order.with_id().into_iter().zip(values).rev();
    let last = terms.next().map(|(term, value)| beyond(term, &value));
    let seek = terms.fold(last, |rest, (term, value)| {
        let tie = Filter::Test(term.attribute, equal(&value)).and(rest.unwrap_or_else(Filter::everything));
        Some(Filter::Or(vec![beyond(term, &value), tie]))
    });
    let seek = seek.unwrap_or_else(Filter::everything);
    Ok(start.into_iter().fold(seek, |seek, start| start.and(seek)))
}

fn read_cursor(cursor: &str) -> Option<CursorText> {
    (cursor.len() <= 8_192).then_some(())?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}

fn equal(value: &Value) -> Test {
    if value.is_null() { Test::IsNull(true) } else { Test::Eq(value.clone()) }
}

/// What the seek implies of its first term alone. A database takes it for a range of that term's index, and so begins at the
/// cursor; of the seek's own alternatives it cannot tell that they are one range, because each binds the value anew.
fn not_before(term: OrderTerm, value: &Value) -> Option<Filter> {
    // Descending, what has no value comes last, and that is no single range.
    let is_range = !value.is_null() && !term.descending;
    is_range.then(|| Filter::Test(term.attribute, Test::Gte(value.clone())))
}

/// Strictly after `value` in the term's direction; no value comes before all values when ascending, after all when not.
fn beyond(term: OrderTerm, value: &Value) -> Filter {
    let test = |test| Filter::Test(term.attribute, test);
    match (value.is_null(), term.descending) {
        (true, false) => test(Test::IsNull(false)),
        (true, true) => Filter::Or(Vec::new()),
        (false, false) => test(Test::Gt(value.clone())),
        (false, true) => Filter::Or(vec![test(Test::Lt(value.clone())), test(Test::IsNull(true))]),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scope::Actor;

    fn collection() -> Collection {
        let field = |name: &str| json!({ "name": name, "type": "string", "title": { "zh": name }, "sort": true });
        let fields = [field("code"), field("name")];
        serde_json::from_value(json!({ "name": "street", "title": { "zh": "街道" }, "field": fields })).unwrap()
    }

    /// What a page after a record with this code must satisfy beside the seek itself.
    fn start(names: &[&str], code: Value) -> Option<Test> {
        let (collection, actor) = (collection(), Actor::anonymous());
        let order = Order::read(&collection, names.iter().copied(), Purpose::Viewer(&actor)).unwrap();
        let mut record = Record::new(RecordId(uuid::Uuid::from_u128(7)), &collection);
        record.set(Slot::Field(0), code);
        match after(&collection, &order, &cursor(&collection, &order, &record)).unwrap() {
            Filter::And(parts) => match &parts[..] {
                [Filter::Test(attribute, test), Filter::Or(_)] => {
                    assert_eq!(attribute.slot, Slot::Field(0));
                    Some(test.clone())
                }
                other => panic!("{other:?}"),
            },
            _ => None,
        }
    }

    #[test]
    fn a_page_begins_at_its_cursor_where_the_index_of_the_first_field_can_tell() {
        let code = || Value::Text("b".to_owned());
        assert_eq!(start(&["code"], code()), Some(Test::Gte(code())));
        assert_eq!(start(&["code", "-name"], code()), Some(Test::Gte(code())));
        // What has no value comes first when ascending and last when not: no single range.
        assert_eq!(start(&["code"], Value::Null), None);
        assert_eq!(start(&["-code"], code()), None);
        assert_eq!(start(&[], code()), None);
    }
}
