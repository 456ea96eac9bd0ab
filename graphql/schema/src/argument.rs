//! Arguments of list fields as the domain reads them.

use async_graphql::Error;
use async_graphql::dynamic::ResolverContext;
use serde_json::Value as Json;
use sunlit_app::AppError;
use sunlit_app::query::record_list::{List, MAX_FIRST};
use sunlit_domain::filter::{self, Purpose};
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Collection, FieldType, Spelling};
use sunlit_domain::page::Order;

use crate::node::failed;

/// How many records a list answers when the caller does not say.
pub(crate) const DEFAULT_FIRST: u32 = 20;

/// Reads `id`; what is no id leads nowhere, like one of another tenant.
pub(crate) fn record_id(ctx: &ResolverContext<'_>) -> Option<RecordId> {
    ctx.args.get("id")?.string().ok()?.parse().ok()
}

/// Reads `first`.
pub(crate) fn first(ctx: &ResolverContext<'_>) -> Result<u32, Error> {
    match ctx.args.get("first") {
        Some(first) if !first.is_null() => {
            let asked = first.i64()?;
            u32::try_from(asked)
                .map_err(|_| failed(ctx, &AppError::Limit(format!("first is {asked}: ask for 1 to {MAX_FIRST}"))))
        }
        _ => Ok(DEFAULT_FIRST),
    }
}

/// Reads `first`, `after`, `filter` and `order`.
pub(crate) fn list(ctx: &ResolverContext<'_>, collection: &Collection) -> Result<List, Error> {
    let first = first(ctx)?;
    let after = match ctx.args.get("after") {
        Some(after) if !after.is_null() => Some(after.string()?.to_owned()),
        _ => None,
    };
    let filter = match ctx.args.get("filter") {
        Some(given) if !given.is_null() => {
            let mut json = given.as_value().clone().into_json()?;
            lower_enums(collection, &mut json);
            let parsed = filter::parse(collection, &json, Spelling::Api, Purpose::Viewer);
            Some(parsed.map_err(|error| failed(ctx, &error.into()))?)
        }
        _ => None,
    };
    let order = match ctx.args.get("order") {
        Some(given) if !given.is_null() => {
            let mut names = Vec::new();
            for item in given.list()?.iter() {
                names.push(order_name(item.enum_name()?));
            }
            Order::read(collection, names.iter().map(String::as_str), false)
                .map_err(|error| failed(ctx, &error.into()))?
        }
        _ => Order::default(),
    };
    Ok(List { filter, order, first, after, slots: None })
}

/// `OPENED_ON_DESC` as `-opened_on`.
fn order_name(item: &str) -> String {
    let lower = item.to_ascii_lowercase();
    match lower.strip_suffix("_desc") {
        Some(name) => format!("-{name}"),
        None => lower.strip_suffix("_asc").unwrap_or(&lower).to_owned(),
    }
}

/// Enum values are upper case in the API and as declared in the domain.
fn lower_enums(collection: &Collection, json: &mut Json) {
    match json {
        Json::Array(items) => items.iter_mut().for_each(|item| lower_enums(collection, item)),
        Json::Object(object) => {
            for (name, value) in object {
                match collection.field(name, Spelling::Api) {
                    Some((_, field)) if field.field_type == FieldType::Enum => lower_texts(value),
                    _ => lower_enums(collection, value),
                }
            }
        }
        _ => {}
    }
}

/// Lowers every text in `json`.
pub(crate) fn lower_texts(json: &mut Json) {
    match json {
        Json::String(text) => *text = text.to_ascii_lowercase(),
        Json::Array(items) => items.iter_mut().for_each(lower_texts),
        Json::Object(object) => object.values_mut().for_each(lower_texts),
        _ => {}
    }
}
