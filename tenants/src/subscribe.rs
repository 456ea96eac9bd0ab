//! Self-service: somebody chooses a region and a plan, confirms by mail, and the tenant is there, with two people invited. What is
//! asked is checked here, and checked again when it is confirmed; between the two nothing is stored (`sunlit_app::subscription`).

use std::sync::Arc;

use serde::Deserialize;
use sunlit_app::command::account::invite::{self, Invitation};
use sunlit_app::command::tenant::create::{self, NewTenant};
use sunlit_app::command::tenant::set_plan;
use sunlit_app::subscription::{self, OwnDivision, Person, Subscription};
use sunlit_app::{App, AppError};
use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::id::{PlanId, TenantSlug};
use sunlit_domain::identity::account::{email, name};
use sunlit_domain::manifest::Grant;
use sunlit_domain::plan::{Feature, Plan};
use sunlit_domain::{Actor, LocalText, Role, ScopeAuthority};
use sunlit_storage::StorageError;
use sunlit_storage::platform::tenant::{self, Tenant, plan, tombstone};

use crate::library::RegionLibrary;
use crate::provision::{PROVISIONING, ProvisionError, enable};
use crate::region::{Kind, PackageEntry, Region};

/// Characters of an authority's name.
const MAX_NAME: usize = 60;

/// What somebody has filled in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct Asked {
    /// The slug of a region file; empty for an own division.
    pub region: String,
    /// The code of an own division.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its level.
    pub kind: String,
    /// The slug of the authority above it, or nothing.
    pub parent: String,
    /// The plan.
    pub plan: String,
    /// Whoever keeps the system.
    pub administrator_name: String,
    /// Their address.
    pub administrator_email: String,
    /// Whoever names people.
    pub security_name: String,
    /// Their address.
    pub security_email: String,
}

/// Something to correct: which field, and the key of what its sender reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Flaw {
    /// The field of [`Asked`], as it is spelled in forms.
    pub field: &'static str,
    /// The key of a text.
    pub key: &'static str,
}

/// Why a subscription came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum SubscribeError {
    /// Nobody subscribes here by themselves.
    #[error("self-service is closed here: set `subscription_domains` and `smtp`")]
    Closed,
    /// There is something to correct.
    #[error("{} field(s) are to be corrected", .0.len())]
    Flaws(Vec<Flaw>),
    /// A use case failed.
    #[error(transparent)]
    App(#[from] AppError),
    /// Provisioning failed; confirming again goes on from there.
    #[error(transparent)]
    Provision(#[from] ProvisionError),
}

impl From<StorageError> for SubscribeError {
    fn from(error: StorageError) -> Self {
        Self::App(error.into())
    }
}

/// A tenant that somebody has subscribed.
#[derive(Debug, Clone)]
pub struct Subscribed {
    /// The tenant.
    pub tenant: Tenant,
    /// Its plan.
    pub plan: Arc<Plan>,
    /// Who was invited.
    pub invited: [Person; 2],
}

/// What is shown before somebody confirms.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The subscription.
    pub subscription: Subscription,
    /// What the authority is called.
    pub authority: LocalText,
    /// The plan.
    pub plan: Arc<Plan>,
}

/// The regions that nobody has subscribed yet, by slug.
///
/// # Errors
/// The database's.
pub async fn free<'l>(app: &App, library: &'l RegionLibrary) -> Result<Vec<&'l Region>, AppError> {
    let there = tenant::all(&app.platform).await?;
    Ok(library.regions().filter(|region| !there.iter().any(|tenant| tenant.slug == region.tenant.slug)).collect())
}

/// Checks what was filled in, and mails the administrator the link to confirm it; answers the address.
///
/// # Errors
/// [`SubscribeError::Closed`], [`SubscribeError::Flaws`], and those of [`subscription::mail`].
pub async fn ask(app: &App, library: &RegionLibrary, asked: &Asked) -> Result<String, SubscribeError> {
    if !subscription::is_open(app) {
        return Err(SubscribeError::Closed);
    }
    let subscription = check(app, library, asked).await?;
    let authority = authority(library, &subscription)?;
    subscription::mail(app, &subscription, &authority).await?;
    Ok(subscription.administrator.email)
}

/// What a link would do.
///
/// # Errors
/// [`AppError::SpentTicket`]; [`SubscribeError::Flaws`] when the slug was taken or the plan withdrawn meanwhile.
pub async fn look(app: &App, library: &RegionLibrary, ticket: &str) -> Result<Shown, SubscribeError> {
    let subscription = subscription::read(app, ticket)?;
    let authority = authority(library, &subscription)?;
    let there = tenant::by_slug(&app.platform, subscription.slug.as_str()).await?;
    if there.is_some_and(|there| there.id != subscription.tenant) {
        return Err(SubscribeError::Flaws(vec![Flaw { field: "region", key: "subscribe.taken" }]));
    }
    if tombstone::of(&app.platform, subscription.tenant).await?.is_some() {
        return Err(AppError::SpentTicket.into());
    }
    let plan = app.plans.offered().find(|plan| plan.id == subscription.plan).cloned();
    let plan = plan.ok_or(SubscribeError::Flaws(vec![Flaw { field: "plan", key: "subscribe.plan" }]))?;
    Ok(Shown { subscription, authority, plan })
}

