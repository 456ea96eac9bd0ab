//! The root mutation fields of people. Each is one command; what its caller can correct is payload.

use std::collections::BTreeSet;
use std::pin::Pin;

use async_graphql::Error;
use async_graphql::dynamic::{
    Field, FieldFuture, FieldValue, InputValue, Object, ObjectAccessor, ResolverContext, TypeRef,
};
use sunlit_app::command::account::invite::Invitation;
use sunlit_app::command::account::{
    authenticator, change_password, close, give_consent, grant, invite, rename, revoke, set_state, unlock,
    withdraw_consent,
};
use sunlit_app::command::api_key::create::NewKey;
use sunlit_app::command::provider::set::NewProvider;
use sunlit_app::command::{api_key, provider, session};
use sunlit_app::identity::authenticator::Enrolment;
use sunlit_app::{AppError, Reading};
use sunlit_domain::Role;
use sunlit_domain::id::{ActorId, PackageId};
use sunlit_domain::identity::consent::Purpose;
use sunlit_domain::identity::key_scope::KeyScope;
use sunlit_domain::value::Timestamp;
use uuid::Uuid;

use super::id;
use super::own_data::{PURPOSE, read_purpose};
use super::types::{ACCOUNT, ROLE, read_role};
use crate::node::{failed, reading, settle};
use crate::scalar::{self, UserError};
use sunlit_app::query::account_list;

const ACCOUNT_PAYLOAD: &str = "AccountPayload";
const IDENTITY_PAYLOAD: &str = "IdentityPayload";
const ENROLMENT_PAYLOAD: &str = "EnrolmentPayload";
const API_KEY_PAYLOAD: &str = "ApiKeyPayload";

/// What a mutation answers: what it is about, or what to correct.
struct Payload {
    done: Option<Done>,
    errors: Vec<UserError>,
}

/// What came of a mutation.
enum Done {
    /// Nothing that could be shown.
    Plain,
    Account(account_list::Account),
    Enrolment(Enrolment),
    Key(Uuid, String),
}

/// What a mutation does.
type Deed = for<'c> fn(&'c ResolverContext<'c>) -> Pin<Box<dyn Future<Output = Result<Done, Fault>> + Send + 'c>>;

