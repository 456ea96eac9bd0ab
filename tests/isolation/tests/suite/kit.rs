//! Two tenants of one installation, alike in shape and each full of words that the other never says.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::command::document::add::{self, NewDocument};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::{Environment, SystemEnvironment};
use sunlit_domain::id::{ActorId, TenantId};
use sunlit_domain::{Actor, Role, Scope};
use sunlit_storage::testing;
use sunlit_storage::walls::Wall;
use sunlit_test_support::{Answer, PROBE_GRANTS, TestApp};
use uuid::Uuid;

use crate::people::People;

pub(crate) const VAULT: &str = include_str!("../../vault.toml");
/// A PNG of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
/// Everybody's rights at once: what protects here is the tenant alone.
const ROLES: [Role; 6] =
    [Role::Administrator, Role::SecurityAdministrator, Role::Auditor, Role::Editor, Role::Reviewer, Role::Citizen];

/// The variable that names the walls that are down in this run, parted by commas.
const DOWN: &str = "SUNLIT_WALLS_DOWN";

/// Takes down the walls that this run names. What is to be protected is written before, behind all of them.
pub(crate) async fn fall(app: &TestApp) {
    for wall in std::env::var(DOWN).unwrap_or_default().split(',').filter(|name| !name.is_empty()) {
        match wall {
            "predicate" => Wall::Predicate.set_down(true),
            "cache-key" => Wall::CacheKey.set_down(true),
            "row-security" => disable_row_security(app, "%").await,
            "one-policy" => disable_row_security(app, "%vault%room").await,
            _ => panic!("{DOWN} names {wall}: it can name predicate, cache-key, row-security and one-policy"),
        }
    }
}

/// Puts up what stands in code.
pub(crate) fn raise() {
    Wall::Predicate.set_down(false);
    Wall::CacheKey.set_down(false);
}

async fn disable_row_security(app: &TestApp, tables: &str) {
    let stores = &app.app().stores;
    let found = format!("SELECT relname::text FROM pg_class WHERE relrowsecurity AND relname LIKE '{tables}'");
    let found: Vec<String> = testing::run(stores, &[&found]).await.unwrap();
    assert!(!found.is_empty(), "{tables}");
    let disable = found.iter().map(|table| format!("ALTER TABLE \"{table}\" DISABLE ROW LEVEL SECURITY"));
    let disable = disable.collect::<Vec<_>>().join("; ");
    testing::run::<String>(stores, &[&disable, "SELECT ''"]).await.unwrap();
}

/// A tenant with records, files, settings, a document, a calendar of its own and a dead job.
pub(crate) struct Side {
    pub(crate) slug: &'static str,
    pub(crate) tenant: TenantId,
    pub(crate) token: String,
    /// In every text of it, and the code of its published paper.
    pub(crate) canary: String,
    /// The ids of what it has, by what they are of.
    pub(crate) ids: BTreeMap<&'static str, String>,
    /// The hash of the document that it trusts.
    pub(crate) document: String,
    /// Where its unpublished file is read by whoever has the address, below its own: `/files/<id>/<name>?token=…`.
    pub(crate) address: String,
    /// Who signs in there.
    pub(crate) people: People,
}

pub(crate) struct Kit {
    pub(crate) app: TestApp,
    pub(crate) own: Side,
    pub(crate) other: Side,
}

impl Kit {
    pub(crate) async fn new() -> Self {
        Self::with(Arc::new(SystemEnvironment)).await
    }

    pub(crate) async fn with(environment: Arc<dyn Environment>) -> Self {
        let kit = Self::behind_walls(environment).await;
        fall(&kit.app).await;
        kit
    }

    /// With all walls up: whatever the run takes down, the test does with [`fall`].
    pub(crate) async fn behind_walls(environment: Arc<dyn Environment>) -> Self {
        raise();
        let app = TestApp::start_with(environment).await;
        publish::run(app.app(), VAULT.to_owned(), None, Existing::Keep).await.unwrap();
        let own = side(&app, "900001", "canary-own-900001").await;
        let other = side(&app, "900002", "canary-other-900002").await;
        Self { app, own, other }
    }

    /// What somebody with every right at `side` gets.
    pub(crate) async fn ask(&self, side: &Side, query: &str, variables: Json) -> Answer {
        self.app.graphql(side.slug, Some(&side.token), query, variables).await
    }
}

/// A tenant that is empty but for its packages.
pub(crate) async fn empty(app: &TestApp, slug: &'static str) -> (TenantId, String) {
    let tenant = app.tenant(slug, &[("probe", &PROBE_GRANTS), ("vault", &["uses:probe"])]).await;
    let person = u128::from_str_radix(slug, 16).unwrap();
    let actor = ActorId(Uuid::from_u128(person));
    let token = app.token_with(tenant, actor, &ROLES);
    (tenant, token)
}

