//! The plugin's fields against a small host of its own: records in memory, settings fixed, questions remembered.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sunlit_plugin_sdk::port::{Found, HostPort, Level, Query};
use sunlit_plugin_sdk::tokens::{from_data, to_data};
use sunlit_plugin_sdk::{Data, Decimal, Error, Host, Id, Point, Request, Resolve};
use sunlit_street_cards::Plugin;

const CENTRE: Point = Point::new(39_904_200, 116_407_400);
/// At 4.8 km/h 15 minutes go 1,200 m. Along a meridian a millionth of a degree is 0.1112 m: 10,791 of them are inside,
/// 10,792 outside.
const LAST_INSIDE: i32 = 10_791;

#[derive(Clone, Serialize)]
struct ServicePoint {
    id: Id,
    at: Point,
}

/// A point north of the centre, by millionths of a degree.
fn point(id: &str, north_e6: i32) -> ServicePoint {
    ServicePoint { id: Id::new(id), at: Point::new(CENTRE.lat_e6 + north_e6, CENTRE.lng_e6) }
}

struct City {
    points: Vec<ServicePoint>,
    settings: BTreeMap<&'static str, Data>,
    asked: RefCell<Vec<Query>>,
}

impl City {
    fn new(points: Vec<ServicePoint>) -> Self {
        let settings = BTreeMap::from([
            ("walking_speed", to_data(&Decimal::new(48, 1)).unwrap()),
            ("circle_minutes", to_data(&15).unwrap()),
        ]);
        Self { points, settings, asked: RefCell::default() }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AtFilter {
    at: Within,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Within {
    within: Area,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Area {
    south: Decimal,
    west: Decimal,
    north: Decimal,
    east: Decimal,
}

impl Area {
    fn contains(&self, point: Point) -> bool {
        let (lat, lng) = (i64::from(point.lat_e6), i64::from(point.lng_e6));
        assert!([self.south, self.west, self.north, self.east].iter().all(|side| side.scale == 6));
        (self.south.unscaled..=self.north.unscaled).contains(&lat)
            && (self.west.unscaled..=self.east.unscaled).contains(&lng)
    }
}

impl HostPort for City {
    fn find(&self, collection: &str, query: &Query) -> Result<Found, Error> {
        assert_eq!((collection, query.fields.as_slice()), ("service_point", ["at".to_owned()].as_slice()));
        self.asked.borrow_mut().push(query.clone());
        let filter: AtFilter = from_data(query.filter.clone().unwrap())?;
        let start = query.after.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
        let size = usize::try_from(query.first).unwrap();
        let inside = self.points.iter().filter(|point| filter.at.within.contains(point.at));
        let rest: Vec<_> = inside.skip(start).collect();
        let records: Vec<_> = rest.iter().take(size).collect();
        let end_cursor = Some((start + records.len()).to_string());
        Ok(Found { records: to_data(&records)?, end_cursor, has_next: rest.len() > records.len() })
    }

    fn setting(&self, name: &str) -> Result<Data, Error> {
        self.settings.get(name).cloned().ok_or_else(|| Error::invalid(name))
    }

    fn now_micros(&self) -> i64 {
        0
    }

    fn log(&self, _: Level, _: &str, _: &[(String, String)]) {}
}

#[derive(Debug, PartialEq, Deserialize)]
struct Walk {
    service_point: Id,
    metres: i64,
    minutes: Decimal,
}

fn walkable(city: City, minutes: i64) -> Result<Vec<Walk>, Error> {
    #[derive(Serialize)]
    struct Args {
        from: Point,
        minutes: i64,
    }
    let args = to_data(&Args { from: CENTRE, minutes })?;
    let request = Request { field: "walkable".to_owned(), args, parents: to_data(&[()])? };
    let [walks]: [Vec<Walk>; 1] = from_data(Plugin::resolve(&Host::new(city), request)?)?;
    Ok(walks)
}

fn nearby(city: &Rc<City>, streets: &[Option<Point>]) -> Result<Vec<Option<i64>>, Error> {
    #[derive(Serialize)]
    struct Street {
        at: Option<Point>,
    }
    let parents: Vec<_> = streets.iter().map(|at| Street { at: *at }).collect();
    let field = "street.nearby_service_points".to_owned();
    let request = Request { field, args: Data::default(), parents: to_data(&parents)? };
    Ok(from_data(Plugin::resolve(&Host::new(Rc::clone(city)), request)?)?)
}

#[test]
fn walks_are_measured_and_sorted_by_distance_then_id() {
    let city = City::new(vec![point("far", 9_000), point("b", 4_500), point("a", 4_500), point("here", 0)]);
    let walk = |id, metres, tenths| Walk { service_point: Id::new(id), metres, minutes: Decimal::new(tenths, 1) };
    let expect = vec![walk("here", 0, 0), walk("a", 500, 63), walk("b", 500, 63), walk("far", 1_001, 125)];
    assert_eq!(walkable(city, 15).unwrap(), expect);
}

#[test]
fn the_border_of_a_walk_is_included() {
    let check = |north_e6, minutes, expect| {
        let found = walkable(City::new(vec![point("p", north_e6)]), minutes).unwrap().len();
        assert_eq!(found, expect, "{north_e6} in {minutes} minutes");
    };
    check(LAST_INSIDE, 15, 1);
    check(LAST_INSIDE + 1, 15, 0);
    check(-LAST_INSIDE, 15, 1);
    check(-LAST_INSIDE - 1, 15, 0);
    check(LAST_INSIDE, 14, 0);
    check(LAST_INSIDE * 8, 120, 1);
    check(0, 1, 1);
}

#[test]
fn the_corner_of_the_box_is_outside_the_circle() {
    let corner = Point::new(CENTRE.lat_e6 + LAST_INSIDE - 1, CENTRE.lng_e6 + LAST_INSIDE - 1);
    let city = City::new(vec![ServicePoint { id: Id::new("corner"), at: corner }]);
    assert_eq!(walkable(city, 15).unwrap(), []);
}

#[test]
fn walks_follow_the_pages() {
    let city = City::new((0..2_500).map(|n| point(&format!("{n:04}"), n)).collect());
    assert_eq!(walkable(city, 15).unwrap().len(), 2_500);
}

#[test]
fn more_candidates_than_a_call_may_read_are_an_error() {
    let city = City::new((0..5_001).map(|n| point(&format!("{n:04}"), n)).collect());
    assert!(matches!(walkable(city, 15), Err(Error::Limit(_))));
}

#[test]
fn a_speed_that_goes_nowhere_is_an_error() {
    let mut city = City::new(Vec::new());
    city.settings.insert("walking_speed", to_data(&Decimal::new(0, 1)).unwrap());
    assert_eq!(walkable(city, 15), Err(Error::invalid("the setting walking_speed must be above zero")));
}

#[test]
fn streets_count_their_points_in_one_question_for_the_page() {
    let city = Rc::new(City::new(vec![point("a", 0), point("b", LAST_INSIDE), point("c", LAST_INSIDE + 1)]));
    let north = Point::new(CENTRE.lat_e6 + LAST_INSIDE + 1, CENTRE.lng_e6);
    let elsewhere = Point::new(31_230_400, 121_473_700);
    let counts = nearby(&city, &[Some(CENTRE), None, Some(north), Some(elsewhere)]).unwrap();
    assert_eq!(counts, [Some(2), None, Some(2), Some(0)]);
    assert_eq!(city.asked.borrow().len(), 1);
}

#[test]
fn a_page_without_points_asks_nothing() {
    let city = Rc::new(City::new(Vec::new()));
    assert_eq!(nearby(&city, &[None, None]).unwrap(), [None, None]);
    assert_eq!(nearby(&city, &[]).unwrap(), []);
    assert_eq!(city.asked.borrow().len(), 0);
}

#[test]
fn the_circle_follows_the_setting() {
    let check = |minutes: i64, expect| {
        let mut city = City::new(vec![point("a", 0), point("b", LAST_INSIDE)]);
        city.settings.insert("circle_minutes", to_data(&minutes).unwrap());
        assert_eq!(nearby(&Rc::new(city), &[Some(CENTRE)]).unwrap(), [Some(expect)], "{minutes} minutes");
    };
    check(5, 1);
    check(15, 2);
}

#[test]
fn a_field_that_is_not_there_is_not_found() {
    let request = Request { field: "street.other".to_owned(), ..Request::default() };
    let answer = Plugin::resolve(&Host::new(City::new(Vec::new())), request);
    assert_eq!(answer, Err(Error::not_found("street.other")));
    assert_eq!(Plugin::FIELDS, ["walkable", "street.nearby_service_points"]);
}
