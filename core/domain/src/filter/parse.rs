//! Reads filters from JSON, against a collection's attributes. Bounded in depth, size and text.

use serde_json::{Map, Value as Json};

use super::{Filter, Test};
use crate::geometry::{BoundingBox, Circle, MAX_METRES, Point};
use crate::id::ActorId;
use crate::manifest::{Attribute, Collection, Slot, Spelling};
use crate::scope::Actor;
use crate::value::{Kind, Value, e6_from_json};

/// How deep `and`, `or` and `not` may nest.
const MAX_DEPTH: usize = 8;
/// How many tests a filter may hold.
const MAX_TESTS: usize = 100;
/// How many values the `in` and `not_in` of a filter may list together: each is a variable of the SQL statement.
const MAX_LISTED: usize = 1_000;
/// How many characters a compared text may have.
const MAX_TEXT: usize = 1_000;

/// Who wrote the filter, and so what it may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// A viewer, or a plugin that acts for one: only what is declared `filter = true` and not hidden from this viewer, and
    /// the open standard fields.
    Viewer(&'a Actor),
    /// The manifest itself (access rules, views): any field that is not sealed, and `$actor` for the id of whoever asks. For an anonymous one
    /// a filter that names `$actor` is refused, so that a rule with it allows nothing.
    Manifest(Option<ActorId>),
}

/// How a manifest's filter names whoever asks.
const ACTOR: &str = "$actor";

/// Why a filter is refused. The text names the mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("filter at `{path}`: {message}")]
pub struct FilterError {
    /// Where in the filter: `or.1.rent.lte`.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// Reads a filter.
///
/// # Errors
/// When it names what may not be filtered by, an unknown test, a value of another kind, or passes a bound.
pub fn parse(
    collection: &Collection,
    json: &Json,
    spelling: Spelling,
    purpose: Purpose<'_>,
) -> Result<Filter, FilterError> {
    let mut reader = Reader { collection, spelling, purpose, tests: 0, listed: 0, path: Vec::new() };
    reader.filter(json, 0)
}

struct Reader<'a> {
    collection: &'a Collection,
    spelling: Spelling,
    purpose: Purpose<'a>,
    tests: usize,
    listed: usize,
    path: Vec<String>,
}

