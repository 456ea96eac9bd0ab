//! `report_error(street, text, contact)`: a citizen says what is wrong on a card (纠错).

use serde::{Deserialize, Serialize};
use sunlit_plugin_sdk::{Error, Filter, Host, Id};

/// How many corrections of one street may wait for the staff: more than that is no help, but a flood.
const MOST_WAITING: usize = 200;
const ONE_MORE: u32 = 201;

#[derive(Deserialize)]
pub(crate) struct ReportError {
    street: Id,
    text: String,
    contact: Option<String>,
}

#[derive(Serialize)]
struct Correction<'a> {
    street: &'a Id,
    text: &'a str,
    contact: Option<&'a str>,
}

#[derive(Deserialize)]
struct Known {}

/// Answers the correction's id, which a citizen can refer to.
pub(crate) fn report_error(host: &Host, ReportError { street, text, contact }: ReportError) -> Result<Id, Error> {
    if !is_published(host, &street)? {
        return Err(Error::not_found("没有这个街道 / there is no such street"));
    }
    if waiting(host, &street)? >= MOST_WAITING {
        return Err(Error::limit("该街道待处理的纠错较多，请稍后再提交 / too many corrections wait for the staff"));
    }
    let contact = contact.as_deref().map(str::trim).filter(|contact| !contact.is_empty());
    host.records().create("correction", &Correction { street: &street, text: text.trim(), contact })
}

/// The action sees every street; whoever calls it may know of the published ones only.
fn is_published(host: &Host, street: &Id) -> Result<bool, Error> {
    let published = Filter::and([Filter::eq("id", street), Filter::eq("state", "published")]);
    let page = host.storage().find::<Known>("street").filter(published).first(1).fields(&["code"]).page()?;
    Ok(!page.records.is_empty())
}

fn waiting(host: &Host, street: &Id) -> Result<usize, Error> {
    let of_street = Filter::eq("street", street);
    let find = host.storage().find::<Known>("correction").filter(of_street).first(ONE_MORE);
    Ok(find.fields(&["street"]).page()?.records.len())
}
