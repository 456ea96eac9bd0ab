//! A record, and what a caller wants to write into one.

mod changes;

use uuid::Uuid;

pub use changes::{Changes, Problem, read_changes};

use crate::id::{ActorId, RecordId};
use crate::manifest::{Collection, Slot, Standard};
use crate::value::{Timestamp, Value};

/// A record of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// Its id.
    pub id: RecordId,
    /// Its state of workflow.
    pub state: String,
    /// Its version, 1 at first, one more with each change.
    pub version: i64,
    /// Who owns it.
    pub owner: Option<ActorId>,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom; none for provisioning.
    pub created_by: Option<ActorId>,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// By whom.
    pub updated_by: Option<ActorId>,
    /// When it was first published.
    pub published_at: Option<Timestamp>,
    /// The values of the declared fields in their declared order. A field that was not asked for is null.
    pub values: Vec<Value>,
}

impl Record {
    /// The value in `slot`.
    #[must_use]
    pub fn get(&self, slot: Slot) -> Value {
        let id = |id: Option<Uuid>| id.map_or(Value::Null, Value::Id);
        match slot {
            Slot::Field(index) => self.values.get(index).cloned().unwrap_or(Value::Null),
            Slot::Standard(standard) => match standard {
                Standard::Id => Value::Id(self.id.0),
                Standard::State => Value::Text(self.state.clone()),
                Standard::Version => Value::Int(self.version),
                Standard::Owner => id(self.owner.map(|id| id.0)),
                Standard::CreatedAt => Value::DateTime(self.created_at),
                Standard::CreatedBy => id(self.created_by.map(|id| id.0)),
                Standard::UpdatedAt => Value::DateTime(self.updated_at),
                Standard::UpdatedBy => id(self.updated_by.map(|id| id.0)),
                Standard::PublishedAt => self.published_at.map_or(Value::Null, Value::DateTime),
            },
        }
    }

    /// The record as one text with one spelling: what the audit trail digests. One line for each of state, version and the
    /// declared fields in their order: name, tab, value as JSON (a point as its microdegrees).
    #[must_use]
    pub fn canonical(&self, collection: &Collection) -> String {
        let mut text = format!("id\t{}\nstate\t{}\nversion\t{}\n", self.id, self.state, self.version);
        for (field, value) in collection.fields.iter().zip(&self.values) {
            let value = match value {
                Value::Point(point) => format!("{},{}", point.lat_e6, point.lng_e6),
                other => other.to_json().to_string(),
            };
            text.push_str(&format!("{}\t{value}\n", field.name));
        }
        text
    }
}

/// The only state of a collection without a workflow.
pub const PUBLISHED: &str = "published";