/// Why it did not: a fault of the request, or of the command.
enum Fault {
    Request(Error),
    Command(AppError),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

impl From<AppError> for Fault {
    fn from(error: AppError) -> Self {
        Self::Command(error)
    }
}

/// The names of the root mutation fields.
pub(crate) const NAMES: [&str; 22] = [
    "inviteAccount",
    "inviteAccountAgain",
    "grantRole",
    "revokeRole",
    "disableAccount",
    "enableAccount",
    "unlockAccount",
    "removeAuthenticator",
    "renameAccount",
    "changePassword",
    "closeAccount",
    "enrolAuthenticator",
    "confirmAuthenticator",
    "removeOwnAuthenticator",
    "endSession",
    "endOtherSessions",
    "createApiKey",
    "revokeApiKey",
    "setIdentityProvider",
    "removeIdentityProvider",
    "giveConsent",
    "withdrawConsent",
];

/// The root mutation fields.
pub(crate) fn fields() -> Vec<Field> {
    let id_of = |name: &str| InputValue::new(name, TypeRef::named_nn(TypeRef::ID));
    let text = |name: &str| InputValue::new(name, TypeRef::named_nn(TypeRef::STRING));
    let input = |of: &str| InputValue::new("input", TypeRef::named_nn(of));
    let role = || InputValue::new("role", TypeRef::named_nn(ROLE));
    let [n0, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10, n11, n12, n13, n14, n15, n16, n17, n18, n19, n20, n21] = NAMES;
    let purpose = || InputValue::new("purpose", TypeRef::named_nn(PURPOSE));
    vec![
        field(n0, ACCOUNT_PAYLOAD, |ctx| Box::pin(invited(ctx)))
            .argument(input("InviteAccountInput"))
            .description("邀请一个人：建立账号并发送邮件；仅安全管理员。 / Makes an account and mails its owner."),
        field(n1, ACCOUNT_PAYLOAD, |ctx| Box::pin(invited_again(ctx)))
            .argument(id_of("account"))
            .description("重新发送邀请；仅安全管理员。 / Mails the invitation again."),
        field(n2, ACCOUNT_PAYLOAD, |ctx| Box::pin(granted(ctx)))
            .argument(id_of("account"))
            .argument(role())
            .description("授予角色；仅安全管理员，不能授予自己。 / Gives a role, to nobody oneself."),
        field(n3, ACCOUNT_PAYLOAD, |ctx| Box::pin(revoked(ctx)))
            .argument(id_of("account"))
            .argument(role())
            .description("收回角色，立即生效；仅安全管理员。 / Takes a role, at once."),
        field(n4, ACCOUNT_PAYLOAD, |ctx| Box::pin(state_set(ctx, false)))
            .argument(id_of("account"))
            .description("停用账号并结束其会话；仅安全管理员。 / Lets nobody sign in to it."),
        field(n5, ACCOUNT_PAYLOAD, |ctx| Box::pin(state_set(ctx, true)))
            .argument(id_of("account"))
            .description("恢复账号；仅安全管理员。 / Lets its owner sign in again."),
        field(n6, ACCOUNT_PAYLOAD, |ctx| Box::pin(unlocked(ctx)))
            .argument(id_of("account"))
            .description("解除登录锁定；仅安全管理员。 / Unlocks it."),
        field(n7, ACCOUNT_PAYLOAD, |ctx| Box::pin(authenticator_removed(ctx)))
            .argument(id_of("account"))
            .description("移除他人遗失的动态验证码；仅安全管理员。 / Takes a lost authenticator away."),
        field(n8, IDENTITY_PAYLOAD, |ctx| Box::pin(renamed(ctx)))
            .argument(text("name"))
            .description("更正本人的姓名。 / Corrects one's own name."),
        field(n9, IDENTITY_PAYLOAD, |ctx| Box::pin(password_changed(ctx)))
            .argument(text("old"))
            .argument(text("new"))
            .description("修改本人的密码，其他会话随即结束。 / Changes one's own password."),
        field(n10, IDENTITY_PAYLOAD, |ctx| Box::pin(closed(ctx)))
            .argument(text("password"))
            .description("注销本人的账号，不可恢复。 / Closes one's own account for good."),
        field(n11, ENROLMENT_PAYLOAD, |ctx| Box::pin(enrolled(ctx)))
            .description("为本人设置动态验证码。 / Sets an authenticator up."),
        field(n12, IDENTITY_PAYLOAD, |ctx| Box::pin(confirmed(ctx)))
            .argument(text("code"))
            .description("用第一个验证码确认设置。 / Confirms it by its first code."),
        field(n13, IDENTITY_PAYLOAD, |ctx| Box::pin(own_removed(ctx)))
            .argument(text("code"))
            .description("移除本人的动态验证码。 / Takes one's own authenticator away."),
        field(n14, IDENTITY_PAYLOAD, |ctx| Box::pin(session_ended(ctx)))
            .argument(id_of("session"))
            .description("结束一个会话：本人的，或由安全管理员。 / Ends a session."),
        field(n15, IDENTITY_PAYLOAD, |ctx| Box::pin(others_ended(ctx)))
            .description("结束本人的其他会话。 / Ends one's other sessions."),
        field(n16, API_KEY_PAYLOAD, |ctx| Box::pin(key_created(ctx)))
            .argument(input("CreateApiKeyInput"))
            .description("建立程序用的密钥，只显示一次；仅安全管理员。 / Makes a key, shown once."),
        field(n17, IDENTITY_PAYLOAD, |ctx| Box::pin(key_revoked(ctx)))
            .argument(id_of("key"))
            .description("吊销密钥；仅安全管理员。 / Ends a key."),
        field(n18, IDENTITY_PAYLOAD, |ctx| Box::pin(provider_set(ctx)))
            .argument(input("SetIdentityProviderInput"))
            .description("设置统一身份认证服务；仅安全管理员。 / Names the trusted provider of identities."),
        field(n19, IDENTITY_PAYLOAD, |ctx| Box::pin(provider_removed(ctx)))
            .description("停用统一身份认证服务；仅安全管理员。 / Trusts no provider any more."),
        field(n20, IDENTITY_PAYLOAD, |ctx| Box::pin(consent_given(ctx)))
            .argument(purpose())
            .argument(text("version").description("所示文本的版本。 / The version of the text that was shown."))
            .description("本人同意。 / Agrees to something."),
        field(n21, IDENTITY_PAYLOAD, |ctx| Box::pin(consent_withdrawn(ctx)))
            .argument(purpose())
            .description("本人撤回同意，立即生效。 / Takes it back, at once."),
    ]
}

fn field(name: &'static str, payload: &str, deed: Deed) -> Field {
    Field::new(name, TypeRef::named(payload), move |ctx| {
        FieldFuture::new(async move {
            let answered = run(&ctx, deed).await;
            settle(&ctx, answered)
        })
    })
}

async fn run<'a>(ctx: &ResolverContext<'a>, deed: Deed) -> Result<Option<FieldValue<'a>>, Error> {
    reading(ctx)?.renew().await;
    let done = deed(ctx).await;
    reading(ctx)?.renew().await;
    let payload = match done {
        Ok(done) => Payload { done: Some(done), errors: Vec::new() },
        Err(Fault::Request(error)) => return Err(error),
        Err(Fault::Command(error)) => Payload { done: None, errors: vec![expected(ctx, &error)?] },
    };
    Ok(Some(FieldValue::owned_any(payload)))
}

