//! Custody of keys, by the binary: the commands of `infra/keys/README.md` in their order, starts without the right master key,
//! and a rotation that is killed.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use sunlit_app::command::key::rotate;
use sunlit_app::command::package::enable;
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::record::create;
use sunlit_app::command::tenant::create::{self as create_tenant, NewTenant};
use sunlit_app::{App, AppConfig, Package, SystemEnvironment};
use sunlit_domain::id::ActorId;
use sunlit_domain::manifest::{Slot, Spelling};
use sunlit_domain::{Actor, Role, Scope, ScopeAuthority, Value};
use sunlit_plugin_host::HostConfig;
use sunlit_storage::record::{self, ListQuery};
use sunlit_storage::tenant::data_key;
use sunlit_storage::{MasterKeySource, PostgresConfig, testing};
use tempfile::TempDir;
use uuid::Uuid;

const README: &str = include_str!("../../../infra/keys/README.md");
const TENANT: &str = "000000";
const MANIFEST: &str = r#"
[plugin]
id = "key-kit"
version = "1.0.0"
api = "0.1"
title = { zh = "密钥测试" }
vendor = "sunlit"
[[collection]]
name = "person"
title = { zh = "人员" }
field = [
  { name = "code", type = "string", unique = true, filter = true, sort = true },
  { name = "phone", type = "string", sensitive = true, readers = ["editor"], mask = "phone" },
]
[collection.access]
read = [{ role = "editor" }]
create = [{ role = "editor" }]
"#;

struct Installation {
    folder: TempDir,
    database: Option<PostgresConfig>,
    authority: ScopeAuthority,
    /// The arguments that were given to the binary.
    given: RefCell<Vec<String>>,
}

