//! Words of one tenant, looked for in everything that is told at another and that is written on its behalf.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::kit::{Kit, Side};
use crate::schema::Schema;
use actix_web::test::TestRequest;
use serde_json::json;
use sunlit_app::command::job::replay;
use sunlit_sheet::Form;
use sunlit_storage::tenant::{audit, outbox};
use tracing::Level;
use tracing_subscriber::fmt::format::FmtSpan;

/// Everything that `side` can be made to tell.
async fn told(kit: &Kit, side: &Side) -> Vec<(String, String)> {
    let schema = Schema::of(kit).await;
    let mut told = Vec::new();
    for query in schema.everything() {
        let answer = kit.ask(side, &query, json!({})).await;
        assert!(answer.body["data"].is_object(), "{}", answer.body);
        told.push((query, answer.body.to_string()));
    }
    for query in [
        "{ vault { roomsAggregate { groups(by: [STATE]) { nodes { count key { state } } } } } }",
        "{ vault { rooms(search: \"canary\") { totalCount nodes { name } } } }",
        "{ vault { rooms(filter: { code: { startsWith: \"canary\" } }) { totalCount nodes { code } } } }",
        "{ vault { rooms(order: [CODE_ASC], first: 100) { nodes { code } } } }",
        "{ probe { items(filter: { name: { contains: \"canary\" } }) { nodes { name } } } }",
        "{ nothing }",
        "mutation { vaultCreateRoom(input: { code: \"canary\", name: null }) { errors { message } } }",
        "mutation { vaultDeleteRoom(id: \"x\", version: 1) { errors { message } } }",
    ] {
        told.push((query.to_owned(), kit.ask(side, query, json!({})).await.body.to_string()));
    }
    let get = async |path: &str| {
        let request = TestRequest::get().uri(&format!("/t/{}{path}", side.slug));
        let request = request.insert_header(("authorization", format!("Bearer {}", side.token)));
        let (status, headers, body) = kit.app.call(request).await;
        (status, format!("{status} {headers:?} "), body)
    };
    for path in ["/records/vault/paper", "/records/vault/room", "/records/probe/item"] {
        let (status, head, body) = get(&format!("{path}.csv?titles=zh")).await;
        assert!(status.is_success(), "{path}: {body:?}");
        told.push((format!("{path}.csv"), head + std::str::from_utf8(&body).unwrap()));
        let (_, head, body) = get(&format!("{path}.xlsx")).await;
        let sheet = sunlit_sheet::read(Form::Xlsx, &body, None).unwrap();
        told.push((format!("{path}.xlsx"), format!("{head}{sheet:?}")));
    }
    let paper = format!("/p/vault/papers/{}", side.canary);
    for path in ["/graphql/schema.graphql", "/openapi.json", "", "/p/vault", &paper] {
        let (status, head, body) = get(path).await;
        assert!(status.is_success(), "{path}: {body:?}");
        told.push((path.to_owned(), head + std::str::from_utf8(&body).unwrap()));
    }
    for path in ["/p/probe", "/p/vault/papers/canary", "/files/x/y", "/records/vault/nothing.csv"] {
        let (status, head, body) = get(path).await;
        assert!(status.is_client_error(), "{path}: {body:?}");
        told.push((path.to_owned(), head + std::str::from_utf8(&body).unwrap()));
    }
    let file = format!("/files/{}/a.png", side.ids["File"]);
    told.push((file.clone(), get(&file).await.1));
    let scope = crate::kit::scope(&kit.app, side.tenant);
    let session = kit.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    told.push(("events".to_owned(), format!("{:?}", outbox::latest(&scope, &session, 1_000).await.unwrap())));
    told.push(("dead jobs".to_owned(), format!("{:?}", outbox::dead(&scope, &session, 1_000).await.unwrap())));
    told.push(("audit".to_owned(), format!("{:?}", audit::latest(&scope, &session, 1_000).await.unwrap())));
    told
}

#[actix_web::test]
async fn no_word_of_one_tenant_is_told_at_another() {
    let kit = Kit::new().await;
    for (side, foreign) in [(&kit.own, &kit.other), (&kit.other, &kit.own)] {
        let told = told(&kit, side).await;
        let own = told.iter().filter(|(_, text)| text.contains(&side.canary)).count();
        assert!(own >= 10, "only {own} of {} places tell the tenant's own words", told.len());
        for (place, text) in &told {
            assert!(!text.contains(&foreign.canary), "{place}: {text}");
            for id in foreign.ids.values() {
                assert!(!text.contains(id), "{place}: {text}");
            }
        }
    }
}

