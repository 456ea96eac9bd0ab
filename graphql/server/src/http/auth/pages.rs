//! Signing in and out by people: plain forms, below the same addresses as what programs use.
//!
//! A form is taken from the tenant's own pages alone: browsers name the origin of every form that they post (Fetch, §3.2), foreign ones
//! are refused by `cors.rs`, and one that names none is refused here. Whoever signs in gets the refresh token as a cookie that only
//! `/auth` is sent.

use actix_web::cookie::Cookie;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;
use sunlit_app::AppError;
use sunlit_app::command::account::redeem;
use sunlit_app::command::session::{Attempted, Client, Opened, sign_in, sign_in_external, sign_out};
use sunlit_app::identity::authenticator::Enrolment;
use sunlit_app::query::{provider_find, session_find, usage_find};
use sunlit_domain::Role;
use sunlit_domain::error_code::message;
use sunlit_pages::{Form, FormField, FormPart, FormProblem, Link, Named, PageBody, Picture};

use super::{MAX_BODY, REFRESH_COOKIE, client, refresh_cookie};
use crate::http::failure::Form as Told;
use crate::http::form::posted;
use crate::http::visitor::Visitor;
use crate::portal::Frame;

/// What a form or a link carries.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(in crate::http) struct Given {
    t: String,
    email: String,
    password: String,
    again: String,
    code: String,
    done: String,
}

/// The page on which people sign in.
pub(in crate::http) async fn sign_in_page(visitor: Visitor, given: web::Query<Given>) -> HttpResponse {
    let done = match given.done.as_str() {
        "password" => Some("account.password_set"),
        "out" => Some("account.signed_out"),
        _ => None,
    };
    let form = sign_in_form(&visitor, "", None, None, done).await;
    show(&visitor, StatusCode::OK, "account.sign_in", form).await
}

/// Signs in by form.
pub(super) async fn sign_in(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let given: Given = match posted(&request, body, "auth", MAX_BODY).await {
        Ok(given) => given,
        Err(error) => return visitor.failure(error, Told::Page).answer(&visitor.state),
    };
    let (agent, address) = client(&visitor, &request);
    let code = Some(given.code.as_str()).filter(|code| !code.trim().is_empty());
    let shown = sign_in::Shown { email: &given.email, password: &given.password, code };
    let client = Client { agent: &agent, address: &address };
    let (app, authority) = (&visitor.state.app, &*visitor.state.authority);
    let issuer = &visitor.tenant.short_name;
    match sign_in::run(app, authority, &visitor.scope, issuer, (shown, client)).await {
        Ok(Attempted::SignedIn(opened)) => signed_in(&visitor, &opened),
        Ok(Attempted::MustEnrol(enrolment)) => {
            let form = sign_in_form(&visitor, &given.email, None, Some(&enrolment), None).await;
            show(&visitor, StatusCode::OK, "account.enrol", form).await
        }
        Err(error) => {
            let form = sign_in_form(&visitor, &given.email, Some(&error), None, None).await;
            again(&visitor, &error, "account.sign_in", form).await
        }
    }
}

async fn sign_in_form(
    visitor: &Visitor,
    email: &str,
    error: Option<&AppError>,
    enrolment: Option<&Enrolment>,
    done: Option<&str>,
) -> Result<Form, AppError> {
    let asks_code = enrolment.is_some() || matches!(error, Some(AppError::SecondFactorRequired));
    let mut fields = vec![
        FormField { value: email.to_owned(), ..field(visitor, "email", "email", "username") },
        field(visitor, "password", "password", "current-password"),
    ];
    if asks_code {
        fields.push(field(visitor, "code", "text", "one-time-code"));
    }
    let wrong = match error {
        Some(AppError::SecondFactorRequired) => "code",
        _ => "password",
    };
    let mut form = form(visitor, "sign-in", "account.sign_in", fields);
    if let Some(error) = error {
        problem(visitor, &mut form, wrong, error);
    }
    if let Some(enrolment) = enrolment {
        enrol(visitor, &mut form, enrolment);
    }
    form.introduction.extend(done.map(|key| word(visitor, key)));
    if let Some(title) = provider_find::title(&visitor.state.app, &visitor.scope).await? {
        form.links.push(Link { title, href: format!("{}/auth/oidc", visitor.base) });
    }
    form.links.push(Link { title: word(visitor, "account.reset"), href: format!("{}/auth/reset", visitor.base) });
    Ok(form)
}

