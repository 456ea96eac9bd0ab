//! The query fields of a collection: one by id, and lists.

use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, ResolverContext, TypeRef};
use sunlit_app::query::{record_get, record_list};
use sunlit_domain::id::lower_camel;
use sunlit_domain::manifest::Collection;

use crate::aggregate;
use crate::argument;
use crate::collection::wanted;
use crate::names::{Names, describe};
use crate::node::{Connection, Node, failed, installed, reading, root, settle};

/// The fields of `collection` in its package's namespace.
pub(crate) fn fields(names: &Names, collection: &Collection) -> [Field; 3] {
    [one(names, collection), list(names, collection), aggregate::field(names, collection)]
}

fn one(names: &Names, collection: &Collection) -> Field {
    let (package, name): (Arc<str>, Arc<str>) = (names.package().into(), collection.name.as_str().into());
    let type_ref = TypeRef::named(names.type_of(collection.name.as_str(), ""));
    Field::new(lower_camel(collection.name.as_str()), type_ref, move |ctx| {
        let (package, name) = (Arc::clone(&package), Arc::clone(&name));
        FieldFuture::new(async move { settle(&ctx, get(&ctx, &package, &name).await) })
    })
    .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
    .description(describe(&collection.title, collection.description.as_ref()))
}

async fn get<'a>(ctx: &ResolverContext<'a>, package: &str, name: &str) -> Result<Option<FieldValue<'a>>, Error> {
    let installed = installed(ctx, package)?;
    let Some(id) = argument::record_id(ctx) else { return Ok(None) };
    let root = root(ctx);
    let found = record_get::by_ids(&reading(ctx)?.through(root), &installed.package, name, &[id]).await;
    let record = found.map_err(|error| failed(ctx, &error))?.pop();
    Ok(record.map(|record| FieldValue::owned_any(Node { root, installed, record: Arc::new(record) })))
}

fn list(names: &Names, collection: &Collection) -> Field {
    let (package, name): (Arc<str>, Arc<str>) = (names.package().into(), collection.name.as_str().into());
    let own = collection.name.as_str();
    // Nullable, so that a list that fails costs itself and nothing else.
    let type_ref = TypeRef::named(names.type_of(own, "Connection"));
    let field = Field::new(lower_camel(&collection.plural()), type_ref, move |ctx| {
        let (package, name) = (Arc::clone(&package), Arc::clone(&name));
        FieldFuture::new(async move { settle(&ctx, page(&ctx, &package, name).await) })
    });
    argument::listing(field, names, collection)
        .description(describe(&collection.title, collection.description.as_ref()))
}

async fn page<'a>(ctx: &ResolverContext<'a>, package: &str, name: Arc<str>) -> Result<Option<FieldValue<'a>>, Error> {
    let installed = installed(ctx, package)?;
    let collection = installed.package.table(&name).map_err(|error| failed(ctx, &error))?.collection();
    let mut list = argument::list(ctx, collection)?;
    list.slots = Some(wanted(ctx, collection));
    let filter = list.filter.clone();
    let root = root(ctx);
    let found =
        record_list::run(&reading(ctx)?.through(root), &installed.package, &name, list, record_list::MAX_FIRST).await;
    let mut page = found.map_err(|error| failed(ctx, &error))?;
    let records = std::mem::take(&mut page.records).into_iter().map(Arc::new).collect();
    Ok(Some(FieldValue::owned_any(Connection { root, installed, collection: name, filter, of: None, page, records })))
}
