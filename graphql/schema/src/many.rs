//! Root mutations about several records of a collection: all of them or none, in one transaction.

use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputObject, InputValue, Object, ResolverContext, Type, TypeRef,
};
use serde_json::{Map, Value as Json};
use sunlit_app::command::record::many::{self, MAX_MANY, One, Refused};
use sunlit_app::query::record_get;
use sunlit_app::{AppError, Installed};
use sunlit_domain::access::Root;
use sunlit_domain::manifest::{Collection, Spelling};
use sunlit_domain::record::Record;

use crate::mutation::{Verb, expected, values};
use crate::names::{Names, describe};
use crate::node::{Node, failed, installed, reading, settle};
use crate::scalar::{self, UserError};

const TARGET: &str = "RecordVersion";

/// What a mutation of several records answers.
struct Payload {
    root: Root,
    installed: Arc<Installed>,
    records: Vec<Arc<Record>>,
    errors: Vec<UserError>,
}

/// The argument that lists the records.
pub(crate) fn argument(verb: Verb) -> &'static str {
    match verb {
        Verb::Create => "inputs",
        Verb::Update => "changes",
        Verb::Delete => "records",
    }
}

/// The shared input: a record at the version that was read.
pub(crate) fn target() -> InputObject {
    versioned(InputObject::new(TARGET)).description("记录及读取时的版本。 / A record and the version that you read.")
}

fn versioned(input: InputObject) -> InputObject {
    input
        .field(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
        .field(InputValue::new("version", TypeRef::named_nn(TypeRef::INT)))
}

/// The types of a collection's mutations of several records.
pub(crate) fn types(names: &Names, collection: &Collection) -> Vec<Type> {
    let own = collection.name.as_str();
    let change = versioned(InputObject::new(names.type_of(own, "UpdateOne")))
        .field(InputValue::new("input", TypeRef::named_nn(names.type_of(own, "Update"))));
    let payload = Object::new(names.type_of(own, "ManyPayload"))
        .description("全部成功时有 records，否则一条也不写入，见 errors。 / All records, or what to correct and none.")
        .field(Field::new("records", TypeRef::named_nn_list_nn(names.type_of(own, "")), |ctx| {
            let payload = ctx.parent_value.try_downcast_ref::<Payload>().ok();
            FieldFuture::Value(payload.map(|payload| {
                let node = |record: &Arc<Record>| {
                    let (root, installed) = (payload.root, Arc::clone(&payload.installed));
                    FieldValue::owned_any(Node { root, installed, record: Arc::clone(record) })
                };
                FieldValue::list(payload.records.iter().map(node))
            }))
        }))
        .field(scalar::errors(|payload: &Payload| &payload.errors));
    vec![change.into(), payload.into()]
}

/// The root fields that write several of `collection`'s records; none for a deed that no role may do.
pub(crate) fn fields(names: &Names, collection: &Collection) -> Vec<Field> {
    let (access, own) = (&collection.access, collection.name.as_str());
    let deeds = [
        (Verb::Create, access.create.is_empty(), names.type_of(own, "Create")),
        (Verb::Update, access.update.is_empty(), names.type_of(own, "UpdateOne")),
        (Verb::Delete, access.delete.is_empty(), TARGET.to_owned()),
    ];
    let open = deeds.into_iter().filter(|(_, closed, _)| !closed);
    open.map(|(verb, _, item)| field(names, collection, verb, &item)).collect()
}

fn field(names: &Names, collection: &Collection, verb: Verb, item: &str) -> Field {
    let (package, name): (Arc<str>, Arc<str>) = (names.package().into(), collection.name.as_str().into());
    let type_ref = TypeRef::named(names.type_of(collection.name.as_str(), "ManyPayload"));
    let list = InputValue::new(argument(verb), TypeRef::named_nn_list_nn(item));
    let list = list.description(format!("最多 {MAX_MANY} 条。 / At most {MAX_MANY}."));
    Field::new(names.mutation_of_many(verb.word(), collection), type_ref, move |ctx| {
        let (package, name) = (Arc::clone(&package), Arc::clone(&name));
        FieldFuture::new(async move { settle(&ctx, run(&ctx, verb, &package, &name).await) })
    })
    .argument(list)
    .description(describe(&collection.title, None))
}

async fn run<'a>(
    ctx: &ResolverContext<'a>,
    verb: Verb,
    package: &str,
    name: &str,
) -> Result<Option<FieldValue<'a>>, Error> {
    let installed = installed(ctx, package)?;
    // What was shown of a command before holds a connection.
    reading(ctx)?.renew().await;
    let outcome = match asked(ctx, verb, &installed, name)? {
        Ok(many) => {
            let reading = reading(ctx)?;
            let (app, scope) = (reading.app(), reading.scope());
            many::run(app, scope, &installed.package, name, &many, Spelling::Api).await
        }
        Err(refused) => Err(refused),
    };
    let reading = reading(ctx)?.own();
    reading.renew().await;
    let (records, errors) = match outcome {
        // What the caller may write but not read is not shown.
        Ok(records) => {
            let shown = |record| record_get::written(&reading, &installed.package, name, record).map(Arc::new);
            (records.into_iter().filter_map(shown).collect(), Vec::new())
        }
        Err(refused) => (Vec::new(), told(ctx, verb, &refused)?),
    };
    Ok(Some(FieldValue::owned_any(Payload { root: reading.root(), installed, records, errors })))
}

/// What is asked for; the place of the first id that is none.
fn asked(
    ctx: &ResolverContext<'_>,
    verb: Verb,
    installed: &Installed,
    name: &str,
) -> Result<Result<Vec<One>, Refused>, Error> {
    let collection = installed.package.table(name).map_err(|error| failed(ctx, &error))?.collection();
    let json = ctx.args.try_get(argument(verb))?.as_value().clone().into_json()?;
    let Json::Array(items) = json else { return Ok(Ok(Vec::new())) };
    let mut many = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        match one(collection, verb, item) {
            Some(one) => many.push(one),
            None => return Ok(Err(vec![(Some(index), AppError::NotFound)])),
        }
    }
    Ok(Ok(many))
}

fn one(collection: &Collection, verb: Verb, item: Json) -> Option<One> {
    if matches!(verb, Verb::Create) {
        return Some(One::Create(values(collection, item)));
    }
    let Json::Object(mut item) = item else { return None };
    let (id, version) = (item.get("id")?.as_str()?.parse().ok()?, item.get("version")?.as_i64()?);
    Some(match verb {
        Verb::Update => {
            let input = item.remove("input").unwrap_or_else(|| Json::Object(Map::new()));
            One::Update(id, version, values(collection, input))
        }
        _ => One::Delete(id, version),
    })
}

/// What is to be corrected, each with the place of its record: `inputs`, `3`, `name`.
fn told(ctx: &ResolverContext<'_>, verb: Verb, refused: &[(Option<usize>, AppError)]) -> Result<Vec<UserError>, Error> {
    let mut errors = Vec::new();
    for (index, error) in refused {
        for mut one in expected(ctx, error)? {
            if matches!(verb, Verb::Create) {
                one.path.retain(|step| step != "input");
            }
            let place = [argument(verb).to_owned()].into_iter().chain(index.map(|index| index.to_string()));
            one.path = place.chain(one.path).collect();
            errors.push(one);
        }
    }
    Ok(errors)
}
