//! Jobs as a tenant's administrators see them: dead letters, putting one back, running a schedule.

use async_graphql::Error;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, Type, TypeRef};
use sunlit_app::query::job_dead::{self, DeadLetter};
use sunlit_app::{AppError, command};
use sunlit_domain::value::Timestamp;
use uuid::Uuid;

use crate::argument::{DEFAULT_FIRST, first, record_id};
use crate::mutation::expected;
use crate::node::{failed, installed, reading, settle};
use crate::scalar::{self, DATE_TIME, UserError};

const DEAD_LETTER: &str = "DeadLetter";
const PAYLOAD: &str = "JobPayload";
/// The list among the root fields, for the cost measure too.
pub(crate) const DEAD_LETTERS: &str = "deadLetters";

/// What a mutation of jobs answers.
struct Payload {
    id: Option<Uuid>,
    errors: Vec<UserError>,
}

/// The types of this part of the schema.
pub(crate) fn types() -> [Type; 2] {
    [dead_letter().into(), payload().into()]
}

/// The root query field.
pub(crate) fn query() -> Field {
    Field::new(DEAD_LETTERS, TypeRef::named_nn_list(DEAD_LETTER), |ctx| {
        FieldFuture::new(async move { settle(&ctx, dead_letters(&ctx).await) })
    })
    .argument(InputValue::new("first", TypeRef::named(TypeRef::INT)).default_value(DEFAULT_FIRST))
    .description("已放弃的后台任务，最近的在前；仅系统管理员。 / Jobs that were given up, for administrators.")
}

/// The names of the root mutation fields.
pub(crate) const MUTATIONS: [&str; 2] = ["replayDeadLetter", "runSchedule"];

/// The root mutation fields.
pub(crate) fn mutations() -> [Field; 2] {
    let text = |name: &str| InputValue::new(name, TypeRef::named_nn(TypeRef::STRING));
    let replay = Field::new(MUTATIONS[0], TypeRef::named(PAYLOAD), |ctx| {
        FieldFuture::new(async move { settle(&ctx, replay(&ctx).await) })
    })
    .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
    .description("重新执行一个已放弃的任务；仅系统管理员。 / Puts a job back that was given up.");
    let run = Field::new(MUTATIONS[1], TypeRef::named(PAYLOAD), |ctx| {
        FieldFuture::new(async move { settle(&ctx, run_schedule(&ctx).await) })
    })
    .argument(text("package").description("功能包，如 street-cards。 / The package's id."))
    .argument(text("schedule").description("定时任务的名称。 / The schedule's name."))
    .argument(
        InputValue::new("at", TypeRef::named(DATE_TIME))
            .description("执行时刻，默认立即。 / When; at once if not said."),
    )
    .description("在定时之外执行一次定时任务；仅系统管理员。 / Does once more what a schedule does.");
    [replay, run]
}

async fn dead_letters<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let found = job_dead::run(reading(ctx)?, first(ctx)?).await.map_err(|error| failed(ctx, &error))?;
    Ok(Some(FieldValue::list(found.into_iter().map(FieldValue::owned_any))))
}

async fn replay<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let reading = reading(ctx)?;
    let done = match record_id(ctx) {
        Some(id) => command::job::replay::run(reading.app(), reading.scope(), id.0).await.map(|()| id.0),
        None => Err(AppError::NotFound),
    };
    answer(ctx, done).await
}

async fn run_schedule<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    command::schedule::run_now::may(reading(ctx)?.scope()).map_err(|error| failed(ctx, &error))?;
    let at = match ctx.args.get("at") {
        Some(at) if !at.is_null() => Some(instant(at.string()?).map_err(|error| failed(ctx, &error))?),
        _ => None,
    };
    let installed = installed(ctx, ctx.args.try_get("package")?.string()?)?;
    let name = ctx.args.try_get("schedule")?.string()?;
    let reading = reading(ctx)?;
    let done = command::schedule::run_now::run(reading.app(), reading.scope(), &installed.package, name, at).await;
    answer(ctx, done).await
}

fn instant(text: &str) -> Result<Timestamp, AppError> {
    text.parse().map_err(|error: sunlit_domain::value::ValueError| AppError::Argument(error.0))
}

async fn answer<'a>(ctx: &ResolverContext<'a>, done: Result<Uuid, AppError>) -> Result<Option<FieldValue<'a>>, Error> {
    reading(ctx)?.renew().await;
    let payload = match done {
        Ok(id) => Payload { id: Some(id), errors: Vec::new() },
        Err(error) => Payload { id: None, errors: expected(ctx, &error)? },
    };
    Ok(Some(FieldValue::owned_any(payload)))
}

fn dead_letter() -> Object {
    type Text = fn(&DeadLetter) -> String;
    let text = |name: &str, of: &str, description: &str, get: Text| {
        Field::new(name, TypeRef::named_nn(of), move |ctx| {
            let letter = ctx.parent_value.try_downcast_ref::<DeadLetter>();
            FieldFuture::Value(letter.ok().map(|letter| FieldValue::value(get(letter))))
        })
        .description(description)
    };
    Object::new(DEAD_LETTER)
        .description("已放弃的后台任务。 / A job that was given up.")
        .field(text("id", TypeRef::ID, "任务编号。 / Its id.", |letter| letter.id.to_string()))
        .field(text("kind", TypeRef::STRING, "任务种类。 / What it was to do.", |letter| letter.kind.clone()))
        .field(text("key", TypeRef::STRING, "任务对象。 / What made it one of its kind.", |letter| {
            letter.key.clone()
        }))
        .field(text("givenUpAt", DATE_TIME, "放弃时刻。 / When it was given up.", |letter| {
            letter.given_up_at.clone()
        }))
        .field(text("error", TypeRef::STRING, "最后一次失败的原因。 / Why.", |letter| letter.error.clone()))
        .field(
            Field::new("attempts", TypeRef::named_nn(TypeRef::INT), |ctx| {
                let letter = ctx.parent_value.try_downcast_ref::<DeadLetter>();
                FieldFuture::Value(letter.ok().map(|letter| FieldValue::value(letter.attempts)))
            })
            .description("执行次数。 / How often it was tried."),
        )
}

fn payload() -> Object {
    Object::new(PAYLOAD)
        .description("成功时有 id，否则见 errors。 / The job's id, or what to correct.")
        .field(Field::new("id", TypeRef::named(TypeRef::ID), |ctx| {
            let payload = ctx.parent_value.try_downcast_ref::<Payload>().ok();
            FieldFuture::Value(payload.and_then(|payload| Some(FieldValue::value(payload.id?.to_string()))))
        }))
        .field(scalar::errors(|payload: &Payload| &payload.errors))
}
