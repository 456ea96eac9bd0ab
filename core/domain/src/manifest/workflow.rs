//! The declared workflow of a collection: states, transitions between them, and deadlines (登记、审核、办理、答复、归档:
//! 政府信息公开条例 Art. 45). Who may do what now is decided in [`crate::workflow`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Collection;
use crate::calendar::deadline::Unit;
use crate::id::FieldName;
use crate::locale::LocalText;
use crate::record::PUBLISHED;
use crate::scope::Role;

/// The name under which the history of a record begins: who created it. `distinct_from` may name it.
pub const CREATE: &str = "create";

/// States, transitions and deadlines of a collection's records.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Workflow {
    /// The state of a new record.
    pub initial: FieldName,
    /// The states.
    #[serde(rename = "state")]
    pub states: Vec<State>,
    /// The ways from one state to another.
    #[serde(default, rename = "transition")]
    pub transitions: Vec<Transition>,
    /// What has to be done in time.
    #[serde(default, rename = "deadline")]
    pub deadlines: Vec<Deadline>,
}

/// A state that a record may be in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Its name, as filters compare it: `draft`.
    pub name: FieldName,
    /// What people read.
    pub title: LocalText,
    /// Whether the public may see records in it. What is in no such state is never seen by the public, whatever a rule says.
    #[serde(default)]
    pub published: bool,
    /// Whether nothing follows: no transition leads out of it.
    #[serde(default, rename = "final")]
    pub is_final: bool,
}

/// A way from some states to one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// Its name: `publish`; in the API `<namespace>Publish<Collection>`.
    pub name: FieldName,
    /// What people read on the button.
    pub title: LocalText,
    /// The states that it leads out of.
    pub from: Vec<FieldName>,
    /// The state that it leads to.
    pub to: FieldName,
    /// Who may do it.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Whether the record's owner may do it, too.
    #[serde(default)]
    pub owner: bool,
    /// The two-person rule: not by whoever did one of these last (`create` is the record's creation).
    #[serde(default)]
    pub distinct_from: Vec<FieldName>,
    /// Whether a reason is given.
    #[serde(default)]
    pub comment: CommentRule,
    /// Of which records; all when there is none. In the one filter language.
    #[serde(default, rename = "where", skip_serializing_if = "Option::is_none")]
    pub filter: Option<Json>,
}

/// Whether a transition takes a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CommentRule {
    /// None is taken.
    None,
    /// One may be given.
    #[default]
    Optional,
    /// One must be given.
    Required,
}

/// Something that has to be done in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deadline {
    /// Its name: `reply`.
    pub name: FieldName,
    /// What people read.
    pub title: LocalText,
    /// What begins it. The day itself is not counted.
    pub starts: Start,
    /// Its length, 1 to 1000.
    pub days: u32,
    /// What is counted.
    pub unit: Unit,
    /// The states during which it does not run.
    #[serde(default)]
    pub pauses: Vec<FieldName>,
    /// The states that end it.
    pub stops: Vec<FieldName>,
    /// How it may be extended, once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<Extension>,
    /// How many days before its last day those who work on it are warned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warn: Option<u32>,
}

/// What begins a deadline: `{ state = "received" }` or `{ field = "received_on" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    /// The day on which the record enters this state; entering it again begins the deadline anew, unless it comes out of a
    /// pause.
    State(FieldName),
    /// The day in this field of the record; another day there moves it.
    Field(FieldName),
}

/// How a deadline may be extended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Extension {
    /// By how many days of its unit at most, 1 to 1000.
    pub days: u32,
    /// The transition that grants it.
    pub transition: FieldName,
}

impl Workflow {
    /// The state of that name.
    #[must_use]
    pub fn state(&self, name: &str) -> Option<&State> {
        self.states.iter().find(|state| state.name == *name)
    }

    /// The transition of that name.
    #[must_use]
    pub fn transition(&self, name: &str) -> Option<&Transition> {
        self.transitions.iter().find(|transition| transition.name == *name)
    }

    /// The deadline of that name.
    #[must_use]
    pub fn deadline(&self, name: &str) -> Option<&Deadline> {
        self.deadlines.iter().find(|deadline| deadline.name == *name)
    }

    /// The deadlines that this transition may extend.
    pub fn extended_by(&self, transition: &str) -> impl Iterator<Item = (&Deadline, &Extension)> {
        let pair = |deadline: &'_ Deadline| deadline.extension.as_ref().is_some_and(|e| e.transition == *transition);
        self.deadlines.iter().filter(move |deadline| pair(deadline)).filter_map(|d| Some((d, d.extension.as_ref()?)))
    }
}

impl Collection {
    /// The state of a new record.
    #[must_use]
    pub fn initial_state(&self) -> &str {
        self.workflow.as_ref().map_or(PUBLISHED, |workflow| workflow.initial.as_str())
    }

    /// The states that a record may be in.
    #[must_use]
    pub fn states(&self) -> Vec<&str> {
        match &self.workflow {
            Some(workflow) => workflow.states.iter().map(|state| state.name.as_str()).collect(),
            None => vec![PUBLISHED],
        }
    }

    /// The states in which the public sees a record.
    pub fn published_states(&self) -> impl Iterator<Item = &str> {
        let without = self.workflow.is_none().then_some(PUBLISHED);
        let declared = self.workflow.iter().flat_map(|workflow| &workflow.states).filter(|state| state.published);
        without.into_iter().chain(declared.map(|state| state.name.as_str()))
    }

    /// Whether the public sees a record in this state; no for a state that is not declared.
    #[must_use]
    pub fn is_published(&self, state: &str) -> bool {
        self.published_states().any(|published| published == state)
    }
}
