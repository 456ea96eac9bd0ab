//! The root mutation fields that a package's component resolves. Expected outcomes are payload, not errors.

use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, Type, TypeRef};
use sunlit_app::tokens::Answer;
use sunlit_app::{AppError, Installed, action};
use sunlit_domain::ErrorCode;
use sunlit_domain::access::Root;
use sunlit_domain::id::lower_camel;
use sunlit_domain::manifest::{Action, Manifest, Returned};

use crate::names::{Names, describe};
use crate::node::{failed, installed, reading, settle};
use crate::plugin;
use crate::scalar::{self, UserError};

/// What an action answers.
struct Payload {
    root: Root,
    installed: Arc<Installed>,
    action: Arc<str>,
    answer: Option<Answer>,
    errors: Vec<UserError>,
}

/// The payloads of the package's actions, and the enums of their arguments.
pub(crate) fn types(names: &Names, manifest: &Manifest) -> Vec<Type> {
    let mut types = Vec::new();
    for action in &manifest.actions {
        let owner = action.name.as_str();
        types.push(payload(names, manifest, action).into());
        types.extend(action.args.iter().filter_map(|arg| scalar::enum_type(names, owner, arg)).map(Type::from));
    }
    types
}

fn payload(names: &Names, manifest: &Manifest, action: &Action) -> Object {
    let errors = scalar::errors(|payload: &Payload| &payload.errors);
    let object = Object::new(names.type_of(action.name.as_str(), "Payload"))
        .description(
            "errors 为空即已完成；否则什么也没有改变。 / Without errors it is done; with one nothing has changed.",
        )
        .field(errors);
    let Some(type_ref) = action.returns.as_ref().and_then(|returns| plugin::answer_type(names, manifest, returns))
    else {
        return object;
    };
    object
        .field(Field::new("result", type_ref, |ctx| FieldFuture::new(async move { settle(&ctx, result(&ctx).await) })))
}

async fn result<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let payload = ctx.parent_value.try_downcast_ref::<Payload>()?;
    let Some(answer) = payload.answer.clone() else { return Ok(None) };
    let manifest = &payload.installed.package.manifest;
    let returns = manifest.action(&payload.action).and_then(|action| action.returns.as_ref());
    match returns.and_then(|returns| Some((manifest.returned(returns)?, returns.is_list()))) {
        Some((Returned::Collection(collection), many)) => {
            plugin::records(ctx, payload.root, &payload.installed, collection.name.as_str(), answer, many).await
        }
        _ => Ok(plugin::value(payload.root, answer)),
    }
}

/// The root fields of the package's actions.
pub(crate) fn fields(names: &Names, manifest: &Manifest) -> Vec<Field> {
    manifest.actions.iter().map(|action| field(names, action)).collect()
}

fn field(names: &Names, action: &Action) -> Field {
    let (package, name): (Arc<str>, Arc<str>) = (names.package().into(), action.name.as_str().into());
    let type_ref = TypeRef::named(names.type_of(action.name.as_str(), "Payload"));
    let built = Field::new(names.action(action), type_ref, move |ctx| {
        let (package, name) = (Arc::clone(&package), Arc::clone(&name));
        FieldFuture::new(async move { settle(&ctx, act(&ctx, &package, name).await) })
    });
    let built = action.args.iter().fold(built, |built, arg| {
        let needed = arg.required && arg.default.is_none();
        let type_ref = scalar::input_ref(names, action.name.as_str(), arg, needed);
        let description = describe(&arg.label(), arg.description.as_ref());
        built.argument(InputValue::new(lower_camel(arg.name.as_str()), type_ref).description(description))
    });
    built.description(describe(&action.title, action.description.as_ref()))
}

async fn act<'a>(ctx: &ResolverContext<'a>, package: &str, name: Arc<str>) -> Result<Option<FieldValue<'a>>, Error> {
    let installed = installed(ctx, package)?;
    let reading = reading(ctx)?;
    let declared = installed.package.manifest.action(&name).ok_or_else(|| failed(ctx, &AppError::NotFound))?;
    let done = match plugin::arguments(ctx, &declared.args) {
        Ok(args) => action::run(reading, &installed, declared, &args).await,
        Err(error) => Err(error),
    };
    reading.renew().await;
    let (answer, errors) = match done {
        Ok(answer) => (answer, Vec::new()),
        Err(error) => (None, expected(ctx, &error)?),
    };
    Ok(Some(FieldValue::owned_any(Payload { root: reading.own().root(), installed, action: name, answer, errors })))
}

/// The outcomes that a caller can do something about, as payload; anything else stays an error.
fn expected(ctx: &ResolverContext<'_>, error: &AppError) -> Result<Vec<UserError>, Error> {
    let locale = reading(ctx)?.locale();
    match error {
        AppError::Problems(problems) => Ok(problems
            .iter()
            .map(|problem| UserError {
                code: problem.code,
                message: problem.message(locale),
                path: vec![problem.path.clone()],
            })
            .collect()),
        AppError::PluginDeclined(_) | AppError::Conflict { .. } | AppError::NotFound | AppError::BrokenReference => {
            let code: ErrorCode = error.code();
            let detail = error.detail(locale).map(|detail| format!("：{detail}")).unwrap_or_default();
            let message = format!("{}{detail}", code.message(locale));
            Ok(vec![UserError { code, message, path: Vec::new() }])
        }
        other => Err(failed(ctx, other)),
    }
}
