//! A whole Sunlit on a throw-away folder: real stores, real sandbox, real routes; only the socket is left out.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot start has failed"
)]

mod clock;
pub mod consistency;
mod event_stream;

use std::path::Path;
use std::sync::{Arc, OnceLock};

use actix_web::dev::{Payload, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{test, web};
pub use clock::SetClock;
pub use event_stream::EventStream;
use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::setting::set;
use sunlit_app::job::{Pace, Worker};
use sunlit_app::nodes::{self, Listening};
use sunlit_app::{App, AppConfig, Environment, SystemEnvironment};
use sunlit_domain::id::{ActorId, PlanId, TenantId, TenantSlug};
use sunlit_domain::plan::{Plan, Plans};
use sunlit_domain::{Actor, Role, Scope, ScopeAuthority};
use sunlit_pages::Renderer;
use sunlit_plugin_builder::{BuildOptions, build};
use sunlit_plugin_host::HostConfig;
use sunlit_server::http::application;
use sunlit_server::oidc::{ProviderClient, Providers};
use sunlit_server::packages::CARRIED;
use sunlit_server::state::State;
use sunlit_server::telemetry::numbers::{self, Sources};
use sunlit_server::token::{Subject, TokenKeys};
use sunlit_storage::blobs::BucketConfig;
use sunlit_storage::platform::tenant;
use sunlit_storage::{PostgresConfig, testing};
use sunlit_tenants::{RegionLibrary, plans, provision};
use tempfile::TempDir;
use uuid::Uuid;

/// What the probe may do.
pub const PROBE_GRANTS: [&str; 5] = ["storage", "records", "settings", "clock", "log"];

/// A running Sunlit.
pub struct TestApp {
    state: web::Data<State>,
    library: RegionLibrary,
    folder: Arc<TempDir>,
    config: AppConfig,
    _listening: Listening,
}

impl std::fmt::Debug for TestApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestApp").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// An answer of GraphQL.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The body.
    pub body: Json,
}

impl Answer {
    /// The data, when there is no error.
    #[track_caller]
    #[must_use]
    pub fn data(&self) -> &Json {
        assert!(self.body.get("errors").is_none(), "{}", self.body);
        &self.body["data"]
    }

    /// Whether every mutation in it did what it was asked.
    #[must_use]
    pub fn is_acknowledged(&self) -> bool {
        let payloads = self.body["data"].as_object();
        payloads.is_some_and(|payloads| payloads.values().all(|payload| payload["errors"] == json!([])))
    }

    /// The code of the first error.
    #[must_use]
    pub fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or("")
    }
}

impl TestApp {
    /// A Sunlit with the first-party packages and the probe published, and no tenants.
    pub async fn start() -> Self {
        Self::start_with(Arc::new(SystemEnvironment)).await
    }

    /// The same in files, whatever the tests run on.
    pub async fn start_in_files() -> Self {
        Self::start_with_all(Arc::new(SystemEnvironment), None, |_| {}).await
    }

    /// The same with another clock.
    pub async fn start_with(environment: Arc<dyn Environment>) -> Self {
        let database = testing::database().await;
        Self::start_with_all(environment, database, |_| {}).await
    }

    /// The same with another configuration.
    pub async fn start_configured(environment: Arc<dyn Environment>, change: impl FnOnce(&mut AppConfig)) -> Self {
        let database = testing::database().await;
        Self::start_with_all(environment, database, change).await
    }

    /// The same with files in a bucket, where one is named.
    pub async fn start_on(environment: Arc<dyn Environment>, bucket: Option<BucketConfig>) -> Self {
        let database = testing::database().await;
        Self::start_with_all(environment, database, |config| config.files = bucket).await
    }

    async fn start_with_all(
        environment: Arc<dyn Environment>,
        database: Option<PostgresConfig>,
        change: impl FnOnce(&mut AppConfig),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let regions = folder.path().join("regions");
        std::fs::create_dir(&regions).unwrap();
        let mut config = AppConfig {
            data: folder.path().join("data"),
            host: HostConfig { slots: 32, ..HostConfig::default() },
            database,
            master_keys: testing::master_keys(),
            mail: None,
            public_url: "http://localhost".to_owned(),
            files: None,
            plans: boundless(),
            subscription_domains: Vec::new(),
        };
        change(&mut config);
        let started = Self::node(config, environment, Arc::new(folder)).await;
        let app = started.app();
        for carried in CARRIED {
            let component = Some(carried.component.to_vec());
            publish::run(app, carried.manifest.to_owned(), component, Existing::Keep).await.unwrap();
        }
        let (manifest, component) = probe();
        publish::run(app, manifest.clone(), Some(component.clone()), Existing::Keep).await.unwrap();
        started
    }

    /// Another process of the same installation.
    pub async fn another_node(&self) -> Self {
        Self::node(self.config.clone(), Arc::new(SystemEnvironment), Arc::clone(&self.folder)).await
    }

