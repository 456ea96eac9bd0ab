//! A tenant's whole life by the command line, beside a server that serves: what a killed import or erasure leaves, and yesterday's
//! tenant beside today's.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::installation::{Installation, TENANT};
use crate::server::Server;

const COUNT: &str = "{ killKit { items { totalCount } } }";
const CREATE: &str = "mutation($input: KillKit_ItemCreate!) { killKitCreateItem(input: $input) { errors { code } } }";

/// Runs a command to its end.
fn sunlit(installation: &Installation, arguments: &[&str]) -> Output {
    installation.command().args(arguments).env("SUNLIT_PLUGIN_SLOTS", "2").output().unwrap()
}

/// What a command prints that has to succeed.
fn done(installation: &Installation, arguments: &[&str]) -> String {
    let output = sunlit(installation, arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a command says that has to fail.
fn refused(installation: &Installation, arguments: &[&str]) -> String {
    let output = sunlit(installation, arguments);
    assert!(!output.status.success(), "{arguments:?}: {output:?}");
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8(said).unwrap()
}

/// Starts a command and kills it after a while; whether it was still running then.
fn killed(installation: &Installation, arguments: &[&str], after: Duration) -> bool {
    let mut command = installation.command();
    command.args(arguments).env("SUNLIT_PLUGIN_SLOTS", "2").stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    std::thread::sleep(after);
    let is_over = child.try_wait().unwrap();
    let _ = child.kill();
    child.wait().unwrap();
    if let Some(status) = is_over {
        assert!(status.success(), "{arguments:?}");
    }
    is_over.is_none()
}

/// What a tenant's API answers.
fn ask(server: &Server, slug: &str, token: Option<&str>, query: &str, variables: &Json) -> Json {
    let body = json!({ "query": query, "variables": variables }).to_string();
    let mut request = format!(
        "POST /t/{slug}/graphql HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Accept: application/graphql-response+json\r\nContent-Length: {}\r\n",
        body.len()
    );
    if let Some(token) = token {
        request = format!("{request}Authorization: Bearer {token}\r\n");
    }
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let start = answer.windows(4).position(|part| part == b"\r\n\r\n").unwrap() + 4;
    serde_json::from_slice(&answer[start..]).unwrap_or(Json::Null)
}

/// How many items a tenant answers with, as soon as it answers at all: a server on files remembers for a while who there is.
fn items(server: &Server, slug: &str, expect: i64) {
    let until = Instant::now() + Duration::from_secs(45);
    loop {
        let answer = ask(server, slug, None, COUNT, &Json::Null);
        if answer["data"]["killKit"]["items"]["totalCount"] == json!(expect) {
            return;
        }
        assert!(Instant::now() < until, "{slug} answers {answer}, not {expect}");
        std::thread::sleep(Duration::from_millis(500));
    }
}

fn create(server: &Server, token: &str, name: &str) {
    let input = json!({ "input": { "name": name } });
    let answer = ask(server, TENANT, Some(token), CREATE, &input);
    assert_eq!(answer["data"]["killKitCreateItem"]["errors"], json!([]), "{answer}");
}

/// The archive of a tenant with so many items.
async fn archive(installation: &Installation, items: usize) -> PathBuf {
    installation.fill(items).await;
    let path = installation.folder().join("archive.sunlit");
    let told = done(installation, &["tenant", "export", TENANT, "--to", path.to_str().unwrap(), "--plain"]);
    assert!(told.contains("root "), "{told}");
    path
}

fn stores(installation: &Installation) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(installation.data().join("tenants")) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "db")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_leaves_nothing_that_serves_and_the_next_one_succeeds() {
    let installation = Installation::new().await;
    let path = archive(&installation, 4_000).await;
    let path = path.to_str().unwrap();
    let import = ["tenant", "import", path, "--as", "000001", "--state", "active"];
    let (mut kills, mut swept) = (0, 0);
    let mut after = Duration::from_millis(30);
    while killed(&installation, &import, after) {
        kills += 1;
        after += Duration::from_millis(40) + after / 8;
        let listed = done(&installation, &["tenant", "list"]);
        if listed.contains("000001") {
            // Killed behind its last step: the tenant is whole.
            break;
        }
        if kills % 3 == 0 {
            let told = done(&installation, &["tenant", "sweep"]);
            swept += usize::from(told.contains("000001"));
            assert_eq!(stores(&installation).len(), usize::from(installation.is_in_files()), "{told}");
        }
    }
    let verified = done(&installation, &["audit", "verify", "000001"]);
    assert!(verified.starts_with("ok"), "{verified}");
    assert_eq!(stores(&installation).len(), if installation.is_in_files() { 2 } else { 0 });
    let server = Server::start(&installation);
    items(&server, "000001", 4_000);
    items(&server, TENANT, 4_000);
    server.kill();
    assert!(kills >= 3, "only {kills} imports were killed");
    println!("{kills} imports were killed, {swept} of them swept, and the next one succeeded");
    // Erased and killed as often, it goes on until it is gone.
    done(&installation, &["tenant", "state", "000001", "suspended"]);
    let erase = ["tenant", "erase", "000001", "--yes", "000001"];
    let mut kills = 0;
    let mut after = Duration::from_millis(30);
    while done(&installation, &["tenant", "list"]).contains("000001") {
        kills += usize::from(killed(&installation, &erase, after));
        after += Duration::from_millis(60) + after / 4;
    }
    println!("{kills} erasures were killed, and the next one ended them");
    assert_eq!(stores(&installation).len(), usize::from(installation.is_in_files()));
    assert!(done(&installation, &["tenant", "sweep"]).contains("no import has broken off"));
}

#[tokio::test(flavor = "multi_thread")]
async fn yesterday_is_restored_beside_and_in_place_while_the_server_serves() {
    let installation = Installation::new().await;
    installation.fill(50).await;
    let (token, folder) = (installation.token(), installation.folder().join("backups"));
    let folder = folder.to_str().unwrap();
    let passphrase = installation.folder().join("passphrase");
    std::fs::write(&passphrase, "words that nobody else knows\n").unwrap();
    let sealed = ["--passphrase-file", passphrase.to_str().unwrap()];
    let began = Instant::now();
    let server = Server::start(&installation);
    create(&server, &token, "before");
    items(&server, TENANT, 51);
    let told = refused(&installation, &["backup", "--to", folder]);
    assert!(told.contains("--plain"), "{told}");
    let told = done(&installation, &[&["backup", "--to", folder, "--keep", "3"], &sealed[..]].concat());
    assert!(told.contains(&format!("ok     {TENANT}")), "{told}");
    create(&server, &token, "after");
    items(&server, TENANT, 52);
    // Beside: yesterday's and today's answer, and today's takes writes.
    let beside = [&["restore", "--from", folder, "--tenant", TENANT, "--as", "000002"], &sealed[..]].concat();
    done(&installation, &beside);
    create(&server, &token, "meanwhile");
    items(&server, "000002", 51);
    items(&server, TENANT, 53);
    let told = refused(&installation, &["restore", "--from", folder, "--tenant", TENANT, "--as", "000003"]);
    assert!(told.contains("encrypted") && told.contains("--passphrase-file"), "{told}");
    // In its place: the same address answers with yesterday's.
    let told = done(&installation, &[&["restore", "--from", folder, "--tenant", TENANT], &sealed[..]].concat());
    let aside = told.lines().find_map(|line| line.split("--discard ").nth(1)).unwrap().trim_end_matches("` erases it");
    items(&server, TENANT, 51);
    items(&server, "000002", 51);
    let verified = done(&installation, &["audit", "verify"]);
    assert_eq!(verified.lines().filter(|line| line.starts_with("ok")).count(), 3, "{verified}");
    assert!(refused(&installation, &["restore", "--discard", "000002"]).contains("not kept aside"));
    done(&installation, &["restore", "--discard", aside]);
    let listed = done(&installation, &["tenant", "list"]);
    assert!(!listed.contains(aside) && listed.contains(TENANT) && listed.contains("000002"), "{listed}");
    items(&server, TENANT, 51);
    let doctor = sunlit(&installation, &["doctor"]);
    let said = String::from_utf8(doctor.stdout).unwrap();
    assert!(said.contains(&format!("ok    tenant {TENANT}")) && !said.contains("has not ended"), "{said}");
    println!("backed up, restored beside and in place under a server that serves, in {} s", began.elapsed().as_secs());
}
