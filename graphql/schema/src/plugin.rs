//! What a package's component resolves: queries, and the object types they answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, Type, TypeRef};
use sunlit_app::query::{plugin_resolve, record_get};
use sunlit_app::tokens::Answer;
use sunlit_app::{AppError, Installed};
use sunlit_domain::ErrorCode;
use sunlit_domain::access::Root;
use sunlit_domain::id::{RecordId, lower_camel};
use sunlit_domain::manifest::{self, FieldType, Manifest, ObjectType, Query, Returned, Returns};
use sunlit_domain::record::{Problem, Record};
use sunlit_domain::value::Value;

use crate::argument::lower_texts;
use crate::names::{Names, describe};
use crate::node::{Node, ObjectNode, failed, installed, reading, root, settle};
use crate::reference::Target;
use crate::scalar::{self, shaped, to_gql};

/// The object types of the package, and the enums of its objects and arguments.
pub(crate) fn types(names: &Names, manifest: &Manifest) -> Vec<Type> {
    let mut types = Vec::new();
    for object in &manifest.objects {
        let owner = object.name.as_str();
        types.push(object_type(names, object).into());
        types.extend(object.fields.iter().filter_map(|field| scalar::enum_type(names, owner, field)).map(Type::from));
    }
    for query in &manifest.queries {
        let owner = query.name.as_str();
        types.extend(query.args.iter().filter_map(|arg| scalar::enum_type(names, owner, arg)).map(Type::from));
    }
    types
}

fn object_type(names: &Names, object: &ObjectType) -> Object {
    let mut built = Object::new(names.type_of(object.name.as_str(), ""));
    if let Some(title) = &object.title {
        built = built.description(describe(title, None));
    }
    object
        .fields
        .iter()
        .enumerate()
        .fold(built, |built, (index, field)| built.field(object_field(names, object.name.as_str(), field, index)))
}

fn object_field(names: &Names, owner: &str, field: &manifest::Field, index: usize) -> Field {
    let name = lower_camel(field.name.as_str());
    let built = match &field.to {
        // Nullable: the viewer may not be allowed to read what the plugin names.
        Some(to) => {
            let target = Target::of(names, to, false);
            Field::new(name, shaped(field, names.referred(to), false), move |ctx| {
                let target = target.clone();
                FieldFuture::new(async move {
                    let node = ctx.parent_value.try_downcast_ref::<ObjectNode>()?;
                    let Some(value) = node.values.get(index) else { return Ok(None) };
                    settle(&ctx, target.follow(&ctx, node.root, value).await)
                })
            })
        }
        None => {
            let field_type = field.item_type();
            Field::new(name, scalar::output_ref(names, owner, field, field.required), move |ctx| {
                let node = ctx.parent_value.try_downcast_ref::<ObjectNode>().ok();
                let value = node.and_then(|node| node.values.get(index));
                FieldFuture::Value(value.and_then(|value| to_gql(Some(field_type), value)))
            })
        }
    };
    built.description(describe(&field.label(), field.description.as_ref()))
}

/// The query fields in the package's namespace.
pub(crate) fn fields(names: &Names, manifest: &Manifest) -> Vec<Field> {
    manifest.queries.iter().filter_map(|query| field(names, manifest, query)).collect()
}

fn field(names: &Names, manifest: &Manifest, query: &Query) -> Option<Field> {
    let type_ref = answer_type(names, manifest, &query.returns)?;
    let (package, name): (Arc<str>, Arc<str>) = (names.package().into(), query.name.as_str().into());
    let built = Field::new(lower_camel(query.name.as_str()), type_ref, move |ctx| {
        let (package, name) = (Arc::clone(&package), Arc::clone(&name));
        FieldFuture::new(async move { settle(&ctx, resolve(&ctx, &package, &name).await) })
    });
    let built = query.args.iter().fold(built, |built, arg| {
        let needed = arg.required && arg.default.is_none();
        let type_ref = scalar::input_ref(names, query.name.as_str(), arg, needed);
        let description = describe(&arg.label(), arg.description.as_ref());
        built.argument(InputValue::new(lower_camel(arg.name.as_str()), type_ref).description(description))
    });
    Some(built.description(describe(&query.title, query.description.as_ref())))
}

