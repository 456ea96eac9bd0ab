//! What crosses, how it is written, and what is refused.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sunlit_plugin_sdk::tokens::{MAX_DEPTH, Token, TokenError, from_data, to_data};
use sunlit_plugin_sdk::{Data, Decimal, Id, Point};

fn text(value: &str) -> Token {
    Token::Text(value.to_owned())
}

fn data(shapes: &[&[&str]], tokens: &[Token]) -> Data {
    let shapes = shapes.iter().map(|names| names.iter().map(|name| (*name).to_owned()).collect()).collect();
    Data { shapes, tokens: tokens.to_vec() }
}

/// Written it is this, and read it is the same again.
fn check<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: &T, shapes: &[&[&str]], tokens: &[Token]) {
    let written = to_data(value).unwrap();
    assert_eq!(written, data(shapes, tokens));
    assert_eq!(&from_data::<T>(written).unwrap(), value);
}

fn refused<T: DeserializeOwned + Debug>(shapes: &[&[&str]], tokens: &[Token], because: &str) {
    let error = from_data::<T>(data(shapes, tokens)).unwrap_err().to_string();
    assert_eq!(error, because);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    PoliceStation,
    Clinic,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Place {
    id: Id,
    kind: Kind,
    at: Option<Point>,
    rent: Decimal,
}

fn place(at: Option<Point>) -> Place {
    Place { id: Id::new("a"), kind: Kind::PoliceStation, at, rent: Decimal::new(-125, 2) }
}

#[test]
fn scalars_are_one_token() {
    check(&true, &[], &[Token::Boolean(true)]);
    check(&i64::MIN, &[], &[Token::Int(i64::MIN)]);
    check(&7_u8, &[], &[Token::Int(7)]);
    check(&'街', &[], &[text("街")]);
    check(&"阳光".to_owned(), &[], &[text("阳光")]);
    check(&(), &[], &[Token::Null]);
    check(&None::<i64>, &[], &[Token::Null]);
    check(&Some(1_i64), &[], &[Token::Int(1)]);
    check(&Kind::Clinic, &[], &[text("clinic")]);
    check(&Decimal::new(48, 1), &[], &[Token::Decimal(Decimal::new(48, 1))]);
    check(&Point::new(-90_000_000, 180_000_000), &[], &[Token::Point(Point::new(-90_000_000, 180_000_000))]);
    check(&Id::new("x"), &[], &[text("x")]);
}

#[test]
fn a_page_of_one_struct_has_one_shape() {
    let at = Point::new(1, 2);
    let rent = Token::Decimal(Decimal::new(-125, 2));
    check(
        &vec![place(Some(at)), place(None)],
        &[&["id", "kind", "at", "rent"]],
        &[
            Token::Items(2),
            Token::Object(0),
            text("a"),
            text("police_station"),
            Token::Point(at),
            rent.clone(),
            Token::Object(0),
            text("a"),
            text("police_station"),
            Token::Null,
            rent,
        ],
    );
}

#[test]
fn maps_and_nested_objects_have_their_own_shapes() {
    let inner = |n| BTreeMap::from([("n".to_owned(), n)]);
    check(
        &BTreeMap::from([("a".to_owned(), inner(1)), ("b".to_owned(), inner(2))]),
        &[&["n"], &["a", "b"]],
        &[Token::Object(1), Token::Object(0), Token::Int(1), Token::Object(0), Token::Int(2)],
    );
    check(&BTreeMap::<String, i64>::new(), &[&[]], &[Token::Object(0)]);
}

#[test]
fn tuples_are_lists() {
    check(&(1_i64, "a".to_owned()), &[], &[Token::Items(2), Token::Int(1), text("a")]);
}

#[test]
fn a_struct_takes_more_fields_than_it_wants_and_fewer_options() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Wanted {
        number: i64,
        note: Option<String>,
    }
    let given = data(
        &[&["id", "deep", "number"]],
        &[
            Token::Object(0),
            text("x"),
            Token::Items(2),
            Token::Point(Point::new(0, 0)),
            Token::Decimal(Decimal::new(1, 1)),
            Token::Int(5),
        ],
    );
    assert_eq!(from_data::<Wanted>(given).unwrap(), Wanted { number: 5, note: None });
}

