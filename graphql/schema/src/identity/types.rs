//! The types of people, their sessions and their keys.

use async_graphql::dynamic::{
    Enum, Field, FieldFuture, FieldValue, InputObject, InputValue, Object, ResolverContext, Type, TypeRef,
};
use async_graphql::{Error, Name, Value as Gql};
use sunlit_app::query::account_list::Account;
use sunlit_app::query::api_key_list::ApiKey;
use sunlit_app::query::provider_find::Provider;
use sunlit_app::query::session_list::{self, SignedIn};
use sunlit_domain::Role;
use sunlit_domain::identity::duty::is_grantable;

use super::{mutations, own_data};
use crate::node::{failed, reading, settle};
use crate::scalar::{DATE_TIME, PageInfo};

pub(crate) const ACCOUNT: &str = "Account";
pub(super) const ACCOUNT_CONNECTION: &str = "AccountConnection";
pub(super) const API_KEY: &str = "ApiKey";
pub(super) const IDENTITY_PROVIDER: &str = "IdentityProvider";
pub(super) const ROLE: &str = "Role";
pub(super) const SESSION: &str = "Session";
/// The list of an account, for the cost measure too.
pub(crate) const SESSIONS: &str = "sessions";

/// A page of accounts.
pub(super) struct Page {
    pub(super) accounts: Vec<Account>,
    pub(super) has_next: bool,
}

/// The types.
pub(crate) fn types() -> Vec<Type> {
    let own = [role(), account().into(), connection().into(), session().into(), api_key().into(), provider().into()];
    let own = own.into_iter().chain(own_data::types());
    own.chain(inputs().map(Type::from)).chain(mutations::payloads().map(Type::from)).collect()
}

fn inputs() -> [InputObject; 3] {
    let text = |name: &str| InputValue::new(name, TypeRef::named_nn(TypeRef::STRING));
    let roles = || InputValue::new("roles", TypeRef::named_nn_list_nn(ROLE));
    let account = InputObject::new("InviteAccountInput")
        .field(text("email").description("收邀请的邮箱，也是登录名。 / Their address, which they sign in with."))
        .field(text("name").description("姓名。 / What they are called."))
        .field(roles().description("角色。 / What they are to do."));
    let key = InputObject::new("CreateApiKeyInput")
        .field(text("name").description("用途。 / What it is for."))
        .field(roles().description("角色，只能是编辑和审核；只读时可以为空。 / Editor or reviewer, or none to read."))
        .field(
            InputValue::new("readOnly", TypeRef::named(TypeRef::BOOLEAN))
                .description("是否只读。 / Whether it changes nothing."),
        )
        .field(
            InputValue::new("packages", TypeRef::named_nn_list(TypeRef::STRING))
                .description("只能访问这些功能包；不填则不限。 / The only packages that it reaches."),
        )
        .field(
            InputValue::new("expiresAt", TypeRef::named_nn(DATE_TIME))
                .description("有效期至，一年以内。 / Until when, within a year."),
        );
    let provider = InputObject::new("SetIdentityProviderInput")
        .field(text("issuer").description("签发者地址，如 https://id.example.org。 / Its issuer."))
        .field(text("title").description("登录按钮上的名称。 / What people read on the button."))
        .field(text("clientId").description("在该服务登记的应用编号。 / The tenant's id there."))
        .field(
            text("clientSecret")
                .description("应用密钥，加密保存，不再显示。 / The tenant's secret there, never shown."),
        )
        .field(
            InputValue::new("createsCitizens", TypeRef::named(TypeRef::BOOLEAN))
                .description("首次登录的人是否自动成为公众用户。 / Whether new people get accounts as citizens."),
        );
    [account, key, provider]
}

fn role() -> Type {
    let start = Enum::new(ROLE).description(
        "角色；系统管理员、安全管理员、审计员不能由一人兼任。 / Nobody is two of administrator, security administrator, auditor.",
    );
    let grantable = Role::ALL.into_iter().filter(|role| is_grantable(*role));
    grantable.fold(start, |item, role| item.item(role_item(role))).into()
}

/// A role as the API spells it.
pub(super) fn role_item(role: Role) -> String {
    role.name().to_ascii_uppercase().replace('-', "_")
}

/// The role that the API spells so.
pub(super) fn read_role(item: &str) -> Option<Role> {
    Role::ALL.into_iter().find(|role| role_item(*role) == item)
}

