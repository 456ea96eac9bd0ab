//! What the host is asked, and what a plugin gets to hear.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sunlit_plugin_sdk::port::{Found, HostPort, Level, Order, Query};
use sunlit_plugin_sdk::tokens::{Token, to_data};
use sunlit_plugin_sdk::{Data, Decimal, Error, Filter, Host, Id, NoArgs, Request, Resolve, plugin};

type Line = (Level, String, Vec<(String, String)>);

/// Has so many records, each with its number, and remembers what was asked.
#[derive(Default)]
struct Fake {
    records: u32,
    /// Says that there is always more, and shows nothing.
    endless: bool,
    asked: RefCell<Vec<Query>>,
    logged: RefCell<Vec<Line>>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Item {
    number: u32,
}

impl HostPort for Fake {
    fn find(&self, collection: &str, query: &Query) -> Result<Found, Error> {
        if collection != "item" {
            return Err(Error::not_found(collection));
        }
        self.asked.borrow_mut().push(query.clone());
        let start: u32 = query.after.as_deref().map_or(0, |cursor| cursor.parse().unwrap());
        let end = self.records.min(start + query.first);
        let records: Vec<_> = (start..end).map(|number| Item { number }).collect();
        let has_next = self.endless || end < self.records;
        Ok(Found { records: to_data(&records)?, end_cursor: has_next.then(|| end.to_string()), has_next })
    }

    fn setting(&self, name: &str) -> Result<Data, Error> {
        match name {
            "speed" => Ok(to_data(&Decimal::new(48, 1))?),
            "unset" => Ok(to_data(&())?),
            other => Err(Error::invalid(other)),
        }
    }

    fn now_micros(&self) -> i64 {
        1_700_000_000_000_000
    }

    fn log(&self, level: Level, message: &str, fields: &[(String, String)]) {
        self.logged.borrow_mut().push((level, message.to_owned(), fields.to_vec()));
    }
}

fn host(fake: Fake) -> (Host, Rc<Fake>) {
    let fake = Rc::new(fake);
    (Host::new(Rc::clone(&fake)), fake)
}

#[test]
fn a_question_crosses_as_it_was_built() {
    let (host, fake) = host(Fake { records: 5, ..Fake::default() });
    let find = host.storage().find::<Item>("item");
    let page = find.order("code").order_descending("at").first(2).after("1").fields(&["number"]).page().unwrap();
    assert_eq!(page.records, [Item { number: 1 }, Item { number: 2 }]);
    assert_eq!((page.end_cursor.as_deref(), page.has_next), (Some("3"), true));
    let order = |field: &str, descending| Order { field: field.to_owned(), descending };
    let expect = Query {
        filter: None,
        order: vec![order("code", false), order("at", true)],
        first: 2,
        after: Some("1".to_owned()),
        fields: vec!["number".to_owned()],
    };
    assert_eq!(*fake.asked.borrow(), [expect]);
}

#[test]
fn all_follows_the_pages_up_to_the_budget_of_rows() {
    let check = |records, pages| {
        let (host, fake) = host(Fake { records, ..Fake::default() });
        let all = host.storage().find::<Item>("item").first(7).all();
        assert_eq!(fake.asked.borrow().len(), pages, "{records}");
        all.map(|all| all.len())
    };
    assert_eq!(check(0, 1), Ok(0));
    assert_eq!(check(1_000, 1), Ok(1_000));
    assert_eq!(check(1_001, 2), Ok(1_001));
    assert_eq!(check(5_000, 5), Ok(5_000));
    assert!(matches!(check(5_001, 5), Err(Error::Limit(_))));
}

#[test]
fn pages_that_lead_nowhere_end() {
    let (host, _) = host(Fake { endless: true, ..Fake::default() });
    assert!(matches!(host.storage().find::<Item>("item").all(), Err(Error::Unavailable(_))));
}

#[test]
fn filters_are_written_in_the_one_filter_language() {
    fn words(filter: &Filter) -> String {
        let data = to_data(filter).unwrap();
        let mut tokens = data.tokens.iter();
        let words = word(&data, &mut tokens);
        assert_eq!(tokens.next(), None);
        words
    }
    fn word(data: &Data, tokens: &mut dyn Iterator<Item = &Token>) -> String {
        match tokens.next().unwrap() {
            Token::Null => "null".to_owned(),
            Token::Boolean(value) => value.to_string(),
            Token::Int(value) => value.to_string(),
            Token::Decimal(value) => value.to_string(),
            Token::Text(value) => value.clone(),
            Token::Point(_) => unreachable!("no filter holds a point"),
            Token::Items(count) => {
                let items: Vec<_> = (0..*count).map(|_| word(data, tokens)).collect();
                format!("[{}]", items.join(", "))
            }
            Token::Object(shape) => {
                let names = &data.shapes[usize::try_from(*shape).unwrap()];
                let fields: Vec<_> = names.iter().map(|name| format!("{name}: {}", word(data, tokens))).collect();
                format!("{{{}}}", fields.join(", "))
            }
        }
    }
    let check = |filter: Filter, expect: &str| assert_eq!(words(&filter), expect);
    check(Filter::eq("state", "published"), "{state: {eq: published}}");
    check(Filter::ne("open", true), "{open: {ne: true}}");
    check(Filter::is_in("n", [1, 2]), "{n: {in: [1, 2]}}");
    check(Filter::not_in("street", [Id::new("a")]), "{street: {not_in: [a]}}");
    check(Filter::lt("rent", Decimal::new(150, 2)), "{rent: {lt: 1.50}}");
    check(Filter::lte("n", 1), "{n: {lte: 1}}");
    check(Filter::gt("n", 1_i64), "{n: {gt: 1}}");
    check(Filter::gte("on", "2026-11-22"), "{on: {gte: 2026-11-22}}");
    check(Filter::contains("name", "街"), "{name: {contains: 街}}");
    check(Filter::starts_with("code", "31"), "{code: {starts_with: 31}}");
    check(Filter::is_null("at", false), "{at: {is_null: false}}");
    check(
        Filter::within("at", -1, 2, 39_904_200, 116_407_400),
        "{at: {within: {south: -0.000001, west: 0.000002, north: 39.904200, east: 116.407400}}}",
    );
    check(
        Filter::and([Filter::or([Filter::eq("a", 1), Filter::eq("b", 2)]), !Filter::eq("c", 3)]),
        "{and: [{or: [{a: {eq: 1}}, {b: {eq: 2}}]}, {not: {c: {eq: 3}}}]}",
    );
}

#[test]
fn a_second_filter_narrows_the_first() {
    let (host, fake) = host(Fake::default());
    host.storage().find::<Item>("item").filter(Filter::eq("a", 1)).filter(Filter::eq("b", 2)).page().unwrap();
    let both = to_data(&Filter::and([Filter::eq("a", 1), Filter::eq("b", 2)])).unwrap();
    assert_eq!(fake.asked.borrow()[0].filter, Some(both));
}

#[test]
fn what_the_host_refuses_reaches_the_plugin() {
    let (host, _) = host(Fake::default());
    assert_eq!(host.storage().find::<Item>("other").page(), Err(Error::not_found("other")));
    assert_eq!(host.settings().get::<i64>("other"), Err(Error::invalid("other")));
}

#[test]
fn settings_are_typed() {
    let (host, _) = host(Fake::default());
    assert_eq!(host.settings().get("speed"), Ok(4.8));
    assert_eq!(host.settings().get::<Option<i64>>("unset"), Ok(None));
    let error = host.settings().get::<String>("speed").unwrap_err();
    assert_eq!(error.message(), "setting speed: a decimal stands where a string is expected");
}

#[test]
fn log_and_clock_reach_the_host() {
    let (host, fake) = host(Fake::default());
    host.log().warn("slow", &[("street", "人民路")]);
    let fields = vec![("street".to_owned(), "人民路".to_owned())];
    assert_eq!(*fake.logged.borrow(), [(Level::Warn, "slow".to_owned(), fields)]);
    assert_eq!(host.clock().now_micros(), 1_700_000_000_000_000);
}

plugin! {
    query hello => hello,
    computed item.next => next,
    computed item.short => short,
    raw by_hand => by_hand,
}

fn hello(_: &Host, _: NoArgs) -> Result<&'static str, Error> {
    Ok("你好")
}

