//! What a tenant has subscribed to, and how much of it is used: for its administrators, who may choose another plan, cancel, and take
//! the subscription up again.

use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, Type, TypeRef};
use sunlit_app::AppError;
use sunlit_app::command::tenant::{cancel, set_plan};
use sunlit_app::query::usage_find::{self, Entry, UsageOf};
use sunlit_domain::error_code::message;
use sunlit_domain::plan::Plan;

use crate::cost::{Length, Prices};
use crate::node::{failed, reading, settle};
use crate::scalar::{self, DATE_TIME, DECIMAL, UserError};

const USAGE: &str = "Usage";
const ENTRY: &str = "UsageEntry";
const PLAN: &str = "Plan";
const PAYLOAD: &str = "UsagePayload";
/// Plans that are offered at once, as the cost measure counts them.
const OFFERS: Length = Length { usual: 5, most: 5 };
const ENTRIES: Length = Length { usual: 6, most: 6 };

/// What a mutation answers.
struct Payload {
    usage: Option<UsageOf>,
    errors: Vec<UserError>,
}

/// The names of the root mutation fields.
pub(crate) const MUTATIONS: [&str; 3] = ["changePlan", "cancelSubscription", "resumeSubscription"];

/// What the lists cost.
pub(crate) fn prices(prices: &mut Prices) {
    prices.list(USAGE, "entries", ENTRIES);
    prices.list(USAGE, "offers", OFFERS);
}

/// The root query field.
pub(crate) fn query() -> Field {
    Field::new("usage", TypeRef::named(USAGE), |ctx| {
        FieldFuture::new(async move {
            let found = usage_find::run(reading(&ctx)?).await.map_err(|error| failed(&ctx, &error));
            settle(&ctx, found.map(|usage| Some(FieldValue::owned_any(usage))))
        })
    })
    .description("套餐和用量；仅系统管理员。 / The plan and how much of it is used, for administrators.")
}

/// The root mutation fields.
pub(crate) fn mutations() -> [Field; 3] {
    let change = Field::new(MUTATIONS[0], TypeRef::named(PAYLOAD), |ctx| {
        FieldFuture::new(async move {
            let done = changed(&ctx).await;
            settle(&ctx, answer(&ctx, done).await)
        })
    })
    .argument(InputValue::new("plan", TypeRef::named_nn(TypeRef::STRING)))
    .description("更换套餐，立即生效；仅系统管理员。 / Chooses another of the plans that are offered.");
    let cancel = Field::new(MUTATIONS[1], TypeRef::named(PAYLOAD), |ctx| {
        FieldFuture::new(async move {
            let done = cancelled(&ctx).await;
            settle(&ctx, answer(&ctx, done).await)
        })
    })
    .description(
        "终止订用：立即转为只读，30 天后停止服务，其间可导出数据、可恢复；仅系统管理员。 / Cancels: read-only at once, suspended after 30 days.",
    );
    let resume = Field::new(MUTATIONS[2], TypeRef::named(PAYLOAD), |ctx| {
        FieldFuture::new(async move {
            let done = resumed(&ctx).await;
            settle(&ctx, answer(&ctx, done).await)
        })
    })
    .description("恢复已终止而尚未到期的订用；仅系统管理员。 / Takes a subscription up again that has not ended.");
    [change, cancel, resume]
}

async fn changed(ctx: &ResolverContext<'_>) -> Result<(), AppError> {
    let (reading, plan) = (asked(ctx)?, ctx.args.try_get("plan").and_then(|plan| plan.string().map(str::to_owned)));
    let plan = plan.map_err(|error| AppError::Argument(error.message))?;
    set_plan::choose(reading.app(), reading.scope(), &plan).await.map(|_| ())
}

async fn cancelled(ctx: &ResolverContext<'_>) -> Result<(), AppError> {
    let reading = asked(ctx)?;
    cancel::run(reading.app(), reading.scope(), cancel::DAYS).await.map(|_| ())
}

async fn resumed(ctx: &ResolverContext<'_>) -> Result<(), AppError> {
    let reading = asked(ctx)?;
    cancel::resume(reading.app(), reading.scope()).await
}

fn asked<'a>(ctx: &ResolverContext<'a>) -> Result<&'a sunlit_app::Reading, AppError> {
    reading(ctx).map_err(|error| AppError::Unsound(error.message))
}

async fn answer<'a>(ctx: &ResolverContext<'a>, done: Result<(), AppError>) -> Result<Option<FieldValue<'a>>, Error> {
    let reading = reading(ctx)?;
    reading.renew().await;
    let payload = match done {
        Ok(()) => {
            let usage = usage_find::run(reading).await.map_err(|error| failed(ctx, &error))?;
            Payload { usage: Some(usage), errors: Vec::new() }
        }
        Err(error @ (AppError::Argument(_) | AppError::PlanTooSmall { .. })) => {
            let (code, locale) = (error.code(), reading.locale());
            let detail = error.detail(locale).map(|detail| format!("：{detail}")).unwrap_or_default();
            let message = format!("{}{detail}", code.message(locale));
            Payload { usage: None, errors: vec![UserError { code, message, path: vec!["plan".to_owned()] }] }
        }
        Err(error) => return Err(failed(ctx, &error)),
    };
    Ok(Some(FieldValue::owned_any(payload)))
}

/// The types.
pub(crate) fn types() -> [Type; 4] {
    [usage().into(), entry().into(), plan().into(), payload().into()]
}