#[test]
fn points_and_decimals_cross_a_flattened_struct() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Whole {
        name: String,
        #[serde(flatten)]
        place: Place,
    }
    let whole = Whole { name: "n".to_owned(), place: place(Some(Point::new(3, 4))) };
    assert_eq!(from_data::<Whole>(to_data(&whole).unwrap()).unwrap(), whole);
}

#[test]
fn numbers_widen_only_where_nothing_is_lost() {
    let decimal = Token::Decimal(Decimal::new(48, 1));
    assert_eq!(from_data::<f64>(data(&[], std::slice::from_ref(&decimal))), Ok(4.8));
    assert_eq!(from_data::<f64>(data(&[], &[Token::Int(5)])), Ok(5.0));
    assert_eq!(from_data::<Decimal>(data(&[], &[Token::Int(5)])), Ok(Decimal::new(5, 0)));
    refused::<i64>(&[], &[decimal], "a decimal stands where i64 is expected");
    refused::<u8>(&[], &[Token::Int(256)], "256 stands where u8 is expected");
    refused::<u64>(&[], &[Token::Int(-1)], "-1 stands where u64 is expected");
}

#[test]
fn an_error_says_where_it_is() {
    let shapes: &[&[&str]] = &[&["id", "kind", "at", "rent"]];
    let tokens = [Token::Items(1), Token::Object(0), text("a"), text("clinic"), text("here"), Token::Null];
    refused::<Vec<Place>>(shapes, &tokens, "[0].at: text stands where a point is expected");
    refused::<Kind>(&[], &[text("bank")], "unknown variant `bank`, expected `police_station` or `clinic`");
}

#[test]
fn a_stream_that_lies_is_refused_and_costs_nothing() {
    let end = "the tokens end too early";
    refused::<Vec<i64>>(&[], &[Token::Items(u32::MAX)], &format!("[0]: {end}"));
    refused::<Vec<()>>(&[], &[Token::Items(u32::MAX), Token::Null], &format!("[1]: {end}"));
    refused::<Vec<Vec<i64>>>(&[], &[Token::Items(2), Token::Items(u32::MAX)], &format!("[0][0]: {end}"));
    refused::<i64>(&[], &[], end);
    refused::<i64>(&[], &[Token::Int(1), Token::Int(2)], "1 tokens too many");
    refused::<BTreeMap<String, i64>>(&[], &[Token::Object(7)], "there is no shape 7");
    refused::<(i64,)>(&[], &[Token::Items(2), Token::Int(1), Token::Int(2)], "the list has items left over");
    refused::<(i64, i64)>(&[], &[Token::Items(1), Token::Int(1)], "invalid length 1, expected a tuple of size 2");
}

#[derive(Debug, Serialize, Deserialize)]
struct Nest(Vec<Nest>);

fn nest(depth: usize) -> Nest {
    Nest(if depth == 1 { Vec::new() } else { vec![nest(depth - 1)] })
}

#[test]
fn nesting_ends_at_the_same_depth_both_ways() {
    let deepest = to_data(&nest(MAX_DEPTH)).unwrap();
    from_data::<Nest>(deepest.clone()).unwrap();
    let mut deeper = deepest;
    deeper.tokens.insert(0, Token::Items(1));
    assert!(from_data::<Nest>(deeper).unwrap_err().to_string().ends_with("nested deeper than 32"));
    assert!(to_data(&nest(MAX_DEPTH + 1)).unwrap_err().to_string().ends_with("nested deeper than 32"));
}

#[test]
fn what_has_no_token_is_refused() {
    #[derive(Serialize)]
    enum Full {
        Variant(i64),
    }
    #[derive(Serialize)]
    struct Speed {
        speed: f64,
    }
    let refused = |error: Result<Data, TokenError>, because| assert_eq!(error.unwrap_err().to_string(), because);
    refused(to_data(&f64::NAN), "a float cannot cross: use Decimal");
    refused(to_data(&[Speed { speed: 1.5 }]), "[0].speed: a float cannot cross: use Decimal");
    refused(to_data(&Full::Variant(1)), "the variant Variant holds data, which cannot cross: use a struct");
    refused(to_data(&u64::MAX), "18446744073709551615 does not fit 64 bits");
    refused(to_data(&BTreeMap::from([(1, 2)])), "the keys of a map must be text");
}
