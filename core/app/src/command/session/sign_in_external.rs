//! Signs somebody in for whom the tenant's provider of identities vouches, with a code of their authenticator where one is needed.

use sunlit_domain::id::ActorId;
use sunlit_domain::identity::account::{email, name};
use sunlit_domain::plan::Quota;
use sunlit_domain::{Actor, LocalText, Role, Scope, ScopeAuthority};
use sunlit_storage::Work;
use sunlit_storage::tenant::identity::account::{self, Model};
use sunlit_storage::tenant::identity::external;
use sunlit_storage::tenant::identity::{role, ticket};

use super::{Attempted, Client, Opened, open};
use crate::command::account::authenticator::{checked, is_needed, offer};
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::command::usage::room;
use crate::identity::principal::instant;
use crate::identity::ticket::{TicketKind, read, text};
use crate::{App, AppError};

/// What the provider says of a person. It has been checked against the provider's keys before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vouched {
    /// The provider.
    pub issuer: String,
    /// The provider's id of the person.
    pub subject: String,
    /// Their address, if the provider has made sure that it is theirs.
    pub verified_email: Option<String>,
    /// What they are called.
    pub name: Option<String>,
    /// Whether whoever has no account gets one as a citizen.
    pub creates_citizens: bool,
}

/// How it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VouchedFor {
    /// Whoever it was is in.
    SignedIn(Opened),
    /// A code is asked for; this ticket and the code then sign in ([`second`]).
    NeedsCode(String),
}

