//! What a parsed document would cost, before it is validated or executed: depth, plugin calls, values in arguments, and cost
//! by the list sizes it asks for. What can be told without the schema, such as width and aliases, the gate has bounded
//! before. Every fragment is measured once, with saturating arithmetic; what is refused here never reaches the validator.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_graphql::parser::types::{Directive, ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value, Variables};
use async_graphql_value::Value as Argument;

/// How deep fields may nest; introspection may go deeper.
const MAX_DEPTH: usize = 12;
const MAX_INTROSPECTION_DEPTH: usize = 20;
/// How many fields a plugin resolves; each is a call of its component.
const MAX_CALLS: u64 = 8;
/// How many values variables may hold, counted at each use: the executor copies a variable wherever it stands.
const MAX_VALUES: u64 = 10_000;
/// How many values the lists asked for may add up to: 100 records of 50 fields, twice.
pub(crate) const MAX_COST: u64 = 10_000;

/// What a count or an aggregate costs, by whatever it looks at: as much as a page of records with a few fields.
const SCAN: u64 = 50;

/// The field of a connection that is the list.
const NODES: &str = "nodes";

/// Why a document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooCostly {
    #[error(
        "the query is {0} fields deep, at most {MAX_DEPTH} ({MAX_INTROSPECTION_DEPTH} for introspection): flatten it"
    )]
    Deep(usize),
    #[error("the query asks plugins for {0} fields, at most {MAX_CALLS}: ask in several requests")]
    Calls(u64),
    #[error("the fragment {0} spreads itself")]
    Cycle(String),
    #[error("there is no fragment {0}")]
    NoFragment(String),
    #[error("the variables hold {0} values, counted at each use, at most {MAX_VALUES}: send less")]
    Values(u64),
    #[error("the query would cost {0}, at most {MAX_COST}: ask for fewer records or fields")]
    Cost(u64),
}

/// What the meter must know of a schema: field names, whatever type they are of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prices {
    lists: BTreeMap<String, Length>,
    /// Connections: fields whose `nodes` are a list.
    connections: BTreeMap<String, Length>,
    /// Fields that look at many records to answer a number.
    scans: BTreeSet<String>,
    /// Fields that a plugin resolves.
    pub(crate) calls: BTreeSet<String>,
}

/// How many items a list field answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Length {
    /// When the caller does not say.
    usual: u32,
    /// At most.
    most: u32,
}

impl Prices {
    /// A list field of `usual` items when the caller does not say, and `most` at most. Of two fields of one name the longer
    /// list counts.
    pub(crate) fn list(&mut self, name: impl Into<String>, usual: u32, most: u32) {
        lengthen(&mut self.lists, name.into(), Length { usual, most });
    }

    /// A field with a list of `nodes`, as [`Prices::list`].
    pub(crate) fn connection(&mut self, name: impl Into<String>, usual: u32, most: u32) {
        lengthen(&mut self.connections, name.into(), Length { usual, most });
    }

    /// A field that costs [`SCAN`].
    pub(crate) fn scan(&mut self, name: impl Into<String>) {
        self.scans.insert(name.into());
    }
}

fn lengthen(lists: &mut BTreeMap<String, Length>, name: String, by: Length) {
    let length = lists.entry(name).or_insert(by);
    *length = Length { usual: length.usual.max(by.usual), most: length.most.max(by.most) };
}

/// What an operation costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Measure {
    depth: usize,
    introspection_depth: usize,
    calls: u64,
    values: u64,
    /// How many values it may answer.
    pub(crate) cost: u64,
    /// How many each of a connection's nodes may answer, while it is not known how many nodes there are.
    nodes: u64,
}

/// Measures the document's operations and fragments, and refuses what passes a limit.
pub(crate) fn measure(
    document: &ExecutableDocument,
    variables: &Variables,
    prices: &Prices,
) -> Result<Measure, TooCostly> {
    let nodes: HashMap<&Name, u64> = variables.iter().map(|(name, value)| (name, count(value))).collect();
    let sent = nodes.values().copied().fold(0, u64::saturating_add);
    if sent > MAX_VALUES {
        return Err(TooCostly::Values(sent));
    }
    let mut meter = Meter { document, variables, nodes, prices, known: HashMap::new(), open: Vec::new() };
    // Unused fragments too: the validator walks them.
    for name in document.fragments.keys() {
        meter.fragment(name)?;
    }
    let mut worst = Measure::default();
    for (_, operation) in document.operations.iter() {
        let measured = meter.set(&operation.node.selection_set.node)?;
        // Depth means something only where an operation begins.
        match measured {
            Measure { depth, .. } if depth > MAX_DEPTH => return Err(TooCostly::Deep(depth)),
            Measure { introspection_depth: depth, .. } if depth > MAX_INTROSPECTION_DEPTH => {
                return Err(TooCostly::Deep(depth));
            }
            _ => {}
        }
        worst = worst.beside(measured)?;
    }
    Ok(worst)
}

