//! Many tenants on one node: what each costs to provision, what they hold together, and how fast a list is with a hundred of
//! them in turn against one alone, warm and cold. On the configured engine: files in a throw-away folder, or the database,
//! which has to be without tenants, for those of the measurement stay.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::Instant;

use actix_web::web;
use serde_json::json;
use sunlit_app::command::package::{enable, publish};
use sunlit_app::command::tenant::create::{self, NewTenant};
use sunlit_app::query::tenant_find;
use sunlit_app::{App, AppConfig, Package, SystemEnvironment};
use sunlit_domain::id::ActorId;
use sunlit_domain::plan::Plans;
use sunlit_domain::{Actor, Role, ScopeAuthority};
use sunlit_pages::Renderer;
use uuid::Uuid;

use super::ask::{Sender, asker, sender};
use super::measure::{TemporaryFolder, kib_of, line, median, micros, millis, quantile};
use super::records::bring_in;
use crate::command::Failed;
use crate::config::Config;
use crate::http::application;
use crate::oidc::{ProviderClient, Providers};
use crate::state::State;
use crate::token::TokenKeys;

const MANIFEST: &str = r#"
[plugin]
id = "bench-tenants"
version = "1.0.0"
api = "0.1"
title = { zh = "测量" }
vendor = "sunlit"
[[collection]]
name = "item"
title = { zh = "条目" }
field = [
  { name = "code", type = "string", required = true, unique = true, filter = true, sort = true },
  { name = "name", type = "string", search = true },
  { name = "number", type = "int", filter = true, sort = true },
]
[collection.access]
read = [{ role = "public" }]
create = [{ role = "editor" }]
"#;
/// Records of each tenant.
const RECORDS: usize = 50;
/// How many tenants are asked in turn.
const IN_TURN: usize = 100;
/// How many tenants are asked for the first time after a start.
const COLD: usize = 500;
const QUERY: &str = "{ benchTenants { items(first: 20, order: [CODE_ASC], filter: { number: { gte: 5 } }) \
                     { nodes { id code name number } pageInfo { hasNextPage } } } }";

/// Provisions so many tenants and measures.
///
/// # Errors
/// When something cannot be made, asked or read.
pub(crate) async fn run(
    mut config: Config,
    authority: ScopeAuthority,
    tenants: usize,
    rounds: usize,
) -> Result<(), Failed> {
    let folder = TemporaryFolder::new("tenants")?;
    config.data = folder.path().to_path_buf();
    let authority = Arc::new(authority);
    let app = open(&config).await?;
    must_have_no_tenant(&app).await?;
    let package = publish::run(&app, MANIFEST.to_owned(), None, publish::Existing::Keep).await?;
    print_held("empty")?;
    let provisioned = provision(&app, &authority, &package, tenants).await?;
    line("tenants.count", tenants as f64, "tenants");
    line("tenants.provision.p50", median(&provisioned), "ms");
    line("tenants.provision.p95", quantile(&provisioned, 950), "ms");
    line("tenants.provision.max", quantile(&provisioned, 1_000), "ms");
    print_held("provisioned")?;
    app.stores.close().await;
    drop(app);

    let app = open(&config).await?;
    let sender = served(&config, &app, &authority).await?;
    let cold = asked(&sender, tenants, COLD.min(tenants)).await?;
    print_times("cold", &cold);
    let in_turn = IN_TURN.min(tenants);
    // Warm both ways, and side by side: a noisy moment strikes both.
    asked(&sender, in_turn, in_turn * 3).await?;
    let (mut alone, mut turn) = (Vec::new(), Vec::new());
    for _ in 0..rounds.div_ceil(in_turn).max(1) {
        alone.extend(asked(&sender, 1, in_turn).await?);
        turn.extend(asked(&sender, in_turn, in_turn).await?);
    }
    print_times("alone", &alone);
    print_times("in_turn", &turn);
    line("tenants.in_turn.to_alone.p50", median(&turn) / median(&alone), "ratio");
    line("tenants.in_turn.to_alone.p95", quantile(&turn, 950) / quantile(&alone, 950), "ratio");
    print_held("serving")?;
    app.stores.close().await;
    Ok(())
}

/// Refuses what somebody uses: the tenants of the measurement stay, and take slugs that others may have.
pub(super) async fn must_have_no_tenant(app: &App) -> Result<(), Failed> {
    match tenant_find::all(app).await?.first() {
        None => Ok(()),
        Some(tenant) => Err(format!(
            "the database has tenants, such as {}: name a throw-away one with SUNLIT_DATABASE and \
             SUNLIT_MIGRATOR_DATABASE, and make its tables with `sunlit migrate`",
            tenant.slug
        )
        .into()),
    }
}

