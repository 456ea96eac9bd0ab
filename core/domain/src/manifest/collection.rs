//! A declared collection: fields, computed fields, access rules; and its attributes, which are all that can be filtered,
//! ordered or read: declared fields and standard ones alike.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::field::{Field, FieldType};
use super::workflow::Workflow;
use crate::id::{CollectionName, FieldName, lower_camel};
use crate::locale::LocalText;
use crate::record::Record;
use crate::scope::{Actor, Role};
use crate::value::{Kind, Value};

/// A collection: one table, one set of API types, one set of rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// Its name: `street`, in the API `street` for one and `streets` for a list.
    pub name: CollectionName,
    /// The name of a list where it is not the name with an `s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plural: Option<FieldName>,
    /// What it holds.
    pub title: LocalText,
    /// More on it, for the API's documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<LocalText>,
    /// Its fields.
    #[serde(rename = "field")]
    pub fields: Vec<Field>,
    /// Fields that the component computes from others.
    #[serde(default)]
    pub computed: Vec<Computed>,
    /// Who may do what. What no rule allows is denied.
    #[serde(default)]
    pub access: AccessRules,
    /// Its states, transitions and deadlines; without one, every record is published from its creation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<Workflow>,
}

/// A field that the component computes, in one call for a page of records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Computed {
    /// Its name, in camel case in the API.
    pub name: FieldName,
    /// Its type: a scalar.
    #[serde(rename = "type")]
    pub field_type: FieldType,
    /// Its label.
    pub title: LocalText,
    /// More on it, for the API's documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<LocalText>,
    /// Digits after the point of a decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<u8>,
    /// The unit of a number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The fields of the record that the component is given.
    pub needs: Vec<FieldName>,
}

impl Computed {
    /// How its values are compared and encoded.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.field_type.kind(Some(self.scale.unwrap_or(0))).unwrap_or(Kind::Text)
    }
}

/// Who may do what with a collection's records.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessRules {
    /// Who may read which records.
    #[serde(default)]
    pub read: Vec<Rule>,
    /// Who may create records.
    #[serde(default)]
    pub create: Vec<Rule>,
    /// Who may change which records.
    #[serde(default)]
    pub update: Vec<Rule>,
    /// Who may delete which records.
    #[serde(default)]
    pub delete: Vec<Rule>,
}

/// One rule: a role, and the records it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Whom it allows.
    pub role: Role,
    /// Which records; all when there is none. In the one filter language.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<Json>,
}

/// How a name is spelled: as in manifests (`opened_on`) or as in the API (`openedOn`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spelling {
    /// `snake_case`.
    Manifest,
    /// `camelCase`.
    Api,
}

impl Spelling {
    /// Whether `written` is how this spelling writes `name`.
    #[must_use]
    pub fn is(self, written: &str, name: &str) -> bool {
        match self {
            Self::Manifest => written == name,
            Self::Api => written == name || (name.contains('_') && written == lower_camel(name)),
        }
    }
}

/// The fields that every record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Standard {
    /// The record's id.
    Id,
    /// Its state of workflow.
    State,
    /// The version for the optimistic lock.
    Version,
    /// Who owns it.
    Owner,
    /// When it was created.
    CreatedAt,
    /// By whom.
    CreatedBy,
    /// When it was last changed.
    UpdatedAt,
    /// By whom.
    UpdatedBy,
    /// When it was first published.
    PublishedAt,
}

/// The standard fields in the order of their columns.
pub const STANDARD_FIELDS: [Standard; 9] = [
    Standard::Id,
    Standard::State,
    Standard::Version,
    Standard::Owner,
    Standard::CreatedAt,
    Standard::CreatedBy,
    Standard::UpdatedAt,
    Standard::UpdatedBy,
    Standard::PublishedAt,
];

impl Standard {
    /// Its name, which is also its column.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::State => "state",
            Self::Version => "version",
            Self::Owner => "owner",
            Self::CreatedAt => "created_at",
            Self::CreatedBy => "created_by",
            Self::UpdatedAt => "updated_at",
            Self::UpdatedBy => "updated_by",
            Self::PublishedAt => "published_at",
        }
    }

    /// How its values are stored.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Id | Self::Owner | Self::CreatedBy | Self::UpdatedBy => Kind::Id,
            Self::State => Kind::Text,
            Self::Version => Kind::Int,
            Self::CreatedAt | Self::UpdatedAt | Self::PublishedAt => Kind::DateTime,
        }
    }

    /// Whether viewers may filter and order by it: not by who did what.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Id | Self::State | Self::CreatedAt | Self::UpdatedAt | Self::PublishedAt)
    }
}