/// How many values a JSON value holds, itself counted.
fn count(value: &Value) -> u64 {
    let inner = match value {
        Value::List(items) => items.iter().map(count).fold(0, u64::saturating_add),
        Value::Object(fields) => fields.values().map(count).fold(0, u64::saturating_add),
        _ => 0,
    };
    inner.saturating_add(1)
}

impl Measure {
    /// Two selections of one set; refused as soon as the two pass a limit, so that nothing grows beyond one.
    fn beside(self, other: Self) -> Result<Self, TooCostly> {
        let sum = Self {
            depth: self.depth.max(other.depth),
            introspection_depth: self.introspection_depth.max(other.introspection_depth),
            calls: self.calls.saturating_add(other.calls),
            values: self.values.saturating_add(other.values),
            cost: self.cost.saturating_add(other.cost),
            nodes: self.nodes.saturating_add(other.nodes),
        };
        match sum {
            Self { calls, .. } if calls > MAX_CALLS => Err(TooCostly::Calls(calls)),
            Self { values, .. } if values > MAX_VALUES => Err(TooCostly::Values(values)),
            Self { cost, .. } if cost > MAX_COST => Err(TooCostly::Cost(cost)),
            sum => Ok(sum),
        }
    }
}

struct Meter<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    nodes: HashMap<&'a Name, u64>,
    prices: &'a Prices,
    known: HashMap<&'a Name, Measure>,
    open: Vec<&'a Name>,
}

