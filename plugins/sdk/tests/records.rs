//! Actions: what they write crosses as it was built, and what the host refuses reaches them.

use std::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sunlit_plugin_sdk::port::{Found, HostPort, Level, Query};
use sunlit_plugin_sdk::tokens::{from_data, to_data};
use sunlit_plugin_sdk::{Act, ActionRequest, Data, Error, Host, Id, NoArgs, Request, Resolve, plugin};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    version: i64,
    number: i64,
}

/// One record, which is changed at once: nothing is buffered here.
#[derive(Default)]
struct Fake {
    item: RefCell<Option<Item>>,
}

#[derive(Deserialize)]
struct Number {
    number: i64,
}

impl HostPort for Fake {
    fn find(&self, collection: &str, _: &Query) -> Result<Found, Error> {
        Err(Error::not_found(collection))
    }

    fn create(&self, collection: &str, values: &Data) -> Result<String, Error> {
        if collection != "item" {
            return Err(Error::not_found(collection));
        }
        let Number { number } = from_data(values.clone())?;
        *self.item.borrow_mut() = Some(Item { version: 1, number });
        Ok("one".to_owned())
    }

    fn update(&self, _: &str, id: &str, version: i64, values: &Data) -> Result<i64, Error> {
        let mut item = self.item.borrow_mut();
        let item = item.as_mut().filter(|_| id == "one").ok_or_else(|| Error::not_found(id))?;
        if item.version != version {
            return Err(Error::conflict("the record is at another version"));
        }
        let Number { number } = from_data(values.clone())?;
        *item = Item { version: version + 1, number };
        Ok(item.version)
    }

    fn delete(&self, _: &str, _: &str, _: i64) -> Result<(), Error> {
        self.item.borrow_mut().take().map(drop).ok_or_else(|| Error::not_found("item"))
    }

    fn get(&self, _: &str, _: &str) -> Result<Option<Data>, Error> {
        Ok(self.item.borrow().as_ref().map(to_data).transpose()?)
    }

    fn setting(&self, name: &str) -> Result<Data, Error> {
        Err(Error::invalid(name))
    }

    fn now_micros(&self) -> i64 {
        0
    }

    fn log(&self, _: Level, _: &str, _: &[(String, String)]) {}
}

plugin! {
    query number => number,
    actions: {
        count => count,
        clear => clear,
    },
}

fn number(host: &Host, _: NoArgs) -> Result<Option<i64>, Error> {
    let item: Option<Item> = host.records().get("item", &Id::new("one"))?;
    Ok(item.map(|item| item.number))
}

#[derive(Serialize, Deserialize)]
struct Count {
    by: i64,
}

#[derive(Serialize)]
struct Values {
    number: i64,
}

/// Adds to the one record, or begins it.
fn count(host: &Host, Count { by }: Count) -> Result<i64, Error> {
    let (records, id) = (host.records(), Id::new("one"));
    match records.get::<Item>("item", &id)? {
        Some(item) => records.update("item", &id, item.version, &Values { number: item.number + by }),
        None => records.create("item", &Values { number: by }).map(|_| 1),
    }
}

fn clear(host: &Host, _: NoArgs) -> Result<(), Error> {
    host.records().delete("item", &Id::new("one"), 1)
}

fn act(fake: &Rc<Fake>, action: &str, args: &impl Serialize) -> Result<Data, Error> {
    let request = ActionRequest { action: action.to_owned(), args: to_data(args)? };
    Plugin::act(&Host::new(Rc::clone(fake)), request)
}

#[derive(Serialize)]
struct Empty {}

#[test]
fn actions_are_answered_by_name_with_one_value() {
    let fake = Rc::new(Fake::default());
    assert_eq!((Plugin::FIELDS, Plugin::ACTIONS), (["number"].as_slice(), ["count", "clear"].as_slice()));
    assert_eq!(act(&fake, "count", &Count { by: 5 }), Ok(to_data(&1).unwrap()));
    assert_eq!(act(&fake, "count", &Count { by: 2 }), Ok(to_data(&2).unwrap()));
    assert_eq!(*fake.item.borrow(), Some(Item { version: 2, number: 7 }));
    let request = Request { field: "number".to_owned(), args: to_data(&Empty {}).unwrap(), parents: Data::default() };
    assert_eq!(Plugin::resolve(&Host::new(Rc::clone(&fake)), request), Ok(to_data(&[7]).unwrap()));
    assert_eq!(act(&fake, "clear", &Empty {}), Ok(to_data(&()).unwrap()));
    assert_eq!(act(&fake, "number", &Empty {}), Err(Error::not_found("number")));
}

#[test]
fn what_the_host_refuses_reaches_the_action() {
    let fake = Rc::new(Fake { item: RefCell::new(Some(Item { version: 3, number: 0 })) });
    let host = Host::new(Rc::clone(&fake));
    let stale = host.records().update("item", &Id::new("one"), 2, &Values { number: 1 }).unwrap_err();
    assert_eq!(stale.to_string(), "conflict: the record is at another version");
    assert_eq!(host.records().create("other", &Values { number: 1 }), Err(Error::not_found("other")));
    assert_eq!(act(&fake, "count", &Empty {}).unwrap_err().message(), "argument missing field `by`");
}

/// What a query's host answers, and a fake that does not care for writing.
struct ReadOnly;

impl HostPort for ReadOnly {
    fn find(&self, collection: &str, _: &Query) -> Result<Found, Error> {
        Err(Error::not_found(collection))
    }

    fn setting(&self, name: &str) -> Result<Data, Error> {
        Err(Error::invalid(name))
    }

    fn now_micros(&self) -> i64 {
        0
    }

    fn log(&self, _: Level, _: &str, _: &[(String, String)]) {}
}

#[test]
fn a_port_that_says_nothing_of_writing_denies_it() {
    let host = Host::new(ReadOnly);
    let (records, id) = (host.records(), Id::new("one"));
    assert_eq!(records.create("item", &Values { number: 1 }), Err(Error::denied("records")));
    assert_eq!(records.update("item", &id, 1, &Values { number: 1 }), Err(Error::denied("records")));
    assert_eq!(records.delete("item", &id, 1), Err(Error::denied("records")));
    assert_eq!(records.get::<Item>("item", &id), Err(Error::denied("records")));
}