    async fn node(config: AppConfig, environment: Arc<dyn Environment>, folder: Arc<TempDir>) -> Self {
        let app = Arc::new(App::open(config.clone(), environment).await.unwrap());
        let listening = nodes::listen(&app).await.unwrap();
        let tokens = TokenKeys::new(&[app.keys.tokens]).unwrap();
        let state = State::new(
            app,
            ScopeAuthority::establish(),
            tokens,
            Renderer::new().unwrap(),
            false,
            Providers::new(ProviderClient::new(true).unwrap()),
        );
        let library = RegionLibrary::carried().unwrap();
        Self { state: web::Data::new(state), library, folder, config, _listening: listening }
    }

    /// The application.
    #[must_use]
    pub fn app(&self) -> &Arc<App> {
        &self.state.app
    }

    /// The folder that holds everything.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Provisions a region that the product carries.
    pub async fn provision(&self, slug: &str) -> TenantId {
        let slug: TenantSlug = slug.parse().unwrap();
        let done = provision(&self.state.app, &self.state.authority, &self.library, &slug).await;
        done.map_err(|error| error.to_string()).unwrap().pop().unwrap().id
    }

    /// Provisions a tenant from the text of a region file and the texts of its data files.
    pub async fn provision_text(&self, slug: &str, region: &str, data: &[(&str, &str)]) -> TenantId {
        self.try_provision_text(slug, region, data).await.unwrap()
    }

    /// As [`TestApp::provision_text`], where it may fail.
    ///
    /// # Errors
    /// What the operator would read.
    pub async fn try_provision_text(
        &self,
        slug: &str,
        region: &str,
        data: &[(&str, &str)],
    ) -> Result<TenantId, String> {
        let regions = self.folder.path().join("regions");
        for (name, text) in [(format!("{slug}-test.toml").as_str(), region)].iter().chain(data) {
            let path = regions.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let library = RegionLibrary::folder(&regions).map_err(|error| error.to_string()).unwrap();
        let slug: TenantSlug = slug.parse().unwrap();
        let done = provision(&self.state.app, &self.state.authority, &library, &slug).await;
        Ok(done.map_err(|error| error.to_string())?.pop().unwrap().id)
    }

    /// A district with these packages, each with the rights that it gets.
    pub async fn tenant(&self, slug: &str, packages: &[(&str, &[&str])]) -> TenantId {
        self.try_tenant(slug, packages).await.unwrap()
    }

    /// As [`TestApp::tenant`], where it may fail.
    ///
    /// # Errors
    /// What the operator would read.
    pub async fn try_tenant(&self, slug: &str, packages: &[(&str, &[&str])]) -> Result<TenantId, String> {
        let packages = packages.iter().map(|(id, grants)| format!("[[package]]\nid = \"{id}\"\ngrants = {grants:?}\n"));
        self.try_provision_text(slug, &region(slug, &packages.collect::<String>()), &[]).await
    }

    /// A tenant that has the probe enabled.
    pub async fn probe_tenant(&self, slug: &str) -> TenantId {
        self.tenant(slug, &[("probe", &PROBE_GRANTS)]).await
    }

    /// A scope for `role`, for calling the application itself.
    #[must_use]
    pub fn scope_of(&self, tenant: TenantId, role: Role) -> Scope {
        self.state.authority.scope(tenant, Actor::known(ActorId(Uuid::from_u128(42)), vec![role]))
    }

    /// A worker of this Sunlit.
    #[must_use]
    pub fn worker(&self) -> Worker {
        Worker::new(Arc::clone(&self.state.app), Arc::clone(&self.state.authority), Pace::default())
    }

    /// A scope for reading a tenant's own tables.
    #[must_use]
    pub fn scope(&self, tenant: TenantId) -> Scope {
        self.state.authority.scope(tenant, Actor::anonymous())
    }

    /// The id of a provisioned tenant.
    pub async fn tenant_id(&self, slug: &str) -> TenantId {
        tenant::by_slug(&self.state.app.platform, slug).await.unwrap().expect("the tenant is there").id
    }

    /// A token for `role` at the tenant.
    #[must_use]
    pub fn token(&self, tenant: TenantId, role: Role) -> String {
        self.token_of(tenant, role, 42)
    }

    /// A token for `role` at the tenant, of the person with this number.
    #[must_use]
    pub fn token_of(&self, tenant: TenantId, role: Role, person: u128) -> String {
        self.token_with(tenant, ActorId(Uuid::from_u128(person)), &[role])
    }

    /// A token with these roles at the tenant, of that actor.
    #[must_use]
    pub fn token_with(&self, tenant: TenantId, actor: ActorId, roles: &[Role]) -> String {
        let subject = Subject { actor, roles: roles.to_vec(), session: None };
        self.state.tokens.mint(tenant, subject, (SystemEnvironment.now(), 60)).unwrap()
    }

    /// A query or mutation of the tenant's API.
    pub async fn graphql(&self, slug: &str, token: Option<&str>, query: &str, variables: Json) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        let request = test::TestRequest::post()
            .uri(&format!("/t/{slug}/graphql"))
            .insert_header(("accept", "application/graphql-response+json"))
            .set_json(body);
        let request = match token {
            Some(token) => request.insert_header(("authorization", format!("Bearer {token}"))),
            None => request,
        };
        let (status, _, body) = self.call(request).await;
        Answer { status, body: serde_json::from_slice(&body).unwrap_or(Json::Null) }
    }