/// The type of what a component answers. Nullable, so that a plugin that fails costs its own field and nothing else.
pub(crate) fn answer_type(names: &Names, manifest: &Manifest, returns: &Returns) -> Option<TypeRef> {
    let item = match manifest.returned(returns)? {
        Returned::Scalar(kind) => scalar::output_type(kind).to_owned(),
        Returned::Object(object) => names.type_of(object.name.as_str(), ""),
        Returned::Collection(collection) => names.type_of(collection.name.as_str(), ""),
    };
    Some(if returns.is_list() { TypeRef::named_nn_list(item) } else { TypeRef::named(item) })
}

async fn resolve<'a>(ctx: &ResolverContext<'a>, package: &str, name: &str) -> Result<Option<FieldValue<'a>>, Error> {
    let installed = installed(ctx, package)?;
    let manifest = Arc::clone(&installed.package.manifest);
    let query = manifest.query(name).ok_or_else(|| failed(ctx, &AppError::NotFound))?;
    let args = arguments(ctx, &query.args).map_err(|error| failed(ctx, &error))?;
    let root = root(ctx);
    let answer = plugin_resolve::query(&reading(ctx)?.through(root), &installed, query, &args).await;
    let answer = answer.map_err(|error| failed(ctx, &error))?;
    match manifest.returned(&query.returns) {
        Some(Returned::Collection(collection)) => {
            records(ctx, root, &installed, collection.name.as_str(), answer, query.returns.is_list()).await
        }
        _ => Ok(value(root, answer)),
    }
}

/// The arguments in declared order, checked by their rules.
pub(crate) fn arguments(ctx: &ResolverContext<'_>, declared: &[manifest::Field]) -> Result<Vec<Value>, AppError> {
    let mut values = Vec::new();
    let mut problems = Vec::new();
    for arg in declared {
        let path = lower_camel(arg.name.as_str());
        let given = ctx.args.get(&path).filter(|given| !given.is_null());
        let value = match given {
            None => Ok(arg.default_value()),
            Some(given) => {
                let given = given.as_value().clone().into_json();
                let mut json = given.map_err(|error| AppError::Argument(error.to_string()))?;
                if arg.item_type() == FieldType::Enum {
                    lower_texts(&mut json);
                }
                Value::from_json(arg.kind(), &json)
            }
        };
        match value {
            Err(error) => problems.push(Problem::of(arg, &path, ErrorCode::InvalidInput, "form", error.0)),
            Ok(value) => match arg.check(&value) {
                Ok(()) => values.push(value),
                Err(broken) => {
                    problems.push(Problem::of(arg, &path, ErrorCode::InvalidInput, broken.rule, broken.bound));
                }
            },
        }
    }
    if problems.is_empty() { Ok(values) } else { Err(AppError::Problems(problems)) }
}

/// What the component answered, as the API answers it.
pub(crate) fn value(root: Root, answer: Answer) -> Option<FieldValue<'static>> {
    match answer {
        Answer::Scalar(value) => to_gql(None, &value),
        Answer::Object(values) => Some(FieldValue::owned_any(ObjectNode { root, values })),
        Answer::List(items) => {
            let items = items.into_iter().filter_map(|item| value(root, item));
            Some(FieldValue::list(items.collect::<Vec<_>>()))
        }
    }
}

/// The records that the plugin named, in its order: those that the viewer may read.
pub(crate) async fn records<'a>(
    ctx: &ResolverContext<'a>,
    root: Root,
    installed: &Arc<Installed>,
    collection: &str,
    answer: Answer,
    many: bool,
) -> Result<Option<FieldValue<'a>>, Error> {
    let items = match answer {
        Answer::List(items) => items,
        one => vec![one],
    };
    let ids: Vec<RecordId> = items
        .into_iter()
        .filter_map(|item| match item.into_scalar() {
            Value::Id(id) => Some(RecordId(id)),
            _ => None,
        })
        .collect();
    let distinct: Vec<RecordId> = ids.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let found = record_get::by_ids(&reading(ctx)?.through(root), &installed.package, collection, &distinct).await;
    let found = found.map_err(|error| failed(ctx, &error))?.into_iter().map(|record| (record.id, Arc::new(record)));
    let found: BTreeMap<RecordId, Arc<Record>> = found.collect();
    let mut nodes = ids.iter().filter_map(|id| found.get(id)).map(|record| {
        FieldValue::owned_any(Node { root, installed: Arc::clone(installed), record: Arc::clone(record) })
    });
    if many { Ok(Some(FieldValue::list(nodes.collect::<Vec<_>>()))) } else { Ok(nodes.next()) }
}
