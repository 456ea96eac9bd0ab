//! What a tenant has about whoever asks: for a copy of it.

use async_graphql::Error;
use async_graphql::dynamic::{
    Enum, Field, FieldFuture, FieldValue, InputValue, Object, ResolverContext, Type, TypeRef,
};
use sunlit_app::AppError;
use sunlit_app::command::account::give_consent::MAX_CONSENTS;
use sunlit_app::query::account_list::{self, Account};
use sunlit_app::query::own_data::{self, Consent, Identity, MAX_IDENTITIES};
use sunlit_domain::identity::consent::Purpose;

use super::types::{ACCOUNT, text_of};
use crate::argument::{DEFAULT_FIRST, first};
use crate::audit;
use crate::cost::{Length, Prices};
use crate::node::{failed, reading, settle};
use crate::scalar::DATE_TIME;

const MY_DATA: &str = "MyData";
const IDENTITY: &str = "ExternalIdentity";
const CONSENT: &str = "Consent";
pub(super) const PURPOSE: &str = "ConsentPurpose";

/// Whose data they are.
struct Mine(Account);

/// The root query field.
pub(super) fn query() -> Field {
    Field::new("myData", TypeRef::named(MY_DATA), |ctx| FieldFuture::new(async move { settle(&ctx, mine(&ctx).await) }))
        .description(
            "本单位保存的与本人有关的全部信息；未登录或用密钥访问时为空。 / All that is kept about whoever asks.",
        )
}

/// What the lists cost.
pub(crate) fn prices(prices: &mut Prices, page: Length) {
    let bounded = |most: u64| {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        Length { usual: most, most }
    };
    prices.list(MY_DATA, "identities", bounded(MAX_IDENTITIES));
    prices.list(MY_DATA, "consents", bounded(MAX_CONSENTS));
    prices.connection(MY_DATA, "actions", page);
}

/// The types.
pub(super) fn types() -> [Type; 4] {
    [my_data().into(), identity().into(), consent().into(), purpose().into()]
}

async fn mine<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let reading = reading(ctx)?;
    let Some(id) = reading.scope().actor().id() else { return Ok(None) };
    match account_list::by_id(reading, id).await {
        Ok(account) => Ok(Some(FieldValue::owned_any(Mine(account)))),
        Err(AppError::NotFound) => Ok(None),
        Err(error) => Err(failed(ctx, &error)),
    }
}

async fn actions<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let found = own_data::actions(reading(ctx)?, first(ctx)?, audit::after(ctx)?).await;
    let (entries, has_next) = found.map_err(|error| failed(ctx, &error))?;
    Ok(Some(audit::page(entries, has_next)))
}

fn my_data() -> Object {
    Object::new(MY_DATA)
        .description("与本人有关的信息。 / What is kept about somebody.")
        .field(
            Field::new("account", TypeRef::named_nn(ACCOUNT), |ctx| {
                let mine = ctx.parent_value.try_downcast_ref::<Mine>().ok();
                FieldFuture::Value(mine.map(|mine| FieldValue::owned_any(mine.0.clone())))
            })
            .description("账号、角色和会话。 / The account, its roles and sessions."),
        )
        .field(
            Field::new("identities", TypeRef::named_nn_list(IDENTITY), |ctx| {
                FieldFuture::new(async move {
                    let found = own_data::identities(reading(&ctx)?).await.map_err(|error| failed(&ctx, &error));
                    let list = |all: Vec<Identity>| FieldValue::list(all.into_iter().map(FieldValue::owned_any));
                    settle(&ctx, found.map(|all| Some(list(all))))
                })
            })
            .description("统一身份认证服务中的身份。 / Who vouches for them."),
        )
        .field(
            Field::new("consents", TypeRef::named_nn_list(CONSENT), |ctx| {
                FieldFuture::new(async move {
                    let found = own_data::consents(reading(&ctx)?).await.map_err(|error| failed(&ctx, &error));
                    let list = |all: Vec<Consent>| FieldValue::list(all.into_iter().map(FieldValue::owned_any));
                    settle(&ctx, found.map(|all| Some(list(all))))
                })
            })
            .description("同意和撤回的记录，最近的在前。 / What they agreed to, and took back."),
        )
        .field(
            Field::new("actions", TypeRef::named(audit::CONNECTION), |ctx| {
                FieldFuture::new(async move { settle(&ctx, actions(&ctx).await) })
            })
            .argument(InputValue::new("first", TypeRef::named(TypeRef::INT)).default_value(DEFAULT_FIRST))
            .argument(InputValue::new("after", TypeRef::named(TypeRef::STRING)))
            .description("本人的操作记录，最近的在前。 / What they did, newest first."),
        )
}

fn identity() -> Object {
    let some = TypeRef::named_nn;
    Object::new(IDENTITY)
        .description("统一身份认证服务中的身份。 / Somebody as a provider of identities knows them.")
        .field(text_of("issuer", some(TypeRef::STRING), "签发者。 / Whose word it is.", |one: &Identity| {
            Some(one.issuer.clone())
        }))
        .field(text_of(
            "subject",
            some(TypeRef::STRING),
            "在该服务的编号。 / Their id there.",
            |one: &Identity| Some(one.subject.clone()),
        ))
        .field(text_of("linkedAt", some(DATE_TIME), "关联时刻。 / Since when.", |one: &Identity| {
            Some(one.linked_at.clone())
        }))
}

fn consent() -> Object {
    let some = TypeRef::named_nn;
    Object::new(CONSENT)
        .description("一项同意。 / An agreement.")
        .field(text_of("purpose", some(TypeRef::STRING), "事项。 / To what.", |one: &Consent| {
            Some(one.purpose.clone())
        }))
        .field(text_of(
            "version",
            some(TypeRef::STRING),
            "所示文本的版本。 / In which version.",
            |one: &Consent| Some(one.version.clone()),
        ))
        .field(text_of("givenAt", some(DATE_TIME), "同意时刻。 / When.", |one: &Consent| {
            Some(one.given_at.clone())
        }))
        .field(text_of(
            "withdrawnAt",
            TypeRef::named(DATE_TIME),
            "撤回时刻。 / When it was taken back.",
            |one: &Consent| one.withdrawn_at.clone(),
        ))
}

fn purpose() -> Enum {
    let start = Enum::new(PURPOSE).description("NOTICE 隐私告知，USAGE_MAIL 用量提醒邮件。 / What is agreed to.");
    Purpose::ALL.into_iter().fold(start, |item, purpose| item.item(item_of(purpose)))
}

fn item_of(purpose: Purpose) -> String {
    purpose.name().to_ascii_uppercase().replace('-', "_")
}

/// The purpose that the API spells so.
pub(super) fn read_purpose(item: &str) -> Option<Purpose> {
    Purpose::ALL.into_iter().find(|purpose| item_of(*purpose) == item)
}
