//! What a parsed document would cost, before it is validated or executed: depth, plugin calls, values in arguments, and cost
//! by the list sizes it asks for. What can be told without the schema, such as width and aliases, the gate has bounded
//! before. Every fragment is measured once, with saturating arithmetic; what is refused here never reaches the validator.
//!
//! A field is priced as a field of its type. What no type has costs 1: the validator refuses it.

use std::collections::HashMap;

use async_graphql::parser::types::{
    Directive, ExecutableDocument, Field, OperationType, Selection, SelectionSet, TypeCondition,
};
use async_graphql::registry::{MetaTypeName, Registry};
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
pub(crate) const MAX_COST: u64 = sunlit_domain::plan::MAX_QUERY_COST as u64;

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

/// What the fields of a schema cost beyond themselves, by type and name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prices(HashMap<String, HashMap<String, Price>>);

#[derive(Debug, Clone, Copy, Default)]
struct Price {
    /// Of a list.
    list: Option<Length>,
    /// Of the list of `nodes` below a connection.
    nodes: Option<Length>,
    /// It looks at many records to answer a number.
    scans: bool,
    /// A plugin resolves it.
    calls: bool,
    /// It writes as many records as the list in this argument has.
    writes: Option<Writes>,
}

/// How many items a list field answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Length {
    /// When the caller does not say.
    pub(crate) usual: u32,
    /// At most.
    pub(crate) most: u32,
}

#[derive(Debug, Clone, Copy)]
struct Writes {
    argument: &'static str,
    most: u32,
}

impl Prices {
    /// A field that is a list.
    pub(crate) fn list(&mut self, of: &str, field: &str, length: Length) {
        self.price(of, field).list = Some(length);
    }

    /// A field with a list of `nodes`.
    pub(crate) fn connection(&mut self, of: &str, field: &str, length: Length) {
        self.price(of, field).nodes = Some(length);
    }

    /// A field that costs [`SCAN`].
    pub(crate) fn scan(&mut self, of: &str, field: &str) {
        self.price(of, field).scans = true;
    }

    /// A field that a plugin resolves.
    pub(crate) fn call(&mut self, of: &str, field: &str) {
        self.price(of, field).calls = true;
    }

    /// A mutation of the records that its `argument` lists, `most` at most, which answers as many.
    pub(crate) fn writes(&mut self, of: &str, field: &str, argument: &'static str, most: u32) {
        self.price(of, field).writes = Some(Writes { argument, most });
    }

    fn price(&mut self, of: &str, field: &str) -> &mut Price {
        self.0.entry(of.to_owned()).or_default().entry(field.to_owned()).or_default()
    }

