//! Subscriptions that are asked for and not confirmed yet. Nothing of one is stored: everything is in the link that is mailed to the
//! administrator, sealed, so that whoever sees the link without being told it reads nothing, and changes nothing.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sunlit_domain::error_code::message;
use sunlit_domain::id::{PlanId, TenantId, TenantSlug};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{LocalText, Locale};

use crate::mail::{Letter, MailError};
use crate::{App, AppError};

/// How long a link is good.
pub const LASTS: Duration = Duration::from_hours(72);
/// Nobody is mailed twice within this time.
const BETWEEN: Duration = Duration::from_mins(2);
/// How many subscriptions wait to be confirmed, as far as a node knows.
pub const MAX_OPEN: u64 = 1_000;
/// Bytes of a link's ticket.
pub const MAX_TICKET: usize = 4 * 1024;
/// What tickets are sealed for.
const CONTEXT: &str = "subscription";

/// A person who is to be invited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// What they are called.
    pub name: String,
    /// Their address.
    pub email: String,
}

/// An authority that no region file describes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnDivision {
    /// `province`, `city`, `district`, `street`.
    pub kind: String,
    /// Its name.
    pub name: LocalText,
    /// The authority above it, which is there.
    pub parent: Option<TenantSlug>,
}

/// A subscription that was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    /// The id that the tenant gets: by it a subscription that is confirmed twice is known again.
    pub tenant: TenantId,
    /// The slug that it gets, which is its code where it is its own division.
    pub slug: TenantSlug,
    /// Who it is, where no region file says so.
    pub own: Option<OwnDivision>,
    /// The plan.
    pub plan: PlanId,
    /// Whoever keeps the system.
    pub administrator: Person,
    /// Whoever names people: another person.
    pub security: Person,
    /// Until when it may be confirmed.
    until: i64,
}

impl Subscription {
    /// A subscription that may be confirmed from now on.
    #[must_use]
    pub fn new(
        app: &App,
        (slug, own): (TenantSlug, Option<OwnDivision>),
        plan: PlanId,
        [administrator, security]: [Person; 2],
    ) -> Self {
        let until = app.environment.now().plus(LASTS).micros();
        let tenant = TenantId(app.environment.new_id());
        Self { tenant, slug, own, plan, administrator, security, until }
    }
}

/// Whether people may subscribe by themselves here.
#[must_use]
pub fn is_open(app: &App) -> bool {
    app.mailer.is_some() && !app.subscription_domains.is_empty() && app.plans.offered().next().is_some()
}

/// Whether an address, as it is kept, is of a domain whose holders may subscribe: that domain, or one below it.
#[must_use]
pub fn is_trusted(app: &App, email: &str) -> bool {
    let domain = email.rsplit('@').next().unwrap_or_default();
    app.subscription_domains.iter().any(|trusted| {
        domain == trusted || domain.strip_suffix(trusted.as_str()).is_some_and(|rest| rest.ends_with('.'))
    })
}

/// Mails the link by which the administrator confirms: whoever reads the mailbox of a trusted domain is who they say.
///
/// # Errors
/// [`AppError::RateLimited`] for an address that was mailed just now, [`AppError::Overloaded`] when too many wait, and those of the
/// mail server.
pub async fn mail(app: &App, subscription: &Subscription, authority: &LocalText) -> Result<(), AppError> {
    let now = app.environment.now();
    let to = &subscription.administrator;
    if let Some(last) = app.subscribing.get(&to.email)
        && now < last.plus(BETWEEN)
    {
        let left = last.plus(BETWEEN).micros().saturating_sub(now.micros());
        return Err(AppError::RateLimited(Duration::from_micros(u64::try_from(left).unwrap_or(0))));
    }
    app.subscribing.run_pending_tasks();
    if app.subscribing.entry_count() >= MAX_OPEN {
        return Err(AppError::Overloaded("too many subscriptions wait to be confirmed: try again tomorrow".to_owned()));
    }
    let mailer = app.mailer.as_ref().ok_or(AppError::Mail(MailError::None))?;
    app.subscribing.insert(to.email.clone(), now);
    let link = format!("{}/subscribe/confirm?ticket={}", app.public_url(), ticket(app, subscription)?);
    let write = |part: &str, locale: Locale| {
        message(&format!("mail.subscribe.{part}"), locale)
            .replace("{tenant}", authority.get(locale))
            .replace("{platform}", message("platform.name", locale))
            .replace("{name}", &to.name)
            .replace("{link}", &link)
    };
    let body = format!("{}\n\n----\n\n{}\n", write("body", Locale::Zh), write("body", Locale::En));
    let letter = Letter {
        id: subscription.tenant.0,
        to: to.email.clone(),
        name: to.name.clone(),
        subject: write("subject", Locale::Zh),
        body,
    };
    if let Err(error) = mailer.send(letter).await {
        app.subscribing.invalidate(&to.email);
        return Err(error.into());
    }
    Ok(())
}

/// What the link carries.
fn ticket(app: &App, subscription: &Subscription) -> Result<String, AppError> {
    let plain = serde_json::to_vec(subscription).map_err(|error| AppError::Unsound(error.to_string()))?;
    let sealed = app.vault.seal_platform(CONTEXT, &plain)?;
    if sealed.len() > MAX_TICKET {
        return Err(AppError::Argument("names and addresses are too long: shorten them".to_owned()));
    }
    Ok(sealed)
}

/// The subscription of a link.
///
/// # Errors
/// [`AppError::SpentTicket`] for one that this installation has not made, that was changed, or whose time is over.
pub fn read(app: &App, text: &str) -> Result<Subscription, AppError> {
    if text.len() > MAX_TICKET {
        return Err(AppError::SpentTicket);
    }
    let plain = app.vault.open_platform(CONTEXT, text).map_err(|_| AppError::SpentTicket)?;
    let read: Subscription = serde_json::from_slice(&plain).map_err(|_| AppError::SpentTicket)?;
    let until = Timestamp::from_micros(read.until).ok_or(AppError::SpentTicket)?;
    if until <= app.environment.now() {
        return Err(AppError::SpentTicket);
    }
    Ok(read)
}

/// Waits until nobody else confirms in this process: of two for one slug one comes second, and is told that it is taken.
pub async fn turn(app: &App) -> tokio::sync::MutexGuard<'_, ()> {
    app.confirming.lock().await
}