impl Reader<'_> {
    fn fail<T>(&self, message: impl Into<String>) -> Result<T, FilterError> {
        Err(FilterError { path: self.path.join("."), message: message.into() })
    }

    fn at<T>(
        &mut self,
        step: impl Into<String>,
        read: impl FnOnce(&mut Self) -> Result<T, FilterError>,
    ) -> Result<T, FilterError> {
        self.path.push(step.into().chars().take(60).collect());
        let result = read(self);
        self.path.pop();
        result
    }

    fn filter(&mut self, json: &Json, depth: usize) -> Result<Filter, FilterError> {
        if depth > MAX_DEPTH {
            return self.fail(format!("nested deeper than {MAX_DEPTH}: flatten it"));
        }
        let Some(object) = json.as_object() else {
            return self.fail("expected an object like { name: { eq: … } }");
        };
        let mut all = Vec::with_capacity(object.len());
        for (key, value) in object {
            all.push(self.at(key.as_str(), |reader| reader.entry(key, value, depth))?);
        }
        Ok(match <[Filter; 1]>::try_from(all) {
            Ok([one]) => one,
            Err(all) => Filter::And(all),
        })
    }

    fn entry(&mut self, key: &str, value: &Json, depth: usize) -> Result<Filter, FilterError> {
        match key {
            "and" => Ok(Filter::And(self.filters(value, depth)?)),
            "or" => Ok(Filter::Or(self.filters(value, depth)?)),
            "not" => Ok(Filter::Not(Box::new(self.filter(value, depth + 1)?))),
            name => {
                let attribute = self.attribute(name)?;
                let Some(tests) = value.as_object().filter(|tests| !tests.is_empty()) else {
                    return self.fail("expected an object of tests like { eq: … }");
                };
                self.tests(attribute, tests)
            }
        }
    }

    fn filters(&mut self, json: &Json, depth: usize) -> Result<Vec<Filter>, FilterError> {
        let Some(list) = json.as_array() else { return self.fail("expected a list of filters") };
        let mut filters = Vec::new();
        for (index, item) in list.iter().enumerate() {
            // An empty filter counts too, so that the bound holds for lists of nothing.
            self.count()?;
            filters.push(self.at(index.to_string(), |reader| reader.filter(item, depth + 1))?);
        }
        Ok(filters)
    }

    fn count(&mut self) -> Result<(), FilterError> {
        self.tests += 1;
        if self.tests > MAX_TESTS { self.fail(format!("more than {MAX_TESTS} tests: ask for less")) } else { Ok(()) }
    }

    fn attribute(&self, name: &str) -> Result<Attribute, FilterError> {
        let allowed = |slot: Slot| match self.purpose {
            // What is sealed is tested by nobody: the database has nothing to compare.
            _ if self.collection.is_sealed(slot) => false,
            Purpose::Manifest(_) => true,
            Purpose::Viewer(actor) => self.collection.is_filterable(slot) && self.collection.is_shown(slot, actor),
        };
        match self.collection.attribute(name, self.spelling).filter(|attribute| allowed(attribute.slot)) {
            Some(attribute) => Ok(attribute),
            None => {
                self.fail("no field of this name can be filtered by: declare it with `filter = true`, which nothing sensitive can be, or leave it out")
            }
        }
    }

    fn tests(&mut self, attribute: Attribute, tests: &Map<String, Json>) -> Result<Filter, FilterError> {
        let mut all = Vec::with_capacity(tests.len());
        for (name, operand) in tests {
            self.count()?;
            let test = self.at(name.as_str(), |reader| reader.test(attribute.kind, name, operand))?;
            all.push(Filter::Test(attribute, test));
        }
        Ok(match <[Filter; 1]>::try_from(all) {
            Ok([one]) => one,
            Err(all) => Filter::And(all),
        })
    }

    fn test(&mut self, kind: Kind, name: &str, operand: &Json) -> Result<Test, FilterError> {
        if self.spelling.is(name, "is_null") {
            return operand.as_bool().map(Test::IsNull).map_or_else(|| self.fail("expected true or false"), Ok);
        }
        match kind {
            Kind::Point | Kind::Area => self.test_place(kind, name, operand),
            Kind::List(element) => self.test_list(element.kind(), name, operand),
            Kind::Json => self.fail("this field is only tested with is_null"),
            _ => self.test_scalar(kind, name, operand),
        }
    }

    fn test_place(&self, kind: Kind, name: &str, operand: &Json) -> Result<Test, FilterError> {
        const BOX: &str = "expected { south, west, north, east } in degrees, south below north, west below east";
        let bounds = || bounding_box(operand).map_or_else(|| self.fail(BOX), Ok);
        match (name, kind) {
            ("within", _) => bounds().map(Test::Within),
            ("intersects", Kind::Area) => bounds().map(Test::Intersects),
            ("near", Kind::Point) => circle(operand).map(Test::Near).map_or_else(
                || self.fail(format!("expected {{ at: {{ lat, lng }}, metres }}, metres from 1 to {MAX_METRES}")),
                Ok,
            ),
            _ => self.fail("this field has no such test"),
        }
    }

    fn test_list(&mut self, item: Kind, name: &str, operand: &Json) -> Result<Test, FilterError> {
        if name == "has" {
            return Ok(Test::HasAny(vec![self.value(item, operand)?]));
        }
        if self.spelling.is(name, "has_any") {
            return Ok(Test::HasAny(self.list(item, operand)?));
        }
        self.fail("this field has no such test")
    }

    fn test_scalar(&mut self, kind: Kind, name: &str, operand: &Json) -> Result<Test, FilterError> {
        let is = |expected: &str| self.spelling.is(name, expected);
        let ordered = kind != Kind::Bool;
        if is("contains") && kind == Kind::Text {
            return Ok(Test::Contains(self.text(operand)?));
        }
        if is("starts_with") && kind == Kind::Text {
            return Ok(Test::StartsWith(self.text(operand)?));
        }
        if is("in") {
            return Ok(Test::In(self.list(kind, operand)?));
        }
        if is("not_in") {
            return Ok(Test::NotIn(self.list(kind, operand)?));
        }
        let make: fn(Value) -> Test = match name {
            "eq" => Test::Eq,
            "ne" => Test::Ne,
            "lt" if ordered => Test::Lt,
            "lte" if ordered => Test::Lte,
            "gt" if ordered => Test::Gt,
            "gte" if ordered => Test::Gte,
            _ => return self.fail("this field has no such test"),
        };
        self.value(kind, operand).map(make)
    }

    fn value(&self, kind: Kind, json: &Json) -> Result<Value, FilterError> {
        if json.as_str().is_some_and(|text| text.chars().count() > MAX_TEXT) {
            return self.fail(format!("text of more than {MAX_TEXT} characters"));
        }
        if let (Purpose::Manifest(actor), Some(ACTOR), Kind::Id) = (self.purpose, json.as_str(), kind) {
            return match actor {
                Some(actor) => Ok(Value::Id(actor.0)),
                None => self.fail("nobody has signed in"),
            };
        }
        match Value::from_json(kind, json) {
            Ok(Value::Null) => self.fail("expected a value, found nothing: use is_null to ask for records without one"),
            Ok(value) => Ok(value),
            Err(error) => self.fail(error.0),
        }
    }

    fn text(&self, json: &Json) -> Result<String, FilterError> {
        match self.value(Kind::Text, json)? {
            Value::Text(text) => Ok(text),
            _ => self.fail("expected a string"),
        }
    }

    fn list(&mut self, kind: Kind, json: &Json) -> Result<Vec<Value>, FilterError> {
        let Some(list) = json.as_array() else { return self.fail("expected a list") };
        self.listed = self.listed.saturating_add(list.len());
        if self.listed > MAX_LISTED {
            return self.fail(format!("more than {MAX_LISTED} values in lists: ask in several requests"));
        }
        list.iter().map(|item| self.value(kind, item)).collect()
    }
}