/// Where a value sits in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Slot {
    /// A standard field.
    Standard(Standard),
    /// The declared field of this index.
    Field(usize),
}

/// Something that can be read, filtered or ordered by: its place and kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Attribute {
    /// Where it sits.
    pub slot: Slot,
    /// How its values compare.
    pub kind: Kind,
}

impl Collection {
    /// Gives each translated field its English form, at the end, so that the places of the declared ones stay.
    pub(super) fn add_translations(&mut self) {
        let translated = self.fields.iter().filter(|field| field.translated);
        let forms: Vec<Field> = translated.filter_map(Field::translation).collect();
        self.fields.extend(forms);
    }

    /// The name of a list of its records, as manifests spell it.
    #[must_use]
    pub fn plural(&self) -> String {
        self.plural.as_ref().map_or_else(|| format!("{}s", self.name), ToString::to_string)
    }

    /// The field of that name and its index.
    #[must_use]
    pub fn field(&self, name: &str, spelling: Spelling) -> Option<(usize, &Field)> {
        self.fields.iter().enumerate().find(|(_, field)| spelling.is(name, field.name.as_str()))
    }

    /// The computed field of that name.
    #[must_use]
    pub fn computed(&self, name: &str) -> Option<&Computed> {
        self.computed.iter().find(|computed| computed.name == *name)
    }

    /// The attribute of that name, declared or standard.
    #[must_use]
    pub fn attribute(&self, name: &str, spelling: Spelling) -> Option<Attribute> {
        let standard = STANDARD_FIELDS.into_iter().find(|standard| spelling.is(name, standard.name()));
        if let Some(standard) = standard {
            return Some(Attribute { slot: Slot::Standard(standard), kind: standard.kind() });
        }
        let (index, field) = self.field(name, spelling)?;
        Some(Attribute { slot: Slot::Field(index), kind: field.kind() })
    }

    /// Where everything of a record sits: what every record has, then the declared fields.
    pub fn slots(&self) -> impl Iterator<Item = Slot> {
        STANDARD_FIELDS.into_iter().map(Slot::Standard).chain((0..self.fields.len()).map(Slot::Field))
    }

    /// The kind of what sits in `slot`; text for a slot of another collection.
    #[must_use]
    pub fn kind_of(&self, slot: Slot) -> Kind {
        match slot {
            Slot::Standard(standard) => standard.kind(),
            Slot::Field(index) => self.fields.get(index).map_or(Kind::Text, Field::kind),
        }
    }

    /// The name of what sits in `slot`, as manifests spell it.
    #[must_use]
    pub fn slot_name(&self, slot: Slot) -> &str {
        match slot {
            Slot::Standard(standard) => standard.name(),
            Slot::Field(index) => self.fields.get(index).map_or("", |field| field.name.as_str()),
        }
    }

    /// Whether viewers may filter by what sits in `slot`.
    #[must_use]
    pub fn is_filterable(&self, slot: Slot) -> bool {
        match slot {
            Slot::Standard(standard) => standard.is_open(),
            Slot::Field(index) => self.fields.get(index).is_some_and(|field| field.filter),
        }
    }

    /// Whether viewers may order by what sits in `slot`.
    #[must_use]
    pub fn is_sortable(&self, slot: Slot) -> bool {
        match slot {
            Slot::Standard(standard) => standard.is_open(),
            Slot::Field(index) => self.fields.get(index).is_some_and(|field| field.sort),
        }
    }

    /// Whether an actor may read what sits in `slot` of records that are not their own, and so filter and order by it.
    #[must_use]
    pub fn is_shown(&self, slot: Slot, actor: &Actor) -> bool {
        let Slot::Field(index) = slot else { return true };
        self.fields.get(index).is_some_and(|field| is_reader(field, actor))
    }

    /// Whether something in it is read by owners only, so that a record's owner has to be known to show it.
    #[must_use]
    pub fn depends_on_owner(&self) -> bool {
        self.fields.iter().any(|field| field.owner_reads)
    }