impl Installation {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("data")).unwrap();
        let database = testing::database().await;
        Self { folder, database, authority: ScopeAuthority::establish(), given: RefCell::default() }
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("master.key")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sunlit"));
        command.current_dir(self.folder.path()).env("SUNLIT_DATA", self.folder.path().join("data"));
        command.env("SUNLIT_PLUGIN_SLOTS", "2").stdin(Stdio::null()).env_remove("SUNLIT_MASTER_KEY");
        if let Some(database) = &self.database {
            command.env("SUNLIT_DATABASE", &database.url);
            command.envs(database.migrator_url.as_ref().map(|url| ("SUNLIT_MIGRATOR_DATABASE", url)));
        }
        command
    }

    /// Runs `sunlit key …` as the page says it.
    fn key(&self, line: &str) -> String {
        self.given.borrow_mut().push(format!("sunlit key {line}").replace(TENANT, "<slug>"));
        let done = self.run(&["key"].into_iter().chain(line.split(' ')).collect::<Vec<_>>());
        assert!(done.status.success(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.command().args(arguments).env("SUNLIT_MASTER_KEY_FILE", self.key_file()).output().unwrap()
    }

    /// What a start is refused with that has this in its environment.
    fn refusal(&self, variables: &[(&str, &str)]) -> String {
        let told = |arguments: &[&str]| {
            let done = self.command().args(arguments).envs(variables.iter().copied()).output().unwrap();
            assert_eq!(done.status.code(), Some(1), "{done:?}");
            assert!(done.stdout.is_empty(), "{done:?}");
            String::from_utf8(done.stderr).unwrap()
        };
        let serving = told(&["serve"]);
        assert!(!serving.contains("serving"), "{serving}");
        assert_eq!(last(&told(&["tenant", "list"])), last(&serving));
        last(&serving)
    }

    async fn open(&self) -> Arc<App> {
        let config = AppConfig {
            data: self.folder.path().join("data"),
            host: HostConfig { slots: 2, ..HostConfig::default() },
            database: self.database.clone(),
            master_keys: MasterKeySource::File(self.key_file()),
            mail: None,
            files: None,
            plans: sunlit_domain::plan::Plans::default(),
            subscription_domains: Vec::new(),
            public_url: "http://localhost".to_owned(),
        };
        Arc::new(App::open(config, Arc::new(SystemEnvironment)).await.unwrap())
    }

    /// A tenant with this many people, each with a number that is to be kept.
    async fn fill(&self, people: usize) -> (Scope, Arc<Package>) {
        let app = self.open().await;
        let package = publish::run(&app, MANIFEST.to_owned(), None, Existing::Keep).await.unwrap();
        let new = NewTenant::district(TENANT.parse().unwrap(), "测试区");
        let tenant = create_tenant::run(&app, &self.authority, new).await.unwrap();
        let actor = Actor::known(ActorId(Uuid::from_u128(9)), vec![Role::Editor, Role::Administrator]);
        let scope = self.authority.scope(tenant.id, actor);
        enable::run(&app, &scope, &package, &[], &BTreeMap::new()).await.unwrap();
        for n in 0..people {
            let input = json!({ "code": format!("{n:06}"), "phone": phone(n) });
            let input = input.as_object().unwrap();
            create::run(&app, &scope, &package, "person", input, Spelling::Manifest).await.unwrap();
        }
        app.stores.close().await;
        (scope, package)
    }

    /// Every number is there and opens; answers under how many data keys they are sealed.
    async fn everybody_is_there(&self, scope: &Scope, package: &Package, people: usize) {
        let app = self.open().await;
        let session = app.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        let table = package.table("person").unwrap();
        let query = ListQuery { first: 100_000, ..ListQuery::default() };
        let mut found: Vec<Value> = record::list(scope, &session, table, &query)
            .await
            .unwrap()
            .records
            .into_iter()
            .map(|record| record.get(Slot::Field(1)).clone())
            .collect();
        found.sort();
        assert_eq!(found, (0..people).map(|n| Value::Text(phone(n))).collect::<Vec<_>>());
        drop(session);
        app.stores.close().await;
    }

    async fn data_keys(&self, scope: &Scope) -> Vec<data_key::Model> {
        let app = self.open().await;
        let session = app.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        let keys = data_key::all(scope, &session).await.unwrap();
        drop(session);
        app.stores.close().await;
        keys
    }
}

fn phone(n: usize) -> String {
    format!("138{n:08}")
}

fn last(text: &str) -> String {
    text.lines().rfind(|line| line.starts_with("error: ")).unwrap_or_default().to_owned()
}

/// The commands of the page, in their order.
fn commands_of_the_page() -> Vec<String> {
    let (mut inside, mut commands) = (false, Vec::new());
    for line in README.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside {
            commands.push(line.to_owned());
        }
    }
    commands
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_on_keys_does_what_it_says() {
    let here = Installation::new().await;
    let write = |keys: &[&str]| std::fs::write(here.key_file(), keys.join("\n")).unwrap();
    // At the beginning.
    let first = here.key("new").trim().to_owned();
    assert!(first.len() == 44 && !here.key_file().exists(), "{first}");
    write(&[&first]);
    let (scope, package) = here.fill(5).await;
    let told = here.key("status");
    let former = told.split(' ').nth(2).unwrap().to_owned();
    assert!(told.contains(&format!("master key {former} is the current one")), "{told}");
    assert!(told.contains("000000  data key 1 since ") && !told.contains(&first), "{told}");
    // Another data key.
    let told = here.key(&format!("rotate-tenant {TENANT}"));
    assert_eq!(told, "000000  data key 2 is new, 5 records sealed anew\n");
    assert_eq!(here.key("rotate-tenant --all"), "000000  data key 3 is new, 5 records sealed anew\n");
    here.everybody_is_there(&scope, &package, 5).await;
    let retired: Vec<bool> = here.data_keys(&scope).await.iter().map(|key| key.retired_at.is_some()).collect();
    assert_eq!(retired, [true, true, false]);
    // Another master key: behind the former it changes nothing.
    let second = here.key("new").trim().to_owned();
    assert_ne!(first, second);
    write(&[&first, &second]);
    here.everybody_is_there(&scope, &package, 5).await;
    write(&[&second, &first]);
    let started =
        here.command().args(["key", "status"]).env("SUNLIT_MASTER_KEY_FILE", here.key_file()).output().unwrap();
    let warned = String::from_utf8(started.stderr).unwrap();
    assert!(warned.contains("stands first and is not used yet"), "{warned}");
    let told = here.key("rewrap");
    let current = told.split(' ').next().unwrap().to_owned();
    assert!(
        told.contains(&format!("{current} is the current master key now; 3 keys of 1 tenants wrapped anew")),
        "{told}"
    );
    assert!(told.contains(&format!("master key {former} is not needed any more")), "{told}");
    let told = here.key("status");
    assert!(told.contains(&format!("master key {current} is the current one")) && current != former, "{told}");
    assert!(told.contains(&format!("wrapped by {current}\n")), "{told}");
    write(&[&second]);
    here.everybody_is_there(&scope, &package, 5).await;
    // Whoever is left with the former alone does not start.
    write(&[&first]);
    let file = here.key_file().display().to_string();
    let told = here.refusal(&[("SUNLIT_MASTER_KEY_FILE", &file)]);
    assert!(told.contains(&format!("sealed under the master key {current}, and given are {former}")), "{told}");
    write(&[&second, &first]);
    assert!(here.key("rewrap").contains("was the current master key already; 0 keys of 0 tenants"), "again");
    assert_eq!(*here.given.borrow(), commands_of_the_page());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_master_key_nothing_starts_and_nothing_is_made() {
    let here = Installation::new().await;
    let first = here.key("new").trim().to_owned();
    std::fs::write(here.key_file(), &first).unwrap();
    here.fill(1).await;
    let file = here.key_file().display().to_string();
    let own = here.folder.path().join("data/keys/master.key");
    let told = here.refusal(&[]);
    assert!(told.contains("there is no master key") && told.contains("SUNLIT_MASTER_KEY"), "{told}");
    assert!(!own.exists(), "a second master key was made");
    let other = here.key("new").trim().to_owned();
    let check = |variables: &[(&str, &str)], words: &str| {
        let told = here.refusal(variables);
        assert!(told.contains(words), "expected {words} in {told}");
        assert!(!told.contains(&first) && !told.contains(&other), "{told}");
    };
    check(&[("SUNLIT_MASTER_KEY", &other)], "sealed under the master key");
    check(&[("SUNLIT_MASTER_KEY", "")], "SUNLIT_MASTER_KEY holds no master key: it is empty");
    check(&[("SUNLIT_MASTER_KEY", &first[..40])], "SUNLIT_MASTER_KEY holds no master key: it has another length");
    check(&[("SUNLIT_MASTER_KEY", "not!base64")], "it is not base64");
    check(&[("SUNLIT_MASTER_KEY_FILE", "/nowhere/at.all")], "/nowhere/at.all is not there");
    // The variable goes before the file, whatever stands there.
    check(&[("SUNLIT_MASTER_KEY", &other), ("SUNLIT_MASTER_KEY_FILE", &file)], "sealed under the master key");
    std::fs::write(here.key_file(), format!("{}\n", &first[..20])).unwrap();
    check(&[("SUNLIT_MASTER_KEY_FILE", &file)], "master.key holds no master key");
    let listed = here.command().args(["tenant", "list"]).env("SUNLIT_MASTER_KEY", format!("{first},{other}")).output();
    assert!(listed.unwrap().status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_is_killed_loses_nothing_and_ends_when_it_is_run_again() {
    const PEOPLE: usize = 1_500;
    let here = Installation::new().await;
    std::fs::write(here.key_file(), here.key("new").trim()).unwrap();
    let (scope, package) = here.fill(PEOPLE).await;
    let mut cut_off = 0;
    for _ in 0..3 {
        let before = here.data_keys(&scope).await;
        let mut rotating = here
            .command()
            .args(["key", "rotate-tenant", TENANT])
            .env("SUNLIT_MASTER_KEY_FILE", here.key_file())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let app = here.open().await;
        let begun = Instant::now();
        // As soon as something is sealed under the newest key, or the new key is there.
        while begun.elapsed() < Duration::from_secs(60) && rotating.try_wait().unwrap().is_none() {
            let session = app.stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
            let keys = data_key::all(&scope, &session).await.unwrap();
            drop(session);
            if keys.len() > before.len() || (cut_off > 0 && begun.elapsed() > Duration::from_millis(300)) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let killed = rotating.try_wait().unwrap().is_none();
        rotating.kill().unwrap();
        rotating.wait().unwrap();
        app.stores.close().await;
        here.everybody_is_there(&scope, &package, PEOPLE).await;
        let keys = here.data_keys(&scope).await;
        cut_off += usize::from(killed && keys.iter().rev().skip(1).any(|key| key.retired_at.is_none()));
    }
    assert!(cut_off > 0, "no rotation was cut off: the test shows nothing");
    let app = here.open().await;
    let ended = rotate::run(&app, &scope).await.unwrap();
    let again = rotate::run(&app, &scope).await.unwrap();
    app.stores.close().await;
    assert!(again.is_new && again.number == ended.number + 1 && again.records == PEOPLE as u64, "{ended:?} {again:?}");
    here.everybody_is_there(&scope, &package, PEOPLE).await;
    let keys = here.data_keys(&scope).await;
    assert!(keys.iter().rev().skip(1).all(|key| key.retired_at.is_some()), "{keys:?}");
}

mod on_sqlite {
    use super::*;

    /// Keys that were kept in files before there was a vault are taken over, and lie open no longer.
    #[tokio::test]
    async fn the_keys_of_files_become_secrets_and_the_files_go() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("data/keys");
        std::fs::create_dir_all(&keys).unwrap();
        std::fs::write(keys.join("tokens.key"), [7; 32]).unwrap();
        std::fs::write(keys.join("artefacts.key"), [8; 32]).unwrap();
        let open = async || {
            let config = AppConfig {
                data: folder.path().join("data"),
                host: HostConfig { slots: 2, ..HostConfig::default() },
                database: None,
                master_keys: MasterKeySource::Own(keys.join("master.key")),
                mail: None,
                files: None,
                plans: sunlit_domain::plan::Plans::default(),
                subscription_domains: Vec::new(),
                public_url: "http://localhost".to_owned(),
            };
            App::open(config, Arc::new(SystemEnvironment)).await
        };
        let app = open().await.unwrap();
        assert_eq!((app.keys.tokens, app.keys.artefacts), ([7; 32], [8; 32]));
        assert!(app.keys.files != [0; 32] && app.keys.files != app.keys.tokens);
        let left = |folder: &Path| {
            let names =
                std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.collect::<Vec<_>>()
        };
        assert_eq!(left(&keys), ["master.key"]);
        assert!(!format!("{:?}", app.keys).contains('7'));
        let again = open().await.unwrap();
        assert_eq!((again.keys.tokens, again.keys.files), (app.keys.tokens, app.keys.files));
        // One that comes back from a backup later is not used, and stays where it is.
        std::fs::write(keys.join("tokens.key"), [9; 32]).unwrap();
        assert_eq!(open().await.unwrap().keys.tokens, [7; 32]);
        assert_eq!(std::fs::read(keys.join("tokens.key")).unwrap(), [9; 32]);
        let other = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(other.path().join("keys")).unwrap();
        std::fs::write(other.path().join("keys/tokens.key"), b"short").unwrap();
        let config = AppConfig {
            data: other.path().to_owned(),
            host: HostConfig { slots: 2, ..HostConfig::default() },
            database: None,
            master_keys: MasterKeySource::Own(other.path().join("keys/master.key")),
            mail: None,
            files: None,
            plans: sunlit_domain::plan::Plans::default(),
            subscription_domains: Vec::new(),
            public_url: "http://localhost".to_owned(),
        };
        let told = App::open(config, Arc::new(SystemEnvironment)).await.unwrap_err().to_string();
        assert!(told.contains("tokens.key does not hold a key of 32 bytes"), "{told}");
    }
}
