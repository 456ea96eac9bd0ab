//! What operators see of the real server: lines, traces and numbers of real requests and jobs, and nothing that people wrote.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod collector;
mod server;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};
use sunlit_domain::Role;
use sunlit_domain::id::TenantId;
use sunlit_storage::platform::due;
use sunlit_storage::tenant::outbox::{self, Job};
use sunlit_test_support::TestApp;
use uuid::Uuid;

use crate::collector::{Collector, Sent};
use crate::server::{Reply, Server};

const TENANT: &str = "900001";
/// What people wrote, in every place where they can.
const CANARY: &str = "canary-7d1f";
/// The span of a trusted caller, of a trace that it wants kept.
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// An installation with a tenant.
async fn installation() -> (TestApp, TenantId) {
    let app = TestApp::start().await;
    let tenant = app.probe_tenant(TENANT).await;
    (app, tenant)
}

/// A job that no version knows: it fails, and is given up at once.
async fn unknown_job(app: &TestApp, tenant: TenantId) -> Uuid {
    let (scope, app) = (app.scope(tenant), app.app());
    let work = app.stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
    let (id, now) = (app.environment.new_id(), app.environment.now());
    let payload = json!({ "word": CANARY });
    let job = Job { id, kind: "unheard-of", key: CANARY.to_owned(), due_at: now, payload };
    outbox::schedule(&scope, &work, job).await.unwrap();
    work.commit().await.unwrap();
    due::hint(&app.platform, tenant, now).await.unwrap();
    id
}

/// Asks for everything that is looked for afterwards.
fn visit(server: &Server, token: &str) {
    let bearer = format!("Bearer {token}");
    let create = json!({
        "query": format!("mutation {}($name: String!) {{ probeCreateItem(input: {{ name: $name }}) {{ record {{ id }} }} }}", CANARY.replace('-', "_")),
        "variables": { "name": format!("{CANARY} name") },
    });
    let made = server.graphql(TENANT, &[("authorization", &bearer)], &create);
    assert!(made.json()["data"]["probeCreateItem"]["record"]["id"].is_string(), "{made:?}");
    // A plugin that answers, one that traps, and one that declines with what it was told.
    let ask = json!({ "query": format!("{{ probe {{ echo(text: \"{CANARY}\") trap }} }}") });
    let asked = server.graphql(TENANT, &[("traceparent", PARENT)], &ask);
    assert_eq!(asked.json()["data"]["probe"]["echo"], json!(CANARY), "{asked:?}");
    assert!(asked.header("traceresponse").unwrap().starts_with(&format!("00-{TRACE}-")), "{asked:?}");
    // Refusals: a token that is none, a document that is none, a tenant that is nobody's.
    let refused = server.graphql(TENANT, &[("authorization", &format!("Bearer {CANARY}.x.y"))], &ask);
    assert_eq!(refused.status, 401, "{refused:?}");
    let broken = json!({ "query": format!("{{ {CANARY} \"\"\" ") });
    assert_eq!(server.graphql(TENANT, &[], &broken).status, 400);
    assert_eq!(server.get(&format!("/t/{CANARY}/"), &[]).status, 404);
    let alias = CANARY.replace('-', "_");
    assert_eq!(server.get(&format!("/t/{TENANT}/graphql?query=%7B{alias}%3A__typename%7D"), &[]).status, 200);
    assert_eq!(server.get(&format!("/t/{TENANT}/{CANARY}?name={CANARY}"), &[("user-agent", CANARY)]).status, 404);
}

/// What the public port answers where numbers could be.
fn nothing_is_told_to_the_public(server: &Server) {
    for path in ["/metrics", "/metrics/", &format!("/t/{TENANT}/metrics"), "/%6Detrics", "/t/../metrics"] {
        let reply = server.get(path, &[]);
        assert!(!reply.body.contains("sunlit_") && reply.status >= 300, "{path}: {reply:?}");
    }
}

