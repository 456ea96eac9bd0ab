//! `sunlit plan`, and what `sunlit tenant` says of plans.

use clap::Subcommand;
use serde_json::json;
use sunlit_app::AppError;
use sunlit_app::command::tenant::set_plan;
use sunlit_app::query::usage_find;
use sunlit_domain::id::{PlanId, TenantSlug};
use sunlit_domain::plan::Quota;
use sunlit_domain::{Locale, ScopeAuthority};
use sunlit_tenants::plans;

use super::Failed;
use super::installation::{Installation, administrator, tenant};
use super::output::line;
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// List the plans: id, whether it is offered, name, quotas.
    List,
}

pub(super) fn run(config: &Config, command: &Command) -> Result<(), Failed> {
    let Command::List = command;
    let plans = plans(config.plans.as_deref(), &config.default_plan)?;
    for plan in plans.all() {
        let offered = if plan.offered { "offered" } else { "-" };
        let default = if plan.id == plans.default_plan().id { "  default" } else { "" };
        let quotas = Quota::ALL.into_iter().filter_map(|quota| Some((quota, plan.quotas.of(quota)?)));
        let quotas: Vec<String> = quotas.map(|(quota, most)| format!("{} {most}", quota.name())).collect();
        let quotas = if quotas.is_empty() { "no quotas".to_owned() } else { quotas.join(", ") };
        line(format!("{}  {offered}  {}  {quotas}{default}", plan.id, plan.name.zh));
    }
    Ok(())
}

/// Says which plan a tenant has, or gives it another.
pub(super) async fn of_tenant(
    config: &Config,
    authority: &ScopeAuthority,
    slug: &TenantSlug,
    plan: Option<&PlanId>,
) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::existing(config).await?;
    let plan = match plan {
        None => app.plan_of(&*tenant(&app, slug).await?),
        Some(plan) => {
            let scope = administrator(&app, authority, slug).await?;
            set_plan::run(&app, &scope, plan).await.map_err(told)?
        }
    };
    line(format!("{slug} has {}  {}", plan.id, plan.name.zh));
    app.stores.close().await;
    Ok(())
}

/// Says how much of its plan a tenant has used, as far as it is written down.
pub(super) async fn usage(
    config: &Config,
    authority: &ScopeAuthority,
    slug: &TenantSlug,
    as_json: bool,
) -> Result<(), Failed> {
    let Installation { app, .. } = Installation::existing(config).await?;
    let scope = administrator(&app, authority, slug).await?;
    let usage = usage_find::of(&app, &scope).await?;
    if as_json {
        let entries = usage
            .entries
            .iter()
            .map(|entry| json!({ "quota": entry.quota.name(), "used": entry.used, "limit": entry.limit }));
        let told = json!({
            "tenant": slug, "plan": usage.plan.id, "month": usage.month, "state": usage.state.name(),
            "endsAt": usage.ends_at.map(|at| at.to_string()), "entries": entries.collect::<Vec<_>>(),
        });
        line(told.to_string());
    } else {
        line(format!("{slug}  {}  {}", usage.plan.id, usage.month));
        for entry in &usage.entries {
            let limit = entry.limit.map_or_else(|| "without bound".to_owned(), |limit| format!("of {limit}"));
            line(format!("{}  {} {limit}", entry.quota.name(), entry.used));
        }
        if let Some(at) = usage.ends_at {
            line(format!("cancelled: suspended at {at}"));
        }
    }
    app.stores.close().await;
    Ok(())
}

/// What an operator reads.
pub(super) fn told(error: AppError) -> Failed {
    match error.detail(Locale::En) {
        Some(detail) => detail.into(),
        None => error.into(),
    }
}
