//! Values to and from the flat tokens that cross the sandbox's border, checked against what the manifest declares.

use serde_json::{Map, Value as Json, json};
use sunlit_domain::geometry::Point;
use sunlit_domain::manifest::Field;
use sunlit_domain::value::{Decimal, Kind, MAX_LIST, Value};
use sunlit_plugin_host::{Data, Decimal as TokenDecimal, GeoPoint, Token};

/// The declared shape of an answer.
#[derive(Debug, Clone)]
pub enum Shape<'a> {
    /// One value of a kind.
    Scalar(Kind),
    /// An object with these fields.
    Object(&'a [Field]),
    /// A list.
    List(Box<Shape<'a>>),
}

/// A checked answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// One value, null too.
    Scalar(Value),
    /// The values of an object's fields in their declared order.
    Object(Vec<Value>),
    /// A list.
    List(Vec<Answer>),
}

impl Answer {
    /// The value of a scalar; null for anything else.
    #[must_use]
    pub fn into_scalar(self) -> Value {
        match self {
            Self::Scalar(value) => value,
            _ => Value::Null,
        }
    }
}

/// A value as tokens.
#[must_use]
pub fn value(value: &Value) -> Data {
    let mut tokens = Vec::new();
    push(&mut tokens, value);
    Data { shapes: Vec::new(), tokens }
}

/// One object.
#[must_use]
pub fn object(names: Vec<String>, values: &[Value]) -> Data {
    let mut tokens = vec![Token::Object(0)];
    values.iter().for_each(|value| push(&mut tokens, value));
    Data { shapes: vec![names], tokens }
}

/// A list with one null: the parents of a query.
#[must_use]
pub fn list_of_null() -> Data {
    Data { shapes: Vec::new(), tokens: vec![Token::Items(1), Token::Null] }
}

/// A list of objects with the same names.
#[must_use]
pub fn list_of_objects(names: Vec<String>, rows: impl ExactSizeIterator<Item = Vec<Value>>) -> Data {
    let mut tokens = vec![Token::Items(u32::try_from(rows.len()).unwrap_or(u32::MAX))];
    for row in rows {
        tokens.push(Token::Object(0));
        row.iter().for_each(|value| push(&mut tokens, value));
    }
    Data { shapes: vec![names], tokens }
}

/// Areas and JSON cross as text: GeoJSON and JSON.
fn push(tokens: &mut Vec<Token>, value: &Value) {
    tokens.push(match value {
        Value::List(items) => {
            tokens.push(Token::Items(u32::try_from(items.len()).unwrap_or(u32::MAX)));
            return items.iter().for_each(|item| push(tokens, item));
        }
        Value::Area(area) => Token::Text(area.to_geojson().to_string()),
        Value::Json(text) => Token::Text(text.as_str().to_owned()),
        Value::Null => Token::Null,
        Value::Bool(value) => Token::Boolean(*value),
        Value::Int(value) => Token::Int(*value),
        Value::Decimal(Decimal { unscaled, scale }) => {
            Token::Decimal(TokenDecimal { unscaled: *unscaled, scale: *scale })
        }
        Value::Text(text) => Token::Text(text.clone()),
        Value::Date(date) => Token::Text(date.to_string()),
        Value::DateTime(instant) => Token::Text(instant.to_string()),
        Value::Id(id) => Token::Text(id.to_string()),
        Value::Point(point) => Token::Point(GeoPoint { lat_e6: point.lat_e6, lng_e6: point.lng_e6 }),
    });
}

/// Any value as JSON, for the filters and records that plugins write. The host has checked that the stream is one value.
#[must_use]
pub fn to_json(data: &Data) -> Json {
    let mut reader = Reader { data, at: 0 };
    reader.json().unwrap_or(Json::Null)
}

