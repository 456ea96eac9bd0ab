//! Writes a typed value as tokens.
//!
//! An object's shape is known only after its last field (a field may be skipped, a map may hold any keys), so its token
//! is put first with no number and given one at the end; equal lists of names get the same number.

use std::borrow::Cow;
use std::fmt::Display;

use serde::Serialize;
use serde::ser::{self, Impossible};

use super::{Data, MAX_DEPTH, Token, TokenError};
use crate::{Decimal, Point};

pub(super) fn write<T: Serialize + ?Sized>(value: &T) -> Result<Data, TokenError> {
    let mut writer = Writer::default();
    value.serialize(&mut writer)?;
    let shapes = writer.shapes.into_iter().map(|shape| shape.into_iter().map(Cow::into_owned).collect()).collect();
    Ok(Data { shapes, tokens: writer.tokens })
}

type Name = Cow<'static, str>;

#[derive(Default)]
struct Writer {
    shapes: Vec<Vec<Name>>,
    /// The names of the objects that are open, the innermost last.
    names: Vec<Name>,
    tokens: Vec<Token>,
    depth: usize,
}

/// A list or object whose values are being written.
struct Open<'w> {
    writer: &'w mut Writer,
    /// Where its token stands.
    token: usize,
    /// How many values a list has.
    count: usize,
    /// Where the names of an object begin.
    names: usize,
}

impl Writer {
    fn token(&mut self, token: Token) {
        self.tokens.push(token);
    }

    fn int(&mut self, number: impl TryInto<i64> + Display + Copy) -> Result<(), TokenError> {
        let value = number.try_into().map_err(|_| TokenError::new(format!("{number} does not fit 64 bits")))?;
        self.token(Token::Int(value));
        Ok(())
    }

    fn open(&mut self, token: Token) -> Result<Open<'_>, TokenError> {
        if self.depth == MAX_DEPTH {
            return Err(TokenError::new(format!("nested deeper than {MAX_DEPTH}")));
        }
        self.depth += 1;
        self.token(token);
        let (token, names) = (self.tokens.len() - 1, self.names.len());
        Ok(Open { writer: self, token, count: 0, names })
    }

    /// The number of the shape with the names from `start` on, which are taken off.
    fn shape(&mut self, start: usize) -> usize {
        let names = self.names.get(start..).unwrap_or_default();
        let known = self.shapes.iter().position(|shape| shape == names);
        let number = known.unwrap_or_else(|| {
            self.shapes.push(names.to_vec());
            self.shapes.len() - 1
        });
        self.names.truncate(start);
        number
    }

    /// Writes what a point or decimal holds, a list of two numbers, and puts one token in its place.
    fn fold<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
        fold: impl FnOnce(i64, i64) -> Option<Token>,
    ) -> Result<(), TokenError> {
        let start = self.tokens.len();
        value.serialize(&mut *self)?;
        let token = match self.tokens.get(start..) {
            Some([Token::Items(2), Token::Int(first), Token::Int(second)]) => fold(*first, *second),
            _ => None,
        };
        self.tokens.truncate(start);
        self.token(token.ok_or_else(|| TokenError::new("no point and no decimal"))?);
        Ok(())
    }
}

impl Open<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TokenError> {
        let index = self.count;
        self.count += 1;
        value.serialize(&mut *self.writer).map_err(|error| error.in_item(u32::try_from(index).unwrap_or(u32::MAX)))
    }

    fn close_list(self) -> Result<(), TokenError> {
        let count = u32::try_from(self.count).map_err(|_| TokenError::new("a list is too long"))?;
        self.close(Token::Items(count))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), TokenError> {
        self.writer.names.push(Cow::Borrowed(name));
        value.serialize(&mut *self.writer).map_err(|error| error.in_field(name))
    }

    fn close_object(self) -> Result<(), TokenError> {
        let shape =
            u32::try_from(self.writer.shape(self.names)).map_err(|_| TokenError::new("too many kinds of object"))?;
        self.close(Token::Object(shape))
    }

    fn close(self, token: Token) -> Result<(), TokenError> {
        let place = self.writer.tokens.get_mut(self.token).ok_or_else(|| TokenError::new("a token was lost"))?;
        *place = token;
        self.writer.depth -= 1;
        Ok(())
    }
}

fn float<T>() -> Result<T, TokenError> {
    Err(TokenError::new("a float cannot cross: use Decimal"))
}

