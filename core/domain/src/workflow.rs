//! Which transitions an actor may make now, and why not: pure decisions on a declared workflow.
//!
//! How deadlines follow the states is [`clock`].

pub mod clock;

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::filter::{self, Purpose};
use crate::id::ActorId;
use crate::manifest::workflow::{CREATE, CommentRule, Transition};
use crate::manifest::{Collection, Slot, Spelling, Standard};
use crate::record::Record;
use crate::scope::{Actor, Role};
use crate::value::Value;

/// How many characters a comment may have.
pub const MAX_COMMENT: usize = 2_000;

/// Who made each transition of a record last, by the transition's name; none inside for somebody who was not signed in.
pub type LastActors = BTreeMap<String, Option<ActorId>>;

/// Why a transition is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum WhyNot {
    /// The record's state is not one of the workflow's: the store was changed by other hands, or the state was taken out of
    /// the manifest.
    #[error("the record's state is not one of the workflow's")]
    UnknownState,
    /// The actor has none of the roles and does not own the record.
    #[error("the actor may not do this")]
    Denied,
    /// It does not lead out of the record's state.
    #[error("it does not lead out of the record's state")]
    WrongState,
    /// The record is not one of those that it is declared for.
    #[error("it is not for this record")]
    Filter,
    /// The two-person rule: the actor did something that must be done by somebody else.
    #[error("somebody else has to do this")]
    SamePerson,
    /// A comment must be given.
    #[error("a comment is required")]
    CommentRequired,
    /// No comment is taken.
    #[error("no comment is taken")]
    CommentNotTaken,
    /// The comment is too long or holds what nobody can read.
    #[error("a comment has at most {MAX_COMMENT} characters and no control characters")]
    CommentForm,
    /// There is no deadline to extend.
    #[error("there is no running deadline to extend")]
    NoDeadline,
    /// The deadline was extended before.
    #[error("the deadline was extended before")]
    Extended,
    /// The deadline is over, or more days are asked for than may be granted.
    #[error("the deadline is over, or may not be extended by so many days")]
    ExtensionForm,
}

impl WhyNot {
    /// The key of its text in the translation files.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::UnknownState => "workflow.unknown_state",
            Self::Denied => "workflow.denied",
            Self::WrongState => "workflow.wrong_state",
            Self::Filter => "workflow.filter",
            Self::SamePerson => "workflow.same_person",
            Self::CommentRequired => "workflow.comment_required",
            Self::CommentNotTaken => "workflow.comment_not_taken",
            Self::CommentForm => "workflow.comment_form",
            Self::NoDeadline => "workflow.no_deadline",
            Self::Extended => "workflow.extended",
            Self::ExtensionForm => "workflow.extension_form",
        }
    }
}

/// Whether `actor` may make `transition` of `record` (read whole) now, comment apart.
///
/// # Errors
/// The first reason against it, in the order of [`WhyNot`].
pub fn may(
    collection: &Collection,
    transition: &Transition,
    actor: &Actor,
    record: &Record,
    past: &LastActors,
) -> Result<(), WhyNot> {
    let state = state_of(record);
    let workflow = collection.workflow.as_ref().ok_or(WhyNot::UnknownState)?;
    workflow.state(state).ok_or(WhyNot::UnknownState)?;
    let by_role = transition.roles.iter().any(|role| actor.has(*role));
    let as_owner = transition.owner && owns(actor, record);
    if !by_role && !as_owner {
        return Err(WhyNot::Denied);
    }
    if !transition.from.iter().any(|from| *from == *state) {
        return Err(WhyNot::WrongState);
    }
    if !is_for(collection, transition.filter.as_ref(), actor, record) {
        return Err(WhyNot::Filter);
    }
    if transition.distinct_from.iter().any(|done| did(actor, done.as_str(), record, past)) {
        return Err(WhyNot::SamePerson);
    }
    Ok(())
}

/// The comment as it is kept.
///
/// # Errors
/// [`WhyNot::CommentRequired`], [`WhyNot::CommentNotTaken`], [`WhyNot::CommentForm`].
pub fn comment(transition: &Transition, text: Option<&str>) -> Result<Option<String>, WhyNot> {
    let text = text.map(str::trim).filter(|text| !text.is_empty());
    match (transition.comment, text) {
        (CommentRule::Required, None) => Err(WhyNot::CommentRequired),
        (CommentRule::None, Some(_)) => Err(WhyNot::CommentNotTaken),
        (_, Some(text)) if text.chars().count() > MAX_COMMENT || text.chars().any(is_unreadable) => {
            Err(WhyNot::CommentForm)
        }
        (_, text) => Ok(text.map(ToOwned::to_owned)),
    }
}

fn is_unreadable(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\r' | '\t')
}

/// The state of a record; empty when it was not read.
#[must_use]
pub fn state_of(record: &Record) -> &str {
    record.get(Slot::Standard(Standard::State)).as_text().unwrap_or("")
}

fn owns(actor: &Actor, record: &Record) -> bool {
    actor.id().is_some_and(|id| *record.get(Slot::Standard(Standard::Owner)) == Value::Id(id.0))
}

/// Whether a declared filter is true of a record. One that cannot be read is true of nothing: it fails closed (the manifest's
/// check has refused it before).
fn is_for(collection: &Collection, declared: Option<&Json>, actor: &Actor, record: &Record) -> bool {
    let Some(json) = declared else { return true };
    let filter = filter::parse(collection, json, Spelling::Manifest, Purpose::Manifest(actor.id()));
    filter.is_ok_and(|filter| filter.matches(&|attribute| record.get(attribute.slot).clone()))
}

/// Whether the actor did this last. Somebody who is not signed in cannot show that it was another.
fn did(actor: &Actor, done: &str, record: &Record, past: &LastActors) -> bool {
    let creator = match record.get(Slot::Standard(Standard::CreatedBy)) {
        Value::Id(id) => Some(ActorId(*id)),
        _ => None,
    };
    let last = if done == CREATE { Some(creator) } else { past.get(done).copied() };
    match (last, actor.id()) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(last), Some(actor)) => last == Some(actor),
    }
}

/// How an actor stands to a record that they may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// As anybody: nothing of the workflow is theirs to see.
    Outside,
    /// As its owner: they see how it goes on, and not who works on it.
    Owner,
    /// By a rule for a role of the tenant's own people: they work on it.
    Staff,
}

/// How `actor` stands to `record`, read whole.
#[must_use]
pub fn standing(collection: &Collection, actor: &Actor, record: &Record) -> Standing {
    let outsiders = [Role::Public, Role::Citizen, Role::Enterprise];
    let mut rules =
        collection.access.read.iter().filter(|rule| !outsiders.contains(&rule.role) && actor.has(rule.role));
    if rules.any(|rule| is_for(collection, rule.filter.as_ref(), actor, record)) {
        Standing::Staff
    } else if owns(actor, record) {
        Standing::Owner
    } else {
        Standing::Outside
    }
}