/// What a caller can correct, as payload; anything else stays an error.
fn expected(ctx: &ResolverContext<'_>, error: &AppError) -> Result<UserError, Error> {
    let path = match error {
        AppError::NotFound => "account",
        AppError::SeparatedDuties(..) => "role",
        AppError::Password(_) => "new",
        AppError::InvalidCredentials => "password",
        AppError::SecondFactorRequired => "code",
        AppError::Taken => "email",
        AppError::Argument(_) | AppError::Limit(_) => "input",
        other => return Err(failed(ctx, other)),
    };
    let (code, locale) = (error.code(), reading(ctx)?.locale());
    let detail = error.detail(locale).map(|detail| format!("：{detail}")).unwrap_or_default();
    Ok(UserError { code, message: format!("{}{detail}", code.message(locale)), path: vec![path.to_owned()] })
}

/// The account that a mutation was about, as whoever asks may see it.
async fn account(reading: &Reading, id: ActorId) -> Result<Done, Fault> {
    reading.renew().await;
    Ok(Done::Account(account_list::by_id(reading, id).await?))
}

fn target(ctx: &ResolverContext<'_>, name: &str) -> Result<Uuid, Fault> {
    id(ctx, name).ok_or(Fault::Command(AppError::NotFound))
}

fn given<'c>(ctx: &'c ResolverContext<'_>, name: &str) -> Result<&'c str, Fault> {
    Ok(ctx.args.try_get(name)?.string()?)
}

async fn invited(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    let input = ctx.args.try_get("input")?.object()?;
    let new = Invitation {
        email: input.try_get("email")?.string()?.to_owned(),
        name: input.try_get("name")?.string()?.to_owned(),
        roles: roles(&input)?,
    };
    let made = invite::run(reading.app(), reading.scope(), &new).await?;
    account(reading, made.account).await
}

async fn invited_again(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    let id = ActorId(target(ctx, "account")?);
    invite::again(reading.app(), reading.scope(), id).await?;
    account(reading, id).await
}

async fn granted(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let (reading, id) = (reading(ctx)?, ActorId(target(ctx, "account")?));
    grant::run(reading.app(), reading.scope(), id, role(ctx.args.try_get("role")?.enum_name()?)?).await?;
    account(reading, id).await
}