/// The page of a link in a mail: its holder chooses a password.
pub(in crate::http) async fn ticket_page(visitor: Visitor, given: web::Query<Given>) -> HttpResponse {
    match redeem::look(&visitor.state.app, &visitor.scope, &given.t).await {
        Ok(holder) => {
            let form = ticket_form(&visitor, &given.t, &holder, None);
            show(&visitor, StatusCode::OK, "account.choose_password", Ok(form)).await
        }
        Err(error) => visitor.failure(error, Told::Page).answer(&visitor.state),
    }
}

/// Takes the password that was chosen.
pub(super) async fn redeem(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let given: Given = match posted(&request, body, "auth", MAX_BODY).await {
        Ok(given) => given,
        Err(error) => return visitor.failure(error, Told::Page).answer(&visitor.state),
    };
    let (app, authority) = (&visitor.state.app, &*visitor.state.authority);
    let done = if given.password == given.again {
        redeem::run(app, authority, &visitor.scope, (&given.t, &given.password)).await
    } else {
        Err(AppError::Argument(word(&visitor, "account.differ")))
    };
    match done {
        Ok(_) => leads_to(&visitor, "sign-in?done=password"),
        Err(error @ (AppError::Password(_) | AppError::Argument(_))) => {
            match redeem::look(app, &visitor.scope, &given.t).await {
                Ok(holder) => {
                    let form = ticket_form(&visitor, &given.t, &holder, Some(&error));
                    again(&visitor, &error, "account.choose_password", Ok(form)).await
                }
                Err(error) => visitor.failure(error, Told::Page).answer(&visitor.state),
            }
        }
        Err(error) => visitor.failure(error, Told::Page).answer(&visitor.state),
    }
}

fn ticket_form(visitor: &Visitor, ticket: &str, holder: &redeem::Holder, error: Option<&AppError>) -> Form {
    let hint = Some(word(visitor, "account.password_hint"));
    let fields = vec![
        FormField { hint, ..field(visitor, "password", "password", "new-password") },
        field(visitor, "again", "password", "new-password"),
    ];
    let mut form = form(visitor, "redeem", "account.choose_password", fields);
    form.parts[0].hidden.push(Named { title: "t".to_owned(), text: ticket.to_owned() });
    form.facts = vec![
        Named { title: word(visitor, "account.field.name"), text: holder.name.clone() },
        Named { title: word(visitor, "account.field.email"), text: holder.email.clone() },
    ];
    if let Some(error) = error {
        problem(visitor, &mut form, if matches!(error, AppError::Argument(_)) { "again" } else { "password" }, error);
    }
    form
}

/// The page for the code that is still missing after a provider has vouched.
pub(in crate::http) async fn second_factor_page(visitor: Visitor, given: web::Query<Given>) -> HttpResponse {
    second_factor_with(visitor, &given.t, None, Client::default()).await
}

/// Takes that code.
pub(super) async fn second_factor(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let given: Given = match posted(&request, body, "auth", MAX_BODY).await {
        Ok(given) => given,
        Err(error) => return visitor.failure(error, Told::Page).answer(&visitor.state),
    };
    let (agent, address) = client(&visitor, &request);
    let client = Client { agent: &agent, address: &address };
    second_factor_with(visitor, &given.t, Some(&given.code), client).await
}

async fn second_factor_with(visitor: Visitor, ticket: &str, code: Option<&str>, client: Client<'_>) -> HttpResponse {
    let (app, authority) = (&visitor.state.app, &*visitor.state.authority);
    let issuer = &visitor.tenant.short_name;
    let tried = sign_in_external::second(app, authority, &visitor.scope, issuer, ((ticket, code), client)).await;
    let mut form =
        form(&visitor, "second-factor", "account.sign_in", vec![field(&visitor, "code", "text", "one-time-code")]);
    form.parts[0].hidden.push(Named { title: "t".to_owned(), text: ticket.to_owned() });
    match tried {
        Ok(Attempted::SignedIn(opened)) => signed_in(&visitor, &opened),
        Ok(Attempted::MustEnrol(enrolment)) => {
            enrol(&visitor, &mut form, &enrolment);
            show(&visitor, StatusCode::OK, "account.enrol", Ok(form)).await
        }
        Err(AppError::SecondFactorRequired) if code.is_none() => {
            show(&visitor, StatusCode::OK, "account.second_factor", Ok(form)).await
        }
        Err(error @ (AppError::SecondFactorRequired | AppError::Locked(_))) => {
            problem(&visitor, &mut form, "code", &error);
            again(&visitor, &error, "account.second_factor", Ok(form)).await
        }
        Err(error) => visitor.failure(error, Told::Page).answer(&visitor.state),
    }
}