fn text<T: Send + Sync + 'static>(
    name: &str,
    of: TypeRef,
    description: &str,
    get: fn(&T, sunlit_domain::Locale) -> Option<String>,
) -> Field {
    Field::new(name, of, move |ctx| {
        let locale = reading(&ctx).map(sunlit_app::Reading::locale).unwrap_or_default();
        let owner = ctx.parent_value.try_downcast_ref::<T>().ok();
        FieldFuture::Value(owner.and_then(|owner| get(owner, locale)).map(FieldValue::value))
    })
    .description(description)
}

fn usage() -> Object {
    let some = TypeRef::named_nn;
    Object::new(USAGE)
        .description("套餐和用量。 / The plan and how much of it is used.")
        .field(
            Field::new("plan", some(PLAN), |ctx| {
                let usage = ctx.parent_value.try_downcast_ref::<UsageOf>().ok();
                FieldFuture::Value(usage.map(|usage| FieldValue::owned_any(Arc::clone(&usage.plan))))
            })
            .description("现有套餐。 / The plan."),
        )
        .field(text(
            "month",
            some(TypeRef::STRING),
            "统计月份（中国标准时间）。 / The month in China's time.",
            |usage: &UsageOf, _| Some(usage.month.clone()),
        ))
        .field(text(
            "state",
            some(TypeRef::STRING),
            "active 正常、read-only 只读、suspended 停用。 / Whether the tenant serves.",
            |usage: &UsageOf, _| Some(usage.state.name().to_owned()),
        ))
        .field(text(
            "endsAt",
            TypeRef::named(DATE_TIME),
            "终止订用后，停止服务的时刻。 / When it is suspended, after it was cancelled.",
            |usage: &UsageOf, _| usage.ends_at.map(|at| at.to_string()),
        ))
        .field(
            Field::new("entries", TypeRef::named_nn_list_nn(ENTRY), |ctx| {
                let usage = ctx.parent_value.try_downcast_ref::<UsageOf>().ok();
                let entries =
                    |usage: &UsageOf| FieldValue::list(usage.entries.clone().into_iter().map(FieldValue::owned_any));
                FieldFuture::Value(usage.map(entries))
            })
            .description("各项用量。 / Each quota."),
        )
        .field(
            Field::new("offers", TypeRef::named_nn_list_nn(PLAN), |ctx| {
                FieldFuture::new(async move {
                    let offered: Vec<Arc<Plan>> = reading(&ctx)?.app().plans.offered().cloned().collect();
                    Ok(Some(FieldValue::list(offered.into_iter().map(FieldValue::owned_any))))
                })
            })
            .description("可更换的套餐。 / The plans that are offered."),
        )
}

fn entry() -> Object {
    let some = TypeRef::named_nn;
    Object::new(ENTRY)
        .description("一项用量。 / One quota.")
        .field(text(
            "quota",
            some(TypeRef::STRING),
            "storage（字节）、accounts、packages，及当月的 requests、jobs、plugin_cpu（秒）。 / Which.",
            |entry: &Entry, _| Some(entry.quota.name().to_owned()),
        ))
        .field(text("title", some(TypeRef::STRING), "名称。 / What people call it.", |entry: &Entry, locale| {
            Some(message(entry.quota.title_key(), locale).to_owned())
        }))
        .field(text("used", some(DECIMAL), "已用。 / How much is used.", |entry: &Entry, _| {
            Some(entry.used.to_string())
        }))
        .field(text(
            "limit",
            TypeRef::named(DECIMAL),
            "套餐所含；空为不限。 / How much the plan gives; none for no bound.",
            |entry: &Entry, _| entry.limit.map(|limit| limit.to_string()),
        ))
}

fn plan() -> Object {
    let some = TypeRef::named_nn;
    Object::new(PLAN)
        .description("套餐。 / A plan.")
        .field(text("id", some(TypeRef::ID), "编号。 / Its id.", |plan: &Arc<Plan>, _| Some(plan.id.to_string())))
        .field(text("name", some(TypeRef::STRING), "名称。 / What people call it.", |plan: &Arc<Plan>, locale| {
            Some(plan.name.get(locale).to_owned())
        }))
        .field(text(
            "summary",
            some(TypeRef::STRING),
            "适用对象。 / Whom it is for.",
            |plan: &Arc<Plan>, locale| Some(plan.summary.get(locale).to_owned()),
        ))
        .field(
            Field::new("features", TypeRef::named_nn_list_nn(TypeRef::STRING), |ctx| {
                let plan = ctx.parent_value.try_downcast_ref::<Arc<Plan>>().ok();
                let names = |plan: &Arc<Plan>| {
                    FieldValue::list(plan.features.iter().map(|feature| FieldValue::value(feature.name())))
                };
                FieldFuture::Value(plan.map(names))
            })
            .description("所含功能：host_name、identity_provider、api_keys。 / What a tenant may set up."),
        )
}

fn payload() -> Object {
    Object::new(PAYLOAD)
        .description("未完成时见 errors。 / What was done, or what to correct.")
        .field(
            Field::new("usage", TypeRef::named(USAGE), |ctx| {
                let payload = ctx.parent_value.try_downcast_ref::<Payload>().ok();
                let usage = payload.and_then(|payload| payload.usage.clone());
                FieldFuture::Value(usage.map(FieldValue::owned_any))
            })
            .description("更改后的套餐和用量。 / What it is now."),
        )
        .field(scalar::errors(|payload: &Payload| &payload.errors))
}
