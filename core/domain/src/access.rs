//! Who may do what: the declared rules of a collection applied to an actor.

use std::collections::BTreeSet;

use crate::filter::{self, Filter, Purpose, Test};
use crate::id::ActorId;
use crate::manifest::{AccessRules, Attribute, Collection, Rule, Slot, Spelling, Standard};
use crate::scope::Actor;
use crate::value::Value;

/// What an actor wants to do with records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Read them.
    Read,
    /// Create them.
    Create,
    /// Change them.
    Update,
    /// Delete them.
    Delete,
}

/// Which of a tenant's two roots is asked. They are never mixed: through the public one nobody sees a draft, whoever asks and
/// whatever is asked (invariant 7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Root {
    /// What the tenant has published.
    Public,
    /// What the actor works with.
    Workspace,
}

impl Root {
    /// The actor's own: the workspace of whoever signed in.
    #[must_use]
    pub fn own(actor: &Actor) -> Self {
        if actor.id().is_some() { Self::Workspace } else { Self::Public }
    }
}

/// Which records the actor may read through `root`; none when no rule allows it at all.
#[must_use]
pub fn readable(collection: &Collection, root: Root, actor: &Actor) -> Option<Filter> {
    let allowed = allowed(collection, Deed::Read, actor)?;
    Some(match root {
        Root::Public => published(collection).and(allowed),
        // What is not published is nobody's who has not signed in, whatever a rule says of the public.
        Root::Workspace => Some(allowed).filter(|_| actor.id().is_some())?,
    })
}

/// The records that the tenant has published.
fn published(collection: &Collection) -> Filter {
    let state = Attribute { slot: Slot::Standard(Standard::State), kind: Standard::State.kind() };
    let states = collection.published_states().map(|state| Value::Text(state.to_owned())).collect();
    Filter::Test(state, Test::In(states))
}

/// Which records the actor may do it with; none when no rule allows it at all.
///
/// A rule whose filter cannot be read counts for nothing: it fails closed (the manifest's check has refused it before).
#[must_use]
pub fn allowed(collection: &Collection, deed: Deed, actor: &Actor) -> Option<Filter> {
    let rules = rules(&collection.access, deed).iter().filter(|rule| actor.has(rule.role));
    let mut any = Vec::new();
    for rule in rules {
        match &rule.filter {
            None => return Some(Filter::everything()),
            Some(json) => {
                any.extend(filter::parse(collection, json, Spelling::Manifest, Purpose::Manifest(actor.id())).ok());
            }
        }
    }
    match any.len() {
        0 => None,
        1 => any.pop(),
        _ => Some(Filter::Or(any)),
    }
}

/// What the rules look at that say who may read: where a record's reader is to be told from its values.
#[must_use]
pub fn looked_at(collection: &Collection) -> BTreeSet<Slot> {
    let somebody = Some(ActorId(uuid::Uuid::nil()));
    let filters = rules(&collection.access, Deed::Read).iter().filter_map(|rule| rule.filter.as_ref());
    let filters = filters
        .filter_map(|json| filter::parse(collection, json, Spelling::Manifest, Purpose::Manifest(somebody)).ok());
    let own = [Standard::State, Standard::Version].map(Slot::Standard);
    own.into_iter().chain(filters.flat_map(|filter| filter.slots())).collect()
}

fn rules(access: &AccessRules, deed: Deed) -> &[Rule] {
    match deed {
        Deed::Read => &access.read,
        Deed::Create => &access.create,
        Deed::Update => &access.update,
        Deed::Delete => &access.delete,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scope::Role;

    #[test]
    fn what_no_rule_allows_is_denied() {
        let collection: Collection = serde_json::from_value(json!({
            "name": "site", "title": { "zh": "载体" }, "field": [{ "name": "name", "type": "string" }],
            "access": {
                "read": [
                    { "role": "public", "where": { "state": { "eq": "published" } } },
                    { "role": "editor" }
                ],
                "create": [{ "role": "editor" }]
            }
        }))
        .unwrap();
        let anonymous = Actor::anonymous();
        let editor = Actor::known(crate::id::ActorId(uuid::Uuid::nil()), vec![Role::Editor]);
        assert!(matches!(allowed(&collection, Deed::Read, &anonymous), Some(Filter::Test(..))));
        assert!(allowed(&collection, Deed::Read, &editor).unwrap().is_everything());
        assert!(allowed(&collection, Deed::Create, &anonymous).is_none());
        assert!(allowed(&collection, Deed::Delete, &editor).is_none());
    }

    #[test]
    fn the_public_root_shows_no_draft_whoever_asks() {
        let collection: Collection = serde_json::from_value(json!({
            "name": "site", "title": { "zh": "载体" }, "field": [{ "name": "name", "type": "string" }],
            "access": { "read": [{ "role": "editor" }] }
        }))
        .unwrap();
        let editor = Actor::known(crate::id::ActorId(uuid::Uuid::nil()), vec![Role::Editor]);
        let sees = |root, state: &str| {
            let filter = readable(&collection, root, &editor).unwrap();
            filter.matches(&|_| Value::Text(state.to_owned()))
        };
        assert!(sees(Root::Public, "published") && !sees(Root::Public, "draft"));
        assert!(sees(Root::Workspace, "published") && sees(Root::Workspace, "draft"));
        assert!(readable(&collection, Root::Public, &Actor::anonymous()).is_none());
        let open: Collection = serde_json::from_value(json!({
            "name": "site", "title": { "zh": "载体" }, "field": [{ "name": "name", "type": "string" }],
            "access": { "read": [{ "role": "public" }] }
        }))
        .unwrap();
        assert!(readable(&open, Root::Workspace, &Actor::anonymous()).is_none());
        assert!(readable(&open, Root::Workspace, &editor).is_some());
    }

    #[test]
    fn a_rule_about_whoever_asks_is_about_that_actor_and_nothing_to_an_anonymous_one() {
        let collection: Collection = serde_json::from_value(json!({
            "name": "letter", "title": { "zh": "来信" }, "field": [{ "name": "text", "type": "string" }],
            "access": { "read": [{ "role": "public", "where": { "owner": { "eq": "$actor" } } }] }
        }))
        .unwrap();
        let (mine, other) = (uuid::Uuid::from_u128(1), uuid::Uuid::from_u128(2));
        let citizen = Actor::known(crate::id::ActorId(mine), vec![Role::Citizen]);
        let filter = allowed(&collection, Deed::Read, &citizen).unwrap();
        assert!(filter.matches(&|_| Value::Id(mine)));
        assert!(!filter.matches(&|_| Value::Id(other)));
        assert!(!filter.matches(&|_| Value::Null));
        assert!(allowed(&collection, Deed::Read, &Actor::anonymous()).is_none());
    }
}