    fn of(&self, of: &str, field: &str) -> Price {
        self.0.get(of).and_then(|fields| fields.get(field)).copied().unwrap_or_default()
    }
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

/// Measures the document's operations and fragments by the types of `registry`, and refuses what passes a limit.
pub(crate) fn measure(
    document: &ExecutableDocument,
    variables: &Variables,
    registry: &Registry,
    prices: &Prices,
) -> Result<Measure, TooCostly> {
    let nodes: HashMap<&Name, u64> = variables.iter().map(|(name, value)| (name, count(value))).collect();
    let sent = nodes.values().copied().fold(0, u64::saturating_add);
    if sent > MAX_VALUES {
        return Err(TooCostly::Values(sent));
    }
    let mut meter = Meter { document, variables, nodes, registry, prices, known: HashMap::new(), open: Vec::new() };
    // Unused fragments too: the validator walks them.
    for name in document.fragments.keys() {
        meter.fragment(name)?;
    }
    let mut worst = Measure::default();
    for (_, operation) in document.operations.iter() {
        let root = match operation.node.ty {
            OperationType::Query => Some(registry.query_type.as_str()),
            OperationType::Mutation => registry.mutation_type.as_deref(),
            OperationType::Subscription => registry.subscription_type.as_deref(),
        };
        let measured = meter.set(root, &operation.node.selection_set.node)?;
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
    registry: &'a Registry,
    prices: &'a Prices,
    known: HashMap<&'a Name, Measure>,
    open: Vec<&'a Name>,
}

impl<'a> Meter<'a> {
    /// A selection set on the type `of`; none where it is not known.
    fn set(&mut self, of: Option<&'a str>, set: &'a SelectionSet) -> Result<Measure, TooCostly> {
        let mut total = Measure::default();
        for item in &set.items {
            total = total.beside(self.selection(of, &item.node)?)?;
        }
        Ok(total)
    }

    fn selection(&mut self, of: Option<&'a str>, item: &'a Selection) -> Result<Measure, TooCostly> {
        let (directives, inner) = match item {
            Selection::Field(field) => (&field.node.directives, self.field(of, &field.node)?),
            Selection::InlineFragment(inline) => {
                let of = inline.node.type_condition.as_ref().map_or(of, |on| Some(named(&on.node)));
                (&inline.node.directives, self.set(of, &inline.node.selection_set.node)?)
            }
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

    fn field(&mut self, of: Option<&'a str>, field: &'a Field) -> Result<Measure, TooCostly> {
        let name = field.name.node.as_str();
        let price = of.map(|of| self.prices.of(of, name)).unwrap_or_default();
        let inner = self.set(of.and_then(|of| self.answered(of, name)), &field.selection_set.node)?;
        let written = price.writes.map(|writes| self.given(field, writes));
        let times = price.list.map_or(written.unwrap_or(1), |length| self.first(field, length));
        let nodes = price.nodes.map_or(times, |length| self.first(field, length));
        let used = field.arguments.iter().map(|(_, value)| self.used(&value.node));
        let own = Measure {
            calls: u64::from(price.calls),
            values: used.fold(0, u64::saturating_add),
            cost: if price.scans { SCAN } else { written.unwrap_or(1).max(1) },
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
        let measured = self.set(Some(named(&fragment.node.type_condition.node)), &fragment.node.selection_set.node)?;
        self.open.pop();
        self.known.insert(name, measured);
        Ok(measured)
    }

    /// The type that a field answers.
    fn answered(&self, of: &str, field: &str) -> Option<&'a str> {
        let field = self.registry.types.get(of)?.field_by_name(field)?;
        Some(MetaTypeName::concrete_typename(&field.ty))
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

    /// How many items the list in an argument has; the most that it may when it cannot be told.
    fn given(&self, field: &Field, Writes { argument, most }: Writes) -> u64 {
        let length = match field.get_argument(argument).map(|given| &given.node) {
            Some(Argument::List(items)) => Some(items.len()),
            Some(Argument::Variable(name)) => match self.variables.get(name) {
                Some(Value::List(items)) => Some(items.len()),
                _ => None,
            },
            _ => None,
        };
        length.and_then(|length| u64::try_from(length).ok()).unwrap_or(u64::MAX).min(u64::from(most))
    }
}

fn named(on: &TypeCondition) -> &str {
    on.on.node.as_str()
}

#[cfg(test)]
mod tests {
    use async_graphql::dynamic::{Field, FieldFuture, Object, Schema, SchemaBuilder, TypeRef};
    use async_graphql::parser::parse_query;
    use serde_json::{Value as Json, json};

    use super::*;

    /// Types by their fields; a field's name says what it answers where nothing else does.
    fn schema() -> Schema {
        let object = |name: &str, fields: &[(&str, &str)]| {
            let field =
                |(field, of): &(&str, &str)| Field::new(*field, TypeRef::named(*of), |_| FieldFuture::Value(None));
            fields.iter().map(field).fold(Object::new(name), Object::field)
        };
        let types = [
            object(
                "Query",
                &[("a", "A"), ("b", "Int"), ("streets", "Streets"), ("walkable", "Walk"), ("other", "Other")],
            ),
            object("A", &[("a", "A"), ("b", "Int"), ("nearby", "Int"), ("x", "Int")]),
            object("Streets", &[("nodes", "Street"), ("totalCount", "Int")]),
            object("Street", &[("name", "Int"), ("streets", "Streets")]),
            object("Walk", &[("metres", "Int")]),
            object("Other", &[("streets", "Int"), ("walkable", "Walk"), ("nearby", "Int")]),
            object("Mutation", &[("createStreets", "Written")]),
            object("Written", &[("records", "Street")]),
        ];
        let schema = Schema::build("Query", Some("Mutation"), None);
        types.into_iter().fold(schema, SchemaBuilder::register).finish().unwrap()
    }

    fn check_with(document: &str, variables: Json) -> Result<u64, TooCostly> {
        let mut prices = Prices::default();
        prices.connection("Query", "streets", Length { usual: 20, most: 100 });
        prices.connection("Street", "streets", Length { usual: 20, most: 100 });
        prices.list("Query", "walkable", Length { usual: 100, most: 100 });
        prices.scan("Streets", "totalCount");
        prices.call("Query", "walkable");
        prices.call("A", "nearby");
        prices.writes("Mutation", "createStreets", "inputs", 100);
        let (document, variables) = (parse_query(document).unwrap(), Variables::from_json(variables));
        measure(&document, &variables, schema().registry(), &prices).map(|measure| measure.cost)
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
    fn a_field_is_priced_as_one_of_its_type() {
        assert_eq!(check("{ other { streets } }"), Ok(2));
        assert_eq!(check("{ other { walkable { metres } } }"), Ok(3));
        assert_eq!(check(&format!("{{ other {{ {} }} }}", "nearby ".repeat(9))), Ok(10), "another type's call");
        assert_eq!(check("{ streets { ...F } } fragment F on Streets { totalCount nodes { name } }"), Ok(1 + 50 + 40));
        assert_eq!(check("{ ... on Query { walkable { metres } } }"), Ok(1 + 100));
        assert_eq!(check("{ ... { walkable { metres } } }"), Ok(1 + 100));
    }

    #[test]
    fn a_mutation_of_several_records_counts_each() {
        let with = |inputs: Json| {
            let document = "mutation($i: [I!]!) { createStreets(inputs: $i) { records { name } } }";
            check_with(document, json!({ "i": inputs }))
        };
        assert_eq!(with(json!([{}])), Ok(1 + 2));
        assert_eq!(with(json!(vec![json!({}); 7])), Ok(7 + 7 * 2));
        assert_eq!(with(json!([])), Ok(1));
        assert_eq!(check("mutation { createStreets(inputs: [{}, {}, {}]) { records { name } } }"), Ok(3 + 3 * 2));
        // What cannot be told counts as the most that is taken.
        let untold = Ok(100 + 100 * 2);
        assert_eq!(check("mutation($i: [I!]! = [{}]) { createStreets(inputs: $i) { records { name } } }"), untold);
        assert_eq!(with(json!(vec![json!({}); 200])), untold);
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