fn bounding_box(json: &Json) -> Option<BoundingBox> {
    let object = json.as_object().filter(|object| object.len() == 4)?;
    let side = |name: &str| e6_from_json(object.get(name));
    let south_west = Point::from_e6(side("south")?, side("west")?)?;
    let north_east = Point::from_e6(side("north")?, side("east")?)?;
    (south_west.lat_e6 <= north_east.lat_e6 && south_west.lng_e6 <= north_east.lng_e6)
        .then_some(BoundingBox { south_west, north_east })
}

fn circle(operand: &Json) -> Option<Circle> {
    let object = operand.as_object().filter(|object| object.len() == 2)?;
    let Ok(Value::Point(at)) = Value::from_json(Kind::Point, object.get("at")?) else { return None };
    Circle::new(at, u32::try_from(object.get("metres")?.as_u64()?).ok()?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::scope::Role;

    fn collection() -> Collection {
        serde_json::from_value(json!({
            "name": "site", "title": { "zh": "载体" },
            "field": [
                { "name": "name", "type": "string", "filter": true },
                { "name": "rent", "type": "decimal", "scale": 2, "filter": true },
                { "name": "at", "type": "point", "filter": true },
                { "name": "opened_on", "type": "date", "filter": true },
                { "name": "plain", "type": "string" },
                { "name": "secret", "type": "string", "filter": true, "readers": ["reviewer"] },
                { "name": "tags", "type": "list", "of": "string", "filter": true },
                { "name": "ground", "type": "area", "filter": true },
                { "name": "reviewer", "type": "ref", "to": "site" },
                { "name": "phone", "type": "string", "sensitive": true, "readers": ["reviewer"] },
            ],
        }))
        .unwrap()
    }

    fn read(json: &Json) -> Result<Filter, FilterError> {
        parse(&collection(), json, Spelling::Api, Purpose::Viewer(&Actor::anonymous()))
    }

    #[test]
    fn what_is_written_is_what_is_tested() {
        let value_of = |attribute: Attribute| match attribute.slot {
            Slot::Field(0) => Value::Text("未央工业园".to_owned()),
            Slot::Field(1) => Value::from_json(Kind::Decimal(2), &json!("38.50")).unwrap(),
            Slot::Field(2) => Value::Point(Point::from_degrees(34.3, 108.9).unwrap()),
            Slot::Field(6) => Value::List(vec![Value::Text("a".to_owned()), Value::Text("b".to_owned())]),
            Slot::Field(7) => {
                let ring = json!([[[108, 34], [109, 34], [109, 35], [108, 34]]]);
                Value::from_json(Kind::Area, &json!({ "type": "Polygon", "coordinates": ring })).unwrap()
            }
            _ => Value::Null,
        };
        let check = |json: Json, expect: bool| assert_eq!(read(&json).unwrap().matches(&value_of), expect, "{json}");
        check(json!({}), true);
        check(json!({ "name": { "contains": "工业" } }), true);
        check(json!({ "name": { "startsWith": "工业" } }), false);
        check(json!({ "rent": { "gte": 38.5, "lt": "40" } }), true);
        check(json!({ "rent": { "in": ["1", "38.5"] } }), true);
        check(json!({ "not": { "rent": { "lt": 40 } } }), false);
        check(json!({ "or": [] }), false);
        check(json!({ "or": [{ "rent": { "gt": 99 } }, { "name": { "ne": "x" } }] }), true);
        check(json!({ "at": { "within": { "south": 34, "west": 108, "north": 35, "east": 109 } } }), true);
        check(json!({ "at": { "near": { "at": { "lat": 34.3, "lng": 108.901 }, "metres": 100 } } }), true);
        check(json!({ "at": { "near": { "at": { "lat": 34.3, "lng": 108.902 }, "metres": 100 } } }), false);
        check(json!({ "tags": { "has": "b" } }), true);
        check(json!({ "tags": { "hasAny": ["x", "a"] } }), true);
        check(json!({ "tags": { "hasAny": [] } }), false);
        check(json!({ "not": { "tags": { "has": "x" } } }), true);
        check(json!({ "tags": { "isNull": false } }), true);
        check(json!({ "ground": { "within": { "south": 34, "west": 108, "north": 35, "east": 109 } } }), true);
        check(json!({ "ground": { "within": { "south": 34.1, "west": 108, "north": 35, "east": 109 } } }), false);
        check(json!({ "ground": { "intersects": { "south": 35, "west": 109, "north": 36, "east": 110 } } }), true);
        check(json!({ "ground": { "intersects": { "south": 36, "west": 108, "north": 37, "east": 109 } } }), false);
        // Nothing is known of a value that is not there, but it surely is not equal.
        check(json!({ "openedOn": { "lt": "2030-01-01" } }), false);
        check(json!({ "not": { "openedOn": { "lt": "2030-01-01" } } }), true);
        check(json!({ "openedOn": { "ne": "2030-01-01" } }), true);
        check(json!({ "openedOn": { "isNull": true } }), true);
    }

    #[test]
    fn what_may_not_be_asked_is_refused_with_its_path() {
        let refuse = |json: Json, path: &str| assert_eq!(read(&json).unwrap_err().path, path, "{json}");
        refuse(json!({ "plain": { "eq": "x" } }), "plain");
        refuse(json!({ "secret": { "eq": "x" } }), "secret");
        refuse(json!({ "tags": { "eq": ["a"] } }), "tags.eq");
        refuse(json!({ "tags": { "has": null } }), "tags.has");
        refuse(json!({ "ground": { "near": { "at": { "lat": 1, "lng": 1 }, "metres": 5 } } }), "ground.near");
        refuse(json!({ "at": { "near": { "at": { "lat": 1, "lng": 1 }, "metres": 0 } } }), "at.near");
        refuse(json!({ "name": { "eq": "x" }, "reviewer": { "eq": "$actor" } }), "reviewer");
        refuse(json!({ "nothing": { "eq": "x" } }), "nothing");
        refuse(json!({ "createdBy": { "isNull": true } }), "createdBy");
        refuse(json!({ "name": "x" }), "name");
        refuse(json!({ "name": { "like": "x" } }), "name.like");
        refuse(json!({ "name": { "eq": null } }), "name.eq");
        refuse(json!({ "name": { "eq": 3 } }), "name.eq");
        refuse(json!({ "at": { "eq": { "lat": 1, "lng": 1 } } }), "at.eq");
        refuse(json!({ "at": { "within": { "south": 2, "west": 1, "north": 1, "east": 2 } } }), "at.within");
        refuse(json!({ "or": [{ "rent": { "lt": "x" } }] }), "or.0.rent.lt");
        refuse(json!({ "name": { "in": vec!["x"; 1_001] } }), "name.in");
        let half = || json!({ "name": { "in": vec!["x"; 600] } });
        refuse(json!({ "and": [half(), half()] }), "and.1.name.in");
        refuse(json!({ "and": vec![json!({}); 101] }), "and");
        let deep = (0..9).fold(json!({}), |inner, _| json!({ "not": inner }));
        assert!(read(&deep).unwrap_err().message.contains("deeper"));
    }

    #[test]
    fn a_hidden_field_is_like_none_for_whoever_may_not_read_it() {
        let asks = |roles| {
            let actor = Actor::known(ActorId(uuid::Uuid::nil()), roles);
            parse(&collection(), &json!({ "secret": { "eq": "x" } }), Spelling::Api, Purpose::Viewer(&actor))
        };
        assert!(asks(vec![Role::Reviewer]).is_ok());
        let hidden = asks(vec![Role::Editor]).unwrap_err();
        assert_eq!(hidden.message, read(&json!({ "nothing": { "eq": "x" } })).unwrap_err().message);
    }

    #[test]
    fn what_is_sealed_is_tested_by_nobody() {
        let reviewer = Actor::known(ActorId(uuid::Uuid::nil()), vec![Role::Reviewer]);
        for purpose in [Purpose::Viewer(&reviewer), Purpose::Manifest(reviewer.id())] {
            for test in [json!({ "eq": "x" }), json!({ "is_null": true }), json!({ "starts_with": "1" })] {
                let told = parse(&collection(), &json!({ "phone": test }), Spelling::Manifest, purpose).unwrap_err();
                assert!(told.path == "phone" && told.message.contains("sensitive"), "{told}");
            }
            let ordered = crate::page::Order::read(&collection(), ["-phone"], purpose);
            assert!(matches!(ordered, Err(crate::page::PageError::NotSortable(_))), "{ordered:?}");
        }
    }

    #[test]
    fn a_manifest_may_name_whoever_asks() {
        let rule = json!({ "reviewer": { "eq": "$actor" } });
        let read = |actor| parse(&collection(), &rule, Spelling::Manifest, Purpose::Manifest(actor));
        let id = uuid::Uuid::from_u128(7);
        assert!(matches!(read(Some(ActorId(id))), Ok(Filter::Test(_, Test::Eq(Value::Id(found)))) if found == id));
        assert!(read(None).is_err());
    }
}