#[actix_web::test]
async fn lines_traces_and_numbers_tell_what_was_done_and_nothing_that_was_written() {
    let (app, tenant) = installation().await;
    let collector = Collector::start();
    let server = Server::start(&app, &[("SUNLIT_OTLP_ENDPOINT", &collector.address())]);
    let token = app.token(tenant, Role::Editor);
    visit(&server, &token);
    nothing_is_told_to_the_public(&server);
    let job = unknown_job(&app, tenant).await;
    let numbers = until(|| {
        let text = server.numbers().body;
        text.contains("outcome=\"given_up\"").then_some(text)
    });
    // Its own ports are no fault while it runs.
    let doctor = server.doctor();
    assert_eq!(doctor.matches("is served by Sunlit").count(), 2, "{doctor}");
    let lines = server.stop();
    let sent = collector.stop();

    the_lines_name_tenant_and_trace(&lines, tenant, job);
    the_traces_show_a_query_down_to_the_plugin(&sent, tenant, job);
    the_numbers_are_there(&numbers);
    for (what, text) in [("lines", lines.join("\n")), ("traces", format!("{sent:?}")), ("numbers", numbers)] {
        for word in [CANARY, &CANARY.replace('-', "_"), token.as_str()] {
            assert!(!text.contains(word), "{what} hold {word}: {text}");
        }
    }
}

