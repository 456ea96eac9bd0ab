//! Actions: some that keep the contract, and some that write first and misbehave then.

use std::hint::black_box;

use serde::{Deserialize, Serialize};
use sunlit_plugin_sdk::{Error, Filter, Host, Id, NoArgs};

use crate::fair::Count;

#[derive(Serialize)]
struct NewItem<'a> {
    name: &'a str,
    number: i64,
}

#[derive(Serialize)]
struct Number {
    number: i64,
}

#[derive(Deserialize)]
pub(crate) struct Add {
    name: String,
    number: i64,
}

#[derive(Deserialize)]
struct Item {
    version: i64,
    number: Option<i64>,
}

fn create(host: &Host, name: &str, number: i64) -> Result<Id, Error> {
    host.records().create("item", &NewItem { name, number })
}

fn item(host: &Host, id: &Id) -> Result<Item, Error> {
    host.records().get("item", id)?.ok_or_else(|| Error::not_found("there is no such item"))
}

/// Creates an item; as the caller or as the package, as the manifest says of each name.
pub(crate) fn add(host: &Host, Add { name, number }: Add) -> Result<Id, Error> {
    create(host, &name, number)
}

#[derive(Deserialize)]
pub(crate) struct Which {
    item: Id,
}

/// Reads, thinks for a while, and writes: two at once read the same.
pub(crate) fn increment(host: &Host, Which { item: id }: Which) -> Result<i64, Error> {
    let found = item(host, &id)?;
    for turn in 0..1_000_000 {
        black_box(turn);
    }
    let number = found.number.unwrap_or(0) + 1;
    host.records().update("item", &id, found.version, &Number { number })?;
    Ok(number)
}

#[derive(Deserialize)]
pub(crate) struct Stale {
    item: Id,
    version: i64,
}

/// Passes on that the caller's version is old.
pub(crate) fn set_at_version(host: &Host, Stale { item, version }: Stale) -> Result<i64, Error> {
    host.records().update("item", &item, version, &Number { number: 0 })
}

/// Creates so many items.
pub(crate) fn many(host: &Host, Count { count }: Count) -> Result<i64, Error> {
    for number in 0..count {
        create(host, &format!("n{number:03}"), number)?;
    }
    Ok(count)
}

#[derive(Serialize)]
struct Note<'a> {
    code: &'a str,
    item: &'a Id,
}

#[derive(Deserialize)]
pub(crate) struct Code {
    code: String,
}

/// An item and a note on it, which refers to the item of the same call.
pub(crate) fn add_with_note(host: &Host, Code { code }: Code) -> Result<Id, Error> {
    let item = create(host, &code, 1)?;
    host.records().create("note", &Note { code: &code, item: &item })
}

/// Creates an item, and deletes another that a note may refer to: only the commit finds out.
pub(crate) fn replace(host: &Host, Which { item: id }: Which) -> Result<Id, Error> {
    let old = item(host, &id)?;
    let new = create(host, "replaced", 2)?;
    host.records().delete("item", &id, old.version)?;
    Ok(new)
}

#[derive(Deserialize)]
struct Named {
    id: Id,
    name: String,
    version: i64,
}

/// Changes what it finds, and answers how later pages show it: `m` is deleted, `b` becomes `x`, `a1` and `n` are new.
pub(crate) fn look(host: &Host, _: NoArgs) -> Result<Vec<String>, Error> {
    let find = || host.storage().find::<Named>("item").fields(&["name", "version"]).filter(!Filter::eq("name", "z"));
    for found in find().all()? {
        match found.name.as_str() {
            "m" => host.records().delete("item", &found.id, found.version)?,
            "b" => drop(host.records().update("item", &found.id, found.version, &Renamed { name: "x" })?),
            _ => {}
        }
    }
    create(host, "a1", 1)?;
    create(host, "z", 1)?;
    let new = create(host, "n0", 1)?;
    let version = host.records().update("item", &new, 1, &Renamed { name: "n" })?;
    host.records().update("item", &new, version, &Number { number: 7 })?;
    let mut names = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let mut question = find().order_descending("name").first(2);
        if let Some(cursor) = after.take() {
            question = question.after(cursor);
        }
        let page = question.page()?;
        names.extend(page.records.into_iter().map(|record| record.name));
        match page.end_cursor.filter(|_| page.has_next) {
            Some(cursor) => after = Some(cursor),
            None => return Ok(names),
        }
    }
}

#[derive(Serialize)]
struct Renamed<'a> {
    name: &'a str,
}

/// Writes, and panics.
pub(crate) fn write_trap(host: &Host, _: NoArgs) -> Result<(), Error> {
    create(host, "trapped", 1)?;
    panic!("the probe was asked to panic after writing")
}

/// Writes, and declines.
pub(crate) fn write_decline(host: &Host, _: NoArgs) -> Result<(), Error> {
    create(host, "declined", 1)?;
    Err(Error::invalid("今天不办理"))
}

/// Writes, and never ends.
pub(crate) fn write_spin(host: &Host, _: NoArgs) -> Result<(), Error> {
    create(host, "spun", 1)?;
    let mut turns = 0_i64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Writes, and answers text where a number is declared.
pub(crate) fn write_wrong_type(host: &Host, _: NoArgs) -> Result<String, Error> {
    create(host, "lied", 1)?;
    Ok("不是整数".to_owned())
}

/// Writes into another package's collection, and passes the refusal on.
pub(crate) fn write_foreign(host: &Host, _: NoArgs) -> Result<(), Error> {
    create(host, "foreign", 1)?;
    host.records().create("street", &Renamed { name: "x" }).map(drop)
}

#[derive(Serialize)]
struct Odd<'a> {
    name: &'a str,
    colour: &'a str,
}

/// Writes values that are not acceptable, and passes the refusal on.
pub(crate) fn write_invalid(host: &Host, _: NoArgs) -> Result<(), Error> {
    create(host, "valid", 1)?;
    host.records().create("item", &Odd { name: "", colour: "red" }).map(drop)
}

/// A query that writes, and answers the refusal.
pub(crate) fn write_in_query(host: &Host, _: NoArgs) -> Result<String, Error> {
    match create(host, "queried", 1) {
        Ok(id) => Ok(format!("not denied: {id}")),
        Err(error) => Ok(error.to_string()),
    }
}