/// Reads a list of answers of one shape.
///
/// # Errors
/// What does not fit, for the operator and the vendor.
pub fn read_list(data: &Data, shape: &Shape<'_>) -> Result<Vec<Answer>, String> {
    let mut reader = Reader { data, at: 0 };
    reader.list(|reader| reader.answer(shape))
}

/// Reads one answer of a shape.
///
/// # Errors
/// As for [`read_list`].
pub fn read_one(data: &Data, shape: &Shape<'_>) -> Result<Answer, String> {
    Reader { data, at: 0 }.answer(shape)
}

struct Reader<'a> {
    data: &'a Data,
    at: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Result<&Token, String> {
        let token = self.data.tokens.get(self.at).ok_or("the answer ends too early")?;
        self.at += 1;
        Ok(token)
    }

    fn list(&mut self, item: impl Fn(&mut Self) -> Result<Answer, String>) -> Result<Vec<Answer>, String> {
        let count = match self.next()? {
            Token::Items(count) => *count,
            other => return Err(format!("expected a list, found {}", describe(other))),
        };
        (0..count).map(|_| item(self)).collect()
    }

    fn answer(&mut self, shape: &Shape<'_>) -> Result<Answer, String> {
        if matches!(self.data.tokens.get(self.at), Some(Token::Null)) {
            self.at += 1;
            return match shape {
                Shape::List(_) => Err("expected a list, found null".to_owned()),
                Shape::Scalar(_) | Shape::Object(_) => Ok(Answer::Scalar(Value::Null)),
            };
        }
        match shape {
            Shape::List(item) => self.list(|reader| reader.item(item)).map(Answer::List),
            Shape::Scalar(Kind::List(element)) => self.listed(element.kind()).map(Answer::Scalar),
            Shape::Scalar(kind) => from_token(*kind, self.next()?).map(Answer::Scalar),
            Shape::Object(fields) => self.object(fields),
        }
    }

    /// A list that is one value.
    fn listed(&mut self, item: Kind) -> Result<Value, String> {
        let items = self.list(|reader| reader.item(&Shape::Scalar(item)))?;
        if items.len() > MAX_LIST {
            return Err(format!("a list of {} items, at most {MAX_LIST}", items.len()));
        }
        Ok(Value::list(items.into_iter().map(Answer::into_scalar).collect()))
    }

    /// An answer inside a list, where null has no place.
    fn item(&mut self, shape: &Shape<'_>) -> Result<Answer, String> {
        match self.answer(shape)? {
            Answer::Scalar(Value::Null) => Err("null has no place in a list".to_owned()),
            answer => Ok(answer),
        }
    }

    fn object(&mut self, fields: &[Field]) -> Result<Answer, String> {
        let shape = match self.next()? {
            Token::Object(shape) => *shape,
            other => return Err(format!("expected an object, found {}", describe(other))),
        };
        let names = self.shape(shape)?;
        let mut values = vec![Value::Null; fields.len()];
        for name in names {
            let found = fields.iter().position(|field| field.name == *name.as_str());
            let index = found.ok_or_else(|| format!("`{name}` is not a declared field"))?;
            let field = &fields[index];
            let value = from_token(field.kind(), self.next()?).map_err(|error| format!("`{name}`: {error}"))?;
            field
                .check(&value)
                .map_err(|broken| format!("`{name}` breaks the rule {} {}", broken.rule, broken.bound))?;
            values[index] = value;
        }
        let missing = fields.iter().zip(&values).find(|(field, value)| field.required && value.is_null());
        match missing {
            Some((field, _)) => Err(format!("`{}` is required", field.name)),
            None => Ok(Answer::Object(values)),
        }
    }

    fn shape(&self, index: u32) -> Result<Vec<String>, String> {
        let shape = usize::try_from(index).ok().and_then(|index| self.data.shapes.get(index));
        shape.cloned().ok_or_else(|| "a shape that is not there".to_owned())
    }

    fn json(&mut self) -> Result<Json, String> {
        Ok(match self.next()?.clone() {
            Token::Null => Json::Null,
            Token::Boolean(value) => Json::from(value),
            Token::Int(value) => Json::from(value),
            Token::Decimal(TokenDecimal { unscaled, scale }) => {
                Json::from(Decimal { unscaled, scale: scale.min(18) }.to_string())
            }
            Token::Text(text) => Json::from(text),
            Token::Point(GeoPoint { lat_e6, lng_e6 }) => match Point::from_e6(lat_e6.into(), lng_e6.into()) {
                Some(point) => Value::Point(point).to_json(),
                // As it came: whoever reads the JSON refuses it.
                None => json!({ "lat": f64::from(lat_e6) / 1e6, "lng": f64::from(lng_e6) / 1e6 }),
            },
            Token::Items(count) => Json::Array((0..count).map(|_| self.json()).collect::<Result<_, _>>()?),
            Token::Object(shape) => {
                let mut object = Map::new();
                for name in self.shape(shape)? {
                    object.insert(name, self.json()?);
                }
                Json::Object(object)
            }
        })
    }
}