/// Signs in whoever is vouched for. Who was vouched for before keeps their account; who was invited under a verified address gets
/// that account; anybody else one of a citizen, where the tenant wants that.
///
/// # Errors
/// [`AppError::Denied`] for whoever has no account and gets none, and for one that is disabled.
pub async fn run(
    app: &App,
    authority: &ScopeAuthority,
    scope: &Scope,
    (vouched, client): (&Vouched, Client<'_>),
) -> Result<VouchedFor, AppError> {
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let row = account_of(app, scope, &work, vouched).await?;
    if row.state == account::DISABLED {
        return Err(AppError::Denied);
    }
    let scope = authority.scope(scope.tenant(), Actor::known(ActorId(row.id), Vec::new()));
    if is_needed(&scope, &work, &row).await? {
        let kind = TicketKind::SecondFactor;
        let id = app.environment.new_id();
        let row = ticket::Model {
            tenant_id: scope.tenant().0,
            id,
            kind: kind.name().to_owned(),
            account: row.id,
            created_at: at.to_string(),
            expires_at: at.plus(kind.lasts()).to_string(),
        };
        ticket::put(&scope, &work, row).await?;
        commit(app, &scope, work, None).await?;
        return Ok(VouchedFor::NeedsCode(text(&app.keys.tickets, scope.tenant(), id)));
    }
    let opened = open(app, &scope, &work, (row, "oidc"), client, at).await?;
    commit(app, &scope, work, None).await?;
    Ok(VouchedFor::SignedIn(opened))
}

/// Signs in with the ticket of [`run`] and a code.
///
/// # Errors
/// [`AppError::SpentTicket`], [`AppError::SecondFactorRequired`] for a wrong code, [`AppError::Locked`].
pub async fn second(
    app: &App,
    authority: &ScopeAuthority,
    scope: &Scope,
    issuer: &LocalText,
    ((given, code), client): ((&str, Option<&str>), Client<'_>),
) -> Result<Attempted, AppError> {
    let id = read(&app.keys.tickets, scope.tenant(), given).ok_or(AppError::SpentTicket)?;
    let at = app.environment.now();
    let store = app.stores.open(scope).await?;
    let found = ticket::find(scope, &store.snapshot(scope).await?, id).await?;
    let is_good = |ticket: &ticket::Model| ticket.kind == TicketKind::SecondFactor.name();
    let found = found.filter(is_good).ok_or(AppError::SpentTicket)?;
    if instant(&found.expires_at)? <= at {
        return Err(AppError::SpentTicket);
    }
    let owner = ActorId(found.account);
    let scope = authority.scope(scope.tenant(), Actor::known(owner, Vec::new()));
    let work = begin::administer(app, &scope).await?;
    let row = account::find(&scope, &work, owner).await?.filter(|row| row.state == account::ACTIVE);
    let row = row.ok_or(AppError::SpentTicket)?;
    if let Some(until) = row.locked_until.as_deref().map(instant).transpose()?.filter(|until| at < *until) {
        return Err(AppError::Locked(until));
    }
    let Some(code) = code else {
        if row.totp_at.is_some() {
            return Err(AppError::SecondFactorRequired);
        }
        let given = offer(app, &scope, &work, row, &issuer.zh).await?;
        commit(app, &scope, work, None).await?;
        return Ok(Attempted::MustEnrol(given));
    };
    match checked(app, &scope, &work, row, code, at).await? {
        Ok(row) => {
            ticket::delete_of(&scope, &work, owner).await?;
            let opened = open(app, &scope, &work, (row, "oidc+totp"), client, at).await?;
            commit(app, &scope, work, None).await?;
            Ok(Attempted::SignedIn(opened))
        }
        Err(row) => {
            super::sign_in::failed(app, &scope, work, row).await?;
            Err(AppError::SecondFactorRequired)
        }
    }
}

async fn account_of(app: &App, scope: &Scope, work: &Work, vouched: &Vouched) -> Result<Model, AppError> {
    if let Some(id) = external::account(scope, work, &vouched.issuer, &vouched.subject).await? {
        return account::find(scope, work, id).await?.ok_or(AppError::Denied);
    }
    let address = vouched.verified_email.as_deref().and_then(email);
    let known = match &address {
        Some(address) => account::by_email(scope, work, address).await?,
        None => None,
    };
    let row = match (known, address) {
        // One person of a provider for one account: a second one with the same address is somebody else.
        (Some(row), _) if external::is_linked(scope, work, &vouched.issuer, ActorId(row.id)).await? => {
            return Err(AppError::Denied);
        }
        (Some(row), _) if row.state == account::INVITED => taken(scope, work, row).await?,
        (Some(row), _) => row,
        (None, Some(address)) if vouched.creates_citizens => citizen(app, scope, work, vouched, address).await?,
        (None, _) => return Err(AppError::Denied),
    };
    let at = app.environment.now();
    let link = external::Model {
        tenant_id: scope.tenant().0,
        issuer: vouched.issuer.clone(),
        subject: vouched.subject.clone(),
        account: row.id,
        linked_at: at.to_string(),
    };
    external::insert(scope, work, link).await?;
    trail::of_change(app, scope, work, ("link", "account", &row.id.to_string()), at).await?;
    Ok(row)
}

/// An invitation that its holder takes by the provider's word instead of the link.
async fn taken(scope: &Scope, work: &Work, row: Model) -> Result<Model, AppError> {
    let row = Model { state: account::ACTIVE.to_owned(), ..row };
    ticket::delete_of(scope, work, ActorId(row.id)).await?;
    account::put(scope, work, row.clone()).await?;
    Ok(row)
}

async fn citizen(app: &App, scope: &Scope, work: &Work, vouched: &Vouched, address: String) -> Result<Model, AppError> {
    let at = app.environment.now();
    let called = vouched.name.as_deref().and_then(name);
    let row = Model {
        tenant_id: scope.tenant().0,
        id: app.environment.new_id(),
        name: called.unwrap_or_else(|| address.split('@').next().unwrap_or_default().chars().take(50).collect()),
        email: address,
        state: account::ACTIVE.to_owned(),
        password: None,
        password_at: None,
        failures: 0,
        locked_until: None,
        totp: None,
        totp_at: None,
        totp_step: 0,
        created_at: at.to_string(),
        created_by: None,
        signed_in_at: None,
    };
    room(app, scope, work, (Quota::Accounts, 1)).await?;
    account::insert(scope, work, row.clone()).await?;
    role::grant(scope, work, (ActorId(row.id), Role::Citizen), at).await?;
    trail::of_change(app, scope, work, ("register", "account", &row.id.to_string()), at).await?;
    Ok(row)
}
