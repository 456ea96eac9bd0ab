//! The schema of each first-party package set, as committed: a change shows up in review.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use sunlit_domain::Manifest;
use sunlit_schema::{ComposeError, compose};

const STREET_CARDS: &str = include_str!("../../../plugins/street-cards/plugin.toml");

fn manifest(text: &str) -> Arc<Manifest> {
    Arc::new(Manifest::parse("plugin.toml", text).map_err(|errors| errors.to_string()).unwrap())
}

#[test]
fn the_schema_of_street_cards_is_the_committed_one() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/street-cards.graphql");
    let sdl = compose(&[manifest(STREET_CARDS)]).unwrap().sdl().to_owned();
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, &sdl).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), sdl, "run with UPDATE_SNAPSHOTS=1 to accept");
}

#[test]
fn plugin_data_is_typed_and_never_a_json_scalar() {
    let sdl = compose(&[manifest(STREET_CARDS)]).unwrap().sdl().to_owned();
    for typed in ["type StreetCards_Street {", "nearbyServicePoints: Int", "type StreetCards_Walk {"] {
        assert!(sdl.contains(typed), "{typed}");
    }
    let scalars: Vec<_> = sdl.lines().filter(|line| line.starts_with("scalar ")).collect();
    assert_eq!(scalars, ["scalar Date", "scalar DateTime", "scalar Decimal"]);
}

#[test]
fn no_word_of_a_package_ends_the_documentation_that_it_stands_in() {
    let text = include_str!("../../../tests/conformance/packages/round-trip.toml");
    assert!(text.contains("\"\"\"") && text.contains("deprecated = 'say \"plain\""), "the package has no such words");
    let schema = compose(&[manifest(text)]).unwrap();
    // Each line with three quotation marks has nothing else, and those lines go in pairs.
    let marks: Vec<&str> = schema.sdl().lines().filter(|line| line.contains("\"\"\"")).map(str::trim).collect();
    assert!(marks.iter().all(|line| *line == "\"\"\"") && marks.len().is_multiple_of(2));
    assert!(schema.sdl().contains("@deprecated(reason: \"say 'plain' \\\\ instead\")"));
}

#[test]
fn a_tenant_without_packages_has_a_schema() {
    assert!(compose(&[]).unwrap().sdl().contains("apiVersion"));
}

#[test]
fn two_packages_that_are_spelled_alike_do_not_fit_together() {
    let twin = |id: &str| manifest(&STREET_CARDS.replace("id = \"street-cards\"", &format!("id = \"{id}\"")));
    let error = compose(&[twin("a-1"), twin("a1")]).unwrap_err();
    assert!(matches!(error, ComposeError::Collision(..)), "{error}");
    assert!(compose(&[twin("street-cards"), twin("other-cards")]).is_ok());
}

#[test]
fn two_actions_that_are_spelled_alike_do_not_fit_together() {
    let package = |id: &str, action: &str| {
        manifest(&format!(
            "[plugin]\nid = \"{id}\"\nversion = \"0.1.0\"\napi = \"0.1\"\ntitle = {{ zh = \"甲\" }}\nvendor = \"v\"\n\
             [[action]]\nname = \"{action}\"\ntitle = {{ zh = \"乙\" }}\nroles = [\"public\"]\n"
        ))
    };
    let error = compose(&[package("a", "b_c"), package("a-b", "c")]).unwrap_err();
    assert!(matches!(error, ComposeError::Collision(..)), "{error}");
    let schema = compose(&[package("a", "b_c"), package("a-b", "d")]).unwrap();
    let sdl = schema.sdl();
    assert!(sdl.contains("aBC: A_BCPayload") && sdl.contains("aBD: AB_DPayload"), "{sdl}");
}

#[test]
fn a_workflow_gives_each_transition_a_mutation_and_each_record_its_history() {
    let desk = manifest(include_str!("../../../tests/conformance/packages/disclosure.toml"));
    let schema = compose(&[desk]).unwrap();
    let sdl = schema.sdl();
    for line in [
        "disclosurePublishNotice(",
        "disclosureSendBackNotice(",
        "days: Int",
        "calendarSetDays(days: [LocalDayInput!]!): CalendarPayload",
        "transitions: [WorkflowTransition!]",
        "history: [WorkflowStep!]",
        "deadlines: [WorkflowDeadline!]",
    ] {
        assert!(sdl.contains(line), "{line} is not in:\n{sdl}");
    }
    assert!(!compose(&[manifest(STREET_CARDS)]).unwrap().sdl().contains("Workflow"));
}

#[test]
fn a_file_is_an_object_when_it_is_read_and_an_id_when_it_is_written() {
    let plain = "name = \"introduction\"\ntype = \"text\"";
    assert!(STREET_CARDS.contains(plain) && !compose(&[manifest(STREET_CARDS)]).unwrap().sdl().contains("type File {"));
    let (before, after) = STREET_CARDS.split_once(plain).unwrap();
    let list = "name = \"introduction\"\ntype = \"list\"\nof = \"file\"\naccept = [\"image/png\"]\nmax_bytes = 5";
    // The options of the text are not those of a file.
    let rest = after.split_once("[[").unwrap().1;
    let schema = compose(&[manifest(&format!("{before}{list}\n\n[[{rest}"))]).unwrap();
    let sdl = schema.sdl();
    for typed in ["type File {", "introduction: [File!]", "introduction: [ID!]", "image/png; ≤ 5 bytes", "url: String!"]
    {
        assert!(sdl.contains(typed), "{typed} in {sdl}");
    }
}
