//! What definitions hold once their fragments are spread. Each is weighed once, so that the time is linear in the spreads
//! however often fragments spread each other.

use std::collections::HashMap;

use super::{MAX_ALIASES, MAX_ROOTS, MAX_WIDTH, Refused};

/// What a set of selections holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Weight {
    /// Fields, spreads and inline fragments.
    pub(super) width: u64,
    /// Renamed fields.
    pub(super) aliases: u64,
    /// Fields that stand where the definition begins.
    pub(super) roots: u64,
}

/// An operation or a fragment.
#[derive(Debug, Default)]
pub(super) struct Definition<'a> {
    /// A fragment's name; none for an operation.
    pub(super) name: Option<&'a str>,
    /// What stands in it.
    pub(super) own: Weight,
    /// The fragments that it spreads, each with whether it is spread where the definition begins.
    pub(super) spreads: Vec<(&'a str, bool)>,
    /// Whether its selections have been seen.
    pub(super) begun: bool,
}

/// Refuses definitions that pass a limit. Unused fragments count too: the validator walks them.
pub(super) fn weigh(definitions: &[Definition<'_>]) -> Result<(), Refused> {
    let named = definitions.iter().filter_map(|definition| Some((definition.name?, definition)));
    let mut scales = Scales { fragments: named.collect(), known: HashMap::new(), open: Vec::new() };
    let mut total = Weight::default();
    for definition in definitions {
        let weight = scales.definition(definition)?;
        let is_operation = definition.name.is_none();
        if is_operation && weight.roots > MAX_ROOTS {
            return Err(Refused::Roots);
        }
        if is_operation {
            total = total.plus(weight)?;
        }
    }
    Ok(())
}

impl Weight {
    fn plus(self, other: Self) -> Result<Self, Refused> {
        let sum = Self {
            width: self.width.saturating_add(other.width),
            aliases: self.aliases.saturating_add(other.aliases),
            roots: self.roots.saturating_add(other.roots),
        };
        match sum {
            Self { aliases, .. } if aliases > MAX_ALIASES => Err(Refused::Aliases),
            Self { width, .. } if width > MAX_WIDTH => Err(Refused::Wide),
            sum => Ok(sum),
        }
    }
}

struct Scales<'a, 'd> {
    fragments: HashMap<&'a str, &'d Definition<'a>>,
    known: HashMap<&'a str, Weight>,
    open: Vec<&'a str>,
}

impl<'a> Scales<'a, '_> {
    /// At most as deep as there are fragments, of which the reader has let twenty pass.
    fn definition(&mut self, definition: &Definition<'a>) -> Result<Weight, Refused> {
        let mut total = Weight::default().plus(definition.own)?;
        for (name, root) in &definition.spreads {
            let spread = self.fragment(name)?;
            total = total.plus(Weight { roots: if *root { spread.roots } else { 0 }, ..spread })?;
        }
        Ok(total)
    }

    fn fragment(&mut self, name: &'a str) -> Result<Weight, Refused> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        if self.open.contains(&name) {
            return Err(Refused::Cycle(name.to_owned()));
        }
        let Some(fragment) = self.fragments.get(name).copied() else {
            return Err(Refused::NoFragment(name.to_owned()));
        };
        self.open.push(name);
        let weight = self.definition(fragment)?;
        self.open.pop();
        self.known.insert(name, weight);
        Ok(weight)
    }
}
