//! Two tenants at once tell each exactly what it tells alone: nothing that one does shows at the other, not even in numbers.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_test_support::{SetClock, TestApp};

use crate::kit::{VAULT, empty, fall, raise};

/// What somebody at a tenant does.
#[derive(Debug, Clone)]
enum Deed {
    Create(u8),
    /// Of the records that are there, counted from the oldest.
    Update(u8, u8),
    Publish(u8),
    Delete(u8),
    List,
    Aggregate,
    Export,
    Trail,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        4 => (0_u8..20).prop_map(Deed::Create),
        2 => (0_u8..8, 0_u8..20).prop_map(|(which, number)| Deed::Update(which, number)),
        1 => (0_u8..8).prop_map(Deed::Publish),
        1 => (0_u8..8).prop_map(Deed::Delete),
        2 => Just(Deed::List),
        1 => Just(Deed::Aggregate),
        1 => Just(Deed::Export),
        1 => Just(Deed::Trail),
    ]
}

/// One tenant with what it was told, ids by the order in which they were met.
struct Told<'a> {
    app: &'a TestApp,
    slug: &'static str,
    token: String,
    known: BTreeMap<String, usize>,
    records: Vec<(String, i64)>,
    lines: Vec<String>,
}

impl<'a> Told<'a> {
    async fn new(app: &'a TestApp, slug: &'static str) -> Self {
        let (_, token) = empty(app, slug).await;
        Self { app, slug, token, known: BTreeMap::new(), records: Vec::new(), lines: Vec::new() }
    }

    async fn ask(&mut self, query: &str, variables: Json) -> Json {
        let answer = self.app.graphql(self.slug, Some(&self.token), query, variables).await;
        let line = self.anonymous(&format!("{} {}", answer.status, answer.body));
        self.lines.push(line);
        answer.body["data"]["it"]["record"].clone()
    }

    /// The text with each id replaced by its number, and what is a digest of ids left out.
    fn anonymous(&mut self, text: &str) -> String {
        let mut out = String::new();
        for part in text.split_inclusive(|c: char| !(c.is_ascii_hexdigit() || c == '-')) {
            let (word, end) =
                part.split_at(part.trim_end_matches(|c: char| !(c.is_ascii_hexdigit() || c == '-')).len());
            if word.len() == 36 {
                let next = self.known.len();
                let number = *self.known.entry(word.to_owned()).or_insert(next);
                out.push_str(&format!("#{number}"));
            } else if word.len() == 64 {
                out.push_str("digest");
            } else {
                out.push_str(word);
            }
            out.push_str(end);
        }
        out
    }