impl<'a> Meter<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<Measure, TooCostly> {
        let mut total = Measure::default();
        for item in &set.items {
            total = total.beside(self.selection(&item.node)?)?;
        }
        Ok(total)
    }

    fn selection(&mut self, item: &'a Selection) -> Result<Measure, TooCostly> {
        let (directives, inner) = match item {
            Selection::Field(field) => (&field.node.directives, self.field(&field.node)?),
            Selection::InlineFragment(inline) => (&inline.node.directives, self.set(&inline.node.selection_set.node)?),
            Selection::FragmentSpread(spread) => {
                (&spread.node.directives, self.fragment(&spread.node.fragment_name.node)?)
            }
        };
        let values = directives.iter().map(|directive| self.values_of(directive)).fold(0, u64::saturating_add);
        inner.beside(Measure { values, ..Measure::default() })
    }

    fn values_of(&self, directive: &Positioned<Directive>) -> u64 {
        directive.node.arguments.iter().map(|(_, value)| self.used(&value.node)).fold(0, u64::saturating_add)
    }

    fn field(&mut self, field: &'a Field) -> Result<Measure, TooCostly> {
        let name = field.name.node.as_str();
        let inner = self.set(&field.selection_set.node)?;
        let times = self.prices.lists.get(name).map_or(1, |length| self.first(field, *length));
        let nodes = self.prices.connections.get(name).map_or(times, |length| self.first(field, *length));
        let used = field.arguments.iter().map(|(_, value)| self.used(&value.node));
        let own = Measure {
            calls: u64::from(self.prices.calls.contains(name)),
            values: used.fold(0, u64::saturating_add),
            cost: if self.prices.scans.contains(name) { SCAN } else { 1 },
            ..Measure::default()
        };
        let deeper = inner.depth + 1;
        let of_schema = matches!(name, "__schema" | "__type");
        let below = Measure {
            depth: if of_schema { 1 } else { deeper },
            introspection_depth: if of_schema { deeper } else { inner.introspection_depth },
            cost: inner.cost.saturating_mul(times).saturating_add(inner.nodes.saturating_mul(nodes)),
            nodes: 0,
            ..inner
        };
        let whole = own.beside(below)?;
        Ok(if name == NODES { Measure { cost: 0, nodes: whole.cost, ..whole } } else { whole })
    }

    fn fragment(&mut self, name: &'a Name) -> Result<Measure, TooCostly> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        let fragment = self.document.fragments.get(name).ok_or_else(|| TooCostly::NoFragment(name.to_string()))?;
        if self.open.contains(&name) {
            return Err(TooCostly::Cycle(name.to_string()));
        }
        self.open.push(name);
        let measured = self.set(&fragment.node.selection_set.node)?;
        self.open.pop();
        self.known.insert(name, measured);
        Ok(measured)
    }

    /// How many values of variables an argument takes in.
    fn used(&self, argument: &Argument) -> u64 {
        match argument {
            Argument::Variable(name) => self.nodes.get(name).copied().unwrap_or(1),
            Argument::List(items) => items.iter().map(|item| self.used(item)).fold(0, u64::saturating_add),
            Argument::Object(fields) => fields.values().map(|field| self.used(field)).fold(0, u64::saturating_add),
            _ => 0,
        }
    }

    /// How many items a list field asks for; the most that it may when it cannot be told.
    fn first(&self, field: &Field, Length { usual, most }: Length) -> u64 {
        let most = u64::from(most);
        let Some(given) = field.get_argument("first") else { return u64::from(usual) };
        let variable = |name: Name| self.variables.get(&name).cloned().ok_or(());
        let asked = match given.node.clone().into_const_with(variable) {
            Ok(Value::Number(number)) => number.as_u64(),
            _ => None,
        };
        asked.unwrap_or(most).min(most)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    use super::*;

    fn check_with(document: &str, variables: Json) -> Result<u64, TooCostly> {
        let mut prices = Prices::default();
        prices.connection("streets", 20, 100);
        prices.list("walkable", 100, 100);
        prices.scan("totalCount");
        prices.calls.extend(["walkable".to_owned(), "nearby".to_owned()]);
        measure(&parse_query(document).unwrap(), &Variables::from_json(variables), &prices).map(|measure| measure.cost)
    }

    fn check(document: &str) -> Result<u64, TooCostly> {
        check_with(document, json!({ "n": 50 }))
    }

    #[test]
    fn lists_multiply_what_is_asked_of_their_records() {
        assert_eq!(check("{ a { b } }"), Ok(2));
        assert_eq!(check("{ streets { nodes { name } } }"), Ok(1 + 20 * 2));
        assert_eq!(check("{ streets(first: 5) { nodes { name } } }"), Ok(1 + 5 * 2));
        assert_eq!(check("query($n: Int) { streets(first: $n) { nodes { name } } }"), Ok(1 + 50 * 2));
        assert_eq!(check("{ walkable { metres } }"), Ok(1 + 100));
    }

    #[test]
    fn what_is_too_deep_too_wide_or_too_costly_is_refused() {
        let nested = |n: usize| format!("{}{}", "{ a ".repeat(n), "}".repeat(n));
        assert_eq!(check(&nested(13)), Err(TooCostly::Deep(13)));
        assert!(check(&format!("{{ __schema {} }}", nested(15))).is_ok());
        assert_eq!(check(&format!("{{ __schema {} }}", nested(20))), Err(TooCostly::Deep(21)));
        let beside = format!("{{ __schema {{ a }} b {} }}", nested(12));
        assert_eq!(check(&beside), Err(TooCostly::Deep(13)), "introspection lends its depth to nobody");
        assert_eq!(check(&format!("{{ a {{ {} }} }}", "nearby ".repeat(9))), Err(TooCostly::Calls(9)));
        let twice = "{ streets(first: 100) { nodes { streets(first: 100) { nodes { name } } } } }";
        assert!(matches!(check(twice), Err(TooCostly::Cost(_))));
    }

    #[test]
    fn fragments_that_spread_each_other_cost_no_time() {
        let floors = (0..60).map(|n| format!("fragment F{n} on A {{ ...F{} ...F{} }} ", n + 1, n + 1));
        let tower: String = floors.chain(["fragment F60 on A { x }".to_owned()]).collect();
        assert!(matches!(check(&format!("{{ a {{ ...F0 }} }} {tower}")), Err(TooCostly::Cost(_))));
        assert_eq!(check("{ ...F } fragment F on A { a { ...F } }"), Err(TooCostly::Cycle("F".to_owned())));
        assert_eq!(check("{ ...Nope }"), Err(TooCostly::NoFragment("Nope".to_owned())));
    }

    #[test]
    fn a_variable_counts_wherever_it_stands() {
        let variables = json!({ "f": { "or": vec![json!({}); 200] } });
        let uses = |n: usize| format!("query($f: F!) {{ a(filter: {{ or: [{}] }}) {{ b }} }}", "$f ".repeat(n));
        assert!(check_with(&uses(40), variables.clone()).is_ok());
        assert_eq!(check_with(&uses(60), variables), Err(TooCostly::Values(60 * 202)));
        let large = json!({ "f": vec![0; 20_000] });
        assert_eq!(check_with("{ a }", large), Err(TooCostly::Values(20_001)));
    }
}
