//! `sunlit account`: the first people of a tenant, whom nobody there could invite, and those who cannot get in any more.

use std::sync::Arc;

use clap::Subcommand;
use sunlit_app::command::account::invite::{self, Invitation};
use sunlit_app::command::account::{authenticator, unlock};
use sunlit_app::query::account_list::{self, Account};
use sunlit_app::{App, AppError, Reading};
use sunlit_domain::id::{ActorId, TenantSlug};
use sunlit_domain::{Actor, Locale, Role, Scope, ScopeAuthority};
use sunlit_storage::platform::tenant::Tenant;

use super::Failed;
use super::installation::{Installation, OPERATOR, tenant};
use super::output::line;
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Make an account, mail its owner the invitation, and print the link too; an account that waits is invited again.
    Invite {
        /// The tenant's slug.
        tenant: TenantSlug,
        /// Their address.
        #[arg(long)]
        email: String,
        /// What they are called.
        #[arg(long)]
        name: String,
        /// What they are to do; may be given several times. Nobody is two of administrator, security-administrator, auditor.
        #[arg(long, required = true, value_parser = parse_role)]
        role: Vec<Role>,
    },
    /// List accounts: id, address, state, roles, name.
    List {
        /// The tenant's slug.
        tenant: TenantSlug,
    },
    /// Let somebody try again whose account is locked by wrong answers.
    Unlock {
        /// The tenant's slug.
        tenant: TenantSlug,
        /// Their address.
        email: String,
    },
    /// Take the lost authenticator of somebody away, who sets another one up when they next sign in.
    ResetAuthenticator {
        /// The tenant's slug.
        tenant: TenantSlug,
        /// Their address.
        email: String,
    },
}

/// A role that can be given, by its name.
pub(super) fn parse_role(text: &str) -> Result<Role, String> {
    let grantable = Role::ALL.into_iter().filter(|role| *role != Role::Public);
    let names: Vec<_> = grantable.map(Role::name).collect();
    Role::named(text).filter(|role| *role != Role::Public).ok_or_else(|| format!("choose one of {}", names.join(", ")))
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, command: Command) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::existing(config).await?;
    let done = match command {
        Command::Invite { tenant, email, name, role } => {
            let invitation = Invitation { email, name, roles: role };
            invited(&app, authority, &tenant, &invitation).await
        }
        Command::List { tenant } => list(&app, authority, &tenant).await,
        Command::Unlock { tenant, email } => {
            let (scope, account) = found(&app, authority, &tenant, &email).await?;
            unlock::run(&app, &scope, account.id).await?;
            line(format!("{email} is unlocked"));
            Ok(())
        }
        Command::ResetAuthenticator { tenant, email } => {
            let (scope, account) = found(&app, authority, &tenant, &email).await?;
            authenticator::remove(&app, &scope, account.id).await?;
            line(format!("{email} has no authenticator"));
            Ok(())
        }
    };
    app.stores.close().await;
    done
}

async fn invited(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    slug: &TenantSlug,
    invitation: &Invitation,
) -> Result<(), Failed> {
    let (tenant, scope) = security(app, authority, slug).await?;
    let made = match invite::run(app, &scope, invitation).await {
        Err(AppError::Taken) => {
            let (_, account) = found(app, authority, slug, &invitation.email).await?;
            invite::again(app, &scope, account.id).await?
        }
        made => made?,
    };
    line(format!("{}/auth/ticket?t={}", app.address_of(&tenant), made.ticket));
    Ok(())
}

async fn list(app: &Arc<App>, authority: &ScopeAuthority, slug: &TenantSlug) -> Result<(), Failed> {
    let (_, scope) = security(app, authority, slug).await?;
    let accounts = all(app, scope).await?;
    if accounts.is_empty() {
        line("no accounts yet: make the first with `sunlit account invite`");
    }
    for account in accounts {
        let roles: Vec<_> = account.roles.iter().map(|role| role.name()).collect();
        line(format!("{}  {}  {}  {}  {}", account.id, account.email, account.state, roles.join(","), account.name));
    }
    Ok(())
}

/// Everybody of the tenant, page by page.
async fn all(app: &Arc<App>, scope: Scope) -> Result<Vec<Account>, AppError> {
    let reading = Reading::begin(app, scope, Locale::En).await?;
    let (mut accounts, mut after): (Vec<Account>, Option<ActorId>) = (Vec::new(), None);
    loop {
        let (page, has_more) = account_list::run(&reading, account_list::MAX_FIRST, after).await?;
        after = page.last().map(|account| account.id);
        accounts.extend(page);
        if !has_more {
            return Ok(accounts);
        }
    }
}

async fn found(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    slug: &TenantSlug,
    email: &str,
) -> Result<(Scope, Account), Failed> {
    let (_, scope) = security(app, authority, slug).await?;
    let accounts = all(app, scope.clone()).await?;
    let account = accounts.into_iter().find(|account| account.email.eq_ignore_ascii_case(email.trim()));
    Ok((
        scope,
        account.ok_or_else(|| format!("{slug} has no account {email}: `sunlit account list {slug}` names them"))?,
    ))
}

/// The scope of an operator who names people at the tenant of that slug.
async fn security(app: &App, authority: &ScopeAuthority, slug: &TenantSlug) -> Result<(Arc<Tenant>, Scope), Failed> {
    let tenant = tenant(app, slug).await?;
    let operator = Actor::known(OPERATOR, vec![Role::SecurityAdministrator]);
    let scope = authority.scope(tenant.id, operator);
    Ok((tenant, scope))
}
