//! The set-up of `infra/compose`, held against itself, the configuration and the numbers: what can be known of it without Docker.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;
use sunlit_server::config::Config;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
/// What is built here, and has the tightest bounds.
const OURS: [&str; 3] = ["migrate", "sunlit", "worker"];

fn folder() -> PathBuf {
    Path::new(ROOT).join("infra/compose")
}

fn text(path: impl AsRef<Path>) -> String {
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

fn yaml(path: &str) -> Json {
    serde_saphyr::from_str(&text(folder().join(path))).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Services by name. Anchors are merged as `<<` says.
fn services() -> BTreeMap<String, Json> {
    let document = yaml("compose.yaml");
    let services = document["services"].as_object().unwrap();
    services.iter().map(|(name, service)| (name.clone(), merged(service))).collect()
}

fn merged(value: &Json) -> Json {
    let Some(object) = value.as_object() else { return value.clone() };
    let mut whole = object.get("<<").map(merged).and_then(|base| base.as_object().cloned()).unwrap_or_default();
    whole.extend(object.iter().filter(|(name, _)| *name != "<<").map(|(name, value)| (name.clone(), merged(value))));
    whole.into()
}

fn names(value: &Json) -> Vec<String> {
    match value {
        Json::Array(items) => items.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
        Json::Object(object) => object.keys().cloned().collect(),
        _ => Vec::new(),
    }
}

fn environment(service: &Json) -> BTreeMap<String, String> {
    let given = service["environment"].as_object().cloned().unwrap_or_default();
    given.into_iter().map(|(name, value)| (name, value.as_str().unwrap().to_owned())).collect()
}

#[test]
fn everything_that_is_named_is_there() {
    let (document, services) = (yaml("compose.yaml"), services());
    let declared = |kind: &str| names(&document[kind]).into_iter().collect::<BTreeSet<_>>();
    let (networks, volumes, secrets) = (declared("networks"), declared("volumes"), declared("secrets"));
    let mut used = BTreeSet::new();
    for (name, service) in &services {
        for network in names(&service["networks"]) {
            assert!(networks.contains(&network), "{name}: network {network}");
        }
        for secret in names(&service["secrets"]) {
            assert!(secrets.contains(&secret), "{name}: secret {secret}");
            used.insert(secret);
        }
        for other in names(&service["depends_on"]) {
            assert!(services.contains_key(&other), "{name} depends on {other}");
        }
        for volume in names(&service["volumes"]) {
            let source = volume.split(':').next().unwrap();
            let is_there =
                if source.starts_with('.') { folder().join(source).is_file() } else { volumes.contains(source) };
            assert!(is_there, "{name}: {volume}");
        }
        // What is read from a secret is given one.
        for (variable, value) in environment(service) {
            if let Some(secret) = value.strip_prefix("/run/secrets/") {
                assert!(names(&service["secrets"]).iter().any(|given| given == secret), "{name}: {variable}");
            }
        }
        if let Some(dockerfile) = service["build"]["dockerfile"].as_str() {
            let context = folder().join(service["build"]["context"].as_str().unwrap());
            assert!(context.join(dockerfile).is_file(), "{name}: {dockerfile}");
        }
    }
    assert_eq!(used, secrets, "every secret is somebody's");
}

#[test]
fn secrets_are_made_once_each_in_a_file() {
    let script = text(folder().join("secrets.sh"));
    let made = tempfile::tempdir().unwrap();
    std::fs::create_dir(made.path().join("secrets")).unwrap();
    std::fs::write(made.path().join("secrets.sh"), &script).unwrap();
    let run = || {
        let done = Command::new("bash").arg(made.path().join("secrets.sh")).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        let files = std::fs::read_dir(made.path().join("secrets")).unwrap().map(|file| file.unwrap().path());
        files
            .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), text(path)))
            .collect::<BTreeMap<_, _>>()
    };
    let secrets = run();
    assert_eq!(run(), secrets, "a second run changes nothing");
    for (name, secret) in names(&yaml("compose.yaml")["secrets"]).iter().map(|name| (name, &secrets[name])) {
        // 32 bytes, in hexadecimal or in base64.
        assert!(secret.trim_end().len() >= 44, "{name}");
    }
    assert!(secrets["database_url"].contains(&format!("sunlit_app:{}@postgres/", secrets["app_password"])));
    assert_eq!(secrets.values().collect::<BTreeSet<_>>().len(), secrets.len(), "no two are alike");
}