async fn revoked(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let (reading, id) = (reading(ctx)?, ActorId(target(ctx, "account")?));
    revoke::run(reading.app(), reading.scope(), id, role(ctx.args.try_get("role")?.enum_name()?)?).await?;
    account(reading, id).await
}

async fn state_set(ctx: &ResolverContext<'_>, is_enabled: bool) -> Result<Done, Fault> {
    let (reading, id) = (reading(ctx)?, ActorId(target(ctx, "account")?));
    set_state::run(reading.app(), reading.scope(), id, is_enabled).await?;
    account(reading, id).await
}

async fn unlocked(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let (reading, id) = (reading(ctx)?, ActorId(target(ctx, "account")?));
    unlock::run(reading.app(), reading.scope(), id).await?;
    account(reading, id).await
}

async fn authenticator_removed(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let (reading, id) = (reading(ctx)?, ActorId(target(ctx, "account")?));
    authenticator::remove(reading.app(), reading.scope(), id).await?;
    account(reading, id).await
}

async fn renamed(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    rename::run(reading.app(), reading.scope(), given(ctx, "name")?).await?;
    Ok(Done::Plain)
}

async fn password_changed(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    change_password::run(reading.app(), reading.scope(), given(ctx, "old")?, given(ctx, "new")?).await?;
    Ok(Done::Plain)
}

async fn closed(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    close::run(reading.app(), reading.scope(), given(ctx, "password")?).await?;
    Ok(Done::Plain)
}

async fn enrolled(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    Ok(Done::Enrolment(authenticator::enrol(reading.app(), reading.scope()).await?))
}

async fn confirmed(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    authenticator::confirm(reading.app(), reading.scope(), given(ctx, "code")?).await?;
    Ok(Done::Plain)
}

async fn own_removed(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    authenticator::remove_own(reading.app(), reading.scope(), given(ctx, "code")?).await?;
    Ok(Done::Plain)
}

async fn session_ended(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    session::end::run(reading.app(), reading.scope(), target(ctx, "session")?).await?;
    Ok(Done::Plain)
}

async fn others_ended(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    session::end::others(reading.app(), reading.scope()).await?;
    Ok(Done::Plain)
}

async fn key_created(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    let input = ctx.args.try_get("input")?.object()?;
    let packages = match input.get("packages") {
        Some(given) if !given.is_null() => Some(packages(&given.list()?)?),
        _ => None,
    };
    let read_only = input.get("readOnly").is_some_and(|given| given.boolean().unwrap_or(true));
    let expires_at: Timestamp = input
        .try_get("expiresAt")?
        .string()?
        .parse()
        .map_err(|error: sunlit_domain::value::ValueError| AppError::Argument(error.0))?;
    let new = NewKey {
        name: input.try_get("name")?.string()?.to_owned(),
        roles: roles(&input)?,
        scope: KeyScope { read_only, packages },
        expires_at,
    };
    let (id, text) = api_key::create::run(reading.app(), reading.scope(), &new).await?;
    Ok(Done::Key(id, text))
}

async fn key_revoked(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    api_key::revoke::run(reading.app(), reading.scope(), target(ctx, "key")?).await?;
    Ok(Done::Plain)
}

async fn provider_set(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    let input = ctx.args.try_get("input")?.object()?;
    let text = |name: &str| -> Result<String, Error> { Ok(input.try_get(name)?.string()?.to_owned()) };
    let new = NewProvider {
        issuer: text("issuer")?,
        title: text("title")?,
        client_id: text("clientId")?,
        client_secret: text("clientSecret")?,
        creates_citizens: input.get("createsCitizens").is_some_and(|given| given.boolean().unwrap_or(false)),
    };
    provider::set::run(reading.app(), reading.scope(), Some(&new)).await?;
    Ok(Done::Plain)
}

async fn consent_given(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    give_consent::run(reading.app(), reading.scope(), purpose(ctx)?, given(ctx, "version")?).await?;
    Ok(Done::Plain)
}