fn roles_field<T: Send + Sync + 'static>(get: fn(&T) -> &[Role]) -> Field {
    Field::new("roles", TypeRef::named_nn_list_nn(ROLE), move |ctx| {
        let owner = ctx.parent_value.try_downcast_ref::<T>().ok();
        let items = |role: &Role| FieldValue::value(Gql::Enum(Name::new(role_item(*role))));
        FieldFuture::Value(owner.map(|owner| FieldValue::list(get(owner).iter().map(items))))
    })
    .description("角色。 / What it may do.")
}

pub(super) fn text_of<T: Send + Sync + 'static>(
    name: &str,
    type_ref: TypeRef,
    description: &str,
    get: fn(&T) -> Option<String>,
) -> Field {
    Field::new(name, type_ref, move |ctx| {
        let owner = ctx.parent_value.try_downcast_ref::<T>().ok();
        FieldFuture::Value(owner.and_then(get).map(FieldValue::value))
    })
    .description(description)
}

fn flag_of<T: Send + Sync + 'static>(name: &str, description: &str, get: fn(&T) -> bool) -> Field {
    Field::new(name, TypeRef::named_nn(TypeRef::BOOLEAN), move |ctx| {
        let owner = ctx.parent_value.try_downcast_ref::<T>().ok();
        FieldFuture::Value(owner.map(|owner| FieldValue::value(get(owner))))
    })
    .description(description)
}

fn account() -> Object {
    let (some, maybe) = (|name: &str| TypeRef::named_nn(name), |name: &str| TypeRef::named(name));
    Object::new(ACCOUNT)
        .description("账号。 / Somebody's account.")
        .field(text_of(
            "id",
            some(TypeRef::ID),
            "编号，即审计中的操作者。 / The actor's id.",
            |account: &Account| Some(account.id.to_string()),
        ))
        .field(text_of("email", some(TypeRef::STRING), "邮箱。 / Their address.", |account: &Account| {
            Some(account.email.clone())
        }))
        .field(text_of("name", some(TypeRef::STRING), "姓名。 / What they are called.", |account: &Account| {
            Some(account.name.clone())
        }))
        .field(text_of(
            "state",
            some(TypeRef::STRING),
            "invited 待启用、active 正常、disabled 已停用。 / Whether they may sign in.",
            |account: &Account| Some(account.state.clone()),
        ))
        .field(roles_field(|account: &Account| &account.roles))
        .field(flag_of(
            "hasSecondFactor",
            "是否启用动态验证码。 / Whether a code is asked for.",
            |account: &Account| account.has_second_factor,
        ))
        .field(text_of(
            "lockedUntil",
            maybe(DATE_TIME),
            "锁定至。 / Until when it is locked.",
            |account: &Account| account.locked_until.clone(),
        ))
        .field(text_of("createdAt", some(DATE_TIME), "创建时刻。 / When it was made.", |account: &Account| {
            Some(account.created_at.clone())
        }))
        .field(text_of(
            "signedInAt",
            maybe(DATE_TIME),
            "最近登录时刻。 / When somebody last signed in.",
            |account: &Account| account.signed_in_at.clone(),
        ))
        .field(
            Field::new(SESSIONS, TypeRef::named_nn_list(SESSION), |ctx| {
                FieldFuture::new(async move { settle(&ctx, sessions(&ctx).await) })
            })
            .description(
                "本人登录中的会话，最近的在前。 / Where whoever asks is signed in; of one's own account only.",
            ),
        )
}

async fn sessions<'a>(ctx: &ResolverContext<'a>) -> Result<Option<FieldValue<'a>>, Error> {
    let account = ctx.parent_value.try_downcast_ref::<Account>()?;
    let reading = reading(ctx)?;
    if reading.scope().actor().id() != Some(account.id) {
        return Ok(None);
    }
    let found = session_list::run(reading).await.map_err(|error| failed(ctx, &error))?;
    Ok(Some(FieldValue::list(found.into_iter().map(FieldValue::owned_any))))
}

fn connection() -> Object {
    Object::new(ACCOUNT_CONNECTION)
        .field(Field::new("nodes", TypeRef::named_nn_list_nn(ACCOUNT), |ctx| {
            let page = ctx.parent_value.try_downcast_ref::<Page>().ok();
            FieldFuture::Value(
                page.map(|page| FieldValue::list(page.accounts.iter().cloned().map(FieldValue::owned_any))),
            )
        }))
        .field(Field::new("pageInfo", TypeRef::named_nn("PageInfo"), |ctx| {
            let page = ctx.parent_value.try_downcast_ref::<Page>().ok();
            FieldFuture::Value(page.map(|page| {
                let end_cursor = page.accounts.last().map(|last| last.id.to_string());
                FieldValue::owned_any(PageInfo { has_next: page.has_next, end_cursor })
            }))
        }))
}