fn next(_: &Host, items: Vec<Item>) -> Result<Vec<u32>, Error> {
    Ok(items.into_iter().map(|item| item.number + 1).collect())
}

fn short(_: &Host, _: Vec<Item>) -> Result<Vec<u32>, Error> {
    Ok(vec![1])
}

fn by_hand(_: &Host, request: Request) -> Result<Data, Error> {
    Ok(request.parents)
}

fn resolve(field: &str, args: &impl Serialize, parents: &impl Serialize) -> Result<Data, Error> {
    let request = Request { field: field.to_owned(), args: to_data(args)?, parents: to_data(parents)? };
    Plugin::resolve(&host(Fake::default()).0, request)
}

#[derive(Serialize)]
struct Empty {}

#[test]
fn the_plugin_answers_its_fields_by_name() {
    let items = [Item { number: 1 }, Item { number: 2 }];
    assert_eq!(Plugin::FIELDS, ["hello", "item.next", "item.short", "by_hand"]);
    assert_eq!(resolve("hello", &Empty {}, &[()]), Ok(to_data(&["你好"]).unwrap()));
    assert_eq!(resolve("item.next", &Empty {}, &items), Ok(to_data(&[2, 3]).unwrap()));
    assert_eq!(resolve("by_hand", &Empty {}, &[()]), Ok(to_data(&[()]).unwrap()));
    assert_eq!(resolve("item", &Empty {}, &items), Err(Error::not_found("item")));
}

#[test]
fn answers_that_are_not_one_for_each_parent_are_the_plugins_fault() {
    let error = resolve("item.short", &Empty {}, &[Item { number: 1 }, Item { number: 2 }]).unwrap_err();
    assert_eq!(error, Error::fault("item.short: 1 answers for 2 parents"));
    let error = resolve("item.next", &Empty {}, &["text"]).unwrap_err();
    assert_eq!(error, Error::fault("parent [0]: text stands where struct Item is expected"));
}