async fn side(app: &TestApp, slug: &'static str, canary: &str) -> Side {
    let (tenant, token) = empty(app, slug).await;
    let (ids, document, address) = (BTreeMap::new(), String::new(), String::new());
    let people = People::of(app, tenant, canary).await;
    let mut side = Side { slug, tenant, token, canary: canary.to_owned(), ids, document, address, people };
    let write = async |declared: &str, call: &str, variables: Json| {
        let payload = "record { id } errors { code message path }";
        let query = format!("mutation({declared}) {{ it: {call} {{ {payload} }} }}");
        let answer = app.graphql(slug, Some(&side.token), &query, variables).await;
        let payload = &answer.data()["it"];
        assert_eq!(payload["errors"], json!([]), "{call}");
        payload["record"]["id"].as_str().unwrap().to_owned()
    };
    let create = async |of: &str, field: &str, input: Json| {
        write(&format!("$input: {of}Create!"), &format!("{field}(input: $input)"), json!({ "input": input })).await
    };
    let item = json!({ "name": format!("{canary} item"), "number": 7 });
    let item = create("Probe_Item", "probeCreateItem", item).await;
    let room = json!({ "code": canary, "name": format!("{canary} room"), "keeper": format!("{canary} keeper") });
    let room = create("Vault_Room", "vaultCreateRoom", room).await;
    let file = upload(app, &side, &format!("{canary}.png")).await;
    let open = upload(app, &side, &format!("{canary}-open.png")).await;
    let paper = |code: &str, scan: &str| {
        json!({
            "code": code, "room": room, "rooms": [room], "item": item, "text": format!("{canary} text"),
            "tags": [format!("{canary} tag")], "kind": "PLAN", "pages": 7, "cost": "1.50", "share": "0.125",
            "open": true, "signedOn": "2026-11-22", "readAt": "2026-11-22T08:30:00Z",
            "at": { "lat": 34.3, "lng": 108.9 },
            "ground": { "type": "Polygon", "coordinates": [[[108.9, 34.2], [109.0, 34.2], [109.0, 34.3], [108.9, 34.2]]] },
            "extra": { "word": format!("{canary} extra") }, "scan": scan, "scans": [scan],
        })
    };
    let draft = create("Vault_Paper", "vaultCreatePaper", paper(&format!("{canary} draft"), &file)).await;
    let published = create("Vault_Paper", "vaultCreatePaper", paper(canary, &open)).await;
    let publish = "vaultPublishPaper(id: $id, version: 1, comment: $comment)";
    let comment = json!({ "id": published, "comment": format!("{canary} comment") });
    write("$id: ID!, $comment: String", publish, comment).await;
    let mut notes = Vec::new();
    for code in [canary.to_owned(), format!("{canary}2")] {
        let add = "mutation($code: String!) { it: probeAddWithNote(code: $code) { result { id } errors { code } } }";
        let added = app.graphql(slug, Some(&side.token), add, json!({ "code": code })).await;
        notes.push(added.data()["it"]["result"]["id"].as_str().unwrap().to_owned());
    }
    let days = json!([{ "date": "2026-04-20", "name": format!("{canary} day"), "off": true }]);
    let set = "mutation($days: [LocalDayInput!]!) { calendarSetDays(days: $days) { errors { code } } }";
    let done = app.graphql(slug, Some(&side.token), set, json!({ "days": days })).await;
    assert_eq!(done.data()["calendarSetDays"]["errors"], json!([]));
    app.set(tenant, "allowed_origins", &json!([format!("https://{canary}.example")])).await;
    let administrator = app.administrator(tenant);
    let text = format!("query {} {{ vault {{ rooms(first: 1) {{ nodes {{ name }} }} }} }}", canary.replace('-', "_"));
    let document = NewDocument { name: canary.to_owned(), text, hash: None };
    side.document = add::run(app.app(), &administrator, &[document]).await.unwrap().remove(0);
    let ask = "query($id: ID!) { workspace { vault { paper(id: $id) { scan { downloadUrl } } } } }";
    let answer = app.graphql(slug, Some(&side.token), ask, json!({ "id": draft })).await;
    let url = answer.data()["workspace"]["vault"]["paper"]["scan"]["downloadUrl"].as_str().unwrap();
    side.address = url.strip_prefix(&format!("/t/{slug}")).unwrap().to_owned();
    let job = dead_job(app, &administrator, canary).await;
    side.ids = BTreeMap::from([
        ("Probe_Item", item),
        ("Probe_Note", notes.remove(0)),
        ("Probe_Note more", notes.remove(0)),
        ("Vault_Room", room),
        ("Vault_Paper draft", draft),
        ("Vault_Paper", published),
        ("File", file),
        ("File open", open),
        ("Job", job),
        ("Account", side.people.account.clone()),
        ("Session", side.people.session.clone()),
        ("ApiKey", side.people.key.clone()),
    ]);
    side
}

async fn upload(app: &TestApp, side: &Side, name: &str) -> String {
    let request = TestRequest::post()
        .uri(&format!("/t/{}/files?name={name}", side.slug))
        .insert_header(("authorization", format!("Bearer {}", side.token)))
        .insert_header(("content-type", "image/png"))
        .set_payload(PNG);
    let (status, _, body) = app.call(request).await;
    assert_eq!(status, StatusCode::CREATED, "{body:?}");
    serde_json::from_slice::<Json>(&body).unwrap()["id"].as_str().unwrap().to_owned()
}

/// A job that was given up, for the list of dead letters.
async fn dead_job(app: &TestApp, scope: &Scope, canary: &str) -> String {
    use sunlit_storage::tenant::outbox::{self, Job};
    let id = fresh_id();
    let now = app.app().environment.now();
    let store = app.app().stores.open(scope).await.unwrap();
    let work = store.work(scope).await.unwrap();
    let job = Job { id, kind: "nonsense", key: canary.to_owned(), due_at: now, payload: json!({ "word": canary }) };
    outbox::schedule(scope, &work, job).await.unwrap();
    let claimed = outbox::claim(scope, &work, now, std::time::Duration::from_secs(30), 9).await.unwrap();
    let mine = claimed.iter().find(|job| job.id == id).unwrap();
    outbox::bury(scope, &work, mine, now, canary).await.unwrap();
    work.commit().await.unwrap();
    id.to_string()
}

/// A scope of somebody at the tenant.
pub(crate) fn scope(app: &TestApp, tenant: TenantId) -> Scope {
    app.state().authority.scope(tenant, Actor::known(ActorId(Uuid::from_u128(5)), ROLES.to_vec()))
}

/// An id of nothing.
pub(crate) fn fresh_id() -> Uuid {
    SystemEnvironment.new_id()
}
