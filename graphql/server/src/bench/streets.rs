//! A tenant with a thousand streets in a folder of its own: what the GraphQL measurement asks for.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use sunlit_app::command::package::publish::Existing;
use sunlit_app::command::record::create;
use sunlit_app::query::tenant_find;
use sunlit_app::{App, Keys, Package};
use sunlit_domain::id::{ActorId, TenantId, TenantSlug};
use sunlit_domain::manifest::Spelling;
use sunlit_domain::{Actor, Role, Scope, ScopeAuthority};
use sunlit_tenants::{Region, RegionLibrary, provision};

use super::measure::TemporaryFolder;
use crate::command::Failed;
use crate::command::installation::Installation;
use crate::config::Config;

/// The package that holds the streets, and their collection.
pub(super) const PACKAGE: &str = "street-cards";
pub(super) const COLLECTION: &str = "street";
/// How many streets are added to the region's own.
const STREETS: u32 = 1_000;
/// The first street's code: one that no region has.
const FIRST_CODE: u32 = 990_000_000;

/// In the place of the carried plan: one client asks more here in a second than that gives.
const BOUNDLESS: &str = r#"
id = "standard"
name = { zh = "测量" }
summary = { zh = "不设限额。" }
[limits]
cost_per_second = 1_000_000_000
cost_burst = 1_000_000_000
caller_cost_per_second = 1_000_000_000
caller_cost_burst = 1_000_000_000
requests_at_once = 1_000
"#;

/// An installation with one region, and what is needed to ask it.
pub(super) struct Streets {
    pub(super) app: Arc<App>,
    pub(super) keys: Keys,
    pub(super) tenant: TenantId,
    pub(super) slug: TenantSlug,
    pub(super) package: Arc<Package>,
}

/// Provisions the regions that carry packages, as the demo does.
pub(super) async fn provision_demo(config: &Config, authority: &ScopeAuthority) -> Result<Installation, Failed> {
    let installation = Installation::open(config, Existing::Replace).await?;
    let library = RegionLibrary::carried()?;
    for region in library.regions().filter(|region| !region.packages.is_empty()) {
        provision(&installation.app, authority, &library, &region.tenant.slug).await?;
    }
    Ok(installation)
}

impl Streets {
    /// Provisions in `folder` and adds the streets.
    pub(super) async fn new(
        config: &mut Config,
        authority: &ScopeAuthority,
        folder: &TemporaryFolder,
    ) -> Result<Self, Failed> {
        config.keep_in(folder.path().to_path_buf());
        let plans = folder.path().join("plans");
        std::fs::create_dir(&plans)?;
        std::fs::write(plans.join("standard.toml"), BOUNDLESS)?;
        config.plans = Some(plans);
        let Installation { app, keys } = provision_demo(config, authority).await?;
        let library = RegionLibrary::carried()?;
        let has_streets = |region: &&Region| region.packages.iter().any(|entry| entry.id.as_str() == PACKAGE);
        let region = library.regions().find(has_streets).ok_or_else(|| format!("no carried region has {PACKAGE}"))?;
        let slug = region.tenant.slug.clone();
        let tenant = tenant_find::by_slug(&app, slug.as_str()).await?.id;
        let version = app.newest_version(PACKAGE).await?.ok_or_else(|| format!("{PACKAGE} is not published"))?;
        let package = app.package(PACKAGE, &version).await?;
        let editor = authority.scope(tenant, Actor::known(ActorId(uuid::Uuid::nil()), vec![Role::Editor]));
        for number in 0..STREETS {
            create::run(&app, &editor, &package, COLLECTION, &street(number), Spelling::Manifest).await?;
        }
        Ok(Self { app, keys, tenant, slug, package })
    }

    /// Who asks: anybody.
    pub(super) fn visitor(&self, authority: &ScopeAuthority) -> Scope {
        authority.scope(self.tenant, Actor::anonymous())
    }
}

/// A made-up street; every second one has 新 in its name.
fn street(number: u32) -> Map<String, Json> {
    let name = if number.is_multiple_of(2) { "新" } else { "旧" };
    let record = json!({
        "code": (FIRST_CODE + number).to_string(),
        "name": format!("{name}街街道 {number}"),
        "pinyin": "jie jie dao",
        "introduction": "示例数据：这条街道只为测量而有，说明文字的长度与真实的相当，以便读取整条记录的开销也相当。",
        "location": "示例数据：位于示意图中部，不是实际地点。",
        "industries": "商贸服务、社区商业、科技服务",
        "office_address": "示例地址：由街道填报",
        "phone": "029-0000-0000",
        "office_hours": "示例时间：周一至周五 9:00—17:00",
        "at": { "lat": format!("34.{:06}", 250_000 + number * 100), "lng": format!("108.{:06}", 850_000 + number * 100) },
        "sample": true,
    });
    match record {
        Json::Object(record) => record,
        _ => Map::new(),
    }
}