/// Opens an installation whose tenants nothing bounds: one client asks more here in a second than a plan gives.
pub(super) async fn open(config: &Config) -> Result<Arc<App>, Failed> {
    let config = AppConfig { plans: Plans::default(), ..config.app()? };
    Ok(Arc::new(App::open(config, Arc::new(SystemEnvironment)).await?))
}

async fn served(config: &Config, app: &Arc<App>, authority: &Arc<ScopeAuthority>) -> Result<Sender, Failed> {
    let tokens = TokenKeys::new(&[app.keys.tokens])?;
    let state = State::new(
        Arc::clone(app),
        Arc::clone(authority),
        tokens,
        Renderer::new()?,
        false,
        Providers::new(ProviderClient::new(config.local_identity_providers)?),
    );
    Ok(sender(application(web::Data::new(state))).await)
}

fn slug(number: usize) -> String {
    format!("{:06}", 900_000 + number)
}

/// Creates the tenants, each with the package and its records; milliseconds of each.
async fn provision(
    app: &App,
    authority: &ScopeAuthority,
    package: &Package,
    tenants: usize,
) -> Result<Vec<f64>, Failed> {
    let rows = (0..RECORDS).map(|row| format!("c{row:04},条目 {row},{row}\n"));
    let csv = format!("code,name,number\n{}", rows.collect::<String>());
    let mut times = Vec::with_capacity(tenants);
    for number in 0..tenants {
        let began = Instant::now();
        let new = NewTenant::district(slug(number).parse()?, &format!("测量{number}"));
        let tenant = create::run(app, authority, new).await?;
        let scope = authority.scope(tenant.id, Actor::known(ActorId(Uuid::from_u128(7)), vec![Role::Editor]));
        enable::run(app, &scope, package, &[], &BTreeMap::new()).await?;
        bring_in(app, &scope, package, "item", &csv).await?;
        times.push(millis(began.elapsed()));
    }
    Ok(times)
}

/// Asks `tenants` in turn, so many times in all; microseconds of each.
async fn asked(sender: &Sender, tenants: usize, times: usize) -> Result<Vec<f64>, Failed> {
    let mut walls = Vec::with_capacity(times);
    for time in 0..times {
        let ask = asker(sender, &format!("/t/{}/graphql", slug(time % tenants)), &json!({ "query": QUERY }));
        let began = Instant::now();
        ask().await?;
        walls.push(micros(began.elapsed()));
    }
    Ok(walls)
}

fn print_times(name: &str, walls: &[f64]) {
    line(&format!("tenants.{name}.p50"), median(walls), "us");
    line(&format!("tenants.{name}.p95"), quantile(walls, 950), "us");
}

/// Prints what this process holds.
fn print_held(name: &str) -> Result<(), Failed> {
    let count = |path: &str| fs::read_dir(path).map(Iterator::count).map_err(|error| format!("{path}: {error}"));
    line(&format!("tenants.{name}.rss"), kib_of("self", "status", "VmRSS")? / 1024.0, "MiB");
    line(&format!("tenants.{name}.open_files"), count("/proc/self/fd")? as f64, "files");
    line(&format!("tenants.{name}.threads"), count("/proc/self/task")? as f64, "threads");
    Ok(())
}

#[cfg(test)]
mod tests {
    use sunlit_storage::testing;

    use super::*;
    use crate::config::DatabaseUrl;

    #[tokio::test]
    async fn tenants_are_not_measured_where_somebody_has_tenants() {
        let folder = tempfile::tempdir().unwrap();
        let database = testing::database().await;
        let config = Config {
            data: folder.path().to_owned(),
            plugin_slots: 2,
            migrator_database: database.as_ref().and_then(|database| database.migrator_url.clone()).map(DatabaseUrl),
            database: database.map(|database| DatabaseUrl(database.url)),
            master_keys: Some(testing::master_key_list()),
            ..Config::default()
        };
        let app = open(&config).await.unwrap();
        must_have_no_tenant(&app).await.unwrap();
        create::run(&app, &ScopeAuthority::establish(), NewTenant::district(slug(0).parse().unwrap(), "测试区"))
            .await
            .unwrap();
        let told = must_have_no_tenant(&app).await.unwrap_err().to_string();
        assert!(told.contains("such as 900000") && told.contains("SUNLIT_DATABASE"), "{told}");
        if config.database.is_some() {
            assert_eq!(run(config, ScopeAuthority::establish(), 1, 1).await.unwrap_err().to_string(), told);
            assert_eq!(tenant_find::all(&app).await.unwrap().len(), 1);
        }
    }
}