/// The page on which another password is asked for.
pub(in crate::http) async fn reset_page(visitor: Visitor) -> HttpResponse {
    let form = form(&visitor, "reset", "account.send", vec![field(&visitor, "email", "email", "username")]);
    show(&visitor, StatusCode::OK, "account.reset", Ok(form)).await
}

/// Says that a mail is on its way, if there is an account, and does not say if there is one.
pub(super) async fn reset(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let given: Given = match posted(&request, body, "auth", MAX_BODY).await {
        Ok(given) => given,
        Err(error) => return visitor.failure(error, Told::Page).answer(&visitor.state),
    };
    super::mail_reset(&visitor, given.email);
    let form = Form { introduction: vec![word(&visitor, "account.sent")], ..Form::default() };
    show(&visitor, StatusCode::OK, "account.reset", Ok(form)).await
}

/// Who is signed in here, and the way out.
pub(in crate::http) async fn account_page(visitor: Visitor, request: HttpRequest) -> HttpResponse {
    let cookie = request.cookie(REFRESH_COOKIE);
    let kept = cookie.as_ref().map(Cookie::value).unwrap_or_default();
    let owner = match session_find::run(&visitor.state.app, &visitor.scope, kept).await {
        Ok(Some(owner)) => owner,
        Ok(None) => return leads_to(&visitor, "sign-in"),
        Err(error) => return visitor.failure(error, Told::Page).answer(&visitor.state),
    };
    let roles: Vec<_> = owner.roles.iter().map(|role| word(&visitor, &format!("role.{}", role.name()))).collect();
    let fact = |key: &str, text: String| Named { title: word(&visitor, key), text };
    let mut form = form(&visitor, "sign-out", "account.sign_out", Vec::new());
    form.facts = vec![
        fact("account.field.name", owner.name),
        fact("account.field.email", owner.email),
        fact("account.roles", if roles.is_empty() { word(&visitor, "account.no_roles") } else { roles.join("、") }),
        fact("account.sessions", owner.sessions.to_string()),
    ];
    if owner.roles.contains(&Role::Administrator) {
        match used(&visitor).await {
            Ok(facts) => form.facts.extend(facts),
            Err(error) => return visitor.failure(error, Told::Page).answer(&visitor.state),
        }
    }
    form.links.push(Link { title: word(&visitor, "account.home"), href: format!("{}/", visitor.base) });
    show(&visitor, StatusCode::OK, "account.own", Ok(form)).await
}

/// How much of its plan the tenant has used, for its administrators.
async fn used(visitor: &Visitor) -> Result<Vec<Named>, AppError> {
    let found = usage_find::of(&visitor.state.app, &visitor.scope).await?;
    let fact = |key: &str, text: String| Named { title: word(visitor, key), text };
    let mut facts = vec![fact("usage.plan", found.plan.name.get(visitor.locale()).to_owned())];
    for entry in &found.entries {
        let text = match entry.limit {
            Some(limit) => word(visitor, "usage.of").replace("{most}", &entry.quota.amount(limit)),
            None => word(visitor, "usage.unbounded"),
        };
        facts.push(fact(entry.quota.title_key(), text.replace("{used}", &entry.quota.amount(entry.used))));
    }
    if let Some(at) = found.ends_at {
        let day = at.date_in_china().to_string();
        facts.push(fact("usage.ends", word(visitor, "usage.ends_at").replace("{at}", &day)));
    }
    Ok(facts)
}

