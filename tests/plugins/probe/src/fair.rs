//! Fields that keep the contract.

use serde::{Deserialize, Serialize};
use sunlit_plugin_sdk::{Decimal, Error, Host, NoArgs};

#[derive(Deserialize)]
pub(crate) struct Echo {
    text: String,
}

pub(crate) fn echo(_host: &Host, args: Echo) -> Result<String, Error> {
    Ok(args.text)
}

#[derive(Deserialize)]
pub(crate) struct Count {
    pub(crate) count: i64,
}

#[derive(Serialize)]
pub(crate) struct Row {
    name: String,
    number: i64,
    amount: Decimal,
}

pub(crate) fn rows(_host: &Host, Count { count }: Count) -> Result<Vec<Row>, Error> {
    let row = |number| Row { name: format!("row {number}"), number, amount: Decimal::new(number, 2) };
    Ok((0..count).map(row).collect())
}

#[derive(Deserialize, Serialize)]
pub(crate) struct Record {
    name: String,
    number: Option<i64>,
}

pub(crate) fn records(host: &Host, _: NoArgs) -> Result<Vec<Record>, Error> {
    let find = host.storage().find("item").order("name").first(50).fields(&["name", "number"]);
    Ok(find.page()?.records)
}

/// Asks the cheapest thing there is so often.
pub(crate) fn hostcalls(host: &Host, Count { count }: Count) -> Result<i64, Error> {
    for _ in 0..count {
        std::hint::black_box(host.clock().now_micros());
    }
    Ok(count)
}

/// Reads what the manifest does not declare, and answers the refusal.
pub(crate) fn deny(host: &Host, _: NoArgs) -> Result<String, Error> {
    match host.settings().get::<String>("undeclared") {
        Ok(value) => Ok(format!("not denied: {value}")),
        Err(error) => Ok(error.to_string()),
    }
}

pub(crate) fn now(host: &Host, _: NoArgs) -> Result<i64, Error> {
    Ok(host.clock().now_micros())
}

pub(crate) fn greeting(host: &Host, _: NoArgs) -> Result<String, Error> {
    host.settings().get("greeting")
}

#[derive(Deserialize)]
pub(crate) struct Item {
    number: Option<i64>,
}

pub(crate) fn doubled(_host: &Host, items: Vec<Item>) -> Result<Vec<Option<i64>>, Error> {
    Ok(items.into_iter().map(|item| item.number.and_then(|number| number.checked_mul(2))).collect())
}
