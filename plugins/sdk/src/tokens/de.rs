//! Reads a typed value out of tokens.
//!
//! The stream is not trusted: a list may claim any length and an object any shape. Every value takes at least one token,
//! so nothing is reserved beyond the tokens that are really there.

use std::vec::IntoIter;

use serde::de::value::{BorrowedStrDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{self, DeserializeOwned, DeserializeSeed, Visitor};
use serde::forward_to_deserialize_any;

use super::{Data, MAX_DEPTH, Token, TokenError};
use crate::{Decimal, Point};

pub(super) fn read<T: DeserializeOwned>(data: Data) -> Result<T, TokenError> {
    let mut reader = Reader { shapes: &data.shapes, tokens: data.tokens.into_iter(), depth: 0 };
    let value = T::deserialize(&mut reader)?;
    match reader.tokens.len() {
        0 => Ok(value),
        left => Err(TokenError::new(format!("{left} tokens too many"))),
    }
}

struct Reader<'de> {
    shapes: &'de [Vec<String>],
    tokens: IntoIter<Token>,
    depth: usize,
}

impl<'de> Reader<'de> {
    fn next(&mut self) -> Result<Token, TokenError> {
        self.tokens.next().ok_or_else(|| TokenError::new("the tokens end too early"))
    }

    fn any<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, TokenError> {
        match self.next()? {
            Token::Null => visitor.visit_unit(),
            Token::Boolean(value) => visitor.visit_bool(value),
            Token::Int(value) => visitor.visit_i64(value),
            Token::Text(value) => visitor.visit_string(value),
            Token::Decimal(value) => pair(value.unscaled, value.scale.into(), visitor),
            Token::Point(value) => pair(value.lat_e6.into(), value.lng_e6.into(), visitor),
            Token::Items(count) => self.items(count, visitor),
            Token::Object(shape) => self.object(shape, visitor),
        }
    }

    fn boolean<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, TokenError> {
        match self.next()? {
            Token::Boolean(value) => visitor.visit_bool(value),
            token => Err(TokenError::unexpected(&token, &visitor)),
        }
    }

    fn int<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, TokenError> {
        match self.next()? {
            Token::Int(value) => visitor.visit_i64(value),
            token => Err(TokenError::unexpected(&token, &visitor)),
        }
    }

    fn text<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, TokenError> {
        match self.next()? {
            Token::Text(value) => visitor.visit_string(value),
            token => Err(TokenError::unexpected(&token, &visitor)),
        }
    }

    fn null<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, TokenError> {
        match self.next()? {
            Token::Null => visitor.visit_unit(),
            token => Err(TokenError::unexpected(&token, &visitor)),
        }
    }

    fn list<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, TokenError> {
        match self.next()? {
            Token::Items(count) => self.items(count, visitor),
            token => Err(TokenError::unexpected(&token, &visitor)),
        }
    }