#[test]
fn every_variable_of_ours_is_a_key_and_its_value_is_taken() {
    for (name, service) in services() {
        let environment = environment(&service);
        let known: BTreeSet<String> = Config::keys().iter().map(|key| Config::variable(key)).collect();
        for variable in environment.keys().filter(|variable| variable.starts_with("SUNLIT_")) {
            let plain = variable.strip_suffix("_FILE").filter(|plain| known.contains(*plain)).unwrap_or(variable);
            assert!(known.contains(plain), "{name}: {variable}");
        }
        if OURS.contains(&name.as_str()) {
            let url = |variable: &str| format!("postgres://sunlit_{variable}@postgres/sunlit");
            // A file's value in place of the file, which is not here.
            let given = |variable: &str| match environment.get(&format!("{variable}_FILE")) {
                Some(_) if known.contains(variable) => Some(url("app")),
                _ => environment.get(variable).filter(|_| known.contains(variable)).cloned(),
            };
            let config = Config::read_with(Path::new("/nowhere/sunlit.toml"), given).unwrap();
            assert!(config.database().is_some() && config.metrics_listen.is_some(), "{name}");
            assert!(!config.development && config.master_key_file.is_some(), "{name}");
        }
    }
}

#[test]
fn containers_have_no_more_rights_than_they_need() {
    let services = services();
    for (name, service) in &services {
        assert_eq!(service["read_only"], true, "{name}");
        assert_eq!(service["security_opt"][0], "no-new-privileges:true", "{name}");
        assert!(service["ports"].is_null() || name == "proxy", "{name} is reached from outside");
        assert!(service["privileged"].is_null(), "{name}");
        let image = service["image"].as_str().unwrap();
        assert!(image.split(':').nth(1).is_some_and(|tag| tag != "latest"), "{name}: {image}");
        let ends = name == "migrate" || name == "collector";
        assert!(ends || service["healthcheck"]["test"].is_array(), "{name} says nothing of its health");
    }
    for name in OURS {
        let service = &services[name];
        assert_eq!((service["user"].as_str(), service["cap_drop"][0].as_str()), (Some("10001:10001"), Some("ALL")));
    }
    // The role that makes tables is known where tables are made, and nowhere else.
    let knows = |name: &str| names(&services[name]["secrets"]).contains(&"migrator_database_url".to_owned());
    assert_eq!(OURS.map(knows), [true, false, false]);
    let networks = yaml("compose.yaml")["networks"].clone();
    assert!(networks["back"]["internal"] == true && networks["watch"]["internal"] == true);
    assert_eq!(names(&services["proxy"]["networks"]), ["edge"]);
    let trusted = environment(&services["sunlit"])["SUNLIT_TRUSTED_PROXIES"].clone();
    assert_eq!(trusted, format!("[{}]", networks["edge"]["ipam"]["config"][0]["subnet"].as_str().unwrap()));
}

#[test]
fn the_image_is_built_by_this_toolchain_and_runs_as_nobody() {
    let dockerfile = text(folder().join("Dockerfile"));
    let channel = text(Path::new(ROOT).join("rust-toolchain.toml"));
    let channel =
        channel.lines().find_map(|line| line.strip_prefix("channel = ")).unwrap().trim_matches('"').to_owned();
    let short = channel.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    assert!(dockerfile.contains(&format!("FROM rust:{short}-")), "{channel}");
    let last = dockerfile.rsplit("\nFROM ").next().unwrap();
    assert!(last.contains("USER 10001:10001") && last.contains("SUNLIT_DATA=/var/lib/sunlit"), "{last}");
    assert!(!last.contains("COPY . "), "the sources stay in the first stage");
    assert!(text(folder().join("Dockerfile.dockerignore")).lines().any(|line| line == "infra/compose/secrets/*"));
}