/// Waits for something that happens by itself, at most half a minute.
fn until<T>(mut found: impl FnMut() -> Option<T>) -> T {
    for _ in 0..300 {
        if let Some(found) = found() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("it did not happen");
}

/// Lines that no request and no job is behind.
const BESIDE: [&str; 4] =
    ["actix_server", "sunlit_server::command", "sunlit_server::telemetry::listener", "opentelemetry"];

fn the_lines_name_tenant_and_trace(lines: &[String], tenant: TenantId, job: Uuid) {
    let (tenant, job) = (tenant.to_string(), job.simple().to_string());
    let lines: Vec<Json> =
        lines.iter().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect();
    let mut about = BTreeSet::new();
    for line in &lines {
        let target = line["target"].as_str().unwrap();
        if BESIDE.iter().any(|beside| target.starts_with(beside)) {
            continue;
        }
        // Tidying is nobody's request; it names its tenant by itself.
        assert_eq!(line["tenant.id"], json!(tenant), "{line}");
        if line["message"] != "done rows of the outbox were removed" {
            assert_eq!(line["trace.id"].as_str().map(str::len), Some(32), "{line}");
        }
        about.insert(line["message"].as_str().unwrap().to_owned());
    }
    let find = |message: &str| {
        lines.iter().find(|line| line["message"] == message).unwrap_or_else(|| panic!("{message}: {about:?}"))
    };
    assert_eq!(find("plugin did not answer")["package.id"], "probe");
    assert_eq!(find("plugin did not answer")["trace.id"], TRACE);
    assert_eq!(find("plugin called")["package.id"], "probe");
    assert_eq!(find("a token was refused")["http.route"], "/t/{tenant}/graphql");
    assert_eq!(find("a job failed")["trace.id"], json!(job));
    assert_eq!(find("a job was given up")["job.kind"], "unheard-of");
}

fn the_traces_show_a_query_down_to_the_plugin(sent: &[Sent], tenant: TenantId, job: Uuid) {
    let tenant = tenant.to_string();
    let of_trace: Vec<_> = sent.iter().filter(|span| span.trace == TRACE).collect();
    let named = |name: &str| {
        let found = of_trace.iter().find(|span| span.name == name);
        *found.unwrap_or_else(|| panic!("{name} is not among {of_trace:?} of {}", sent.len()))
    };
    let (request, graphql, plugin) = (named("POST /t/{tenant}/graphql"), named("graphql query"), named("plugin call"));
    assert_eq!(request.parent, "00f067aa0ba902b7", "the caller's own span is above");
    assert_eq!((request.attribute("tenant.id"), request.attribute("trace.id")), (tenant.as_str(), TRACE));
    assert_eq!(request.attribute("http.response.status_code"), "200");
    assert_eq!((graphql.parent.as_str(), graphql.attribute("outcome")), (request.id.as_str(), "partial"));
    assert_eq!((plugin.attribute("package.id"), plugin.attribute("tenant.id")), ("probe", tenant.as_str()));
    assert_eq!(plugin.parent, graphql.id);
    let outcomes: BTreeSet<_> =
        of_trace.iter().filter(|span| span.name == "plugin call").map(|span| span.attribute("outcome")).collect();
    assert_eq!(outcomes, BTreeSet::from(["ok", "trapped"]));
    // Who is not trusted begins a trace of the server's own; a job's is that of its id.
    assert!(sent.iter().any(|span| span.trace != TRACE && span.name == "POST /t/{tenant}/graphql"));
    let job_span = sent.iter().find(|span| span.name == "job unheard-of").unwrap();
    assert_eq!(
        (job_span.trace.as_str(), job_span.attribute("outcome")),
        (job.simple().to_string().as_str(), "given_up")
    );
}

fn the_numbers_are_there(numbers: &str) {
    for expect in [
        "sunlit_http_requests_total{route=\"/t/{tenant}/graphql\",method=\"POST\",status=\"2xx\"}",
        "sunlit_http_requests_total{route=\"none\",method=\"GET\",status=\"4xx\"}",
        "sunlit_http_request_seconds_bucket{",
        "sunlit_graphql_operations_total{operation=\"mutation\",outcome=\"ok\"} 1",
        "sunlit_graphql_operations_total{operation=\"query\",outcome=\"partial\"} 1",
        "sunlit_graphql_operations_total{operation=\"unknown\",outcome=\"",
        "sunlit_graphql_cost_bucket{operation=\"query\"",
        "sunlit_plugin_calls_total{package=\"probe\",export=\"echo\",outcome=\"ok\"} 1",
        "sunlit_plugin_calls_total{package=\"probe\",export=\"trap\",outcome=\"trapped\"} 1",
        "sunlit_plugin_call_fuel_count{package=\"probe\",export=\"echo\"} 1",
        "sunlit_jobs_total{kind=\"unheard-of\",outcome=\"given_up\"} 1",
        "sunlit_job_wait_seconds_count{kind=\"unheard-of\"} 1",
        "sunlit_stores_open 1",
        "sunlit_stores_waiting{to=\"write\"} 0",
        "sunlit_cache_entries{cache=\"schemas\"} 1",
        "sunlit_live_connections 0",
        "sunlit_plugin_slots_free ",
        "sunlit_oldest_job_due_seconds ",
        "sunlit_build_info{",
        "process_resident_memory_bytes ",
        "process_open_fds ",
        "# HELP sunlit_jobs_total ",
    ] {
        assert!(numbers.contains(expect), "{expect} is not in\n{numbers}");
    }
}

/// A caller that nobody trusts chooses no trace.
#[actix_web::test]
async fn a_stranger_chooses_no_trace_and_is_told_none() {
    let (app, _tenant) = installation().await;
    let collector = Collector::start();
    let server = Server::start(
        &app,
        &[("SUNLIT_OTLP_ENDPOINT", &collector.address()), ("SUNLIT_TRUSTED_PROXIES", "[10.0.0.0/8]")],
    );
    let ask = json!({ "query": "{ __typename }" });
    let reply: Reply = server.graphql(TENANT, &[("traceparent", PARENT)], &ask);
    assert_eq!((reply.status, reply.header("traceresponse")), (200, None));
    server.stop();
    let sent = collector.stop();
    assert!(!sent.is_empty() && sent.iter().all(|span| span.trace != TRACE), "{sent:?}");
}

/// With a share of nothing, only what a trusted caller wants kept is sent; a collector that is away costs no request.
#[actix_web::test]
async fn what_is_not_sampled_is_not_sent_and_a_missing_collector_stops_nothing() {
    let (app, _tenant) = installation().await;
    let collector = Collector::start();
    let server =
        Server::start(&app, &[("SUNLIT_OTLP_ENDPOINT", &collector.address()), ("SUNLIT_OTLP_SAMPLE_RATIO", "0")]);
    let ask = json!({ "query": "{ __typename }" });
    assert_eq!(server.graphql(TENANT, &[], &ask).status, 200);
    assert_eq!(server.graphql(TENANT, &[("traceparent", PARENT)], &ask).status, 200);
    server.stop();
    let sent = collector.stop();
    assert!(!sent.is_empty() && sent.iter().all(|span| span.trace == TRACE), "{sent:?}");

    let server = Server::start(&app, &[("SUNLIT_OTLP_ENDPOINT", "http://127.0.0.1:1")]);
    assert_eq!(server.graphql(TENANT, &[], &ask).status, 200);
    let lines = server.stop();
    assert!(lines.iter().any(|line| line.contains("collector") || line.contains("opentelemetry")), "{lines:?}");
}