/// Signs out by form.
pub(super) async fn leave(visitor: Visitor, request: HttpRequest, body: web::Payload) -> HttpResponse {
    if let Err(error) = posted::<Given>(&request, body, "auth", MAX_BODY).await {
        return visitor.failure(error, Told::Page).answer(&visitor.state);
    }
    if let Some(cookie) = request.cookie(REFRESH_COOKIE) {
        let (app, authority) = (&visitor.state.app, &*visitor.state.authority);
        if let Err(error) = sign_out::run(app, authority, &visitor.scope, cookie.value()).await {
            return visitor.failure(error, Told::Page).answer(&visitor.state);
        }
    }
    let mut response = leads_to(&visitor, "sign-in?done=out");
    let _ = response.add_cookie(&refresh_cookie(&visitor, None));
    response
}

fn signed_in(visitor: &Visitor, opened: &Opened) -> HttpResponse {
    let mut response = leads_to(visitor, "account");
    let _ = response.add_cookie(&refresh_cookie(visitor, Some(opened)));
    response
}

fn leads_to(visitor: &Visitor, path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, format!("{}/auth/{path}", visitor.base)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

fn word(visitor: &Visitor, key: &str) -> String {
    message(key, visitor.locale()).to_owned()
}

fn field(visitor: &Visitor, name: &str, kind: &'static str, autocomplete: &'static str) -> FormField {
    let label = word(visitor, &format!("account.field.{name}"));
    FormField { name: name.to_owned(), label, kind, autocomplete, ..FormField::default() }
}

fn form(visitor: &Visitor, path: &str, submit: &str, fields: Vec<FormField>) -> Form {
    let action = format!("{}/auth/{path}", visitor.base);
    Form {
        parts: vec![FormPart { action, hidden: Vec::new(), fields, submit: word(visitor, submit) }],
        ..Form::default()
    }
}

fn problem(visitor: &Visitor, form: &mut Form, name: &str, error: &AppError) {
    let locale = visitor.locale();
    let text = error.detail(locale).unwrap_or_else(|| error.code().message(locale).to_owned());
    form.problems.push(FormProblem { field: Some(name.to_owned()), text });
    for field in form.parts.iter_mut().flat_map(|part| &mut part.fields) {
        field.wrong = field.name == name;
    }
}

/// What an authenticator app has to be given: as a picture, and as text.
fn enrol(visitor: &Visitor, form: &mut Form, enrolment: &Enrolment) {
    form.introduction.push(word(visitor, "account.enrol_how"));
    form.facts.push(Named { title: word(visitor, "account.secret"), text: spaced(&enrolment.secret) });
    if let Ok(code) = QrCode::new(&enrolment.url) {
        let drawn = code.render::<svg::Color<'_>>().min_dimensions(232, 232).build();
        let source = format!("data:image/svg+xml;base64,{}", STANDARD.encode(drawn));
        form.picture = Some(Picture { source, text: word(visitor, "account.qr") });
    }
}

/// In groups of four, as people read.
fn spaced(secret: &str) -> String {
    let groups: Vec<_> = secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect();
    groups.join(" ")
}

async fn again(visitor: &Visitor, error: &AppError, title: &str, form: Result<Form, AppError>) -> HttpResponse {
    let status = StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
    show(visitor, status, title, form).await
}

async fn show(visitor: &Visitor, status: StatusCode, title: &str, form: Result<Form, AppError>) -> HttpResponse {
    let shown = async {
        let form = form?;
        let reading = visitor.reading().await?;
        let frame = Frame {
            tenant: &visitor.tenant,
            locale: visitor.locale(),
            base: &visitor.base,
            // Preferences lead back to where a link may lead: no ticket stands in them.
            path: &format!("{}/auth/sign-in", visitor.base),
            preferences: visitor.chosen.preferences,
        };
        let mut title = word(visitor, title);
        if !form.problems.is_empty() {
            title = format!("{}{title}", word(visitor, "account.wrong"));
        }
        let page = frame.page(&reading, None, title, Vec::new(), PageBody::Form(form));
        visitor.state.renderer.render_page(&page).map_err(|error| AppError::Unsound(error.to_string()))
    };
    match shown.await {
        Ok(html) => HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(html),
        Err(error) => visitor.failure(error, Told::Page).answer(&visitor.state),
    }
}