    /// Whether an actor may read what sits in `slot` of `record`.
    #[must_use]
    pub fn is_shown_in(&self, record: &Record, slot: Slot, actor: &Actor) -> bool {
        let Slot::Field(index) = slot else { return true };
        let owner = record.get(Slot::Standard(Standard::Owner));
        let owns = actor.id().is_some_and(|actor| *owner == Value::Id(actor.0));
        self.fields.get(index).is_some_and(|field| is_reader(field, actor) || (owns && field.owner_reads))
    }

    /// Empties what the actor may not read of `record`, or leaves what a mask shows of it.
    pub fn hide(&self, record: &mut Record, actor: &Actor) {
        for (index, field) in self.fields.iter().enumerate() {
            let slot = Slot::Field(index);
            if self.is_shown_in(record, slot, actor) {
                continue;
            }
            let left = match (field.mask, record.get(slot)) {
                (Some(mask), Value::Text(text)) => Value::Text(mask.cover(text)),
                _ => Value::Null,
            };
            record.set(slot, left);
        }
    }

    /// Whether what sits in `slot` is kept sealed: nothing can be looked up by it.
    #[must_use]
    pub fn is_sealed(&self, slot: Slot) -> bool {
        let Slot::Field(index) = slot else { return false };
        self.fields.get(index).is_some_and(|field| field.sensitive)
    }

    /// Whether anything of its records is kept sealed.
    #[must_use]
    pub fn has_sealed(&self) -> bool {
        self.fields.iter().any(|field| field.sensitive)
    }
}

fn is_reader(field: &Field, actor: &Actor) -> bool {
    let open = field.readers.is_empty() && !field.owner_reads;
    open || field.readers.iter().any(|role| actor.has(*role))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::id::{ActorId, RecordId};

    #[test]
    fn what_is_hidden_is_null_or_what_its_mask_leaves() {
        let collection: Collection = serde_json::from_value(json!({
            "name": "applicant", "title": { "zh": "申请人" },
            "field": [
                { "name": "code", "type": "string" },
                { "name": "name", "type": "string", "sensitive": true, "readers": ["reviewer"], "mask": "name" },
                { "name": "phone", "type": "string", "sensitive": true, "owner_reads": true, "mask": "phone" },
                { "name": "born_on", "type": "date", "sensitive": true, "readers": ["reviewer"] },
                { "name": "note", "type": "text", "readers": ["reviewer", "editor"] },
            ],
        }))
        .unwrap();
        let mut record = Record::new(RecordId(Uuid::from_u128(1)), &collection);
        record.set(Slot::Standard(Standard::Owner), Value::Id(Uuid::from_u128(7)));
        let values = ["1", "张三丰", "13812345678", "1990-03-07", "急"];
        for (index, text) in values.into_iter().enumerate() {
            record.set(Slot::Field(index), Value::from_json(collection.fields[index].kind(), &json!(text)).unwrap());
        }
        let check = |id: Option<u128>, role: Role, expect: serde_json::Value| {
            let actor = id.map_or_else(Actor::anonymous, |id| Actor::known(ActorId(Uuid::from_u128(id)), vec![role]));
            let mut seen = record.clone();
            collection.hide(&mut seen, &actor);
            assert_eq!(json!(seen.values.iter().map(Value::to_json).collect::<Vec<_>>()), expect, "{actor:?}");
        };
        check(None, Role::Public, json!(["1", "张**", "138****5678", null, null]));
        check(Some(8), Role::Citizen, json!(["1", "张**", "138****5678", null, null]));
        check(Some(7), Role::Citizen, json!(["1", "张**", "13812345678", null, null]));
        check(Some(8), Role::Editor, json!(["1", "张**", "138****5678", null, "急"]));
        check(Some(8), Role::Reviewer, json!(["1", "张三丰", "138****5678", "1990-03-07", "急"]));
        check(Some(7), Role::Reviewer, json!(["1", "张三丰", "13812345678", "1990-03-07", "急"]));
        check(Some(8), Role::Administrator, json!(["1", "张**", "138****5678", null, null]));
        // What is not there is not covered either.
        let empty = Record::new(RecordId(Uuid::from_u128(2)), &collection);
        let mut seen = empty.clone();
        collection.hide(&mut seen, &Actor::anonymous());
        assert_eq!(seen, empty);
    }
}
