//! Self-service: a form on the platform's own pages, a link by mail, and a tenant. Programs send JSON to the same addresses.
//!
//! A form is taken from these pages alone (`form.rs`). The link of the mail shows what it would do; only a POST does it, so that whoever scans mail for
//! harmful links subscribes nobody.

use std::sync::LazyLock;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use sunlit_app::{AppError, subscription};
use sunlit_domain::error_code::message;
use sunlit_domain::{ErrorCode, Locale};
use sunlit_pages::{Form, FormField, FormPart, FormProblem, Link, Named, PlatformBody, PlatformPage};
use sunlit_tenants::RegionLibrary;
use sunlit_tenants::subscribe::{self, Asked, Flaw, Shown, SubscribeError, Subscribed};

use super::failure::{Failure, Form as Told};
use super::preferences::Chosen;
use super::{address, body, form, visitor};
use crate::fairness::Caller;
use crate::portal;
use crate::state::State;

/// Bytes of a body.
const MAX_BODY: usize = 16 * 1024;

/// The regions that the binary carries; read once.
static LIBRARY: LazyLock<Option<RegionLibrary>> = LazyLock::new(|| RegionLibrary::carried().ok());

/// What a link carries.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Ticket {
    ticket: String,
}

/// Whoever asks: a person before a page, or a program.
struct Guest {
    state: web::Data<State>,
    chosen: Chosen,
    request: HttpRequest,
    is_program: bool,
}

/// The form.
pub(super) async fn form_page(request: HttpRequest, state: web::Data<State>) -> HttpResponse {
    let guest = Guest::new(request, state);
    if !subscription::is_open(&guest.state.app) {
        return guest.closed();
    }
    guest.form(&Asked::default(), &[], None).await
}

/// Checks what was filled in, and mails the link.
pub(super) async fn send(request: HttpRequest, state: web::Data<State>, body: web::Payload) -> HttpResponse {
    let guest = Guest::new(request, state);
    let asked: Asked = match guest.read(body).await {
        Ok(asked) => asked,
        Err(error) => return guest.failure(error),
    };
    let done = match library() {
        Ok(library) => subscribe::ask(&guest.state.app, library, &asked).await,
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(email) if guest.is_program => guest.told(StatusCode::ACCEPTED, &json!({ "mailedTo": email })),
        Ok(email) => {
            let sent = guest.word("subscribe.sent").replace("{email}", &email);
            guest.show(StatusCode::OK, "subscribe.title", Form { introduction: vec![sent], ..Form::default() })
        }
        Err(error) => guest.refused(&asked, error).await,
    }
}

/// Shows what a link would do.
pub(super) async fn confirm_page(
    request: HttpRequest,
    state: web::Data<State>,
    given: Result<web::Query<Ticket>, actix_web::Error>,
) -> HttpResponse {
    let guest = Guest::new(request, state);
    let ticket = given.map(|given| given.into_inner().ticket).unwrap_or_default();
    let looked = match library() {
        Ok(library) => subscribe::look(&guest.state.app, library, &ticket).await,
        Err(error) => Err(error.into()),
    };
    match looked {
        Ok(shown) if guest.is_program => {
            let plan = shown.plan.name.get(guest.chosen.locale);
            guest.told(StatusCode::OK, &json!({ "tenant": shown.subscription.slug, "plan": plan }))
        }
        Ok(shown) => guest.shown(&shown, &ticket),
        Err(error) => guest.unconfirmed(error),
    }
}

/// Confirms.
pub(super) async fn confirm(request: HttpRequest, state: web::Data<State>, body: web::Payload) -> HttpResponse {
    let guest = Guest::new(request, state);
    let given: Ticket = match guest.read(body).await {
        Ok(given) => given,
        Err(error) => return guest.failure(error),
    };
    // Whoever closes the page does not break it off.
    let (state, ticket) = (guest.state.clone(), given.ticket);
    let done = actix_web::rt::spawn(async move {
        let library = library()?;
        subscribe::confirm(&state.app, &state.authority, library, &ticket).await
    });
    match done.await {
        Ok(Ok(done)) => guest.done(&done),
        Ok(Err(error)) => guest.unconfirmed(error),
        Err(error) => guest.failure(AppError::Unsound(error.to_string())),
    }
}

fn library() -> Result<&'static RegionLibrary, AppError> {
    LIBRARY.as_ref().ok_or_else(|| AppError::Unsound("the carried regions cannot be read".to_owned()))
}

impl Guest {
    fn new(request: HttpRequest, state: web::Data<State>) -> Self {
        let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_program = form::is_of_type(&request, "application/json") || accepts.starts_with("application/json");
        Self { chosen: Chosen::of(&request), state, request, is_program }
    }

