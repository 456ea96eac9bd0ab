//! Values as they cross the border: a flat stream of tokens in preorder (`sunlit:types/common`).
//!
//! The types are lifted and lowered as they are: the host keeps no second copy. What a field may hold is the schema's
//! business; here a stream only has to be *one* value. Start at [`Data::check`].

use wasmtime::component::{ComponentType, Lift, Lower};

use crate::errors::Malformed;

/// An exact decimal: `unscaled / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Decimal {
    /// All digits, with the sign.
    pub unscaled: i64,
    /// How many of them stand behind the point.
    pub scale: u8,
}

/// A point in CGCS2000, in millionths of a degree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct GeoPoint {
    /// North is positive.
    #[component(name = "lat-e6")]
    pub lat_e6: i32,
    /// East is positive.
    #[component(name = "lng-e6")]
    pub lng_e6: i32,
}

/// One step of a value written in preorder.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum Token {
    /// No value.
    #[component(name = "null")]
    Null,
    /// Yes or no.
    #[component(name = "boolean")]
    Boolean(bool),
    /// A whole number.
    #[component(name = "int")]
    Int(i64),
    /// An exact decimal.
    #[component(name = "decimal")]
    Decimal(Decimal),
    /// A string, an id (UUID), a date (`2026-11-22`) or a time (`2026-11-22T08:30:00.000000Z`).
    #[component(name = "text")]
    Text(String),
    /// A place.
    #[component(name = "point")]
    Point(GeoPoint),
    /// A list: this many values follow.
    #[component(name = "items")]
    Items(u32),
    /// An object: one value for each name of the shape with this index follows.
    #[component(name = "object")]
    Object(u32),
}

/// One value as a flat stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(record)]
pub struct Data {
    /// Field names of objects, so that the names of a page of records cross once.
    pub shapes: Vec<Vec<String>>,
    /// The value in preorder.
    pub tokens: Vec<Token>,
}

/// What a host call or a plugin answers when it cannot do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub enum GuestError {
    /// Not allowed; the text names the capability or the thing.
    #[component(name = "denied")]
    Denied(String),
    /// There is no such thing.
    #[component(name = "not-found")]
    NotFound(String),
    /// The request makes no sense.
    #[component(name = "invalid")]
    Invalid(String),
    /// A budget is used up; the text names it.
    #[component(name = "limit")]
    Limit(String),
    /// Temporarily not possible.
    #[component(name = "unavailable")]
    Unavailable(String),
    /// For later cases: a code and a text.
    #[component(name = "other")]
    Other((u32, String)),
}

impl GuestError {
    /// The number of [`GuestError::Other`] for a record at another version than the one that was read.
    pub const CONFLICT: u32 = 2;
}

impl Data {
    /// How deep lists and objects may be nested. The GraphQL gate takes 32 levels of brackets, so no deeper answer can
    /// be asked for.
    pub const MAX_DEPTH: usize = 32;

    /// The value null.
    #[must_use]
    pub fn null() -> Self {
        Self { shapes: Vec::new(), tokens: vec![Token::Null] }
    }

    /// How many values the list holds, if the value is a list. Does not look further than the first token.
    #[must_use]
    pub fn root_items(&self) -> Option<u32> {
        match self.tokens.first() {
            Some(Token::Items(count)) => Some(*count),
            _ => None,
        }
    }

    /// Bytes that the host holds for this value, counted without walking into spare capacity.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        let text: usize = self.tokens.iter().map(Token::text_bytes).sum();
        let names: usize = self.shapes.iter().flatten().map(|name| size_of::<String>() + name.len()).sum();
        size_of_val(self.tokens.as_slice()) + size_of_val(self.shapes.as_slice()) + text + names
    }

    /// Checks that the tokens are exactly one value: every list and object complete, shapes in range, at most
    /// [`Data::MAX_DEPTH`] levels, nothing left over. Reserves nothing on the word of a token; linear in the tokens.
    ///
    /// # Errors
    /// The first place at which the stream is no value.
    pub fn check(&self) -> Result<(), Malformed> {
        let mut open = OpenValues::default();
        for (at, token) in self.tokens.iter().enumerate() {
            if at > 0 && open.is_empty() {
                return Err(Malformed::LeftOver { at });
            }
            let children = self.children(at, token)?;
            let following = (self.tokens.len() - at - 1) as u64;
            if children > following {
                return Err(Malformed::Incomplete { missing: children - following });
            }
            open.take(at, children)?;
        }
        if self.tokens.is_empty() {
            return Err(Malformed::Empty);
        }
        match open.missing() {
            0 => Ok(()),
            missing => Err(Malformed::Incomplete { missing }),
        }
    }

    /// How many values belong to the token.
    fn children(&self, at: usize, token: &Token) -> Result<u64, Malformed> {
        match token {
            Token::Items(count) => Ok(u64::from(*count)),
            Token::Object(shape) => match self.shapes.get(*shape as usize) {
                Some(names) => Ok(names.len() as u64),
                None => Err(Malformed::NoSuchShape { at, shape: *shape, shapes: self.shapes.len() }),
            },
            _ => Ok(0),
        }
    }
}

