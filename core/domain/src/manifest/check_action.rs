//! What declared actions must obey: roles, arguments, answers, and names that stand once in the API.

use super::check::{Names, Report, enum_type, returns, unique_fields};
use super::check_field::{fields, plain_fields};
use super::{Capability, Manifest, RunsAs};
use crate::id::upper_camel;

pub(super) fn actions(manifest: &Manifest, report: &mut Report) {
    for (index, action) in manifest.actions.iter().enumerate() {
        let at = format!("action.{index}");
        fields(manifest, &action.args, &format!("{at}.arg"), report);
        plain_fields(&action.args, &format!("{at}.arg"), report);
        if action.roles.is_empty() {
            report.add(format!("{at}.roles"), "say who may call it, like roles = [\"public\"] or roles = [\"editor\"]");
        }
        if action.roles.iter().enumerate().any(|(index, role)| action.roles[..index].contains(role)) {
            report.add(format!("{at}.roles"), "a role stands twice: each is named once");
        }
        if let Some(answer) = &action.returns {
            returns(manifest, answer, &format!("{at}.returns"), report);
        }
        if action.runs_as == RunsAs::Package && !manifest.capabilities.contains_key(&Capability::Records) {
            let mend = "it writes with the package's rights: ask for `records` under [capabilities] with its reason, or leave `runs_as` out";
            report.add(format!("{at}.runs_as"), mend);
        }
    }
}

/// Names that mutations would share with each other, or the types of actions with others of the API.
pub(super) fn names(manifest: &Manifest, types: &mut Names, report: &mut Report) {
    let mut mutations = Names::default();
    for collection in &manifest.collections {
        for own in [collection.name.as_str(), &collection.plural()].map(upper_camel) {
            mutations.reserve(["Create", "Update", "Delete"].map(|verb| format!("{verb}{own}")));
        }
    }
    // `publish` of `a_b` and `publish_a` of `b` are both `PublishAB`.
    for (index, collection) in manifest.collections.iter().enumerate() {
        let transitions = collection.workflow.iter().flat_map(|workflow| &workflow.transitions);
        for (number, transition) in transitions.enumerate() {
            let name = format!("{}{}", upper_camel(transition.name.as_str()), upper_camel(collection.name.as_str()));
            mutations.take(name, &format!("collection.{index}.workflow.transition.{number}.name"), report);
        }
    }
    for (index, action) in manifest.actions.iter().enumerate() {
        let path = format!("action.{index}");
        let name = upper_camel(action.name.as_str());
        mutations.take(name.clone(), &path, report);
        types.take(format!("{name}Payload"), &path, report);
        unique_fields(&action.args, &format!("{path}.arg"), report);
        for (index, arg) in action.args.iter().enumerate() {
            enum_type(types, &name, arg, &format!("{path}.arg.{index}"), report);
        }
    }
}
