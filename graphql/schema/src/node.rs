//! What stands behind an object while a request is answered.

use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dynamic::{FieldValue, ResolverContext};
use sunlit_app::query::record_list::Page;
use sunlit_app::{AppError, Installed, Reading};
use sunlit_domain::access::Root;
use sunlit_domain::filter::Filter;
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use uuid::Uuid;

use crate::error::{TraceId, to_gql};
use crate::nested::Place;
use crate::subscription::Settled;

/// A record behind an object of a collection's type.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) root: Root,
    pub(crate) installed: Arc<Installed>,
    pub(crate) record: Arc<Record>,
}

/// A page behind a connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) root: Root,
    pub(crate) installed: Arc<Installed>,
    pub(crate) collection: Arc<str>,
    pub(crate) filter: Option<Filter>,
    /// The parent of a list inside a record.
    pub(crate) of: Option<(Place, Uuid)>,
    pub(crate) page: Page,
    pub(crate) records: Vec<Arc<Record>>,
}

/// The values behind an object type that a query answered.
#[derive(Debug)]
pub(crate) struct ObjectNode {
    pub(crate) root: Root,
    pub(crate) values: Vec<Value>,
}

/// The request's reading, through the public root.
pub(crate) fn reading<'a>(ctx: &ResolverContext<'a>) -> Result<&'a Reading, Error> {
    ctx.ctx.data::<Reading>()
}

/// The root below which a field of a package's namespace stands.
pub(crate) fn root(ctx: &ResolverContext<'_>) -> Root {
    ctx.parent_value.try_downcast_ref::<Root>().copied().unwrap_or(Root::Public)
}

/// The package as the request's tenant has enabled it.
pub(crate) fn installed(ctx: &ResolverContext<'_>, package: &str) -> Result<Arc<Installed>, Error> {
    let reading = reading(ctx)?;
    reading.context().package(package).cloned().map_err(|error| failed(ctx, &error))
}

/// Settles a field that may fail: the failure is told with the field's path, and costs that field alone. The library would
/// leave the path out. Only for nullable fields.
pub(crate) fn settle<'a>(
    ctx: &ResolverContext<'_>,
    result: Result<Option<FieldValue<'a>>, Error>,
) -> Result<Option<FieldValue<'a>>, Error> {
    result.or_else(|error| {
        let error = ctx.ctx.set_error_path(error.into_server_error(ctx.ctx.item.pos));
        match ctx.ctx.data_opt::<Settled>() {
            Some(settled) => settled.push(error),
            None => ctx.ctx.add_error(error),
        }
        Ok(None)
    })
}

/// A use case's failure as this field's error.
pub(crate) fn failed(ctx: &ResolverContext<'_>, error: &AppError) -> Error {
    let locale = ctx.ctx.data::<Reading>().map(Reading::locale).unwrap_or_default();
    let none = TraceId(String::new());
    to_gql(error, locale, ctx.ctx.data::<TraceId>().unwrap_or(&none))
}
