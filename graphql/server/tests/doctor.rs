//! `sunlit doctor` on installations that are broken in every way that it knows: each is told with its mend, and ends with 1.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value as Json, json};
use sunlit_storage::platform::due;
use sunlit_storage::tenant::outbox::{self, Job};
use sunlit_storage::testing;
use sunlit_test_support::TestApp;

const TENANT: &str = "900001";

struct Kit {
    app: TestApp,
    variables: Vec<(String, String)>,
}

/// What it said.
struct Told {
    is_well: bool,
    findings: Json,
    text: String,
}

impl Told {
    /// That a finding of `check` is in `state`, and says all of `words`.
    #[track_caller]
    fn has(&self, check: &str, state: &str, words: &[&str]) -> &Self {
        let findings = self.findings["findings"].as_array().unwrap_or_else(|| panic!("{}", self.text));
        let says = |finding: &&Json| {
            let text = finding.to_string();
            finding["check"] == check && finding["state"] == state && words.iter().all(|word| text.contains(word))
        };
        let found = findings.iter().find(says);
        let found = found.unwrap_or_else(|| panic!("{check} is not {state} with {words:?}: {}", self.text));
        assert_eq!(found.get("mend").is_some(), state != "ok", "{found}");
        if state == "fault" {
            assert!(!self.is_well && self.findings["faults"].as_u64() > Some(0), "{}", self.text);
        }
        self
    }
}

impl Kit {
    async fn new() -> Self {
        let kit = Self::without_tenants().await;
        kit.app.probe_tenant(TENANT).await;
        kit
    }

    async fn without_tenants() -> Self {
        let app = TestApp::start().await;
        let mut kit = Self { variables: app.variables(), app };
        kit.set("SUNLIT_LISTEN", "127.0.0.1:0");
        kit
    }

    fn data(&self) -> PathBuf {
        self.app.folder().join("data")
    }

    /// A variable of the configuration.
    fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn doctor(&self) -> Told {
        self.doctor_after("true")
    }

    /// The same in a shell that has run `prepare`.
    fn doctor_after(&self, prepare: &str) -> Told {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("{prepare} && exec \"$0\" doctor --json"), env!("CARGO_BIN_EXE_sunlit")]);
        let done = shell.current_dir(self.app.folder()).envs(self.variables.iter().cloned()).output().unwrap();
        let stdout = String::from_utf8(done.stdout).unwrap();
        let text = format!("{stdout}{}", String::from_utf8_lossy(&done.stderr));
        Told { is_well: done.status.success(), findings: serde_json::from_str(&stdout).unwrap_or_default(), text }
    }

    /// A job of a kind that is not known, due so long ago.
    async fn job(&self, ago: Duration) {
        let tenant = self.app.tenant_id(TENANT).await;
        let (scope, app) = (self.app.scope(tenant), self.app.app());
        let work = app.stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
        let due_at = app.environment.now().minus(ago);
        let job =
            Job { id: app.environment.new_id(), kind: "unheard-of", key: String::new(), due_at, payload: json!(null) };
        outbox::schedule(&scope, &work, job).await.unwrap();
        work.commit().await.unwrap();
        due::hint(&app.platform, tenant, due_at).await.unwrap();
    }
}

#[actix_web::test]
async fn a_sound_installation_has_no_fault_and_says_what_it_has_seen() {
    let kit = Kit::new().await;
    let told = kit.doctor();
    // Whether the State Council's next notice is known is no matter of the installation.
    let findings = told.findings["findings"].as_array().unwrap().iter();
    let faults: Vec<_> = findings.filter(|one| one["state"] == "fault" && one["check"] != "holidays").collect();
    assert!(faults.is_empty(), "{faults:?}");
    told.has("data folder", "ok", &[]).has("keys", "ok", &[]).has("installation", "ok", &[]);
    told.has(&format!("tenant {TENANT}"), "ok", &["probe"]).has("jobs", "ok", &[]);
    if kit.app.app().stores.database().is_some() {
        told.has("clock", "ok", &["ms"]);
    }
}