    /// What was posted: JSON, or a form of one of these pages.
    async fn read<T: DeserializeOwned>(&self, body: web::Payload) -> Result<T, AppError> {
        let caller = Caller::at(address::of(&self.request, &self.state.trusted_proxies));
        self.state.fairness.attempt(None, caller)?;
        if form::is_form(&self.request) {
            return form::posted(&self.request, body, "subscribe", MAX_BODY).await;
        }
        form::refuse_foreign(&self.request)?;
        if !form::is_of_type(&self.request, "application/json") {
            return Err(AppError::Unsupported("send application/json".to_owned()));
        }
        let bytes = body::whole(body, "subscribe", MAX_BODY).await?;
        serde_json::from_slice(&bytes).map_err(|_| AppError::Argument("the body cannot be read".to_owned()))
    }

    fn locale(&self) -> Locale {
        self.chosen.locale
    }

    fn word(&self, key: &str) -> String {
        message(key, self.locale()).to_owned()
    }

    fn closed(&self) -> HttpResponse {
        if self.is_program {
            return self.failure(AppError::NotFound);
        }
        let form = Form { introduction: vec![self.word("subscribe.closed")], ..Form::default() };
        self.show(StatusCode::NOT_FOUND, "subscribe.closed_title", form)
    }

    fn failure(&self, error: AppError) -> HttpResponse {
        let form = if self.is_program { Told::Problem } else { Told::Page };
        Failure::new(error, form, self.chosen, visitor::trace(&self.request)).at("/subscribe").answer(&self.state)
    }

    async fn refused(&self, asked: &Asked, error: SubscribeError) -> HttpResponse {
        match error {
            SubscribeError::Closed => self.closed(),
            SubscribeError::Flaws(flaws) if self.is_program => self.problems(&flaws),
            SubscribeError::Flaws(flaws) => self.form(asked, &flaws, None).await,
            SubscribeError::App(error @ AppError::RateLimited(_)) if !self.is_program => {
                self.form(asked, &[], Some(error)).await
            }
            SubscribeError::App(error) => self.failure(error),
            SubscribeError::Provision(error) => self.failure(AppError::Unsound(error.to_string())),
        }
    }

    fn unconfirmed(&self, error: SubscribeError) -> HttpResponse {
        match error {
            SubscribeError::Closed => self.closed(),
            SubscribeError::Flaws(flaws) if self.is_program => self.problems(&flaws),
            SubscribeError::Flaws(flaws) => {
                let problems =
                    flaws.iter().map(|flaw| FormProblem { field: None, text: self.word(flaw.key) }).collect();
                let links = vec![Link { title: self.word("subscribe.title"), href: "/subscribe".to_owned() }];
                self.show(StatusCode::CONFLICT, "subscribe.confirm", Form { problems, links, ..Form::default() })
            }
            SubscribeError::App(error) => self.failure(error),
            SubscribeError::Provision(error) => self.failure(AppError::Unsound(error.to_string())),
        }
    }

    fn problems(&self, flaws: &[Flaw]) -> HttpResponse {
        let code = ErrorCode::InvalidInput;
        let problems = flaws.iter().map(|flaw| json!({ "field": flaw.field, "message": self.word(flaw.key) }));
        let problem = json!({
            "type": "about:blank", "title": code.message(self.locale()), "status": code.http_status(), "code": code.code(),
            "problems": problems.collect::<Vec<_>>(),
        });
        HttpResponse::build(StatusCode::BAD_REQUEST)
            .content_type("application/problem+json")
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(problem.to_string())
    }

    fn told(&self, status: StatusCode, answer: &Json) -> HttpResponse {
        HttpResponse::build(status).insert_header((header::CACHE_CONTROL, "no-store")).json(answer)
    }

