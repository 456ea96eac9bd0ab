//! The root mutation fields of a collection. Each is one command; expected outcomes are payload, not errors.

use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, TypeRef};
use serde_json::{Map, Value as Json};
use sunlit_app::query::record_get;
use sunlit_app::{AppError, Installed, command};
use sunlit_domain::ErrorCode;
use sunlit_domain::access::Root;
use sunlit_domain::id::{RecordId, lower_camel};
use sunlit_domain::manifest::{Collection, FieldType, Spelling};
use sunlit_domain::record::Record;

use crate::argument::lower_texts;
use crate::argument::record_id;
use crate::names::{Names, describe};
use crate::node::{Node, failed, installed, reading, settle};
use crate::scalar::{self, UserError};

/// What a mutation answers.
pub(crate) struct Payload {
    pub(crate) root: Root,
    pub(crate) installed: Arc<Installed>,
    pub(crate) record: Option<Arc<Record>>,
    pub(crate) errors: Vec<UserError>,
}

/// What is done with records.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
    Create,
    Update,
    Delete,
}

impl Verb {
    pub(crate) const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// What a mutation's name says.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update => "Update",
            Self::Delete => "Delete",
        }
    }
}

/// The payload type of `collection`.
pub(crate) fn payload(names: &Names, collection: &Collection) -> Object {
    let own = collection.name.as_str();
    Object::new(names.type_of(own, "Payload"))
        .description("成功时有 record，否则见 errors。 / A record, or what to correct.")
        .field(Field::new("record", TypeRef::named(names.type_of(own, "")), |ctx| {
            let payload = ctx.parent_value.try_downcast_ref::<Payload>().ok();
            FieldFuture::Value(payload.and_then(|payload| {
                let record = payload.record.clone()?;
                let installed = Arc::clone(&payload.installed);
                Some(FieldValue::owned_any(Node { root: payload.root, installed, record }))
            }))
        }))
        .field(scalar::errors(|payload: &Payload| &payload.errors))
}

/// The root fields that write `collection`'s records; none for a deed that no role may do.
pub(crate) fn fields(names: &Names, collection: &Collection) -> Vec<Field> {
    let access = &collection.access;
    let own = collection.name.as_str();
    let mut fields = Vec::new();
    let id = || InputValue::new("id", TypeRef::named_nn(TypeRef::ID));
    let version = || {
        InputValue::new("version", TypeRef::named_nn(TypeRef::INT))
            .description("读取时的版本；已被他人修改时返回 CONFLICT。 / The version that you read.")
    };
    let input = |suffix| InputValue::new("input", TypeRef::named_nn(names.type_of(own, suffix)));
    if !access.create.is_empty() {
        fields.push(field(names, collection, Verb::Create).argument(input("Create")));
    }
    if !access.update.is_empty() {
        let update = field(names, collection, Verb::Update).argument(id()).argument(version());
        fields.push(update.argument(input("Update")));
    }
    if !access.delete.is_empty() {
        fields.push(field(names, collection, Verb::Delete).argument(id()).argument(version()));
    }
    fields
}

fn field(names: &Names, collection: &Collection, verb: Verb) -> Field {
    let (package, name): (Arc<str>, Arc<str>) = (names.package().into(), collection.name.as_str().into());
    let type_ref = TypeRef::named(names.type_of(collection.name.as_str(), "Payload"));
    Field::new(names.mutation(verb.word(), collection), type_ref, move |ctx| {
        let (package, name) = (Arc::clone(&package), Arc::clone(&name));
        FieldFuture::new(async move { settle(&ctx, run(&ctx, verb, &package, &name).await) })
    })
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
    let outcome = write(ctx, verb, &installed, name).await?;
    let reading = reading(ctx)?.own();
    reading.renew().await;
    let (record, errors) = match outcome {
        // What the caller may write but not read is not shown.
        Ok(record) => (record_get::written(&reading, &installed.package, name, record).map(Arc::new), Vec::new()),
        Err(error) => (None, expected(ctx, &error)?),
    };
    Ok(Some(FieldValue::owned_any(Payload { root: reading.root(), installed, record, errors })))
}

async fn write(
    ctx: &ResolverContext<'_>,
    verb: Verb,
    installed: &Installed,
    name: &str,
) -> Result<Result<Record, AppError>, Error> {
    let reading = reading(ctx)?;
    let (app, scope, package) = (reading.app(), reading.scope(), &installed.package);
    let target = |ctx: &ResolverContext<'_>| -> Result<Option<(RecordId, i64)>, Error> {
        Ok(record_id(ctx).zip(Some(ctx.args.try_get("version")?.i64()?)))
    };
    Ok(match verb {
        Verb::Create => {
            let input = input(ctx, installed, name)?;
            command::record::create::run(app, scope, package, name, &input, Spelling::Api).await
        }
        Verb::Update => {
            let input = input(ctx, installed, name)?;
            match target(ctx)? {
                Some(target) => {
                    command::record::update::run(app, scope, package, name, target, &input, Spelling::Api).await
                }
                None => Err(AppError::NotFound),
            }
        }
        Verb::Delete => match target(ctx)? {
            Some(target) => command::record::delete::run(app, scope, package, name, target).await,
            None => Err(AppError::NotFound),
        },
    })
}

fn input(ctx: &ResolverContext<'_>, installed: &Installed, name: &str) -> Result<Map<String, Json>, Error> {
    let collection = installed.package.table(name).map_err(|error| failed(ctx, &error))?.collection();
    let json = ctx.args.try_get("input")?.as_value().clone().into_json()?;
    Ok(values(collection, json))
}

/// An input's values as the domain spells them: enum values are upper case in the API.
pub(crate) fn values(collection: &Collection, json: Json) -> Map<String, Json> {
    let Json::Object(mut object) = json else { return Map::new() };
    for field in collection.fields.iter().filter(|field| field.item_type() == FieldType::Enum) {
        if let Some(value) = object.get_mut(&lower_camel(field.name.as_str())) {
            lower_texts(value);
        }
    }
    object
}

/// The outcomes that a caller can correct, as payload; anything else stays an error.
pub(crate) fn expected(ctx: &ResolverContext<'_>, error: &AppError) -> Result<Vec<UserError>, Error> {
    let locale = reading(ctx)?.locale();
    let one = |code: ErrorCode, path: &str| {
        let detail = error.detail(locale).map(|detail| format!("：{detail}")).unwrap_or_default();
        vec![UserError { code, message: format!("{}{detail}", code.message(locale)), path: vec![path.to_owned()] }]
    };
    match error {
        AppError::Problems(problems) => Ok(problems
            .iter()
            .map(|problem| UserError {
                code: problem.code,
                message: problem.message(locale),
                path: vec!["input".to_owned(), problem.path.clone()],
            })
            .collect()),
        AppError::NotFound | AppError::BrokenReference => Ok(one(error.code(), "id")),
        AppError::Conflict { .. } => Ok(one(error.code(), "version")),
        other => Err(failed(ctx, other)),
    }
}
