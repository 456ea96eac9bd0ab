//! Who may do what: the declared rules of a collection applied to an actor.

use crate::filter::{self, Filter, Purpose};
use crate::manifest::{AccessRules, Collection, Rule, Spelling};
use crate::scope::Actor;

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
            Some(json) => any.extend(filter::parse(collection, json, Spelling::Manifest, Purpose::Manifest).ok()),
        }
    }
    match any.len() {
        0 => None,
        1 => any.pop(),
        _ => Some(Filter::Or(any)),
    }
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
}