impl Token {
    fn text_bytes(&self) -> usize {
        match self {
            Token::Text(text) => text.len(),
            _ => 0,
        }
    }
}

/// The lists and objects that still wait for values, outermost first. On the stack, because the depth is bounded.
#[derive(Default)]
struct OpenValues {
    missing: [u64; Data::MAX_DEPTH],
    depth: usize,
}

impl OpenValues {
    fn is_empty(&self) -> bool {
        self.depth == 0
    }

    /// Puts one value with so many children into the innermost open place.
    fn take(&mut self, at: usize, children: u64) -> Result<(), Malformed> {
        if let Some(innermost) = self.missing[..self.depth].last_mut() {
            *innermost -= 1;
        }
        if children > 0 {
            let Some(place) = self.missing.get_mut(self.depth) else {
                return Err(Malformed::TooDeep { at, max: Data::MAX_DEPTH });
            };
            *place = children;
            self.depth += 1;
        }
        while self.depth > 0 && self.missing[self.depth - 1] == 0 {
            self.depth -= 1;
        }
        Ok(())
    }

    fn missing(&self) -> u64 {
        self.missing[..self.depth].iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shapes: &[&[&str]], tokens: &[Token], expect: Result<(), Malformed>) {
        let shapes = shapes.iter().map(|names| names.iter().map(ToString::to_string).collect()).collect();
        assert_eq!(Data { shapes, tokens: tokens.to_vec() }.check(), expect, "{tokens:?}");
    }

    #[test]
    fn a_stream_is_exactly_one_value() {
        use Token::{Int, Items, Null, Object};
        check(&[], &[], Err(Malformed::Empty));
        check(&[], &[Null], Ok(()));
        check(&[], &[Items(0)], Ok(()));
        check(&[], &[Items(2), Null, Int(1)], Ok(()));
        check(&[], &[Items(2), Items(1), Null, Items(0)], Ok(()));
        check(&[&["a", "b"]], &[Items(1), Object(0), Int(1), Int(2)], Ok(()));
        check(&[&[]], &[Object(0)], Ok(()));
        check(&[], &[Null, Null], Err(Malformed::LeftOver { at: 1 }));
        check(&[], &[Items(0), Null], Err(Malformed::LeftOver { at: 1 }));
        check(&[], &[Items(2), Null], Err(Malformed::Incomplete { missing: 1 }));
        check(&[], &[Items(2), Items(1), Null], Err(Malformed::Incomplete { missing: 1 }));
        check(&[], &[Items(u32::MAX)], Err(Malformed::Incomplete { missing: u64::from(u32::MAX) }));
        check(&[], &[Object(0)], Err(Malformed::NoSuchShape { at: 0, shape: 0, shapes: 0 }));
        check(&[&["a"]], &[Items(1), Object(7), Null], Err(Malformed::NoSuchShape { at: 1, shape: 7, shapes: 1 }));
    }

    #[test]
    fn the_deepest_value_has_32_levels() {
        let nested = |levels: usize| {
            let mut tokens = vec![Token::Items(1); levels];
            tokens.push(Token::Null);
            tokens
        };
        check(&[], &nested(Data::MAX_DEPTH), Ok(()));
        check(&[], &nested(Data::MAX_DEPTH + 1), Err(Malformed::TooDeep { at: 32, max: 32 }));
    }

    #[test]
    fn a_token_is_three_words() {
        assert_eq!(size_of::<Token>(), 24);
    }
}
