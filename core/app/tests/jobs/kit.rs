//! An application on a throw-away folder with a clock that stands still until it is moved.
#![expect(clippy::unwrap_used, reason = "a kit that cannot be made is a failed test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value as Json};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::tenant::create::{self, NewTenant};
use sunlit_app::command::{package::enable, record};
use sunlit_app::job::{Pace, Worker};
use sunlit_app::{App, AppConfig, Environment, Package};
use sunlit_domain::id::ActorId;
use sunlit_domain::manifest::Spelling;
use sunlit_domain::plan::Plans;
use sunlit_domain::record::Record;
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Role, Scope, ScopeAuthority};
use sunlit_plugin_host::HostConfig;
use sunlit_storage::tenant::{audit, outbox};
use sunlit_storage::{PostgresConfig, testing};
use uuid::Uuid;

pub(crate) const MANIFEST: &str = r#"
[plugin]
id = "kit"
version = "1.0.0"
api = "0.1"
title = { zh = "测试" }
vendor = "sunlit"
[[collection]]
name = "item"
title = { zh = "条目" }
field = [
  { name = "name", type = "string", required = true, max = 20, unique = true },
  { name = "ends_on", type = "date" },
]
[collection.access]
read = [{ role = "editor" }]
create = [{ role = "editor" }]
[[collection]]
name = "note"
title = { zh = "备注" }
field = [{ name = "item", type = "ref", to = "item", required = true }]
[collection.access]
read = [{ role = "editor" }]
create = [{ role = "editor" }]
[[collection]]
name = "notice"
title = { zh = "公告" }
field = [{ name = "ends_on", type = "date" }]
[collection.access]
read = [{ role = "public" }, { role = "editor" }]
create = [{ role = "editor" }]
[collection.workflow]
initial = "open"
state = [
  { name = "open", title = { zh = "公布" }, published = true },
  { name = "held", title = { zh = "暂停" } },
  { name = "closed", title = { zh = "下架" }, final = true },
]
[[collection.workflow.transition]]
name = "hold"
title = { zh = "暂停" }
from = ["open"]
to = "held"
roles = ["editor"]
[[collection.workflow.transition]]
name = "close"
title = { zh = "下架" }
from = ["open"]
to = "closed"
[[collection.workflow.transition]]
name = "end"
title = { zh = "终止" }
from = ["held"]
to = "closed"
roles = ["editor"]
[[collection.workflow.deadline]]
name = "review"
title = { zh = "复核" }
starts = { state = "open" }
days = 20
unit = "days"
stops = ["closed"]
[[schedule]]
name = "tick"
title = { zh = "整点" }
cron = "*/5 * * * *"
[[schedule]]
name = "sweep"
title = { zh = "清理到期条目" }
cron = "0 3 * * *"
collection = "item"
delete = true
where = { ends_on = { lt = "$today" } }
[[schedule]]
name = "expire"
title = { zh = "到期下架" }
cron = "0 4 * * *"
collection = "notice"
transition = "close"
where = { ends_on = { lt = "$today" } }
"#;

/// A clock that is moved by hand, and ids that count.
#[derive(Debug)]
pub(crate) struct Clock {
    micros: AtomicI64,
    ids: AtomicU64,
}

impl Environment for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst)).unwrap()
    }

    fn new_id(&self) -> Uuid {
        Uuid::from_u128(u128::from(self.ids.fetch_add(1, Ordering::SeqCst)))
    }
}

pub(crate) struct Kit {
    pub(crate) app: Arc<App>,
    pub(crate) authority: Arc<ScopeAuthority>,
    pub(crate) package: Arc<Package>,
    pub(crate) clock: Arc<Clock>,
    folder: tempfile::TempDir,
    database: Option<PostgresConfig>,
}

impl Kit {
    pub(crate) async fn at(instant: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let start: Timestamp = instant.parse().unwrap();
        let clock = Arc::new(Clock { micros: AtomicI64::new(start.micros()), ids: AtomicU64::new(1_000) });
        let database = testing::database().await;
        let app = open(folder.path(), &clock, database.clone()).await;
        let package = publish::run(&app, MANIFEST.to_owned(), None, Existing::Keep).await.unwrap();
        Self { app, authority: Arc::new(ScopeAuthority::establish()), package, clock, folder, database }
    }

    /// The same folder as another process has it open.
    pub(crate) async fn another_node(&self) -> Arc<App> {
        open(self.folder.path(), &self.clock, self.database.clone()).await
    }

    /// A tenant with the kit's package, and its administrator, who is an editor too.
    pub(crate) async fn tenant(&self, slug: &str) -> Scope {
        let new = NewTenant::district(slug.parse().unwrap(), "测试区");
        let tenant = create::run(&self.app, &self.authority, new).await.unwrap();
        let actor = Actor::known(ActorId(Uuid::from_u128(7)), vec![Role::Administrator, Role::Editor]);
        let scope = self.authority.scope(tenant.id, actor);
        enable::run(&self.app, &scope, &self.package, &[], &BTreeMap::new()).await.unwrap();
        scope
    }

    pub(crate) fn pass(&self, time: Duration) {
        self.clock.micros.fetch_add(i64::try_from(time.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub(crate) fn worker(&self, app: &Arc<App>, pace: Pace) -> Worker {
        Worker::new(Arc::clone(app), Arc::clone(&self.authority), pace)
    }

    /// A worker that does what is due and ends.
    pub(crate) async fn work(&self) {
        self.worker(&self.app, Pace::default()).once().await.unwrap();
    }

    pub(crate) async fn create(&self, scope: &Scope, collection: &str, input: Json) -> Record {
        let input: Map<String, Json> = input.as_object().unwrap().clone();
        record::create::run(&self.app, scope, &self.package, collection, &input, Spelling::Manifest).await.unwrap()
    }

    /// The names of all events with what each is about, oldest first.
    pub(crate) async fn events(&self, scope: &Scope) -> Vec<(String, Uuid)> {
        let session = self.app.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        let events = outbox::events(scope, &session, None, 10_000).await.unwrap();
        events.into_iter().map(|event| (event.name, event.subject_id.unwrap())).collect()
    }

    pub(crate) async fn count(&self, scope: &Scope, event: &str) -> usize {
        self.events(scope).await.iter().filter(|(name, _)| name == event).count()
    }

    /// What the audit trail says was done, oldest first.
    pub(crate) async fn deeds(&self, scope: &Scope) -> Vec<String> {
        let session = self.app.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        let rows = audit::latest(scope, &session, 10_000).await.unwrap();
        rows.into_iter().rev().map(|row| format!("{} {}", row.action, row.subject)).collect()
    }

    pub(crate) async fn next_due(&self, scope: &Scope) -> String {
        let session = self.app.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        outbox::next_due(scope, &session).await.unwrap().unwrap().to_string()
    }
}

async fn open(folder: &Path, clock: &Arc<Clock>, database: Option<PostgresConfig>) -> Arc<App> {
    let host = HostConfig { slots: 2, ..HostConfig::default() };
    let (data, master_keys) = (folder.join("data"), testing::master_keys());
    let (mail, public_url) = (None, "http://localhost".to_owned());
    let config = AppConfig {
        data,
        host,
        database,
        master_keys,
        mail,
        public_url,
        files: None,
        plans: Plans::default(),
        subscription_domains: Vec::new(),
    };
    Arc::new(App::open(config, Arc::clone(clock) as Arc<dyn Environment>).await.unwrap())
}
