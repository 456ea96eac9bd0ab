//! A record, and what a caller wants to write into one.

mod changes;
pub mod line;

pub use changes::{Changes, Problem, read_changes};

use crate::id::RecordId;
use crate::manifest::{Collection, STANDARD_FIELDS, Slot, Standard};
use crate::value::Value;

/// A record of a collection, whole or in part: what was not asked for is null.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    standard: [Value; STANDARD_FIELDS.len()],
    /// The values of the declared fields in their declared order.
    pub values: Vec<Value>,
}

impl Record {
    /// A record of `collection` with nothing but its id.
    #[must_use]
    pub fn new(id: RecordId, collection: &Collection) -> Self {
        let mut record = Self { id, standard: Default::default(), values: vec![Value::Null; collection.fields.len()] };
        record.set(Slot::Standard(Standard::Id), Value::Id(id.0));
        record
    }

    /// The value in `slot`.
    #[must_use]
    pub fn get(&self, slot: Slot) -> &Value {
        let value = match slot {
            Slot::Field(index) => self.values.get(index),
            Slot::Standard(standard) => self.standard.get(standard as usize),
        };
        value.unwrap_or(&Value::Null)
    }

    /// Puts a value into `slot`; a slot that the collection does not have is left alone.
    pub fn set(&mut self, slot: Slot, value: Value) {
        let place = match slot {
            Slot::Field(index) => self.values.get_mut(index),
            Slot::Standard(standard) => self.standard.get_mut(standard as usize),
        };
        if let Some(place) = place {
            *place = value;
        }
    }

    /// Roughly the bytes that its values take.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let values = self.values.iter().map(Value::size_bytes);
        values.sum::<usize>() + (self.values.len() + self.standard.len()) * size_of::<Value>()
    }

    /// Its version, 1 at first, one more with each change; 0 when it was not asked for.
    #[must_use]
    pub fn version(&self) -> i64 {
        match self.get(Slot::Standard(Standard::Version)) {
            Value::Int(version) => *version,
            _ => 0,
        }
    }

    /// The record as one text with one spelling: what the audit trail digests. One line for each of id, state, version and
    /// the declared fields in their order: name, tab, value as JSON (a point as its microdegrees).
    #[must_use]
    pub fn canonical(&self, collection: &Collection) -> String {
        let standard = [Standard::Id, Standard::State, Standard::Version].map(Slot::Standard);
        let slots = standard.into_iter().chain((0..collection.fields.len()).map(Slot::Field));
        let line = |slot| {
            let value = match self.get(slot) {
                Value::Point(point) => format!("{},{}", point.lat_e6, point.lng_e6),
                other => other.to_json().to_string(),
            };
            format!("{}\t{value}\n", collection.slot_name(slot))
        };
        slots.map(line).collect()
    }
}

/// The only state of a collection without a workflow.
pub const PUBLISHED: &str = "published";