/// Makes the tenant, enables what it begins with, invites both people, and gives it the plan, which is the last step: a tenant that
/// has one is complete, and confirming again only says so. Broken off before, it goes on when it is confirmed again.
///
/// # Errors
/// Those of [`look`], and of what is done.
pub async fn confirm(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    library: &RegionLibrary,
    ticket: &str,
) -> Result<Subscribed, SubscribeError> {
    let _turn = subscription::turn(app).await;
    let Shown { subscription, plan, .. } = look(app, library, ticket).await?;
    let invited = [subscription.administrator.clone(), subscription.security.clone()];
    if plan::find(&app.platform, subscription.tenant).await?.is_some() {
        let tenant = tenant::by_id(&app.platform, subscription.tenant).await?.ok_or(AppError::SpentTicket)?;
        let plan = app.plan_of(&tenant);
        return Ok(Subscribed { tenant, plan, invited });
    }
    let region = subscription.own.is_none().then(|| library.region(&subscription.slug)).flatten();
    let tenant = made(app, authority, &subscription, (library, region, &plan)).await?;
    let scope = |roles| authority.scope(tenant.id, Actor::known(PROVISIONING, roles));
    let keeper = scope(vec![Role::Administrator, Role::Editor]);
    for package in packages(app, region, &plan).await? {
        enable(app, &keeper, library, &package).await?;
    }
    let roles = [Role::Administrator, Role::SecurityAdministrator];
    for (person, role) in invited.iter().zip(roles) {
        let new = Invitation { email: person.email.clone(), name: person.name.clone(), roles: vec![role] };
        match invite::run(app, &scope(vec![Role::SecurityAdministrator]), &new).await {
            // It was broken off after that.
            Ok(_) | Err(AppError::Taken) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let plan = set_plan::run(app, &keeper, &plan.id).await?;
    Ok(Subscribed { tenant, plan, invited })
}

async fn made(
    app: &App,
    authority: &ScopeAuthority,
    subscription: &Subscription,
    (library, region, plan): (&RegionLibrary, Option<&Region>, &Plan),
) -> Result<Tenant, SubscribeError> {
    let new = match (&subscription.own, region) {
        (Some(own), _) => {
            let code = subscription.slug.to_string();
            NewTenant {
                id: Some(subscription.tenant),
                kind: own.kind.clone(),
                codes: vec![DivisionCode { code: code.clone(), valid_from: None, valid_to: None }],
                code,
                name: own.name.clone(),
                short_name: own.name.clone(),
                parent: there(app, own.parent.as_ref()).await?,
                ..NewTenant::district(subscription.slug.clone(), &own.name.zh)
            }
        }
        (None, Some(region)) => {
            let entry = &region.tenant;
            let outline = entry.outline.as_deref().map(|file| library.read(file)).transpose()?;
            let hosts = if plan.features.contains(&Feature::HostName) { entry.hosts.clone() } else { Vec::new() };
            NewTenant {
                id: Some(subscription.tenant),
                slug: entry.slug.clone(),
                kind: entry.kind.name().to_owned(),
                code: entry.code.clone(),
                codes: entry.division_codes(),
                name: entry.name.clone(),
                short_name: entry.short_name.clone(),
                parent: there(app, entry.parent.as_ref()).await?,
                hosts,
                outline,
            }
        }
        (None, None) => return Err(AppError::SpentTicket.into()),
    };
    Ok(create::run(app, authority, new).await?)
}

/// The authority above, if it is there: nobody makes another authority's tenant by subscribing.
async fn there(app: &App, parent: Option<&TenantSlug>) -> Result<Option<TenantSlug>, AppError> {
    let Some(slug) = parent else { return Ok(None) };
    Ok(tenant::by_slug(&app.platform, slug.as_str()).await?.map(|tenant| tenant.slug))
}

/// What the tenant begins with: what its region file names, or its plan.
async fn packages(app: &App, region: Option<&Region>, plan: &Plan) -> Result<Vec<PackageEntry>, SubscribeError> {
    if let Some(region) = region.filter(|region| !region.packages.is_empty()) {
        return Ok(region.packages.clone());
    }
    let mut entries = Vec::new();
    for id in &plan.packages {
        let newest = app.newest_version(id.as_str()).await?;
        let version = newest.ok_or_else(|| ProvisionError::NoPackage(id.to_string()))?;
        let package = app.package(id.as_str(), &version).await?;
        let uses = package.manifest.uses.keys().cloned().map(Grant::Uses);
        let grants = package.imports().iter().copied().map(Grant::Capability).chain(uses).collect();
        entries.push(PackageEntry {
            id: id.clone(),
            version: Some(version),
            grants,
            settings: std::collections::BTreeMap::new(),
            data: Vec::new(),
        });
    }
    Ok(entries)
}

fn authority(library: &RegionLibrary, subscription: &Subscription) -> Result<LocalText, AppError> {
    match &subscription.own {
        Some(own) => Ok(own.name.clone()),
        None => {
            library.region(&subscription.slug).map(|region| region.tenant.name.clone()).ok_or(AppError::SpentTicket)
        }
    }
}

/// Everything that is wrong at once, or the subscription.
async fn check(app: &App, library: &RegionLibrary, asked: &Asked) -> Result<Subscription, SubscribeError> {
    let mut flaws = Vec::new();
    let who = who(app, library, asked, &mut flaws).await?;
    let plan: Option<PlanId> = asked.plan.parse().ok();
    let plan = plan.filter(|plan| app.plans.offered().any(|offered| offered.id == *plan));
    if plan.is_none() {
        flaws.push(Flaw { field: "plan", key: "subscribe.plan" });
    }
    let administrator = person(
        app,
        [&asked.administrator_name, &asked.administrator_email],
        ["administratorName", "administratorEmail"],
        &mut flaws,
    );
    let security =
        person(app, [&asked.security_name, &asked.security_email], ["securityName", "securityEmail"], &mut flaws);
    if let (Some(one), Some(other)) = (&administrator, &security)
        && (one.email == other.email || one.name == other.name)
    {
        flaws.push(Flaw { field: "securityEmail", key: "subscribe.same_person" });
    }
    match (who, plan, administrator, security) {
        (Some(who), Some(plan), Some(administrator), Some(security)) if flaws.is_empty() => {
            Ok(Subscription::new(app, who, plan, [administrator, security]))
        }
        _ => Err(SubscribeError::Flaws(flaws)),
    }
}

type Who = (TenantSlug, Option<OwnDivision>);

async fn who(
    app: &App,
    library: &RegionLibrary,
    asked: &Asked,
    flaws: &mut Vec<Flaw>,
) -> Result<Option<Who>, AppError> {
    let mut wrong = |field, key| flaws.push(Flaw { field, key });
    let who: Option<Who> = if asked.region.is_empty() {
        let kind = [Kind::Province, Kind::City, Kind::District, Kind::Street]
            .into_iter()
            .find(|kind| kind.name() == asked.kind);
        let name = asked.name.trim();
        if kind.is_none() {
            wrong("kind", "subscribe.kind");
        }
        if name.is_empty() || name.chars().count() > MAX_NAME || name.contains(char::is_control) {
            wrong("name", "subscribe.name");
        }
        let digits = kind.map_or(6, Kind::code_digits);
        let is_code = asked.code.len() == digits && asked.code.bytes().all(|byte| byte.is_ascii_digit());
        let slug: Option<TenantSlug> = asked.code.parse().ok().filter(|_| is_code);
        if slug.is_none() {
            wrong("code", "subscribe.code");
        } else if slug.as_ref().is_some_and(|slug| library.region(slug).is_some()) {
            // Its name and place are known: nobody takes its code under another name.
            wrong("code", "subscribe.listed");
        }
        let parent = match asked.parent.as_str() {
            "" => None,
            text => {
                let found = match text.parse::<TenantSlug>() {
                    Ok(slug) => tenant::by_slug(&app.platform, slug.as_str()).await?,
                    Err(_) => None,
                };
                let is_above = |found: &Tenant| {
                    let above =
                        [Kind::Province, Kind::City, Kind::District].into_iter().find(|kind| kind.name() == found.kind);
                    above.zip(kind).is_some_and(|(above, kind)| above.is_above(kind))
                };
                if !found.as_ref().is_some_and(is_above) {
                    wrong("parent", "subscribe.parent");
                }
                found.map(|found| found.slug)
            }
        };
        let name = LocalText { zh: name.to_owned(), en: None };
        slug.zip(kind).map(|(slug, kind)| (slug, Some(OwnDivision { kind: kind.name().to_owned(), name, parent })))
    } else {
        let slug: Option<TenantSlug> = asked.region.parse().ok();
        let slug = slug.filter(|slug| library.region(slug).is_some());
        if slug.is_none() {
            wrong("region", "subscribe.region");
        }
        slug.map(|slug| (slug, None))
    };
    if let Some((slug, own)) = &who
        && tenant::by_slug(&app.platform, slug.as_str()).await?.is_some()
    {
        wrong(if own.is_some() { "code" } else { "region" }, "subscribe.taken");
    }
    Ok(who)
}

fn person(app: &App, [called, address]: [&str; 2], fields: [&'static str; 2], flaws: &mut Vec<Flaw>) -> Option<Person> {
    let (called, address) = (name(called), email(address));
    if called.is_none() {
        flaws.push(Flaw { field: fields[0], key: "subscribe.person" });
    }
    match &address {
        None => flaws.push(Flaw { field: fields[1], key: "subscribe.email" }),
        Some(address) if !subscription::is_trusted(app, address) => {
            flaws.push(Flaw { field: fields[1], key: "subscribe.domain" });
        }
        Some(_) => {}
    }
    Some(Person { name: called?, email: address? })
}