#[actix_web::test]
async fn a_data_folder_that_is_not_there_is_told() {
    let mut kit = Kit::new().await;
    kit.variables.retain(|(name, _)| !name.contains("DATABASE"));
    let nowhere = kit.app.folder().join("nowhere").display().to_string();
    kit.set("SUNLIT_DATA", &nowhere);
    let told = kit.doctor();
    told.has("data folder", "fault", &["nowhere", "sunlit serve"]).has("installation", "fault", &["--data"]);
    assert!(!kit.app.folder().join("nowhere").exists());
}

#[actix_web::test]
async fn keys_that_others_read_and_keys_that_are_damaged_are_told() {
    let mut kit = Kit::new().await;
    let key = kit.data().join("keys/master.key");
    std::fs::create_dir_all(key.parent().unwrap()).unwrap();
    std::fs::write(&key, b"half a key").unwrap();
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    kit.doctor().has("keys", "fault", &["master.key", "chmod 600"]);
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    kit.variables.retain(|(name, _)| name != "SUNLIT_MASTER_KEY");
    kit.set("SUNLIT_MASTER_KEY_FILE", &key.display().to_string());
    kit.doctor().has("keys", "ok", &[]).has("installation", "fault", &["master.key"]);
}

#[actix_web::test]
async fn a_port_that_somebody_else_has_is_told() {
    let mut kit = Kit::new().await;
    let somebody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = somebody.local_addr().unwrap().to_string();
    kit.set("SUNLIT_LISTEN", &address);
    kit.doctor().has("address", "fault", &[&address, "choose another `listen`"]);
    kit.set("SUNLIT_LISTEN", "127.0.0.1:0").set("SUNLIT_METRICS_LISTEN", &address);
    kit.doctor().has("metrics address", "fault", &[&address, "choose another `metrics_listen`"]);
}

#[actix_web::test]
async fn too_few_open_files_are_told() {
    let kit = Kit::new().await;
    kit.doctor_after("ulimit -n 200").has("open files", "fault", &["200", "LimitNOFILE"]);
    kit.doctor_after("ulimit -n 1000").has("open files", "warning", &["1000"]);
}

#[actix_web::test]
async fn a_collector_that_is_away_is_told_and_is_no_fault() {
    let mut kit = Kit::new().await;
    kit.set("SUNLIT_OTLP_ENDPOINT", "http://127.0.0.1:1");
    let told = kit.doctor();
    told.has("collector", "warning", &["127.0.0.1:1", "traces are lost"]);
}

#[actix_web::test]
async fn a_mail_server_that_is_away_is_told_without_its_password() {
    let mut kit = Kit::new().await;
    kit.set("SUNLIT_SMTP", "smtp://sunlit:hush@127.0.0.1:1");
    let told = kit.doctor();
    told.has("mail", "fault", &["127.0.0.1:1", "mend `smtp`"]);
    assert!(!told.text.contains("hush"), "{}", told.text);
}

#[actix_web::test]
async fn a_master_key_that_is_missing_or_another_is_told() {
    let mut kit = Kit::new().await;
    kit.set("SUNLIT_MASTER_KEY", "half a key");
    assert!(!kit.doctor().is_well && kit.doctor().text.contains("SUNLIT_MASTER_KEY"));
    kit.set("SUNLIT_MASTER_KEY", "HxwdHhsaGRgXFhUUExIREA8ODQwLCgkIBwYFBAMCAQA=");
    kit.doctor().has("installation", "fault", &["master key"]);
}

#[actix_web::test]
async fn an_installation_without_tenants_is_told() {
    let kit = Kit::without_tenants().await;
    kit.doctor().has("tenants", "fault", &["sunlit tenant create"]);
}

#[actix_web::test]
async fn a_package_that_does_not_load_is_told_with_its_tenant() {
    let kit = Kit::new().await;
    let stores = &kit.app.app().stores;
    let sql = "UPDATE package_version SET manifest = 'no manifest' WHERE package = 'probe'";
    testing::tamper_platform(stores, &kit.data(), sql).await.unwrap();
    let told = kit.doctor();
    told.has(&format!("tenant {TENANT}"), "fault", &["the package probe", "does not load", "sunlit plugin upgrade"]);
}

#[actix_web::test]
async fn jobs_that_were_given_up_are_told() {
    let kit = Kit::new().await;
    kit.job(Duration::ZERO).await;
    kit.app.worker().once().await.unwrap();
    kit.doctor().has(
        &format!("tenant {TENANT}"),
        "warning",
        &["1 job(s) were given up", "unheard-of", "sunlit job list"],
    );
}