    fn record<V: Visitor<'de>>(&mut self, visitor: V) -> Result<V::Value, TokenError> {
        match self.next()? {
            Token::Object(shape) => self.object(shape, visitor),
            token => Err(TokenError::unexpected(&token, &visitor)),
        }
    }

    fn items<V: Visitor<'de>>(&mut self, count: u32, visitor: V) -> Result<V::Value, TokenError> {
        self.enter()?;
        let mut items = Items { reader: self, count, next: 0 };
        let value = visitor.visit_seq(&mut items)?;
        let complete = items.next == count;
        self.leave(complete, "the list has items left over")?;
        Ok(value)
    }

    fn object<V: Visitor<'de>>(&mut self, shape: u32, visitor: V) -> Result<V::Value, TokenError> {
        self.enter()?;
        let names = self.names(shape)?;
        let mut fields = Fields { reader: self, names, current: "" };
        let value = visitor.visit_map(&mut fields)?;
        let complete = fields.names.is_empty();
        self.leave(complete, "the object has fields left over")?;
        Ok(value)
    }

    fn names(&self, shape: u32) -> Result<&'de [String], TokenError> {
        let names = usize::try_from(shape).ok().and_then(|shape| self.shapes.get(shape));
        names.map(Vec::as_slice).ok_or_else(|| TokenError::new(format!("there is no shape {shape}")))
    }

    fn enter(&mut self) -> Result<(), TokenError> {
        if self.depth == MAX_DEPTH {
            return Err(TokenError::new(format!("nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        Ok(())
    }

    fn leave(&mut self, complete: bool, otherwise: &str) -> Result<(), TokenError> {
        self.depth -= 1;
        if complete { Ok(()) } else { Err(TokenError::new(otherwise)) }
    }
}

/// Two numbers as a sequence: the inside of a point or a decimal.
fn pair<'de, V: Visitor<'de>>(first: i64, second: i64, visitor: V) -> Result<V::Value, TokenError> {
    visitor.visit_seq(SeqDeserializer::<_, TokenError>::new([first, second].into_iter()))
}

/// A point or decimal already taken from the stream, handed to its type as a newtype around two numbers.
struct Pair(i64, i64);

impl<'de> de::Deserializer<'de> for Pair {
    type Error = TokenError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        pair(self.0, self.1, visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

macro_rules! read_as {
    ($($kind:ident: $($method:ident)*;)*) => {
        $($(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
            self.$kind(visitor)
        })*)*
    };
}

/// Each method reads its own kind of token and no other, which also keeps the code for each vendor's struct small.
impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = TokenError;

    /// Also what `#[serde(flatten)]` and `untagged` read through, which is why points and decimals pass here.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        self.any(visitor)
    }

    read_as! {
        any: deserialize_ignored_any;
        boolean: deserialize_bool;
        int: deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
            deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128;
        text: deserialize_char deserialize_str deserialize_string deserialize_identifier
            deserialize_bytes deserialize_byte_buf;
        null: deserialize_unit;
        list: deserialize_seq;
        record: deserialize_map;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        match self.next()? {
            Token::Decimal(value) => visitor.visit_f64(value.to_f64()),
            Token::Int(value) => visitor.visit_i64(value),
            token => Err(TokenError::unexpected(&token, &visitor)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, TokenError> {
        if self.tokens.as_slice().first() == Some(&Token::Null) {
            self.next()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, TokenError> {
        match name {
            Point::NAME => match self.next()? {
                Token::Point(value) => visitor.visit_newtype_struct(Pair(value.lat_e6.into(), value.lng_e6.into())),
                token => Err(TokenError::unexpected(&token, &visitor)),
            },
            Decimal::NAME => match self.next()? {
                Token::Decimal(value) => visitor.visit_newtype_struct(Pair(value.unscaled, value.scale.into())),
                Token::Int(value) => visitor.visit_newtype_struct(Pair(value, 0)),
                token => Err(TokenError::unexpected(&token, &visitor)),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TokenError> {
        match self.next()? {
            Token::Text(variant) => visitor.visit_enum(StringDeserializer::new(variant)),
            token => Err(TokenError::unexpected(&token, &visitor)),
        }
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, TokenError> {
        self.null(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, TokenError> {
        self.list(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, TokenError> {
        self.list(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, TokenError> {
        self.record(visitor)
    }
}

struct Items<'r, 'de> {
    reader: &'r mut Reader<'de>,
    count: u32,
    next: u32,
}

impl<'de> de::SeqAccess<'de> for Items<'_, 'de> {
    type Error = TokenError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, TokenError> {
        if self.next == self.count {
            return Ok(None);
        }
        let value = seed.deserialize(&mut *self.reader).map_err(|error| error.in_item(self.next))?;
        self.next += 1;
        Ok(Some(value))
    }

    fn size_hint(&self) -> Option<usize> {
        let claimed = usize::try_from(self.count - self.next).unwrap_or(usize::MAX);
        Some(claimed.min(self.reader.tokens.len()))
    }
}

struct Fields<'r, 'de> {
    reader: &'r mut Reader<'de>,
    names: &'de [String],
    current: &'de str,
}

impl<'de> de::MapAccess<'de> for Fields<'_, 'de> {
    type Error = TokenError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, TokenError> {
        let Some((name, rest)) = self.names.split_first() else {
            return Ok(None);
        };
        self.names = rest;
        self.current = name;
        seed.deserialize(BorrowedStrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, TokenError> {
        seed.deserialize(&mut *self.reader).map_err(|error| error.in_field(self.current))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.names.len().min(self.reader.tokens.len()))
    }
}
