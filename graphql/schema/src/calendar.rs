//! The working-day calendar at the root of schemas that have workflows: read by anybody, set by administrators.

use async_graphql::Error;
use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputObject, InputValue, Object, ResolverContext, Type, TypeRef,
};
use sunlit_app::query::calendar_find;
use sunlit_app::{AppError, command};
use sunlit_domain::calendar::{Calendar, LocalDay, MAX_LOCAL_DAYS};

use crate::node::{failed, reading, settle};
use crate::scalar::{self, DATE, UserError};

const CALENDAR: &str = "Calendar";
const LOCAL_DAY: &str = "LocalDay";
const INPUT: &str = "LocalDayInput";
const PAYLOAD: &str = "CalendarPayload";

struct Payload {
    calendar: Option<Calendar>,
    errors: Vec<UserError>,
}

/// The types.
pub(crate) fn types() -> Vec<Type> {
    vec![calendar().into(), local_day().into(), input().into(), payload().into()]
}

/// The root query field.
pub(crate) fn query() -> Field {
    Field::new("calendar", TypeRef::named(CALENDAR), |ctx| {
        FieldFuture::new(async move {
            let found = calendar_find::run(reading(&ctx)?).await.map_err(|error| failed(&ctx, &error));
            settle(&ctx, found.map(|calendar| Some(FieldValue::owned_any(calendar))))
        })
    })
    .description("工作日历：期限据此计算。 / The working days that deadlines are counted with.")
}

/// The name of the root mutation field.
pub(crate) const SET_DAYS: &str = "calendarSetDays";

/// The root mutation field.
pub(crate) fn mutation() -> Field {
    Field::new(SET_DAYS, TypeRef::named(PAYLOAD), |ctx| {
        FieldFuture::new(async move { settle(&ctx, set(&ctx).await) })
    })
    .argument(InputValue::new("days", TypeRef::named_nn_list_nn(INPUT)))
    .description(format!(
        "设置本地放假日和上班日（最多 {MAX_LOCAL_DAYS} 天），替换原有设置，并重新计算期限。 / Sets the tenant's own days."
    ))
}

async fn set<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let reading = reading(ctx)?;
    reading.renew().await;
    let done = match days(ctx)? {
        Ok(days) => command::calendar::set::run(reading.app(), reading.scope(), days).await,
        Err(error) => Err(error),
    };
    reading.renew().await;
    let payload = match done {
        Ok(calendar) => Payload { calendar: Some(calendar), errors: Vec::new() },
        Err(error @ AppError::Argument(_)) => {
            let (code, locale) = (error.code(), reading.locale());
            let message = format!("{}：{}", code.message(locale), error.detail(locale).unwrap_or_default());
            Payload { calendar: None, errors: vec![UserError { code, message, path: vec!["days".to_owned()] }] }
        }
        Err(error) => return Err(failed(ctx, &error)),
    };
    Ok(Some(FieldValue::owned_any(payload)))
}

fn days(ctx: &ResolverContext<'_>) -> Result<Result<Vec<LocalDay>, AppError>, Error> {
    let mut days = Vec::new();
    for item in ctx.args.try_get("days")?.list()?.iter() {
        let day = item.object()?;
        match day.try_get("date")?.string()?.parse() {
            Ok(date) => days.push(LocalDay {
                date,
                name: day.try_get("name")?.string()?.to_owned(),
                off: day.try_get("off")?.boolean()?,
            }),
            Err(error) => return Ok(Err(AppError::Argument(error.to_string()))),
        }
    }
    Ok(Ok(days))
}

fn calendar() -> Object {
    Object::new(CALENDAR)
        .description("工作日历。 / Working days.")
        .field(
            Field::new("publishedThrough", TypeRef::named_nn(TypeRef::INT), |ctx| {
                let calendar = ctx.parent_value.try_downcast_ref::<Calendar>().ok();
                FieldFuture::Value(calendar.map(|calendar| FieldValue::value(i64::from(calendar.published_through()))))
            })
            .description("国务院办公厅已公布放假安排的最后一年。 / The last year whose notice is published."),
        )
        .field(Field::new("digest", TypeRef::named_nn(TypeRef::STRING), |ctx| {
            let calendar = ctx.parent_value.try_downcast_ref::<Calendar>().ok();
            FieldFuture::Value(calendar.map(|calendar| FieldValue::value(calendar.digest())))
        }))
        .field(
            Field::new("localDays", TypeRef::named_nn_list_nn(LOCAL_DAY), |ctx| {
                let calendar = ctx.parent_value.try_downcast_ref::<Calendar>().ok();
                let days = calendar.map(|calendar| calendar.overlay().days().cloned().collect::<Vec<_>>());
                FieldFuture::Value(days.map(|days| FieldValue::list(days.into_iter().map(FieldValue::owned_any))))
            })
            .description("本地放假日和上班日。 / The tenant's own days."),
        )
}

fn local_day() -> Object {
    let field = |name: &str, type_name: &str, get: fn(&LocalDay) -> async_graphql::Value| {
        Field::new(name, TypeRef::named_nn(type_name), move |ctx| {
            let day = ctx.parent_value.try_downcast_ref::<LocalDay>().ok();
            FieldFuture::Value(day.map(|day| FieldValue::value(get(day))))
        })
    };
    Object::new(LOCAL_DAY)
        .description("本地放假日或上班日。 / A day of the tenant's own.")
        .field(field("date", DATE, |day| day.date.to_string().into()))
        .field(field("name", TypeRef::STRING, |day| day.name.clone().into()))
        .field(field("off", TypeRef::BOOLEAN, |day| day.off.into()))
}

fn input() -> InputObject {
    InputObject::new(INPUT)
        .description("本地放假日（off 为 true）或上班日。 / A day off, or a workday.")
        .field(InputValue::new("date", TypeRef::named_nn(DATE)))
        .field(InputValue::new("name", TypeRef::named_nn(TypeRef::STRING)))
        .field(InputValue::new("off", TypeRef::named_nn(TypeRef::BOOLEAN)))
}

fn payload() -> Object {
    Object::new(PAYLOAD)
        .description("成功时有 calendar，否则见 errors。 / The calendar, or what to correct.")
        .field(Field::new("calendar", TypeRef::named(CALENDAR), |ctx| {
            let payload = ctx.parent_value.try_downcast_ref::<Payload>().ok();
            FieldFuture::Value(payload.and_then(|payload| payload.calendar.clone()).map(FieldValue::owned_any))
        }))
        .field(scalar::errors(|payload: &Payload| &payload.errors))
}