/// What is written while one tenant is asked for everything, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[actix_web::test]
async fn the_log_of_one_tenants_requests_names_nothing_of_another() {
    let kit = Kit::new().await;
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_writer(move || writer.clone());
    let logging = tracing::subscriber::set_default(subscriber.finish());
    told(&kit, &kit.own).await;
    // What fails is what is told at length.
    let wrong =
        "mutation { vaultUpdateRoom(id: \"x\", version: 1, input: { keeper: \"secret-keeper\" }) { errors { code } } }";
    kit.ask(&kit.own, wrong, json!({})).await;
    drop(logging);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.lines().count() > 100, "{log}");
    for word in kit.other.ids.values().chain([&kit.other.canary, &kit.other.tenant.to_string()]) {
        let line = log.lines().find(|line| line.contains(word.as_str()));
        assert!(line.is_none(), "{word}: {line:?}");
    }
    // What people wrote is in no log, their own tenant's neither.
    let line = log.lines().find(|line| line.contains("keeper") && line.contains(&kit.own.canary));
    assert!(line.is_none() && !log.contains("secret-keeper"), "{line:?}");
}

#[actix_web::test]
async fn the_numbers_name_no_tenant_and_nothing_that_a_tenant_wrote() {
    let kit = Kit::new().await;
    kit.app.numbers().await;
    for side in [&kit.own, &kit.other] {
        told(&kit, side).await;
        let echo = format!("{{ probe {{ echo(text: \"{}\") }} }}", side.canary);
        assert!(kit.ask(side, &echo, json!({})).await.data()["probe"]["echo"].is_string());
    }
    // A job whose key and payload are the tenant's own words, and one of no known kind.
    let administrator = kit.app.administrator(kit.own.tenant);
    replay::run(kit.app.app(), &administrator, kit.own.ids["Job"].parse().unwrap()).await.unwrap();
    kit.app.worker().once().await.unwrap();
    let numbers = kit.app.numbers().await;
    let expected = [
        "sunlit_http_requests_total{route=\"/t/{tenant}/graphql\",method=\"POST\",status=\"2xx\"}",
        "sunlit_graphql_operations_total{operation=\"query\",outcome=\"ok\"}",
        "sunlit_plugin_calls_total{package=\"probe\"",
        "sunlit_jobs_total{kind=\"nonsense\"",
        "sunlit_stores_open ",
    ];
    for expected in expected {
        assert!(numbers.contains(expected), "{expected} is not in {numbers}");
    }
    for side in [&kit.own, &kit.other] {
        let secret = [side.canary.clone(), side.slug.to_owned(), side.tenant.to_string(), side.document.clone()];
        for word in side.ids.values().chain(&secret) {
            let line = numbers.lines().find(|line| line.contains(word.as_str()));
            assert!(line.is_none(), "{word}: {line:?}");
        }
    }
    assert!(!numbers.contains("canary"), "{numbers}");
    // As many series as there are routes, kinds and exports, however many tenants ask: bounded, and far from the bound.
    let series = numbers.lines().filter(|line| !line.starts_with('#')).count();
    assert!(series < 3_000, "{series}");
}

/// In a database the tenants' rows lie in the same files: there the database parts them.
mod on_sqlite {
    use super::*;

    #[actix_web::test]
    async fn no_file_of_one_tenant_holds_words_of_another() {
        let kit = Kit::new().await;
        kit.app.app().stores.close().await;
        let mut found = 0;
        walk(&kit.app.folder().join("data"), &mut |path, bytes| {
            let holds = |side: &Side| bytes.windows(side.canary.len()).any(|part| part == side.canary.as_bytes());
            let is_of = |side: &Side| path.to_string_lossy().contains(&side.tenant.to_string());
            for (side, foreign) in [(&kit.own, &kit.other), (&kit.other, &kit.own)] {
                found += usize::from(holds(side));
                assert!(!(is_of(side) && holds(foreign)), "{}", path.display());
            }
        });
        assert!(found >= 2, "{found}");
    }
}

fn walk(folder: &Path, look: &mut impl FnMut(&Path, &[u8])) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, look);
        } else {
            look(&path, &std::fs::read(&path).unwrap());
        }
    }
}
