//! How fast the gate passes or refuses a document, beside the parser on the ordinary one.

use std::hint::black_box;
use std::time::Instant;

use async_graphql::parser::parse_query;
use sunlit_schema::gate;

use super::measure::{line, median, micros};
use crate::command::Failed;

/// What a client asks every day.
const ORDINARY: &str = "query Streets($after: String) { streetCards { streets(first: 20, after: $after, order: [CODE_ASC], \
                        filter: { name: { contains: \"a\" } }) { totalCount nodes { ...Card } pageInfo { hasNextPage \
                        endCursor } } } } fragment Card on StreetCards_Street { id code name industries phone at { lat lng } }";

/// Prints the median of `rounds` for each document.
pub(crate) fn run(rounds: usize) -> Result<(), Failed> {
    for (name, document, passes) in documents() {
        if gate::check(&document).is_ok() != passes {
            return Err(format!("the gate judges {name} otherwise than this benchmark expects").into());
        }
        let took = time(rounds, || drop(black_box(gate::check(black_box(&document)))));
        line(&format!("gate.{name}.bytes"), document.len() as f64, "B");
        line(&format!("gate.{name}.p50"), took, "us");
    }
    let checked = time(rounds, || drop(black_box(gate::check(black_box(ORDINARY)))));
    let parsed = time(rounds, || drop(black_box(parse_query(black_box(ORDINARY)))));
    line("gate.ordinary.parse_query.p50", parsed, "us");
    line("gate.ordinary.share_of_parsing", checked / parsed, "ratio");
    Ok(())
}

/// Documents with whether they pass. The first ones overflow the stack of async-graphql 7.2.1 or hold it for seconds.
fn documents() -> [(&'static str, String, bool); 6] {
    let floors = (0..19).map(|n| format!("fragment F{n} on A {{ ...F{} ...F{} }} ", n + 1, n + 1));
    let tower: String = floors.chain(["fragment F19 on A { x }".to_owned()]).collect();
    let literal = format!("{{ a(x: {}1{}) }}", "[".repeat(2_000), "]".repeat(2_000));
    let aliases: String = (0..400).map(|n| format!("x{n}: __typename ")).collect();
    [
        ("nested_literal", literal, false),
        ("fragment_tower", format!("{{ a {{ ...F0 }} }} {tower}"), false),
        ("aliases", format!("{{ {aliases} }}"), false),
        ("nested_fields", "{ a ".repeat(2_000), false),
        ("long_string", format!("{{ a(x: \"{}\") }}", "{".repeat(60_000)), true),
        ("ordinary", ORDINARY.to_owned(), true),
    ]
}

fn time(rounds: usize, mut work: impl FnMut()) -> f64 {
    let mut took = Vec::with_capacity(rounds);
    for _ in 0..rounds.max(1) {
        let started = Instant::now();
        work();
        took.push(micros(started.elapsed()));
    }
    median(&took)
}
