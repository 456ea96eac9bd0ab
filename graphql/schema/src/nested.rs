//! Lists inside a record: the records of another collection that refer to it, gathered for a whole page of parents.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dataloader::{DataLoader, Loader};
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, ResolverContext, TypeRef};
use sunlit_app::AppError;
use sunlit_app::query::record_list::{List, Page};
use sunlit_app::query::record_nested;
use sunlit_domain::access::Root;
use sunlit_domain::filter::Filter;
use sunlit_domain::id::lower_camel;
use sunlit_domain::manifest::{Collection, Manifest, Referring};
use uuid::Uuid;

use crate::argument;
use crate::collection::wanted;
use crate::loader::{Gather, all_failed};
use crate::names::{Names, describe};
use crate::node::{Connection, Node, failed, settle};

/// Which records of which collection refer to a parent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    root: Root,
    package: Arc<str>,
    collection: Arc<str>,
    /// The index of the field that refers.
    by: usize,
}

/// The list of one parent. Lists that ask for the same are read together.
#[derive(Debug, Clone)]
pub(crate) struct ListKey {
    place: Place,
    parent: Uuid,
    /// What is asked for, and the same as text, by which requests are told apart.
    list: Arc<(String, List)>,
}

/// The number of one parent's records.
#[derive(Debug, Clone)]
pub(crate) struct CountKey {
    place: Place,
    parent: Uuid,
    filter: Arc<(String, Option<Filter>)>,
}

macro_rules! told_apart_by {
    ($key:ident, $what:ident) => {
        impl PartialEq for $key {
            fn eq(&self, other: &Self) -> bool {
                (&self.place, self.parent, &self.$what.0) == (&other.place, other.parent, &other.$what.0)
            }
        }

        impl Eq for $key {}

        impl Hash for $key {
            fn hash<H: Hasher>(&self, state: &mut H) {
                (&self.place, self.parent, &self.$what.0).hash(state);
            }
        }
    };
}
told_apart_by!(ListKey, list);
told_apart_by!(CountKey, filter);

impl Loader<ListKey> for Gather {
    /// One list's failure is its own: others of the batch answer.
    type Value = Result<Arc<Page>, Arc<AppError>>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[ListKey]) -> Result<HashMap<ListKey, Self::Value>, Arc<AppError>> {
        let mut groups: HashMap<_, Vec<&ListKey>> = HashMap::new();
        for key in keys {
            groups.entry((&key.place, key.list.0.as_str())).or_default().push(key);
        }
        let mut found = HashMap::new();
        for ((place, _), keys) in groups {
            let reading = self.0.through(place.root);
            let package = &reading.context().package(&place.package).map_err(Arc::new)?.package;
            let parents: Vec<Uuid> = keys.iter().map(|key| key.parent).collect();
            let Some(list) = keys.first().map(|key| key.list.1.clone()) else { continue };
            match record_nested::run(&reading, package, &place.collection, (place.by, &parents), list).await {
                Ok(mut lists) => {
                    let own = |key: &ListKey| Some((key.clone(), Ok(Arc::new(lists.remove(&key.parent)?))));
                    found.extend(keys.into_iter().filter_map(own));
                }
                Err(error) => found.extend(all_failed(keys, error)),
            }
        }
        Ok(found)
    }
}

impl Loader<CountKey> for Gather {
    type Value = Result<i64, Arc<AppError>>;
    type Error = Arc<AppError>;

    async fn load(&self, keys: &[CountKey]) -> Result<HashMap<CountKey, Self::Value>, Arc<AppError>> {
        let mut groups: HashMap<_, Vec<&CountKey>> = HashMap::new();
        for key in keys {
            groups.entry((&key.place, key.filter.0.as_str())).or_default().push(key);
        }
        let mut found = HashMap::new();
        for ((place, _), keys) in groups {
            let reading = self.0.through(place.root);
            let package = &reading.context().package(&place.package).map_err(Arc::new)?.package;
            let parents: Vec<Uuid> = keys.iter().map(|key| key.parent).collect();
            let Some(filter) = keys.first().map(|key| key.filter.1.clone()) else { continue };
            let by = (place.by, parents.as_slice());
            match record_nested::count(&reading, package, &place.collection, by, filter).await {
                Ok(counts) => {
                    let own = |key: &CountKey| (key.clone(), Ok(counts.get(&key.parent).copied().unwrap_or(0)));
                    found.extend(keys.into_iter().map(own));
                }
                Err(error) => found.extend(all_failed(keys, error)),
            }
        }
        Ok(found)
    }
}

/// The fields of `collection`'s records that list what refers to them.
pub(crate) fn fields(names: &Names, manifest: &Manifest, collection: &Collection) -> Vec<Field> {
    manifest.referring(collection).map(|referring| field(names, &referring)).collect()
}

fn field(names: &Names, referring: &Referring<'_>) -> Field {
    let (collection, by) = (referring.collection, referring.field);
    let (package, name): (Arc<str>, Arc<str>) = (names.package().into(), collection.name.as_str().into());
    let type_ref = TypeRef::named(names.type_of(&name, "Connection"));
    let field = Field::new(lower_camel(&referring.name()), type_ref, move |ctx| {
        let (package, collection) = (Arc::clone(&package), Arc::clone(&name));
        FieldFuture::new(async move { settle(&ctx, page(&ctx, package, collection, by).await) })
    });
    argument::listing(field, names, collection)
        .description(describe(&collection.title, collection.fields[by].description.as_ref()))
}

async fn page<'a>(
    ctx: &ResolverContext<'a>,
    package: Arc<str>,
    name: Arc<str>,
    by: usize,
) -> Result<Option<FieldValue<'a>>, Error> {
    let node = ctx.parent_value.try_downcast_ref::<Node>()?;
    let (root, installed) = (node.root, Arc::clone(&node.installed));
    let collection = installed.package.table(&name).map_err(|error| failed(ctx, &error))?.collection();
    let mut list = argument::list(ctx, collection)?;
    list.slots = Some(wanted(ctx, collection));
    let (filter, order) = (list.filter.clone(), list.order.clone());
    let place = Place { root, package, collection: Arc::clone(&name), by };
    let key = ListKey { place: place.clone(), parent: node.record.id.0, list: Arc::new((format!("{list:?}"), list)) };
    let loaded = ctx.ctx.data::<DataLoader<Gather>>()?.load_one(key).await.and_then(Option::transpose);
    let page = loaded.map_err(|error| failed(ctx, &error))?;
    let (records, page) = match page.map(Arc::unwrap_or_clone) {
        Some(mut page) => (std::mem::take(&mut page.records), page),
        None => (Vec::new(), Page::empty(order)),
    };
    let records = records.into_iter().map(Arc::new).collect();
    let of = Some((place, node.record.id.0));
    Ok(Some(FieldValue::owned_any(Connection { root, installed, collection: name, filter, of, page, records })))
}

/// How many records a parent's list has in all.
pub(crate) async fn count(
    ctx: &ResolverContext<'_>,
    (place, parent): (Place, Uuid),
    filter: Option<Filter>,
) -> Result<i64, Error> {
    let key = CountKey { place, parent, filter: Arc::new((format!("{filter:?}"), filter)) };
    let counted = ctx.ctx.data::<DataLoader<Gather>>()?.load_one(key).await.and_then(Option::transpose);
    Ok(counted.map_err(|error| failed(ctx, &error))?.unwrap_or(0))
}