/// A scalar of the declared kind, or why the token is none.
fn from_token(kind: Kind, token: &Token) -> Result<Value, String> {
    let wrong = || format!("expected {}, found {}", name(kind), describe(token));
    let decimal = |unscaled: i64, scale: u8, to: u8| Decimal { unscaled, scale }.rescale(to).map(Value::Decimal);
    let bounded = |text: &str| text.len() <= 1_048_576;
    match (kind, token) {
        (_, Token::Null) => Some(Value::Null),
        (Kind::Bool, Token::Boolean(value)) => Some(Value::Bool(*value)),
        (Kind::Int, Token::Int(value)) => i32::try_from(*value).ok().map(|value| Value::Int(value.into())),
        (Kind::Decimal(scale), Token::Int(value)) => decimal(*value, 0, scale),
        (Kind::Decimal(scale), Token::Decimal(value)) => decimal(value.unscaled, value.scale, scale),
        (Kind::Point, Token::Point(point)) => {
            Point::from_e6(point.lat_e6.into(), point.lng_e6.into()).map(Value::Point)
        }
        (Kind::Text | Kind::Date | Kind::DateTime | Kind::Id, Token::Text(text)) if bounded(text) => {
            Value::from_json(kind, &Json::from(text.as_str())).ok()
        }
        (Kind::Area | Kind::Json, Token::Text(text)) if bounded(text) => {
            serde_json::from_str(text).ok().and_then(|json| Value::from_json(kind, &json).ok())
        }
        _ => None,
    }
    .ok_or_else(wrong)
}

fn name(kind: Kind) -> String {
    match kind {
        Kind::Text => "text".to_owned(),
        Kind::Int => "a whole number of 32 bits".to_owned(),
        Kind::Decimal(scale) => format!("a decimal of scale {scale}"),
        Kind::Bool => "true or false".to_owned(),
        Kind::Date => "a date".to_owned(),
        Kind::DateTime => "a time".to_owned(),
        Kind::Point => "a point".to_owned(),
        Kind::Id => "an id".to_owned(),
        Kind::Area => "an area as GeoJSON text".to_owned(),
        Kind::Json => "JSON text".to_owned(),
        Kind::List(element) => format!("a list of {}", name(element.kind())),
    }
}