#[test]
fn the_database_is_one_that_sunlit_takes() {
    let postgres = services()["postgres"].clone();
    let image = postgres["image"].as_str().unwrap().to_owned();
    let version: f64 = image.strip_prefix("postgres:").unwrap().split('-').next().unwrap().parse().unwrap();
    assert!(version >= 17.6, "{image}");
    let mounted = names(&postgres["volumes"]);
    assert!(mounted.iter().any(|volume| volume.starts_with("../postgres/roles.sql:/etc/sunlit/roles.sql")));
    assert!(text(folder().join("postgres/roles.sh")).contains("--file=/etc/sunlit/roles.sql"));
    assert!(text(Path::new(ROOT).join("infra/postgres/roles.sql")).contains("LOCALE 'C'"));
}

#[test]
fn prometheus_asks_where_numbers_are_told_and_for_numbers_that_there_are() {
    let services = services();
    let asked = yaml("prometheus/prometheus.yml");
    let targets: BTreeSet<String> = asked["scrape_configs"][0]["static_configs"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|group| names(&group["targets"]))
        .collect();
    let told = ["sunlit", "worker"].map(|name| {
        let listen = environment(&services[name])["SUNLIT_METRICS_LISTEN"].clone();
        assert!(names(&services[name]["networks"]).contains(&"watch".to_owned()), "{name}");
        format!("{name}:{}", listen.rsplit(':').next().unwrap())
    });
    assert_eq!(targets, BTreeSet::from(told));
    for file in names(&asked["rule_files"]) {
        for rule in yaml(&format!("prometheus/{file}"))["groups"][0]["rules"].as_array().unwrap() {
            let rule_text = rule["expr"].as_str().unwrap();
            let words = rule_text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for word in words.filter(|word| word.starts_with("sunlit_") || word.starts_with("process_")) {
                let name = word.trim_end_matches("_bucket");
                let source = text(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/telemetry/numbers.rs"));
                assert!(source.contains(&format!("\"{name}\"")), "{file}: there is no number {name}");
            }
            assert!(rule["annotations"]["summary"].is_string(), "{rule}");
        }
    }
}

#[test]
fn the_collector_listens_where_spans_are_sent_and_its_parts_are_declared() {
    let collector = yaml("otel/collector.yaml");
    let listens = collector["receivers"]["otlp"]["protocols"]["http"]["endpoint"].as_str().unwrap().to_owned();
    let sent = environment(&services()["sunlit"])["SUNLIT_OTLP_ENDPOINT"].clone();
    assert_eq!(sent, format!("http://collector:{}", listens.rsplit(':').next().unwrap()));
    for (pipeline, parts) in collector["service"]["pipelines"].as_object().unwrap() {
        for kind in ["receivers", "processors", "exporters"] {
            for part in names(&parts[kind]) {
                assert!(collector[kind].as_object().unwrap().contains_key(&part), "{pipeline}: {kind} {part}");
            }
        }
    }
}

#[test]
fn the_proxy_leads_to_the_public_port_alone_and_drops_what_strangers_say_of_traces() {
    let caddy = text(folder().join("caddy/Caddyfile"));
    let leads: Vec<_> = caddy.lines().filter_map(|line| line.trim().strip_prefix("reverse_proxy ")).collect();
    let port = environment(&services()["sunlit"])["SUNLIT_LISTEN"].rsplit(':').next().unwrap().to_owned();
    assert_eq!(leads, [format!("sunlit:{port} {{")]);
    for header in ["traceparent", "tracestate", "forwarded"] {
        assert!(caddy.contains(&format!("request_header -{header}")), "{header}");
    }
}
