//! What a parsed document would cost, before it is validated or executed: depth, aliases, root fields, and cost by the
//! list sizes it asks for. Fragments are measured once each, with saturating arithmetic, so that fragments which spread
//! each other twice cost no time here either.

use std::collections::{BTreeSet, HashMap};

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Positioned, Value as Const, Variables};

use crate::argument::DEFAULT_FIRST;

/// How deep fields may nest; introspection may go deeper.
const MAX_DEPTH: usize = 12;
const MAX_INTROSPECTION_DEPTH: usize = 20;
/// How many fields a document may have once its fragments are spread.
const MAX_FIELDS: u64 = 1_000;
/// How many fields may be renamed.
const MAX_ALIASES: usize = 30;
/// How many fields an operation may begin with.
const MAX_ROOT_FIELDS: usize = 10;
/// How many fragments a document may define.
const MAX_FRAGMENTS: usize = 20;
/// How many values the lists asked for may add up to: 100 records of 50 fields, twice.
pub(crate) const MAX_COST: u64 = 10_000;

/// Why a document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TooCostly {
    #[error("the query is {0} fields deep, at most {MAX_DEPTH}: flatten it")]
    Deep(usize),
    #[error("the query has {0} fields once its fragments are spread, at most {MAX_FIELDS}: ask for less")]
    Wide(u64),
    #[error("the query renames {0} fields, at most {MAX_ALIASES}: ask in several requests")]
    Aliases(usize),
    #[error("the query begins with {0} fields, at most {MAX_ROOT_FIELDS}: ask in several requests")]
    Roots(usize),
    #[error("the document defines {0} fragments, at most {MAX_FRAGMENTS}")]
    Fragments(usize),
    #[error("the fragment {0} spreads itself")]
    Cycle(String),
    #[error("the query would cost {0}, at most {MAX_COST}: ask for fewer records or fields")]
    Cost(u64),
}

/// What an operation costs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Measure {
    depth: usize,
    fields: u64,
    aliases: usize,
    pub(crate) cost: u64,
    introspects: bool,
}

/// Measures the document's operations and refuses one that passes a limit. `lists` are the names of list fields.
pub(crate) fn measure(
    document: &ExecutableDocument,
    variables: &Variables,
    lists: &BTreeSet<String>,
) -> Result<Measure, TooCostly> {
    if document.fragments.len() > MAX_FRAGMENTS {
        return Err(TooCostly::Fragments(document.fragments.len()));
    }
    let mut meter = Meter { document, variables, lists, known: HashMap::new(), open: Vec::new() };
    let mut worst = Measure::default();
    for (_, operation) in document.operations.iter() {
        let set = &operation.node.selection_set.node;
        let of_operation = meter.set(set)?;
        let roots = meter.roots(set, 0);
        refuse(&of_operation, roots)?;
        worst = worst.beside(of_operation);
    }
    Ok(worst)
}

fn refuse(measure: &Measure, roots: usize) -> Result<(), TooCostly> {
    let max_depth = if measure.introspects { MAX_INTROSPECTION_DEPTH } else { MAX_DEPTH };
    match measure {
        Measure { aliases, .. } if *aliases > MAX_ALIASES => Err(TooCostly::Aliases(*aliases)),
        Measure { fields, .. } if *fields > MAX_FIELDS => Err(TooCostly::Wide(*fields)),
        Measure { depth, .. } if *depth > max_depth => Err(TooCostly::Deep(*depth)),
        _ if roots > MAX_ROOT_FIELDS => Err(TooCostly::Roots(roots)),
        Measure { cost, .. } if *cost > MAX_COST => Err(TooCostly::Cost(*cost)),
        _ => Ok(()),
    }
}

impl Measure {
    /// Two selections of one set.
    fn beside(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            cost: self.cost.saturating_add(other.cost),
            introspects: self.introspects || other.introspects,
        }
    }
}

struct Meter<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    lists: &'a BTreeSet<String>,
    known: HashMap<&'a Name, Measure>,
    open: Vec<&'a Name>,
}

impl<'a> Meter<'a> {
    fn set(&mut self, set: &'a SelectionSet) -> Result<Measure, TooCostly> {
        let mut total = Measure::default();
        for item in &set.items {
            total = total.beside(self.selection(item)?);
        }
        Ok(total)
    }