#[actix_web::test]
async fn late_jobs_and_missing_workers_are_told() {
    let mut kit = Kit::new().await;
    kit.set("SUNLIT_WORKERS", "0");
    kit.doctor().has("jobs", "warning", &["runs no worker"]);
    kit.job(Duration::from_secs(600)).await;
    kit.doctor().has("jobs", "fault", &["1 tenant(s)", "10 min", "start `sunlit worker`"]);
    kit.set("SUNLIT_WORKERS", "1");
    kit.doctor().has("jobs", "fault", &["raise `workers`"]);
}

#[actix_web::test]
async fn an_audit_trail_that_was_changed_is_told() {
    let kit = Kit::new().await;
    let scope = kit.app.scope(kit.app.tenant_id(TENANT).await);
    let sql = "UPDATE audit SET action = 'nothing' WHERE seq = (SELECT max(seq) FROM audit)";
    testing::tamper(&kit.app.app().stores, &kit.data().join("tenants"), &scope, sql).await.unwrap();
    kit.doctor().has(
        &format!("tenant {TENANT}"),
        "fault",
        &["audit trail is broken", "was changed", "sunlit audit verify"],
    );
}

#[actix_web::test]
async fn a_configuration_that_does_not_fit_is_told_before_anything_else() {
    let mut kit = Kit::new().await;
    kit.set("SUNLIT_THREADS", "0");
    let told = kit.doctor();
    assert!(
        !told.is_well && told.text.contains("threads = 0") && told.text.contains("choose 1 to 1024"),
        "{}",
        told.text
    );
}

mod on_sqlite {
    use super::*;

    #[actix_web::test]
    async fn a_store_that_is_no_database_is_told() {
        let kit = Kit::new().await;
        let tenant = kit.app.tenant_id(TENANT).await;
        kit.app.app().stores.close().await;
        let file = kit.data().join(format!("tenants/{tenant}.db"));
        let _ = std::fs::remove_file(file.with_extension("db-wal"));
        std::fs::write(&file, vec![b'x'; 8_192]).unwrap();
        kit.doctor().has(&format!("tenant {TENANT}"), "fault", &["restore its store from a backup"]);
    }

    #[actix_web::test]
    async fn platform_tables_that_are_no_database_are_told() {
        let kit = Kit::new().await;
        let _ = std::fs::remove_file(kit.data().join("platform.db-wal"));
        std::fs::write(kit.data().join("platform.db"), vec![b'x'; 8_192]).unwrap();
        kit.doctor().has("installation", "fault", &["not a database"]);
    }
}

mod on_postgres {
    use super::*;

    #[actix_web::test]
    async fn a_database_of_another_version_is_told() {
        let kit = Kit::new().await;
        let tamper = async |sql: &str| testing::tamper_platform(&kit.app.app().stores, &kit.data(), sql).await.unwrap();
        tamper(
            "UPDATE schema_version SET version = version + 1 WHERE version = (SELECT max(version) FROM schema_version)",
        )
        .await;
        kit.doctor().has("installation", "fault", &["later version"]);
        tamper("DELETE FROM schema_version").await;
        kit.doctor().has("installation", "fault", &["sunlit migrate"]);
    }

    #[actix_web::test]
    async fn a_role_that_passes_by_row_level_security_is_told() {
        let mut kit = Kit::new().await;
        let url = kit.app.app().stores.database().unwrap().config().url.clone();
        let (_, name) = url.rsplit_once('/').unwrap();
        let admin = std::env::var(testing::VARIABLE).unwrap();
        let (server, _) = admin.rsplit_once('/').unwrap();
        kit.set("SUNLIT_DATABASE", &format!("{server}/{name}"));
        kit.doctor().has("installation", "fault", &["passes by row-level security"]);
    }

    #[actix_web::test]
    async fn a_database_that_is_away_is_told() {
        let mut kit = Kit::new().await;
        kit.set("SUNLIT_DATABASE", "postgres://sunlit_app@127.0.0.1:1/sunlit");
        assert!(!kit.doctor().is_well);
        kit.doctor().has("installation", "fault", &[]);
    }
}
