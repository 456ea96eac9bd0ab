//! Tenants with records and pages, served over HTTP on loopback: what `mixed` and `fairness` ask.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use actix_web::web;
use sunlit_app::command::package::{enable, publish};
use sunlit_app::command::tenant::create::{self, NewTenant};
use sunlit_app::command::tenant::set_plan;
use sunlit_app::{App, Package, SystemEnvironment};
use sunlit_domain::id::{ActorId, TenantId};
use sunlit_domain::plan::{Plan, Plans};
use sunlit_domain::{Actor, Role, ScopeAuthority};
use sunlit_pages::Renderer;
use uuid::Uuid;

use super::measure::TemporaryFolder;
use super::records::bring_in;
use super::tenants::must_have_no_tenant;
use crate::command::Failed;
use crate::config::Config;
use crate::oidc::{ProviderClient, Providers};
use crate::state::State;
use crate::token::{Subject, TokenKeys};

const MANIFEST: &str = r#"
[plugin]
id = "bench-crowd"
version = "1.0.0"
api = "0.1"
title = { zh = "测量" }
vendor = "sunlit"
[[collection]]
name = "item"
title = { zh = "事项" }
field = [
  { name = "code", type = "string", required = true, unique = true, filter = true, sort = true },
  { name = "name", type = "string", required = true, search = true },
  { name = "office", type = "string", filter = true },
  { name = "days", type = "int", filter = true, sort = true },
  { name = "opened_on", type = "date", filter = true, sort = true },
  { name = "text", type = "text" },
]
[collection.access]
read = [{ role = "public" }]
create = [{ role = "editor" }]
update = [{ role = "editor" }]
[[view]]
path = "/"
title = { zh = "事项" }
nav = true
[[view.block]]
kind = "list"
title = { zh = "全部事项" }
source = { collection = "item", order = ["code"], first = 20 }
name = "name"
summary = "office"
link = "/items/{code}"
[[view]]
path = "/items/{code}"
title = { zh = "事项" }
record = { collection = "item", by = "code", title = "name" }
[[view.block]]
kind = "text"
title = { zh = "说明" }
field = "text"
[[view.block]]
kind = "detail"
title = { zh = "基本信息" }
fields = ["code", "office", "days", "opened_on"]
"#;
const EDITOR: ActorId = ActorId(Uuid::from_u128(7));
/// How many offices the items are spread over.
pub(super) const OFFICES: usize = 40;

/// A plan that bounds nothing.
pub(super) const OPEN: &str = "bench-open";

/// A tenant to be asked.
#[derive(Debug, Clone)]
pub(super) struct Member {
    pub(super) slug: String,
    /// The `Authorization` of an editor, good for a day.
    pub(super) editor: String,
}

/// Tenants, and the server that answers for them until it is stopped.
pub(super) struct Crowd {
    pub(super) members: Vec<Member>,
    pub(super) address: SocketAddr,
    app: Arc<App>,
    server: ServerHandle,
    _folder: TemporaryFolder,
}

impl Crowd {
    /// So many tenants with so many records each, and the plan of each.
    pub(super) async fn gather(
        mut config: Config,
        authority: ScopeAuthority,
        (tenants, records): (usize, usize),
        plan_of: impl Fn(usize) -> &'static str,
    ) -> Result<Self, Failed> {
        let folder = TemporaryFolder::new("crowd")?;
        config.data = folder.path().to_path_buf();
        let authority = Arc::new(authority);
        let mut opened = config.app()?;
        opened.plans = with_open_plan(&opened.plans)?;
        let app = Arc::new(App::open(opened, Arc::new(SystemEnvironment)).await?);
        must_have_no_tenant(&app).await?;
        let package = publish::run(&app, MANIFEST.to_owned(), None, publish::Existing::Keep).await?;
        let tokens = TokenKeys::new(&[app.keys.tokens])?;
        let rows = rows(records)?;
        let mut members = Vec::with_capacity(tenants);
        for number in 0..tenants {
            let (tenant, slug) = settle(&app, &authority, &package, number, &rows).await?;
            let subject = Subject { actor: EDITOR, roles: vec![Role::Editor], session: None };
            let token = tokens.mint(tenant, subject, (app.environment.now(), 1_440))?;
            members.push(Member { slug, editor: format!("Bearer {token}") });
            let operator = authority.scope(tenant, Actor::known(EDITOR, vec![Role::Administrator]));
            set_plan::run(&app, &operator, &plan_of(number).parse()?).await?;
        }
        let providers = Providers::new(ProviderClient::new(false)?);
        let state = State::new(Arc::clone(&app), authority, tokens, Renderer::new()?, false, providers);
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let server = crate::http::serve(web::Data::new(state), address, config.threads)?;
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Ok(Self { members, address, app, server: handle, _folder: folder })
    }

    pub(super) async fn stop(self) {
        self.server.stop(true).await;
        self.app.stores.close().await;
    }
}

/// The carried plans, and one that bounds nothing.
fn with_open_plan(carried: &Plans) -> Result<Plans, Failed> {
    let open = Plan { id: OPEN.parse()?, ..Plan::clone(Plans::default().default_plan()) };
    let all = carried.all().map(|plan| Plan::clone(plan)).chain([open]);
    Ok(Plans::new(all, &carried.default_plan().id)?)
}

/// The code of a tenant's item.
pub(super) fn code(number: usize) -> String {
    format!("c{number:06}")
}

fn rows(records: usize) -> Result<String, Failed> {
    let mut csv = "code,name,office,days,opened_on,text\n".to_owned();
    for row in 0..records {
        let (code, office, days) = (code(row), row % OFFICES, row % 60);
        let text = "申请人可到政务服务大厅窗口办理，也可在网上提交材料。".repeat(row % 6 + 1);
        writeln!(csv, "{code},事项 {row},科室 {office},{days},2026-{:02}-{:02},{text}", row % 12 + 1, row % 28 + 1)?;
    }
    Ok(csv)
}

async fn settle(
    app: &App,
    authority: &ScopeAuthority,
    package: &Package,
    number: usize,
    rows: &str,
) -> Result<(TenantId, String), Failed> {
    let slug = format!("{:06}", 900_000 + number);
    let new = NewTenant::district(slug.parse()?, &format!("测量{number}"));
    let tenant = create::run(app, authority, new).await?;
    let scope = authority.scope(tenant.id, Actor::known(EDITOR, vec![Role::Editor]));
    enable::run(app, &scope, package, &[], &BTreeMap::new()).await?;
    bring_in(app, &scope, package, "item", rows).await?;
    Ok((tenant.id, slug))
}