    fn selection(&mut self, item: &'a Positioned<Selection>) -> Result<Measure, TooCostly> {
        match &item.node {
            Selection::Field(field) => self.field(&field.node),
            Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node),
            Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node),
        }
    }

    fn field(&mut self, field: &'a Field) -> Result<Measure, TooCostly> {
        let name = field.name.node.as_str();
        let inner = self.set(&field.selection_set.node)?;
        let times = if self.lists.contains(name) { self.first(field) } else { 1 };
        Ok(Measure {
            depth: inner.depth + 1,
            fields: inner.fields.saturating_add(1),
            aliases: inner.aliases.saturating_add(usize::from(field.alias.is_some())),
            cost: inner.cost.saturating_mul(times).saturating_add(1),
            introspects: inner.introspects || matches!(name, "__schema" | "__type"),
        })
    }

    fn fragment(&mut self, name: &'a Name) -> Result<Measure, TooCostly> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        // A spread of a fragment that is not there is the validator's to refuse.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Measure::default()) };
        if self.open.contains(&name) {
            return Err(TooCostly::Cycle(name.to_string()));
        }
        self.open.push(name);
        let measured = self.set(&fragment.node.selection_set.node)?;
        self.open.pop();
        self.known.insert(name, measured);
        Ok(measured)
    }

    /// How many records a list field asks for; the most that it may when it cannot be told.
    fn first(&self, field: &Field) -> u64 {
        let most = u64::from(sunlit_app::query::record_list::MAX_FIRST);
        let Some(given) = field.get_argument("first") else { return u64::from(DEFAULT_FIRST) };
        let variable = |name: Name| self.variables.get(&name).cloned().ok_or(());
        let asked = match given.node.clone().into_const_with(variable) {
            Ok(Const::Number(number)) => number.as_u64(),
            _ => None,
        };
        asked.unwrap_or(most).min(most)
    }

    /// The fields that an operation begins with, fragments spread. Depth-bounded by the measure before it.
    fn roots(&self, set: &SelectionSet, depth: usize) -> usize {
        let count = |item: &Positioned<Selection>| match &item.node {
            Selection::Field(_) => 1,
            Selection::InlineFragment(inline) => self.roots(&inline.node.selection_set.node, depth + 1),
            Selection::FragmentSpread(spread) => {
                let fragment = self.document.fragments.get(&spread.node.fragment_name.node);
                fragment
                    .filter(|_| depth < 4)
                    .map_or(1, |fragment| self.roots(&fragment.node.selection_set.node, depth + 1))
            }
        };
        set.items.iter().map(count).fold(0, usize::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn check(document: &str) -> Result<u64, TooCostly> {
        let lists = BTreeSet::from(["streets".to_owned()]);
        let variables = Variables::from_json(serde_json::json!({ "n": 50 }));
        measure(&parse_query(document).unwrap(), &variables, &lists).map(|measure| measure.cost)
    }

    #[test]
    fn lists_multiply_what_is_asked_of_their_records() {
        assert_eq!(check("{ a { b } }"), Ok(2));
        assert_eq!(check("{ streets { nodes { name } } }"), Ok(1 + 20 * 2));
        assert_eq!(check("{ streets(first: 5) { nodes { name } } }"), Ok(1 + 5 * 2));
        assert_eq!(check("query($n: Int) { streets(first: $n) { nodes { name } } }"), Ok(1 + 50 * 2));
    }

    #[test]
    fn what_is_too_deep_too_wide_or_too_costly_is_refused() {
        let nested = |n: usize| format!("{}{}{}", "{ a ".repeat(n), "", "}".repeat(n));
        assert_eq!(check(&nested(13)), Err(TooCostly::Deep(13)));
        assert!(check(&format!("{{ __schema {} }}", nested(15))).is_ok());
        assert_eq!(check(&format!("{{ a {{ {} }} }}", "b ".repeat(1_000))), Err(TooCostly::Wide(1_001)));
        let aliases: String = (0..31).map(|n| format!("x{n}: b ")).collect();
        assert_eq!(check(&format!("{{ a {{ {aliases} }} }}")), Err(TooCostly::Aliases(31)));
        assert_eq!(check(&format!("{{ {} }}", "b ".repeat(11))), Err(TooCostly::Roots(11)));
        let twice = "{ streets(first: 100) { nodes { streets(first: 100) { nodes { name } } } } }";
        assert!(matches!(check(twice), Err(TooCostly::Cost(_))));
    }

    #[test]
    fn fragments_that_spread_each_other_cost_no_time() {
        let bomb: String = (0..19).map(|n| format!("fragment F{n} on A {{ ...F{} ...F{} }} ", n + 1, n + 1)).collect();
        let document = format!("{{ a {{ ...F0 }} }} {bomb} fragment F19 on A {{ x }}");
        assert_eq!(check(&document), Err(TooCostly::Wide((1 << 19) + 1)));
        assert_eq!(check("{ ...F } fragment F on A { a { ...F } }"), Err(TooCostly::Cycle("F".to_owned())));
    }
}