    async fn act(&mut self, deed: &Deed) {
        const FIELDS: &str = "record { id version state code pages tags room { code } } errors { code message path }";
        match deed {
            Deed::Create(number) => {
                let input =
                    json!({ "code": format!("c{number}"), "pages": number, "tags": [format!("t{}", number % 3)] });
                let create = format!(
                    "mutation($input: Vault_PaperCreate!) {{ it: vaultCreatePaper(input: $input) {{ {FIELDS} }} }}"
                );
                let record = self.ask(&create, json!({ "input": input })).await;
                if let (Some(id), Some(version)) = (record["id"].as_str(), record["version"].as_i64()) {
                    self.records.push((id.to_owned(), version));
                }
            }
            Deed::Update(which, number) => {
                let Some(at) = self.at(*which) else { return };
                let (id, version) = self.records[at].clone();
                let update = format!(
                    "mutation($id: ID!, $version: Int!, $input: Vault_PaperUpdate!) {{ it: vaultUpdatePaper(id: $id, version: $version, input: $input) {{ {FIELDS} }} }}"
                );
                let variables =
                    json!({ "id": id, "version": version, "input": { "pages": number, "code": format!("c{number}") } });
                let record = self.ask(&update, variables).await;
                self.records[at].1 = record["version"].as_i64().unwrap_or(version);
            }
            Deed::Publish(which) => {
                let Some(at) = self.at(*which) else { return };
                let (id, version) = self.records[at].clone();
                let publish = format!(
                    "mutation($id: ID!, $version: Int!) {{ it: vaultPublishPaper(id: $id, version: $version) {{ {FIELDS} }} }}"
                );
                let record = self.ask(&publish, json!({ "id": id, "version": version })).await;
                self.records[at].1 = record["version"].as_i64().unwrap_or(version);
            }
            Deed::Delete(which) => {
                let Some(at) = self.at(*which) else { return };
                let (id, version) = self.records.remove(at);
                let delete = "mutation($id: ID!, $version: Int!) { it: vaultDeletePaper(id: $id, version: $version) { errors { code } } }";
                self.ask(delete, json!({ "id": id, "version": version })).await;
            }
            Deed::List => {
                let list = "{ vault { papers { totalCount nodes { id code } } } workspace { vault { papers(order: [CODE_ASC], first: 50) \
                            { totalCount nodes { id code version state pages tags createdAt history { name at version } deadlines { dueOn state } } } } } }";
                self.ask(list, json!({})).await;
            }
            Deed::Aggregate => {
                let aggregate = "{ workspace { vault { papersAggregate { count sum { pages } groups(by: [STATE]) { nodes { count key { state } } } } } } }";
                self.ask(aggregate, json!({})).await;
            }
            Deed::Export => {
                let request =
                    actix_web::test::TestRequest::get().uri(&format!("/t/{}/records/vault/paper.csv", self.slug));
                let request = request.insert_header(("authorization", format!("Bearer {}", self.token)));
                let (status, _, body) = self.app.call(request).await;
                let line = self.anonymous(&format!("{status} {}", String::from_utf8_lossy(&body)));
                self.lines.push(line);
            }
            Deed::Trail => {
                let trail = "{ auditTrail(first: 50) { nodes { seq action subject subjectId at } } }";
                self.ask(trail, json!({})).await;
            }
        }
    }

    fn at(&self, which: u8) -> Option<usize> {
        (!self.records.is_empty()).then(|| usize::from(which) % self.records.len())
    }
}

async fn start() -> TestApp {
    raise();
    let clock = SetClock::at("2026-11-22T08:30:00Z");
    let app = TestApp::start_with(Arc::new(clock)).await;
    publish::run(app.app(), VAULT.to_owned(), None, Existing::Keep).await.unwrap();
    app
}

async fn alone(slug: &'static str, deeds: &[Deed]) -> Vec<String> {
    let app = start().await;
    let mut told = Told::new(&app, slug).await;
    fall(&app).await;
    for deed in deeds {
        told.act(deed).await;
    }
    told.lines
}

#[test]
fn two_tenants_at_once_tell_each_what_it_tells_alone() {
    let deeds = || prop::collection::vec(deed(), 10..40);
    let config = Config { cases: 6, max_shrink_iters: 8, failure_persistence: None, ..Config::default() };
    let runtime = || actix_web::rt::System::new();
    TestRunner::new(config)
        .run(&(deeds(), deeds(), any::<u64>()), |(own, other, mut turns)| {
            let together = runtime().block_on(async {
                let app = start().await;
                let mut both = [Told::new(&app, "900001").await, Told::new(&app, "900002").await];
                fall(&app).await;
                let (mut left, mut right) = (own.iter(), other.iter());
                loop {
                    turns = turns.rotate_left(1);
                    let (side, next) = if turns & 1 == 0 { (0, left.next()) } else { (1, right.next()) };
                    match next {
                        Some(deed) => both[side].act(deed).await,
                        None if left.len() + right.len() == 0 => break,
                        None => {}
                    }
                    if turns == 0 || turns == u64::MAX {
                        turns = 0x5555_5555_5555_5555;
                    }
                }
                both.map(|told| told.lines)
            });
            let apart = runtime().block_on(async { [alone("900001", &own).await, alone("900002", &other).await] });
            prop_assert_eq!(together, apart);
            Ok(())
        })
        .unwrap();
}