fn enum_with_data<T>(variant: &str) -> Result<T, TokenError> {
    Err(TokenError::new(format!("the variant {variant} holds data, which cannot cross: use a struct")))
}

macro_rules! ints {
    ($($method:ident $type:ty)*) => {
        $(fn $method(self, value: $type) -> Result<(), TokenError> {
            self.int(value)
        })*
    };
}

impl<'w> ser::Serializer for &'w mut Writer {
    type Ok = ();
    type Error = TokenError;
    type SerializeSeq = Open<'w>;
    type SerializeTuple = Open<'w>;
    type SerializeTupleStruct = Open<'w>;
    type SerializeTupleVariant = Impossible<(), TokenError>;
    type SerializeMap = Open<'w>;
    type SerializeStruct = Open<'w>;
    type SerializeStructVariant = Impossible<(), TokenError>;

    ints! {
        serialize_i8 i8 serialize_i16 i16 serialize_i32 i32 serialize_i64 i64 serialize_i128 i128
        serialize_u8 u8 serialize_u16 u16 serialize_u32 u32 serialize_u64 u64 serialize_u128 u128
    }

    fn serialize_bool(self, value: bool) -> Result<(), TokenError> {
        self.token(Token::Boolean(value));
        Ok(())
    }

    fn serialize_f32(self, _: f32) -> Result<(), TokenError> {
        float()
    }

    fn serialize_f64(self, _: f64) -> Result<(), TokenError> {
        float()
    }

    fn serialize_char(self, value: char) -> Result<(), TokenError> {
        self.token(Token::Text(value.to_string()));
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), TokenError> {
        self.token(Token::Text(value.to_owned()));
        Ok(())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), TokenError> {
        Err(TokenError::new("bytes cannot cross: use text or a list"))
    }

    fn serialize_none(self) -> Result<(), TokenError> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), TokenError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), TokenError> {
        self.token(Token::Null);
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), TokenError> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), TokenError> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, name: &'static str, value: &T) -> Result<(), TokenError> {
        match name {
            Point::NAME => self.fold(value, |lat, lng| {
                Some(Token::Point(Point { lat_e6: lat.try_into().ok()?, lng_e6: lng.try_into().ok()? }))
            }),
            Decimal::NAME => self.fold(value, |unscaled, scale| {
                Some(Token::Decimal(Decimal { unscaled, scale: scale.try_into().ok()? }))
            }),
            _ => value.serialize(self),
        }
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), TokenError> {
        enum_with_data(variant)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Open<'w>, TokenError> {
        self.open(Token::Items(0))
    }

    fn serialize_tuple(self, _: usize) -> Result<Open<'w>, TokenError> {
        self.open(Token::Items(0))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Open<'w>, TokenError> {
        self.open(Token::Items(0))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, TokenError> {
        enum_with_data(variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Open<'w>, TokenError> {
        self.open(Token::Object(0))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Open<'w>, TokenError> {
        self.open(Token::Object(0))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, TokenError> {
        enum_with_data(variant)
    }
}

impl ser::SerializeSeq for Open<'_> {
    type Ok = ();
    type Error = TokenError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TokenError> {
        self.item(value)
    }

    fn end(self) -> Result<(), TokenError> {
        self.close_list()
    }
}

impl ser::SerializeTuple for Open<'_> {
    type Ok = ();
    type Error = TokenError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TokenError> {
        self.item(value)
    }

    fn end(self) -> Result<(), TokenError> {
        self.close_list()
    }
}

impl ser::SerializeTupleStruct for Open<'_> {
    type Ok = ();
    type Error = TokenError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TokenError> {
        self.item(value)
    }

    fn end(self) -> Result<(), TokenError> {
        self.close_list()
    }
}

impl ser::SerializeStruct for Open<'_> {
    type Ok = ();
    type Error = TokenError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), TokenError> {
        self.field(name, value)
    }

    fn end(self) -> Result<(), TokenError> {
        self.close_object()
    }
}

impl ser::SerializeMap for Open<'_> {
    type Ok = ();
    type Error = TokenError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), TokenError> {
        let start = self.writer.tokens.len();
        key.serialize(&mut *self.writer)?;
        let name = self.writer.tokens.pop();
        match name {
            Some(Token::Text(name)) if self.writer.tokens.len() == start => {
                self.writer.names.push(Cow::Owned(name));
                Ok(())
            }
            _ => Err(TokenError::new("the keys of a map must be text")),
        }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), TokenError> {
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), TokenError> {
        self.close_object()
    }
}
