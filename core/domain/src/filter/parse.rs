//! Reads filters from JSON, against a collection's attributes. Bounded in depth, size and text.

use serde_json::{Map, Value as Json};

use super::{Filter, Test};
use crate::geometry::{BoundingBox, Point};
use crate::manifest::{Attribute, Collection, Slot, Spelling};
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
pub enum Purpose {
    /// A viewer or a plugin: only what is declared `filter = true`, and the open standard fields.
    Viewer,
    /// The manifest itself (access rules, views): any field.
    Manifest,
}

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
    purpose: Purpose,
) -> Result<Filter, FilterError> {
    let mut reader = Reader { collection, spelling, purpose, tests: 0, listed: 0, path: Vec::new() };
    reader.filter(json, 0)
}

struct Reader<'a> {
    collection: &'a Collection,
    spelling: Spelling,
    purpose: Purpose,
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
        let allowed = |slot: Slot| self.purpose == Purpose::Manifest || self.collection.is_filterable(slot);
        match self.collection.attribute(name, self.spelling).filter(|attribute| allowed(attribute.slot)) {
            Some(attribute) => Ok(attribute),
            None => {
                self.fail("no field of this name can be filtered by: declare it with `filter = true` or leave it out")
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
        let is = |expected: &str| self.spelling.is(name, expected);
        let ordered = !matches!(kind, Kind::Point | Kind::Bool);
        if is("is_null") {
            return operand.as_bool().map(Test::IsNull).map_or_else(|| self.fail("expected true or false"), Ok);
        }
        if is("within") && kind == Kind::Point {
            return bounding_box(operand).map(Test::Within).map_or_else(
                || self.fail("expected { south, west, north, east } in degrees, south below north, west below east"),
                Ok,
            );
        }
        if is("contains") && kind == Kind::Text {
            return Ok(Test::Contains(self.text(operand)?));
        }
        if is("starts_with") && kind == Kind::Text {
            return Ok(Test::StartsWith(self.text(operand)?));
        }
        if is("in") && kind != Kind::Point {
            return Ok(Test::In(self.list(kind, operand)?));
        }
        if is("not_in") && kind != Kind::Point {
            return Ok(Test::NotIn(self.list(kind, operand)?));
        }
        let make: fn(Value) -> Test = match name {
            "eq" if kind != Kind::Point => Test::Eq,
            "ne" if kind != Kind::Point => Test::Ne,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn collection() -> Collection {
        serde_json::from_value(json!({
            "name": "site", "title": { "zh": "载体" },
            "field": [
                { "name": "name", "type": "string", "filter": true },
                { "name": "rent", "type": "decimal", "scale": 2, "filter": true },
                { "name": "at", "type": "point", "filter": true },
                { "name": "opened_on", "type": "date", "filter": true },
                { "name": "hidden", "type": "string" },
            ],
        }))
        .unwrap()
    }

    fn read(json: &Json) -> Result<Filter, FilterError> {
        parse(&collection(), json, Spelling::Api, Purpose::Viewer)
    }

    #[test]
    fn what_is_written_is_what_is_tested() {
        let value_of = |attribute: Attribute| match attribute.slot {
            Slot::Field(0) => Value::Text("未央工业园".to_owned()),
            Slot::Field(1) => Value::from_json(Kind::Decimal(2), &json!("38.50")).unwrap(),
            Slot::Field(2) => Value::Point(Point::from_degrees(34.3, 108.9).unwrap()),
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
        // Nothing is known of a value that is not there, but it surely is not equal.
        check(json!({ "openedOn": { "lt": "2030-01-01" } }), false);
        check(json!({ "not": { "openedOn": { "lt": "2030-01-01" } } }), true);
        check(json!({ "openedOn": { "ne": "2030-01-01" } }), true);
        check(json!({ "openedOn": { "isNull": true } }), true);
    }

    #[test]
    fn what_may_not_be_asked_is_refused_with_its_path() {
        let refuse = |json: Json, path: &str| assert_eq!(read(&json).unwrap_err().path, path, "{json}");
        refuse(json!({ "hidden": { "eq": "x" } }), "hidden");
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
}
