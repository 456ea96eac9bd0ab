//! Arguments of list fields as the domain reads them.

use async_graphql::Error;
use async_graphql::dynamic::{Field, InputValue, ResolverContext, TypeRef};
use serde_json::Value as Json;
use sunlit_app::AppError;
use sunlit_app::query::record_list::{List, MAX_FIRST};
use sunlit_app::query::search;
use sunlit_domain::filter::{self, Filter, Purpose};
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{Collection, FieldType, Spelling};
use sunlit_domain::page::Order;

use crate::names::Names;
use crate::node::{failed, reading};

/// How many records a list answers when the caller does not say.
pub(crate) const DEFAULT_FIRST: u32 = 20;

/// Reads `id`; what is no id leads nowhere, like one of another tenant.
pub(crate) fn record_id(ctx: &ResolverContext<'_>) -> Option<RecordId> {
    ctx.args.get("id")?.string().ok()?.parse().ok()
}

/// Reads a number from 1 to `most`.
pub(crate) fn count(ctx: &ResolverContext<'_>, name: &str, usual: u32, most: u32) -> Result<u32, Error> {
    match ctx.args.get(name) {
        Some(given) if !given.is_null() => {
            let asked = given.i64()?;
            u32::try_from(asked)
                .map_err(|_| failed(ctx, &AppError::Limit(format!("{name} is {asked}: ask for 1 to {most}"))))
        }
        _ => Ok(usual),
    }
}

/// Reads `first`.
pub(crate) fn first(ctx: &ResolverContext<'_>) -> Result<u32, Error> {
    count(ctx, "first", DEFAULT_FIRST, MAX_FIRST)
}

/// Gives a field the arguments `filter` and, where something is searched, `search`.
pub(crate) fn narrowing(field: Field, names: &Names, collection: &Collection) -> Field {
    let filter = InputValue::new("filter", TypeRef::named(names.type_of(collection.name.as_str(), "Filter")));
    let field = field.argument(filter);
    if !collection.fields.iter().any(|field| field.search) {
        return field;
    }
    let search = InputValue::new("search", TypeRef::named(TypeRef::STRING));
    field.argument(search.description("含有全部词语的记录，词语以空格分隔。 / Records that hold every word."))
}

/// Gives a field the arguments of a list.
pub(crate) fn listing(field: Field, names: &Names, collection: &Collection) -> Field {
    let order = names.type_of(collection.name.as_str(), "Order");
    let field = field
        .argument(InputValue::new("first", TypeRef::named(TypeRef::INT)).default_value(DEFAULT_FIRST))
        .argument(InputValue::new("after", TypeRef::named(TypeRef::STRING)));
    narrowing(field, names, collection).argument(InputValue::new("order", TypeRef::named_nn_list(order)))
}

/// Reads `filter` and `search`.
pub(crate) fn narrowed(ctx: &ResolverContext<'_>, collection: &Collection) -> Result<Option<Filter>, Error> {
    let viewer = Purpose::Viewer(reading(ctx)?.scope().actor());
    let filter = match ctx.args.get("filter") {
        Some(given) if !given.is_null() => {
            let mut json = given.as_value().clone().into_json()?;
            lower_enums(collection, &mut json);
            let parsed = filter::parse(collection, &json, Spelling::Api, viewer);
            Some(parsed.map_err(|error| failed(ctx, &error.into()))?)
        }
        _ => None,
    };
    let words = match ctx.args.get("search") {
        Some(given) if !given.is_null() => {
            Some(search::admits(collection, given.string()?).map_err(|error| failed(ctx, &error))?)
        }
        _ => None,
    };
    Ok(match (filter, words) {
        (Some(filter), Some(words)) => Some(filter.and(words)),
        (filter, words) => filter.or(words),
    })
}

/// Reads `first`, `after`, `filter`, `search` and `order`.
pub(crate) fn list(ctx: &ResolverContext<'_>, collection: &Collection) -> Result<List, Error> {
    let viewer = Purpose::Viewer(reading(ctx)?.scope().actor());
    let first = first(ctx)?;
    let after = match ctx.args.get("after") {
        Some(after) if !after.is_null() => Some(after.string()?.to_owned()),
        _ => None,
    };
    let filter = narrowed(ctx, collection)?;
    let order = match ctx.args.get("order") {
        Some(given) if !given.is_null() => {
            let mut names = Vec::new();
            for item in given.list()?.iter() {
                names.push(order_name(item.enum_name()?));
            }
            Order::read(collection, names.iter().map(String::as_str), viewer)
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
                    Some((_, field)) if field.item_type() == FieldType::Enum => lower_texts(value),
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
