//! Reporting an error: what is written, and for which streets.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;
use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sunlit_plugin_sdk::port::{Found, HostPort, Level, Query};
use sunlit_plugin_sdk::tokens::{from_data, to_data};
use sunlit_plugin_sdk::{Act, ActionRequest, Data, Error, Filter, Host, Id};
use sunlit_street_cards::Plugin;

#[derive(Debug, PartialEq, Deserialize)]
struct Correction {
    street: String,
    text: String,
    contact: Option<String>,
}

/// A city of one published street, `s`, with so many corrections that wait.
#[derive(Default)]
struct City {
    waiting: usize,
    written: RefCell<Vec<(String, Correction)>>,
}

#[derive(Serialize)]
struct Known {
    id: &'static str,
}

impl HostPort for City {
    fn find(&self, collection: &str, query: &Query) -> Result<Found, Error> {
        let asked = query.filter.clone().unwrap();
        let published = Filter::and([Filter::eq("id", "s"), Filter::eq("state", "published")]);
        let count = match collection {
            "street" => usize::from(asked == to_data(&published)?),
            "correction" if asked == to_data(&Filter::eq("street", "s"))? => self.waiting,
            other => return Err(Error::not_found(other)),
        };
        let records: Vec<Known> =
            (0..count.min(usize::try_from(query.first).unwrap())).map(|_| Known { id: "x" }).collect();
        Ok(Found { records: to_data(&records)?, end_cursor: None, has_next: false })
    }

    fn create(&self, collection: &str, values: &Data) -> Result<String, Error> {
        self.written.borrow_mut().push((collection.to_owned(), from_data(values.clone())?));
        Ok("018f3b1e-0000-7000-8000-000000000001".to_owned())
    }

    fn setting(&self, name: &str) -> Result<Data, Error> {
        Err(Error::invalid(name))
    }

    fn now_micros(&self) -> i64 {
        0
    }

    fn log(&self, _: Level, _: &str, _: &[(String, String)]) {}
}

fn report(city: &Rc<City>, street: &str, contact: Option<&str>) -> Result<Id, Error> {
    #[derive(Serialize)]
    struct Args<'a> {
        street: &'a str,
        text: &'a str,
        contact: Option<&'a str>,
    }
    let args = to_data(&Args { street, text: "  电话号码已变更 ", contact })?;
    let request = ActionRequest { action: "report_error".to_owned(), args };
    Ok(from_data(Plugin::act(&Host::new(Rc::clone(city)), request)?)?)
}

#[test]
fn a_correction_is_written_and_its_id_answered() {
    let check = |contact: Option<&str>, expect: Option<&str>| {
        let city = Rc::new(City::default());
        assert_eq!(report(&city, "s", contact).unwrap().as_str(), "018f3b1e-0000-7000-8000-000000000001");
        let contact = expect.map(str::to_owned);
        let correction = Correction { street: "s".to_owned(), text: "电话号码已变更".to_owned(), contact };
        assert_eq!(*city.written.borrow(), [("correction".to_owned(), correction)]);
    };
    check(None, None);
    check(Some("  "), None);
    check(Some(" 13800000000 "), Some("13800000000"));
}

#[test]
fn a_street_that_is_not_published_is_not_there() {
    let city = Rc::new(City::default());
    assert!(matches!(report(&city, "draft", None), Err(Error::NotFound(_))));
    assert_eq!(city.written.borrow().len(), 0);
}

#[test]
fn a_flood_of_corrections_of_one_street_is_stopped() {
    let check = |waiting, taken| {
        let city = Rc::new(City { waiting, ..City::default() });
        assert_eq!(report(&city, "s", None).is_ok(), taken, "{waiting}");
        assert_eq!(city.written.borrow().len(), usize::from(taken));
    };
    check(199, true);
    check(200, false);
    check(5_000, false);
}
