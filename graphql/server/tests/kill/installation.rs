//! A data folder with one tenant, opened beside the server for looking into it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sunlit_app::command::package::enable;
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::record::import::{self, File, Outcome};
use sunlit_app::command::tenant::create::{self, NewTenant};
use sunlit_app::job::{Pace, Worker};
use sunlit_app::{App, AppConfig, Environment, Package, SystemEnvironment};
use sunlit_domain::id::ActorId;
use sunlit_domain::plan::Plans;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Locale, Role, Scope, ScopeAuthority};
use sunlit_plugin_host::HostConfig;
use sunlit_server::token::{Subject, TokenKeys};
use sunlit_sheet::Form;
use sunlit_storage::{MasterKeySource, PostgresConfig, testing};
use sunlit_test_support::consistency::{self, Story};
use tempfile::TempDir;
use uuid::Uuid;

pub(crate) const TENANT: &str = "000000";

/// Where the application that the test opens makes the master key, and the binary finds it.
const MASTER_KEY_FILE: &str = "keys/master.key";

/// A schedule that never comes by itself while the test runs.
const MANIFEST: &str = r#"
[plugin]
id = "kill-kit"
version = "1.0.0"
api = "0.1"
title = { zh = "断电测试" }
vendor = "sunlit"
[[collection]]
name = "item"
title = { zh = "条目" }
field = [{ name = "name", type = "string", required = true, max = 60 }, { name = "number", type = "int", filter = true }]
[collection.access]
read = [{ role = "public" }]
create = [{ role = "editor" }]
update = [{ role = "editor" }]
delete = [{ role = "editor" }]
[[schedule]]
name = "chime"
title = { zh = "报时" }
cron = "0 4 29 2 *"
"#;

/// The machine's clock, a minute ahead: every lease of a killed worker is over.
#[derive(Debug)]
struct Later;

impl Environment for Later {
    fn now(&self) -> Timestamp {
        SystemEnvironment.now().plus(Duration::from_secs(60))
    }

    fn new_id(&self) -> Uuid {
        SystemEnvironment.new_id()
    }
}

pub(crate) struct Installation {
    folder: TempDir,
    database: Option<PostgresConfig>,
    app: Arc<App>,
    authority: Arc<ScopeAuthority>,
    package: Arc<Package>,
    scope: Scope,
}

impl Installation {
    pub(crate) async fn new() -> Self {
        Self::on(testing::database().await).await
    }

    /// On a database, or on files.
    pub(crate) async fn on(database: Option<PostgresConfig>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).unwrap();
        let app = open(&data, database.clone(), Arc::new(SystemEnvironment)).await;
        let authority = Arc::new(ScopeAuthority::establish());
        let package = publish::run(&app, MANIFEST.to_owned(), None, Existing::Keep).await.unwrap();
        let new = NewTenant::district(TENANT.parse().unwrap(), "测试区");
        let tenant = create::run(&app, &authority, new).await.unwrap();
        let scope = authority.scope(tenant.id, Actor::anonymous());
        enable::run(&app, &scope, &package, &[], &BTreeMap::new()).await.unwrap();
        Self { folder, database, app, authority, package, scope }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Whether the tenants' stores are files.
    pub(crate) fn is_in_files(&self) -> bool {
        self.database.is_none()
    }

    /// Gives the tenant so many items.
    pub(crate) async fn fill(&self, items: usize) {
        let rows: String = (0..items).map(|number| format!("条目 {number},{number}\n")).collect();
        let file = File {
            form: Form::Csv,
            bytes: format!("name,number\n{rows}").into_bytes(),
            sheet: None,
            key: None,
            keep_ids: false,
            dry_run: false,
            locale: Locale::Zh,
        };
        let editor = Actor::known(ActorId(Uuid::from_u128(9)), vec![Role::Editor]);
        let scope = self.authority.scope(self.scope.tenant(), editor);
        let done = import::run(&self.app, &scope, &self.package, "item", file).await.unwrap();
        assert!(matches!(done, Outcome::Done(_)), "{done:?}");
    }

    /// The server's binary, for this installation.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sunlit"));
        command.current_dir(self.folder()).env("SUNLIT_DATA", self.data());
        if let Some(database) = &self.database {
            command.env("SUNLIT_DATABASE", &database.url);
            command.env("SUNLIT_MASTER_KEY_FILE", self.data().join(MASTER_KEY_FILE));
            command.envs(database.migrator_url.as_ref().map(|url| ("SUNLIT_MIGRATOR_DATABASE", url)));
        }
        command
    }

    /// A token for whoever writes records and runs schedules, good for a day.
    pub(crate) fn token(&self) -> String {
        let keys = TokenKeys::new(&[self.app.keys.tokens]).unwrap();
        let (actor, roles) = (ActorId(Uuid::from_u128(9)), vec![Role::Editor, Role::Administrator]);
        let subject = Subject { actor, roles, session: None };
        keys.mint(self.scope.tenant(), subject, (SystemEnvironment.now(), 1_440)).unwrap()
    }

    /// What the store says, held against itself.
    pub(crate) async fn story(&self) -> Story {
        consistency::check(&self.app, &self.scope, &self.package).await
    }

    /// Does what is still to be done, when the leases of the killed workers are over.
    pub(crate) async fn work_off_jobs(&self) {
        let app = open(&self.data(), self.database.clone(), Arc::new(Later)).await;
        Worker::new(Arc::clone(&app), Arc::clone(&self.authority), Pace::default()).once().await.unwrap();
        app.stores.close().await;
    }

    /// What an operator is told.
    pub(crate) fn audit_verify_agrees(&self, story: &Story) {
        let verify = |head: &str| self.command().args(["audit", "verify", TENANT, "--head", head]).output().unwrap();
        let sound = verify(&story.head);
        let told = String::from_utf8_lossy(&sound.stdout).into_owned();
        assert!(sound.status.success() && told.contains(&format!("{} rows", story.audited)), "{sound:?}");
        assert!(told.contains(&story.head), "{told}");
        let cut_off = verify(&"f".repeat(64));
        assert_eq!(cut_off.status.code(), Some(1), "{cut_off:?}");
        assert!(String::from_utf8_lossy(&cut_off.stdout).contains("BROKEN"), "{cut_off:?}");
    }
}

async fn open(data: &Path, database: Option<PostgresConfig>, environment: Arc<dyn Environment>) -> Arc<App> {
    let host = HostConfig { slots: 2, ..HostConfig::default() };
    let master_keys = MasterKeySource::Own(data.join(MASTER_KEY_FILE));
    let (mail, public_url) = (None, "http://localhost".to_owned());
    let (data, files) = (data.to_owned(), None);
    let config = AppConfig {
        data,
        host,
        database,
        master_keys,
        mail,
        public_url,
        files,
        plans: Plans::default(),
        subscription_domains: Vec::new(),
    };
    Arc::new(App::open(config, environment).await.unwrap())
}