fn describe(token: &Token) -> String {
    match token {
        Token::Null => "null".to_owned(),
        Token::Boolean(_) => "a boolean".to_owned(),
        Token::Int(value) => format!("the number {value}"),
        Token::Decimal(value) => format!("a decimal of scale {}", value.scale),
        Token::Text(text) => format!("the text \"{}\"", text.chars().take(40).collect::<String>()),
        Token::Point(_) => "a point".to_owned(),
        Token::Items(_) => "a list".to_owned(),
        Token::Object(_) => "an object".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(shapes: &[&[&str]], tokens: Vec<Token>) -> Data {
        let own = |names: &&[&str]| names.iter().map(ToString::to_string).collect();
        Data { shapes: shapes.iter().map(own).collect(), tokens }
    }

    fn text(text: &str) -> Token {
        Token::Text(text.to_owned())
    }

    #[test]
    fn what_fits_the_declaration_is_read() {
        let scalars = data(&[], vec![Token::Items(2), Token::Int(7), Token::Null]);
        let expect = vec![Answer::Scalar(Value::Int(7)), Answer::Scalar(Value::Null)];
        assert_eq!(read_list(&scalars, &Shape::Scalar(Kind::Int)), Ok(expect));
        let decimal = data(&[], vec![Token::Items(1), Token::Decimal(TokenDecimal { unscaled: 5, scale: 0 })]);
        let five = Answer::Scalar(Value::Decimal(Decimal { unscaled: 500, scale: 2 }));
        assert_eq!(read_list(&decimal, &Shape::Scalar(Kind::Decimal(2))), Ok(vec![five]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let fields: Vec<Field> =
            serde_json::from_value(json!([{ "name": "n", "type": "int", "required": true, "max": 9 }])).unwrap();
        let one = |tokens: Vec<Token>| [vec![Token::Items(1)], tokens].concat();
        let refuse = |shapes: &[&[&str]], tokens: Vec<Token>, shape: &Shape<'_>, why: &str| {
            let told = read_list(&data(shapes, tokens), shape).unwrap_err();
            assert!(told.contains(why), "{told}");
        };
        let object = Shape::Object(&fields);
        refuse(&[], one(vec![text("x")]), &Shape::Scalar(Kind::Int), "expected a whole number");
        refuse(&[], one(vec![Token::Int(1 << 40)]), &Shape::Scalar(Kind::Int), "32 bits");
        refuse(&[], one(vec![text("2026-02-30")]), &Shape::Scalar(Kind::Date), "a date");
        refuse(&[], one(vec![text("a\0b")]), &Shape::Scalar(Kind::Text), "text");
        let east = GeoPoint { lat_e6: 0, lng_e6: 190_000_000 };
        refuse(&[], one(vec![Token::Point(east)]), &Shape::Scalar(Kind::Point), "a point");
        let fine = Token::Decimal(TokenDecimal { unscaled: 1, scale: 9 });
        refuse(&[], one(vec![fine]), &Shape::Scalar(Kind::Decimal(2)), "scale 2");
        refuse(&[&["n"]], one(vec![Token::Object(0), Token::Int(10)]), &object, "too_large 9");
        refuse(&[&["n"]], one(vec![Token::Object(0), Token::Null]), &object, "the rule required");
        refuse(&[&["m"]], one(vec![Token::Object(0), Token::Int(1)]), &object, "not a declared field");
        refuse(&[&["n"]], one(vec![Token::Object(3), Token::Int(1)]), &object, "a shape that is not there");
        refuse(&[&["n"]], one(vec![Token::Object(0)]), &object, "ends too early");
        refuse(&[], vec![Token::Items(u32::MAX)], &Shape::Scalar(Kind::Int), "ends too early");
        let list = Shape::List(Box::new(Shape::Scalar(Kind::Int)));
        refuse(&[], one(vec![Token::Items(1), Token::Null]), &list, "null has no place");
        refuse(&[], one(vec![Token::Null]), &list, "expected a list");
    }

    #[test]
    fn a_filter_arrives_as_it_was_written() {
        let shapes: &[&[&str]] = &[&["at"], &["within"], &["south", "open"]];
        let south = Token::Decimal(TokenDecimal { unscaled: 34_293_001, scale: 6 });
        let tokens = vec![Token::Object(0), Token::Object(1), Token::Object(2), south, Token::Boolean(true)];
        let expect = json!({ "at": { "within": { "south": "34.293001", "open": true } } });
        assert_eq!(to_json(&data(shapes, tokens)), expect);
    }
}