    async fn form(&self, asked: &Asked, flaws: &[Flaw], error: Option<AppError>) -> HttpResponse {
        let fields = match self.fields(asked, flaws).await {
            Ok(fields) => fields,
            Err(error) => return self.failure(error),
        };
        let mut problems: Vec<FormProblem> = flaws
            .iter()
            .map(|flaw| FormProblem { field: Some(flaw.field.to_owned()), text: self.word(flaw.key) })
            .collect();
        let mut status = if flaws.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
        if let Some(error) = error {
            let text = error.detail(self.locale()).unwrap_or_else(|| error.code().message(self.locale()).to_owned());
            problems.push(FormProblem { field: None, text });
            status = StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::BAD_REQUEST);
        }
        let part = FormPart {
            action: "/subscribe".to_owned(),
            fields,
            submit: self.word("subscribe.send"),
            ..FormPart::default()
        };
        let introduction = vec![self.word("subscribe.how"), self.word("subscribe.notice")];
        self.show(status, "subscribe.title", Form { problems, introduction, parts: vec![part], ..Form::default() })
    }

    async fn fields(&self, asked: &Asked, flaws: &[Flaw]) -> Result<Vec<FormField>, AppError> {
        let app = &self.state.app;
        let named = |title: String, text: &str| Named { title, text: text.to_owned() };
        let mut regions = vec![named(self.word("subscribe.own"), "")];
        for region in subscribe::free(app, library()?).await? {
            let tenant = &region.tenant;
            regions.push(named(format!("{} {}", tenant.name.get(self.locale()), tenant.slug), tenant.slug.as_str()));
        }
        let plans = app.plans.offered().map(|plan| {
            named(format!("{}：{}", plan.name.get(self.locale()), plan.summary.get(self.locale())), plan.id.as_str())
        });
        let mut kinds = vec![named(self.word("subscribe.none"), "")];
        kinds.extend(
            ["province", "city", "district", "street"].map(|kind| named(self.word(&format!("kind.{kind}")), kind)),
        );
        let field = |name: &str, value: &str, hint: Option<&str>| FormField {
            name: name.to_owned(),
            label: self.word(&format!("subscribe.field.{name}")),
            hint: hint.map(|hint| self.word(&format!("subscribe.hint.{hint}"))),
            kind: if name.ends_with("Email") { "email" } else { "text" },
            autocomplete: "off",
            value: value.to_owned(),
            wrong: flaws.iter().any(|flaw| flaw.field == name),
            ..FormField::default()
        };
        let optional = |field: FormField| FormField { optional: true, ..field };
        let own = Some("own");
        Ok(vec![
            optional(FormField { options: regions, ..field("region", &asked.region, None) }),
            optional(field("code", &asked.code, own)),
            optional(field("name", &asked.name, own)),
            optional(FormField { options: kinds, ..field("kind", &asked.kind, own) }),
            optional(field("parent", &asked.parent, Some("parent"))),
            FormField { options: plans.collect(), ..field("plan", &asked.plan, None) },
            field("administratorName", &asked.administrator_name, None),
            field("administratorEmail", &asked.administrator_email, Some("email")),
            field("securityName", &asked.security_name, Some("security")),
            field("securityEmail", &asked.security_email, Some("email")),
        ])
    }

    fn shown(&self, shown: &Shown, ticket: &str) -> HttpResponse {
        let fact = |key: &str, text: String| Named { title: self.word(&format!("subscribe.field.{key}")), text };
        let (one, other) = (&shown.subscription.administrator, &shown.subscription.security);
        let facts = vec![
            fact("region", shown.authority.get(self.locale()).to_owned()),
            fact("code", shown.subscription.slug.to_string()),
            fact("plan", shown.plan.name.get(self.locale()).to_owned()),
            fact("administratorName", one.name.clone()),
            fact("administratorEmail", one.email.clone()),
            fact("securityName", other.name.clone()),
            fact("securityEmail", other.email.clone()),
        ];
        let part = FormPart {
            action: "/subscribe/confirm".to_owned(),
            hidden: vec![Named { title: "ticket".to_owned(), text: ticket.to_owned() }],
            fields: Vec::new(),
            submit: self.word("subscribe.confirm"),
        };
        self.show(StatusCode::OK, "subscribe.confirm", Form { facts, parts: vec![part], ..Form::default() })
    }

    fn done(&self, done: &Subscribed) -> HttpResponse {
        let address = self.state.app.address_of(&done.tenant);
        let (portal, api) = (format!("{address}/"), format!("{address}/graphql"));
        let mailed: Vec<&str> = done.invited.iter().map(|person| person.email.as_str()).collect();
        if self.is_program {
            let answer = json!({
                "tenant": done.tenant.slug, "plan": done.plan.id, "portal": portal, "api": api, "invited": mailed,
            });
            return self.told(StatusCode::OK, &answer);
        }
        let fact = |key: &str, text: String| Named { title: self.word(key), text };
        let facts = vec![
            fact("subscribe.field.region", done.tenant.name.get(self.locale()).to_owned()),
            fact("usage.plan", done.plan.name.get(self.locale()).to_owned()),
            fact("subscribe.portal", portal),
            fact("subscribe.api", api),
            fact("subscribe.invited", mailed.join("、")),
        ];
        let links = vec![Link { title: self.word("subscribe.portal_link"), href: format!("/t/{}/", done.tenant.slug) }];
        self.show(StatusCode::OK, "subscribe.done", Form { facts, links, ..Form::default() })
    }

    fn show(&self, status: StatusCode, title: &str, form: Form) -> HttpResponse {
        let mut title = self.word(title);
        if !form.problems.is_empty() {
            title = format!("{}{title}", self.word("account.wrong"));
        }
        let page = PlatformPage {
            locale: portal::locale(self.locale()),
            // Preferences lead back to where a link may lead: no ticket stands in them.
            path: "/subscribe".to_owned(),
            name: portal::platform_name(self.locale()),
            body: PlatformBody::Form { title, form },
            preferences: self.chosen.preferences,
        };
        match self.state.renderer.render_platform(&page) {
            Ok(html) => HttpResponse::build(status)
                .content_type("text/html; charset=utf-8")
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .body(html),
            Err(error) => self.failure(AppError::Unsound(error.to_string())),
        }
    }
}
