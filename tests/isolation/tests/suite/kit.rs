//! Two tenants of one installation, alike in shape and each full of words that the other never says.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_domain::id::{ActorId, TenantId};
use sunlit_domain::{Actor, Role, Scope};
use sunlit_test_support::{Answer, PROBE_GRANTS, TestApp};
use uuid::Uuid;

pub(crate) const VAULT: &str = include_str!("../../vault.toml");
/// A PNG of one pixel.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
/// Everybody's rights at once: what protects here is the tenant alone.
const ROLES: [Role; 5] = [Role::Administrator, Role::Auditor, Role::Editor, Role::Reviewer, Role::Citizen];

/// A tenant with records, files, settings, a calendar of its own and a dead job.
pub(crate) struct Side {
    pub(crate) slug: &'static str,
    pub(crate) tenant: TenantId,
    pub(crate) token: String,
    /// In every text of it.
    pub(crate) canary: String,
    /// The ids of what it has, by what they are of: `Vault_Room`, `Vault_Paper`, `Probe_Item`, `Probe_Note`, `File`, `Job`.
    pub(crate) ids: std::collections::BTreeMap<&'static str, String>,
}

pub(crate) struct Kit {
    pub(crate) app: TestApp,
    pub(crate) own: Side,
    pub(crate) other: Side,
}

impl Kit {
    pub(crate) async fn new() -> Self {
        let app = TestApp::start().await;
        publish::run(app.app(), VAULT.to_owned(), None, Existing::Keep).await.unwrap();
        let own = side(&app, "900001", "own").await;
        let other = side(&app, "900002", "other").await;
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
    let now = sunlit_app::Environment::now(&sunlit_app::SystemEnvironment);
    let token = app.state().tokens.mint(tenant, actor, ROLES.to_vec(), (now, 60)).unwrap();
    (tenant, token)
}

async fn side(app: &TestApp, slug: &'static str, canary: &str) -> Side {
    let (tenant, token) = empty(app, slug).await;
    let canary = format!("canary-{canary}-of-{slug}");
    let mut side = Side { slug, tenant, token, canary, ids: std::collections::BTreeMap::new() };
    let write = async |mutation: &str, input: Json| {
        let query = format!("mutation($input: {mutation}) {{ it: {} }}", selection(mutation));
        let answer = app.graphql(slug, Some(&side.token), &query, json!({ "input": input })).await;
        let payload = answer.data()["it"].clone();
        assert_eq!(payload["errors"], json!([]), "{mutation}");
        payload["record"]["id"].as_str().unwrap().to_owned()
    };
    let canary = side.canary.clone();
    let item = write("Probe_ItemCreate!", json!({ "name": format!("{canary} item"), "number": 7 })).await;
    let room = json!({ "code": canary, "name": format!("{canary} room"), "keeper": format!("{canary} keeper") });
    let room = write("Vault_RoomCreate!", room).await;
    let file = upload(app, &side, &format!("{canary}.png")).await;
    let paper = json!({
        "code": canary, "room": room, "rooms": [room], "item": item, "text": format!("{canary} text"),
        "tags": [format!("{canary} tag")], "kind": "PLAN", "pages": 7, "cost": "1.50", "share": "0.125", "open": true,
        "signedOn": "2026-11-22", "readAt": "2026-11-22T08:30:00Z", "at": { "lat": 34.3, "lng": 108.9 },
        "ground": { "type": "Polygon", "coordinates": [[[108.9, 34.2], [109.0, 34.2], [109.0, 34.3], [108.9, 34.2]]] },
        "extra": { "word": format!("{canary} extra") }, "scan": file, "scans": [file],
    });
    let paper = write("Vault_PaperCreate!", paper).await;
    let days = json!([{ "date": "2026-04-20", "name": format!("{canary} day"), "off": true }]);
    let set = "mutation($days: [LocalDayInput!]!) { calendarSetDays(days: $days) { errors { code } } }";
    let done = app.graphql(slug, Some(&side.token), set, json!({ "days": days })).await;
    assert_eq!(done.data()["calendarSetDays"]["errors"], json!([]));
    app.set(tenant, "allowed_origins", &json!([format!("https://{canary}.example")])).await;
    let job = dead_job(app, &app.administrator(tenant), &canary).await;
    let ids = [("Probe_Item", item), ("Vault_Room", room), ("Vault_Paper", paper), ("File", file), ("Job", job)];
    side.ids.extend(ids);
    side
}

/// `vaultCreateRoom(input: $input) { … }` for the input `Vault_RoomCreate!`.
fn selection(input: &str) -> String {
    let (package, collection) = input.trim_end_matches("Create!").split_once('_').unwrap();
    let namespace = package.to_lowercase();
    format!("{namespace}Create{collection}(input: $input) {{ record {{ id }} errors {{ code message path }} }}")
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
    let now = sunlit_app::Environment::now(&sunlit_app::SystemEnvironment);
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
    sunlit_app::Environment::new_id(&sunlit_app::SystemEnvironment)
}
