//! The gate before the parser: one linear pass over the document's tokens, so that no document can exhaust the parser's
//! stack or the validator's time. async-graphql 7.2.1 overflows its stack on a literal nested 2,000 deep, and holds a
//! worker for many seconds on 1 KB of fragments which each spread the next one twice.
//!
//! Brackets and tokens are counted while they come. Of each selection set the pass keeps what it holds (selections,
//! aliases, root fields) and which fragments it spreads; then every fragment is weighed once, in saturating arithmetic. What
//! is no GraphQL at all may pass with any figures: the parser refuses it.

mod lexer;
mod weight;

use lexer::{Lexer, Token};
use weight::{Definition, weigh};

/// How many lexical tokens a document may have.
pub const MAX_TOKENS: usize = 2_000;
/// How deep `{`, `(` and `[` may nest together.
pub const MAX_NESTING: usize = 32;
/// How many fields may be renamed, once fragments are spread.
pub const MAX_ALIASES: u64 = 30;
/// How many fields an operation may begin with.
pub const MAX_ROOTS: u64 = 10;
/// How many fragments a document may define.
pub const MAX_FRAGMENTS: usize = 20;
/// How many selections (fields, spreads, inline fragments) a document may have once its fragments are spread.
pub const MAX_WIDTH: u64 = 1_000;

/// Why a document is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Too many tokens.
    #[error("the document has more than {MAX_TOKENS} tokens: ask for less, or in several requests")]
    TooManyTokens,
    /// Brackets nest too deep.
    #[error("the document nests brackets deeper than {MAX_NESTING}: flatten it")]
    TooDeep,
    /// A string without end.
    #[error("the document has a string that does not end")]
    OpenString,
    /// Too many fragments.
    #[error("the document defines more than {MAX_FRAGMENTS} fragments")]
    Fragments,
    /// Fragments that spread each other in a circle.
    #[error("the fragment {0} spreads itself")]
    Cycle(String),
    /// A spread of a fragment that is not there.
    #[error("there is no fragment {0}")]
    NoFragment(String),
    /// Too many selections.
    #[error("the query has more than {MAX_WIDTH} fields once its fragments are spread: ask for less")]
    Wide,
    /// Too many renamed fields.
    #[error("the query renames more than {MAX_ALIASES} fields: ask in several requests")]
    Aliases,
    /// Too many root fields.
    #[error("the query begins with more than {MAX_ROOTS} fields: ask in several requests")]
    Roots,
}

/// Passes a document on to the parser, or refuses it. Takes time linear in the document.
///
/// # Errors
/// [`Refused`].
pub fn check(document: &str) -> Result<(), Refused> {
    let mut reader = Reader::default();
    let mut lexer = Lexer::new(document);
    let mut tokens = 0;
    while let Some(token) = lexer.next()? {
        tokens += 1;
        if tokens > MAX_TOKENS {
            return Err(Refused::TooManyTokens);
        }
        reader.take(token)?;
    }
    weigh(&reader.definitions)
}

/// What an open bracket holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Selections; `root` where an operation or fragment begins, inline fragments included.
    Selections { root: bool },
    /// Arguments, variable definitions, values.
    Other,
}

/// What the next token may belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Before {
    #[default]
    Nothing,
    /// `fragment` at the top: its name follows.
    Fragment,
    /// `...`: a fragment's name, `on`, a directive or a set of selections follows.
    Spread,
    /// `@` or `on`: a name follows that selects nothing.
    Silent,
}

#[derive(Debug, Default)]
struct Reader<'a> {
    open: Vec<Open>,
    definitions: Vec<Definition<'a>>,
    fragments: usize,
    before: Before,
    /// Whether the next `{` belongs to an inline fragment.
    inline: bool,
    /// Whether the token before is a name that selects a field, which `:` makes its alias.
    field: bool,
}

impl<'a> Reader<'a> {
    fn take(&mut self, token: Token<'a>) -> Result<(), Refused> {
        let before = std::mem::take(&mut self.before);
        let field = std::mem::take(&mut self.field);
        match token {
            Token::Mark(mark @ (b'{' | b'(' | b'[')) => self.begin(mark, before)?,
            Token::Mark(b'}' | b')' | b']') => drop(self.open.pop()),
            Token::Mark(b'@') => {
                self.inline |= before == Before::Spread;
                self.before = Before::Silent;
            }
            Token::Mark(b':') if field => self.alias(),
            Token::Spread => self.spread(),
            Token::Name(name) => self.name(name, before)?,
            Token::Mark(_) | Token::Text => {}
        }
        Ok(())
    }

    fn begin(&mut self, mark: u8, before: Before) -> Result<(), Refused> {
        let of_selections = mark == b'{' && self.open.last() != Some(&Open::Other);
        let inline = (of_selections && std::mem::take(&mut self.inline)) || before == Before::Spread;
        let kind = match (mark, self.open.last()) {
            (b'{', None) => {
                if self.definitions.last().is_none_or(|last| last.begun) {
                    self.definitions.push(Definition::default());
                }
                if let Some(last) = self.definitions.last_mut() {
                    last.begun = true;
                }
                Open::Selections { root: true }
            }
            (b'{', Some(Open::Selections { root })) => Open::Selections { root: *root && inline },
            _ => Open::Other,
        };
        self.open.push(kind);
        if self.open.len() > MAX_NESTING { Err(Refused::TooDeep) } else { Ok(()) }
    }