    /// Creates an item of the probe.
    pub async fn create_item(&self, slug: &str, token: &str, name: &str) -> Answer {
        let create =
            "mutation($name: String!) { probeCreateItem(input: { name: $name }) { record { id } errors { code } } }";
        self.graphql(slug, Some(token), create, json!({ "name": name })).await
    }

    /// Any request.
    pub async fn call(&self, request: test::TestRequest) -> (StatusCode, HeaderMap, web::Bytes) {
        let service = test::init_service(application(self.state.clone())).await;
        let response = test::call_service(&service, request.to_request()).await;
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, test::read_body(response).await)
    }

    /// The server's state.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The variables with which the binary `sunlit` works on this installation.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let data = self.folder().join("data");
        let mut variables = vec![
            ("SUNLIT_DATA", data.display().to_string()),
            ("SUNLIT_MASTER_KEY", testing::MASTER_KEY.to_owned()),
            ("SUNLIT_PLUGIN_SLOTS", "8".to_owned()),
        ];
        if let Some(database) = self.app().stores.database() {
            let config = database.config();
            variables.push(("SUNLIT_DATABASE", config.url.clone()));
            variables.extend(config.migrator_url.iter().map(|url| ("SUNLIT_MIGRATOR_DATABASE", url.clone())));
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// What Prometheus would read of this process, which counts from the first call on.
    pub async fn numbers(&self) -> String {
        let sources = Sources { app: Arc::clone(self.app()), state: Some(self.state.clone()) };
        numbers::install().unwrap().render(&sources).await
    }

    /// Any request, whose answer is read by the test, such as an event stream.
    pub async fn open(&self, request: test::TestRequest) -> ServiceResponse {
        let service = test::init_service(application(self.state.clone())).await;
        test::call_service(&service, request.to_request()).await.map_into_boxed_body()
    }

    /// Sets something of the platform, as the tenant's administrator.
    pub async fn set(&self, tenant: TenantId, name: &str, value: &Json) {
        set::run(&self.state.app, &self.administrator(tenant), name, value).await.unwrap();
    }

    /// The scope of an administrator of the tenant.
    #[must_use]
    pub fn administrator(&self, tenant: TenantId) -> Scope {
        let actor = Actor::known(ActorId(Uuid::from_u128(43)), vec![Role::Administrator]);
        self.state.authority.scope(tenant, actor)
    }

    /// A request whose body comes in pieces and may break off.
    pub async fn call_in_pieces(
        &self,
        request: test::TestRequest,
        pieces: impl IntoIterator<Item = Result<web::Bytes, PayloadError>, IntoIter: 'static>,
    ) -> (StatusCode, HeaderMap, web::Bytes) {
        let payload = Payload::Stream { payload: futures_util::stream::iter(pieces).boxed_local() };
        let (request, _) = request.to_request().replace_payload(payload);
        let service = test::init_service(application(self.state.clone())).await;
        let response = test::call_service(&service, request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        (status, headers, test::read_body(response).await)
    }

    /// A page as text.
    pub async fn page(&self, path: &str) -> (StatusCode, String) {
        let (status, _, body) = self.call(test::TestRequest::get().uri(path)).await;
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

/// The carried plans, with a standard one that bounds nothing: a test asks more in a second than anybody does. Tests of plans have
/// their own.
fn boundless() -> Plans {
    let carried = plans(None, &PlanId::standard()).unwrap();
    let all: Vec<_> = carried.all().chain([Plans::default().default_plan()]).map(|plan| Plan::clone(plan)).collect();
    Plans::new(all, &PlanId::standard()).unwrap()
}

/// The text of a district's region file with these `[[package]]` tables.
#[must_use]
pub fn region(slug: &str, packages: &str) -> String {
    format!(
        "[tenant]\nslug = \"{slug}\"\ncode = \"{slug}\"\nkind = \"district\"\nname = {{ zh = \"测试区{slug}\" }}\n\
         short_name = {{ zh = \"测试区\" }}\n{packages}"
    )
}

/// The probe's manifest and component, built once for a test binary.
#[must_use]
pub fn probe() -> &'static (String, Vec<u8>) {
    static PROBE: OnceLock<(String, Vec<u8>)> = OnceLock::new();
    PROBE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/probe");
        let built = build(&folder, &BuildOptions::default()).map_err(|error| error.to_string()).unwrap();
        (built.manifest_toml, built.component)
    })
}