async fn consent_withdrawn(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    withdraw_consent::run(reading.app(), reading.scope(), purpose(ctx)?).await?;
    Ok(Done::Plain)
}

fn purpose(ctx: &ResolverContext<'_>) -> Result<Purpose, Fault> {
    read_purpose(ctx.args.try_get("purpose")?.enum_name()?).ok_or(Fault::Command(AppError::NotFound))
}

async fn provider_removed(ctx: &ResolverContext<'_>) -> Result<Done, Fault> {
    let reading = reading(ctx)?;
    provider::set::run(reading.app(), reading.scope(), None).await?;
    Ok(Done::Plain)
}

fn roles(input: &ObjectAccessor<'_>) -> Result<Vec<Role>, Fault> {
    let mut roles = Vec::new();
    for item in input.try_get("roles")?.list()?.iter() {
        roles.push(role(item.enum_name()?)?);
    }
    Ok(roles)
}

fn role(item: &str) -> Result<Role, Fault> {
    read_role(item).ok_or_else(|| Fault::Command(AppError::Argument(format!("there is no role {item}"))))
}

fn packages(list: &async_graphql::dynamic::ListAccessor<'_>) -> Result<BTreeSet<PackageId>, Fault> {
    let mut packages = BTreeSet::new();
    for item in list.iter() {
        let id = item
            .string()?
            .parse()
            .map_err(|error: sunlit_domain::id::NameError| AppError::Argument(error.to_string()))?;
        packages.insert(id);
    }
    Ok(packages)
}

/// The payload types.
pub(super) fn payloads() -> [Object; 4] {
    let text = |name: &str, description: &str, get: fn(&Done) -> Option<String>| {
        Field::new(name, TypeRef::named(TypeRef::STRING), move |ctx| {
            let payload = ctx.parent_value.try_downcast_ref::<Payload>().ok();
            FieldFuture::Value(payload.and_then(|payload| get(payload.done.as_ref()?)).map(FieldValue::value))
        })
        .description(description)
    };
    let done = || {
        Field::new("done", TypeRef::named_nn(TypeRef::BOOLEAN), |ctx| {
            let payload = ctx.parent_value.try_downcast_ref::<Payload>().ok();
            FieldFuture::Value(payload.map(|payload| FieldValue::value(payload.done.is_some())))
        })
        .description("是否完成。 / Whether it was done.")
    };
    let errors = || scalar::errors(|payload: &Payload| &payload.errors);
    let start = |name: &str| Object::new(name).description("未完成时见 errors。 / What was done, or what to correct.");
    let account = start(ACCOUNT_PAYLOAD).field(
        Field::new("account", TypeRef::named(ACCOUNT), |ctx| {
            let payload = ctx.parent_value.try_downcast_ref::<Payload>().ok();
            FieldFuture::Value(payload.and_then(|payload| match &payload.done {
                Some(Done::Account(account)) => Some(FieldValue::owned_any(account.clone())),
                _ => None,
            }))
        })
        .description("账号。 / The account."),
    );
    let enrolment = start(ENROLMENT_PAYLOAD)
        .field(text("secret", "手工输入用的密钥。 / The secret, for typing.", |done| match done {
            Done::Enrolment(given) => Some(given.secret.clone()),
            _ => None,
        }))
        .field(text("url", "二维码的内容。 / What a QR code shows.", |done| match done {
            Done::Enrolment(given) => Some(given.url.clone()),
            _ => None,
        }));
    let key = start(API_KEY_PAYLOAD)
        .field(text("id", "编号。 / Its id.", |done| match done {
            Done::Key(id, _) => Some(id.to_string()),
            _ => None,
        }))
        .field(text("secret", "密钥全文，只显示这一次。 / The key itself, shown this once.", |done| {
            match done {
                Done::Key(_, text) => Some(text.clone()),
                _ => None,
            }
        }));
    [
        account.field(errors()),
        start(IDENTITY_PAYLOAD).field(done()).field(errors()),
        enrolment.field(errors()),
        key.field(errors()),
    ]
}