    fn name(&mut self, name: &'a str, before: Before) -> Result<(), Refused> {
        match (self.open.last(), before) {
            (_, Before::Silent) | (Some(Open::Other), _) => {}
            (None, Before::Fragment) => {
                self.fragments += 1;
                if self.fragments > MAX_FRAGMENTS {
                    return Err(Refused::Fragments);
                }
                self.definitions.push(Definition { name: Some(name), ..Definition::default() });
            }
            (None, _) if name == "fragment" => self.before = Before::Fragment,
            (None, _) => {}
            (Some(Open::Selections { .. }), Before::Spread) if name == "on" => {
                self.inline = true;
                self.before = Before::Silent;
            }
            (Some(Open::Selections { root }), Before::Spread) => {
                let root = *root;
                if let Some(last) = self.definitions.last_mut() {
                    last.spreads.push((name, root));
                }
            }
            (Some(Open::Selections { root }), _) => {
                let root = *root;
                self.field = true;
                self.inline = false;
                if let Some(last) = self.definitions.last_mut() {
                    last.own.width += 1;
                    last.own.roots += u64::from(root);
                }
            }
        }
        Ok(())
    }

    /// The name before was an alias; the field itself is still to come.
    fn alias(&mut self) {
        let root = matches!(self.open.last(), Some(Open::Selections { root: true }));
        if let Some(last) = self.definitions.last_mut() {
            last.own.aliases += 1;
            last.own.width = last.own.width.saturating_sub(1);
            last.own.roots = last.own.roots.saturating_sub(u64::from(root));
        }
    }

    fn spread(&mut self) {
        if let (Some(Open::Selections { .. }), Some(last)) = (self.open.last(), self.definitions.last_mut()) {
            self.before = Before::Spread;
            self.inline = false;
            last.own.width += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_documents_pass() {
        for document in [
            "",
            "{ a(b: \"}}}\") { c } } # {{{{",
            "query Q($x: [Int!]! = [1, -2.5e+3]) { a(s: \"\"\"{{ \\\"\"\" }}\"\"\") { ...F } } fragment F on A { b }",
            "{ 文字 }",
            "query fragment { a } fragment query on A { a }",
        ] {
            assert_eq!(check(document), Ok(()), "{document}");
        }
    }

    #[test]
    fn what_would_break_the_parser_is_refused() {
        assert_eq!(check(&"{a".repeat(33)), Err(Refused::TooDeep));
        assert_eq!(check(&format!("{{ a(x: {}) }}", "[".repeat(2_000))), Err(Refused::TooDeep));
        assert_eq!(check(&format!("{{ {} }}", "a ".repeat(2_001))), Err(Refused::TooManyTokens));
        assert_eq!(check("{ a(x: \"open"), Err(Refused::OpenString));
        assert_eq!(check("{ a(x: \"\"\"open\"\") }"), Err(Refused::OpenString));
        assert_eq!(check("{ a(x: \"\\"), Err(Refused::OpenString));
    }

    #[test]
    fn nothing_in_a_string_or_comment_counts() {
        assert_eq!(check(&format!("{{ a(x: \"{}\") }}", "{".repeat(5_000))), Ok(()));
        assert_eq!(check(&format!("{{ a }} #{}", "{".repeat(5_000))), Ok(()));
    }

    #[test]
    fn a_document_may_hold_so_many_selections_aliases_and_root_fields() {
        let at_most = |n: usize, part: &str, frame: &str, expect: Refused| {
            let document = |n: usize| frame.replace('%', &part.repeat(n));
            assert_eq!(check(&document(n)), Ok(()), "{n} of {part}");
            assert_eq!(check(&document(n + 1)), Err(expect), "{} of {part}", n + 1);
        };
        at_most(999, "b ", "{ a { % } }", Refused::Wide);
        at_most(498, "b ", "{ a { ...F ...F } } fragment F on A { % }", Refused::Wide);
        at_most(30, "x: b ", "{ a { % } }", Refused::Aliases);
        at_most(15, "x: b(y: { z: 1 }) ", "{ a { ...F } b { ...F } } fragment F on A { % }", Refused::Aliases);
        at_most(10, "b ", "{ % }", Refused::Roots);
        at_most(10, "x: b @include(if: true) { c d } ", "query($a: I = { b: 1 }) @d(x: [1]) { % }", Refused::Roots);
        at_most(5, "b ", "{ ...F ... on Q { ...F } } fragment F on Q { % }", Refused::Roots);
        at_most(
            10,
            "b ",
            "{ ...{ ... @skip(if: false) { ... on Q @a { ...F } } } } fragment F on Q { % }",
            Refused::Roots,
        );
        at_most(20, "fragment F on A { b } ", "{ a } %", Refused::Fragments);
        assert_eq!(check(&format!("{{ a {{ {} }} }}", "...{ b } ".repeat(20))), Ok(()), "below a field is no root");
    }

    #[test]
    fn fragments_that_spread_each_other_cost_no_time() {
        let tower = |end: &str| -> String {
            let floors = (0..19).map(|n| format!("fragment F{n} on A {{ ...F{} ...F{} }} ", n + 1, n + 1));
            floors.chain([format!("fragment F19 on A {{ {end} }}")]).collect()
        };
        for end in ["x", "...F18", "...Nope", "... { x }"] {
            assert!(check(&format!("{{ a {{ ...F0 }} }} {}", tower(end))).is_err(), "{end}");
            assert!(check(&format!("{{ a {{ x }} }} {}", tower(end))).is_err(), "unused, {end}");
        }
        assert_eq!(check("{ ...F } fragment F on A { a { ...F } }"), Err(Refused::Cycle("F".to_owned())));
        assert_eq!(check("{ ...Nope }"), Err(Refused::NoFragment("Nope".to_owned())));
        let one = check("{ ...F } fragment F on A { ...G } fragment G on A { ...F }");
        assert!(matches!(one, Err(Refused::Cycle(_))), "{one:?}");
    }
}
