//! People at the root of a tenant's schema: whoever asks sees and keeps their own account; security administrators name people, give
//! and take roles, and make keys for programs. Signing in itself is no GraphQL: `graphql/server/src/http/auth.rs`.

mod mutations;
mod own_data;
mod types;

use async_graphql::Error;
use async_graphql::dynamic::{Field, FieldFuture, FieldValue, InputValue, ResolverContext, TypeRef};
use sunlit_app::AppError;
use sunlit_app::query::{account_list, api_key_list, provider_find};
use sunlit_domain::id::ActorId;
use uuid::Uuid;

use crate::argument::{DEFAULT_FIRST, first};
use crate::node::{failed, reading, settle};

pub(crate) use mutations::{NAMES, fields as mutations};
pub(crate) use own_data::prices;
pub(crate) use types::{ACCOUNT, SESSIONS, types};
use types::{ACCOUNT_CONNECTION, API_KEY, IDENTITY_PROVIDER, Page};

/// The lists among the root fields, for the cost measure too.
pub(crate) const ACCOUNTS: &str = "accounts";
/// See [`ACCOUNTS`].
pub(crate) const API_KEYS: &str = "apiKeys";

/// The root query fields.
pub(crate) fn queries() -> [Field; 6] {
    let viewer = Field::new("viewer", TypeRef::named(ACCOUNT), |ctx| {
        FieldFuture::new(async move { settle(&ctx, viewer(&ctx).await) })
    })
    .description("登录者本人的账号；未登录或用密钥访问时为空。 / The account of whoever asks; none without one.");
    let account = Field::new("account", TypeRef::named(ACCOUNT), |ctx| {
        FieldFuture::new(async move { settle(&ctx, account(&ctx).await) })
    })
    .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)))
    .description("一个账号；本人或安全管理员。 / An account, for its owner and security administrators.");
    let accounts = Field::new(ACCOUNTS, TypeRef::named(ACCOUNT_CONNECTION), |ctx| {
        FieldFuture::new(async move { settle(&ctx, accounts(&ctx).await) })
    })
    .argument(InputValue::new("first", TypeRef::named(TypeRef::INT)).default_value(DEFAULT_FIRST))
    .argument(InputValue::new("after", TypeRef::named(TypeRef::STRING)))
    .description("全部账号，按创建先后；仅安全管理员。 / All accounts, for security administrators.");
    let keys = Field::new(API_KEYS, TypeRef::named_nn_list(API_KEY), |ctx| {
        FieldFuture::new(async move {
            let found = api_key_list::run(reading(&ctx)?).await.map_err(|error| failed(&ctx, &error));
            settle(&ctx, found.map(|keys| Some(FieldValue::list(keys.into_iter().map(FieldValue::owned_any)))))
        })
    })
    .description("程序用的密钥，最近的在前；仅安全管理员。 / Keys for programs, for security administrators.");
    let provider = Field::new("identityProvider", TypeRef::named(IDENTITY_PROVIDER), |ctx| {
        FieldFuture::new(async move {
            let found = provider_find::run(reading(&ctx)?).await.map_err(|error| failed(&ctx, &error));
            settle(&ctx, found.map(|provider| provider.map(FieldValue::owned_any)))
        })
    })
    .description("统一身份认证服务；仅安全管理员。 / The trusted provider of identities, for security administrators.");
    [viewer, account, accounts, keys, provider, own_data::query()]
}

async fn viewer<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let reading = reading(ctx)?;
    let Some(id) = reading.scope().actor().id() else { return Ok(None) };
    match account_list::by_id(reading, id).await {
        Ok(account) => Ok(Some(FieldValue::owned_any(account))),
        // A key, or whoever works on the machine itself.
        Err(AppError::NotFound) => Ok(None),
        Err(error) => Err(failed(ctx, &error)),
    }
}

async fn account<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let found = match id(ctx, "id") {
        Some(id) => account_list::by_id(reading(ctx)?, ActorId(id)).await,
        None => Err(AppError::NotFound),
    };
    match found {
        Ok(account) => Ok(Some(FieldValue::owned_any(account))),
        Err(AppError::NotFound) => Ok(None),
        Err(error) => Err(failed(ctx, &error)),
    }
}

async fn accounts<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let after = match ctx.args.get("after") {
        Some(after) if !after.is_null() => {
            let other =
                || AppError::Argument("this cursor belongs to another list: start from the first page".to_owned());
            Some(after.string()?.parse::<ActorId>().map_err(|_| failed(ctx, &other()))?)
        }
        _ => None,
    };
    let found = account_list::run(reading(ctx)?, first(ctx)?, after).await;
    let (accounts, has_next) = found.map_err(|error| failed(ctx, &error))?;
    Ok(Some(FieldValue::owned_any(Page { accounts, has_next })))
}

/// An id among the arguments; what is none leads nowhere.
fn id(ctx: &ResolverContext<'_>, name: &str) -> Option<Uuid> {
    ctx.args.get(name)?.string().ok()?.parse::<ActorId>().ok().map(|id| id.0)
}
