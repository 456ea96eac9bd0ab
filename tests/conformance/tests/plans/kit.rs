//! A Sunlit with a plan so small that a test can use it up.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use sunlit_app::command::tenant::set_plan;
use sunlit_app::command::usage::flush;
use sunlit_app::{Environment, SystemEnvironment};
use sunlit_domain::Role;
use sunlit_domain::id::{PlanId, TenantId};
use sunlit_domain::plan::{Plan, Plans, Quotas};
use sunlit_storage::platform::tenant::usage::{self, Added};
use sunlit_tenants::plans;
use sunlit_test_support::{PROBE_GRANTS, TestApp};

pub(crate) const TENANT: &str = "900001";
pub(crate) const OTHER: &str = "900002";

const SMALL: &str = r#"
id = "small"
name = { zh = "小", en = "Small" }
summary = { zh = "小", en = "Small" }
offered = true

[quotas]
storage = 1000
accounts = 2
packages = 2
requests = 5
jobs = 5
plugin_cpu = 1

[limits]
cost_per_second = 100_000
cost_burst = 1_000_000
caller_cost_per_second = 100_000
caller_cost_burst = 1_000_000
requests_at_once = 64
"#;

pub(crate) fn id(plan: &str) -> PlanId {
    plan.parse().unwrap()
}

/// The carried plans and the small one.
pub(crate) fn with_small() -> Plans {
    let small = Plan::parse("small.toml", SMALL).map_err(|errors| errors.to_string()).unwrap();
    let carried = plans(None, &PlanId::standard()).unwrap();
    let roomy = Plan { id: id("roomy"), quotas: Quotas { requests: None, ..small.quotas }, ..small.clone() };
    let all = carried.all().map(|plan| Plan::clone(plan)).chain([small, roomy]);
    Plans::new(all.collect::<Vec<_>>(), &PlanId::standard()).unwrap()
}

pub(crate) async fn start() -> TestApp {
    start_with(Arc::new(SystemEnvironment)).await
}

pub(crate) async fn start_with(environment: Arc<dyn Environment>) -> TestApp {
    TestApp::start_configured(environment, |config| config.plans = with_small()).await
}

/// A tenant with the small plan, and its neighbour with none.
pub(crate) async fn small(app: &TestApp) -> TenantId {
    with_plan(app, "small").await
}

/// The same with requests without bound.
pub(crate) async fn roomy(app: &TestApp) -> TenantId {
    with_plan(app, "roomy").await
}

async fn with_plan(app: &TestApp, plan: &str) -> TenantId {
    let tenant = app.tenant(TENANT, &[("probe", &PROBE_GRANTS)]).await;
    app.probe_tenant(OTHER).await;
    set_plan::run(app.app(), &app.administrator(tenant), &id(plan)).await.unwrap();
    tenant
}

/// Lets another node have used so much.
pub(crate) async fn use_up(app: &TestApp, tenant: TenantId, quota: &str, amount: u64) {
    let month = sunlit_app::usage::month_of(app.app().environment.now());
    let added = Added { tenant, month, quota: quota.to_owned(), amount };
    usage::add(&app.app().platform, &[added]).await.unwrap();
    app.app().usage.request(tenant);
    flush::run(app.app(), &app.state().authority).await.unwrap();
}

/// What the administrator is shown: used and limit of a quota.
pub(crate) async fn shown(app: &TestApp, tenant: TenantId, quota: &str) -> (String, Json) {
    let token = app.token(tenant, Role::Administrator);
    let slug = if app.tenant_id(TENANT).await == tenant { TENANT } else { OTHER };
    let ask = "{ usage { plan { id } month state endsAt entries { quota used limit } offers { id } } }";
    let answer = app.graphql(slug, Some(&token), ask, json!({})).await;
    let entries = answer.data()["usage"]["entries"].as_array().unwrap().clone();
    let entry = entries.iter().find(|entry| entry["quota"] == quota).unwrap();
    (entry["used"].as_str().unwrap().to_owned(), entry["limit"].clone())
}
