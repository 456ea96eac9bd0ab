//! The audit trail as a tenant's auditors see it.

use async_graphql::Error;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, Type, TypeRef};
use sunlit_app::AppError;
use sunlit_app::query::audit_trail::{self, AuditEntry};

use crate::argument::{DEFAULT_FIRST, first};
use crate::node::{failed, reading, settle};
use crate::scalar::{DATE_TIME, PageInfo};

const ENTRY: &str = "AuditEntry";
pub(crate) const CONNECTION: &str = "AuditConnection";
/// The list among the root fields, for the cost measure too.
pub(crate) const AUDIT_TRAIL: &str = "auditTrail";

/// A page of the trail.
struct Trail {
    entries: Vec<AuditEntry>,
    has_next: bool,
}

/// The types of this part of the schema.
pub(crate) fn types() -> [Type; 2] {
    [entry().into(), connection().into()]
}

/// The root query field.
pub(crate) fn query() -> Field {
    Field::new(AUDIT_TRAIL, TypeRef::named(CONNECTION), |ctx| {
        FieldFuture::new(async move { settle(&ctx, trail(&ctx).await) })
    })
    .argument(InputValue::new("first", TypeRef::named(TypeRef::INT)).default_value(DEFAULT_FIRST))
    .argument(InputValue::new("after", TypeRef::named(TypeRef::STRING)))
    .description("审计记录，最近的在前；仅审计员。 / The audit trail, newest first, for auditors.")
}

async fn trail<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let found = audit_trail::run(reading(ctx)?, first(ctx)?, after(ctx)?).await;
    let (entries, has_next) = found.map_err(|error| failed(ctx, &error))?;
    Ok(Some(page(entries, has_next)))
}

/// The place that the argument `after` names.
pub(crate) fn after(ctx: &ResolverContext<'_>) -> Result<Option<i64>, Error> {
    match ctx.args.get("after") {
        Some(after) if !after.is_null() => place(after.string()?).map(Some).map_err(|error| failed(ctx, &error)),
        _ => Ok(None),
    }
}

/// A page of the trail, as the connection answers it.
pub(crate) fn page(entries: Vec<AuditEntry>, has_next: bool) -> FieldValue<'static> {
    FieldValue::owned_any(Trail { entries, has_next })
}

/// A cursor is the place in the chain, which says nothing that the entry does not.
fn place(cursor: &str) -> Result<i64, AppError> {
    cursor
        .parse()
        .map_err(|_| AppError::Argument("this cursor belongs to another list: start from the first page".to_owned()))
}

fn connection() -> Object {
    Object::new(CONNECTION)
        .field(Field::new("nodes", TypeRef::named_nn_list_nn(ENTRY), |ctx| {
            let trail = ctx.parent_value.try_downcast_ref::<Trail>().ok();
            FieldFuture::Value(
                trail.map(|trail| FieldValue::list(trail.entries.iter().cloned().map(FieldValue::owned_any))),
            )
        }))
        .field(Field::new("pageInfo", TypeRef::named_nn("PageInfo"), |ctx| {
            let trail = ctx.parent_value.try_downcast_ref::<Trail>().ok();
            FieldFuture::Value(trail.map(|trail| {
                let end_cursor = trail.entries.last().map(|last| last.seq.to_string());
                FieldValue::owned_any(PageInfo { has_next: trail.has_next, end_cursor })
            }))
        }))
}

fn entry() -> Object {
    type Text = fn(&AuditEntry) -> Option<String>;
    let text = |name: &str, type_ref: TypeRef, description: &str, get: Text| {
        Field::new(name, type_ref, move |ctx| {
            let entry = ctx.parent_value.try_downcast_ref::<AuditEntry>();
            FieldFuture::Value(entry.ok().and_then(get).map(FieldValue::value))
        })
        .description(description)
    };
    let (some, maybe) = (TypeRef::named_nn, |name| TypeRef::named(name));
    Object::new(ENTRY)
        .description("一条审计记录，与前一条以散列相连。 / An entry, chained by hash to the one before.")
        .field(
            Field::new("seq", TypeRef::named_nn(TypeRef::INT), |ctx| {
                let entry = ctx.parent_value.try_downcast_ref::<AuditEntry>();
                FieldFuture::Value(entry.ok().map(|entry| FieldValue::value(entry.seq)))
            })
            .description("序号，从 1 起。 / Its place in the chain."),
        )
        .field(text("at", some(DATE_TIME), "时刻。 / When.", |entry| Some(entry.at.clone())))
        .field(text(
            "actor",
            maybe(TypeRef::ID),
            "操作者；平台自身则为空。 / Who; none for the platform.",
            |entry| entry.actor.map(|actor| actor.to_string()),
        ))
        .field(text("action", some(TypeRef::STRING), "操作。 / What was done.", |entry| Some(entry.action.clone())))
        .field(text("subject", some(TypeRef::STRING), "对象种类。 / What it was done to.", |entry| {
            Some(entry.subject.clone())
        }))
        .field(text("subjectId", some(TypeRef::STRING), "对象编号。 / Which one.", |entry| {
            Some(entry.subject_id.clone())
        }))
        .field(text("beforeDigest", maybe(TypeRef::STRING), "操作前的 SHA-256。 / SHA-256 before.", |entry| {
            entry.before_digest.clone()
        }))
        .field(text("afterDigest", maybe(TypeRef::STRING), "操作后的 SHA-256。 / SHA-256 after.", |entry| {
            entry.after_digest.clone()
        }))
        .field(text(
            "previous",
            some(TypeRef::STRING),
            "前一条的散列。 / The hash of the entry before.",
            |entry| Some(entry.previous.clone()),
        ))
        .field(text("hash", some(TypeRef::STRING), "本条的散列。 / Its own hash.", |entry| {
            Some(entry.hash.clone())
        }))
}