fn session() -> Object {
    let some = |name: &str| TypeRef::named_nn(name);
    Object::new(SESSION)
        .description("一次登录。 / A time that somebody signed in.")
        .field(text_of("id", some(TypeRef::ID), "编号。 / Its id.", |session: &SignedIn| {
            Some(session.id.to_string())
        }))
        .field(
            Field::new("isThis", TypeRef::named_nn(TypeRef::BOOLEAN), |ctx| {
                FieldFuture::new(async move {
                    let session = ctx.parent_value.try_downcast_ref::<SignedIn>()?;
                    let this = reading(&ctx)?.scope().actor().session();
                    Ok(Some(FieldValue::value(this == Some(session.id))))
                })
            })
            .description("是否当前会话。 / Whether it is the one in which this is asked."),
        )
        .field(text_of(
            "method",
            some(TypeRef::STRING),
            "登录方式：password、oidc，加 +totp 表示有动态验证码。 / How it was signed in.",
            |session: &SignedIn| Some(session.method.clone()),
        ))
        .field(text_of(
            "agent",
            some(TypeRef::STRING),
            "浏览器或程序。 / What it says it is.",
            |session: &SignedIn| Some(session.agent.clone()),
        ))
        .field(text_of("address", some(TypeRef::STRING), "网络地址。 / From where.", |session: &SignedIn| {
            Some(session.address.clone())
        }))
        .field(text_of("beganAt", some(DATE_TIME), "登录时刻。 / When it began.", |session: &SignedIn| {
            Some(session.began_at.clone())
        }))
        .field(text_of(
            "usedAt",
            some(DATE_TIME),
            "最近使用时刻。 / When it was last used.",
            |session: &SignedIn| Some(session.used_at.clone()),
        ))
}

fn api_key() -> Object {
    let (some, maybe) = (|name: &str| TypeRef::named_nn(name), |name: &str| TypeRef::named(name));
    Object::new(API_KEY)
        .description("程序用的密钥。 / A key for a program.")
        .field(text_of(
            "id",
            some(TypeRef::ID),
            "编号，即审计中的操作者。 / The actor's id.",
            |key: &ApiKey| Some(key.id.to_string()),
        ))
        .field(text_of("name", some(TypeRef::STRING), "用途。 / What it is for.", |key: &ApiKey| {
            Some(key.name.clone())
        }))
        .field(roles_field(|key: &ApiKey| &key.roles))
        .field(flag_of("readOnly", "是否只读。 / Whether it changes nothing.", |key: &ApiKey| key.scope.read_only))
        .field(
            Field::new("packages", TypeRef::named_nn_list(TypeRef::STRING), |ctx| {
                let key = ctx.parent_value.try_downcast_ref::<ApiKey>().ok();
                let packages = key.and_then(|key| key.scope.packages.as_ref());
                FieldFuture::Value(packages.map(|packages| {
                    FieldValue::list(packages.iter().map(|package| FieldValue::value(package.to_string())))
                }))
            })
            .description("只能访问的功能包；不限则为空。 / The only packages that it reaches; null for all."),
        )
        .field(text_of("createdAt", some(DATE_TIME), "创建时刻。 / When it was made.", |key: &ApiKey| {
            Some(key.created_at.clone())
        }))
        .field(text_of("expiresAt", some(DATE_TIME), "有效期至。 / Until when it is good.", |key: &ApiKey| {
            Some(key.expires_at.clone())
        }))
        .field(text_of("revokedAt", maybe(DATE_TIME), "吊销时刻。 / Since when it is not.", |key: &ApiKey| {
            key.revoked_at.clone()
        }))
}

fn provider() -> Object {
    let some = |name: &str| TypeRef::named_nn(name);
    Object::new(IDENTITY_PROVIDER)
        .description("统一身份认证服务（OpenID Connect）。 / A provider of identities.")
        .field(text_of("issuer", some(TypeRef::STRING), "签发者地址。 / Its issuer.", |provider: &Provider| {
            Some(provider.issuer.clone())
        }))
        .field(text_of("title", some(TypeRef::STRING), "名称。 / What people read.", |provider: &Provider| {
            Some(provider.title.clone())
        }))
        .field(text_of(
            "clientId",
            some(TypeRef::STRING),
            "应用编号。 / The tenant's id there.",
            |provider: &Provider| Some(provider.client_id.clone()),
        ))
        .field(flag_of(
            "createsCitizens",
            "首次登录的人是否自动成为公众用户。 / Whether new people get accounts as citizens.",
            |provider: &Provider| provider.creates_citizens,
        ))
}
