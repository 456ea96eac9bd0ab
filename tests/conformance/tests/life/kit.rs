//! A tenant that has something in every table and every kind of column, with one word in all its texts.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::command::document::add::{self, NewDocument};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::package::upgrade;
use sunlit_app::query::audit_verify;
use sunlit_app::{Environment as _, SystemEnvironment};
use sunlit_domain::id::{ActorId, TenantId, TenantSlug};
use sunlit_domain::manifest::Grant;
use sunlit_domain::{Actor, Role, Scope};
use sunlit_server::token::Subject;
use sunlit_storage::tenant::identity::{account, api_key, external, provider, role, session, ticket};
use sunlit_storage::tenant::outbox::{self, Job};
use sunlit_storage::testing;
use sunlit_tenants::ArchiveError;
use sunlit_tenants::archive::{Manifest, Opening, Sealing};
use sunlit_tenants::export::export_to_file;
use sunlit_tenants::import::{Imported, Wanted, import, verify};
use sunlit_test_support::{PROBE_GRANTS, TestApp, region};
use uuid::Uuid;

pub(crate) const SLUG: &str = "900001";
/// Somebody's account, the secret of their authenticator, and that of the tenant at a provider.
const PERSON: Uuid = Uuid::from_u128(0x77);
const TOTP: &[u8] = b"\x00\xff twenty bytes here";
const SECRET: &[u8] = b"a secret of a provider";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89";
const ROLES: [Role; 5] = [Role::Administrator, Role::Auditor, Role::Editor, Role::Reviewer, Role::Citizen];
pub(crate) const ROOMS: &str = "{ workspace { vault { rooms(first: 50, order: [CODE_ASC]) { totalCount nodes { id version code name keeper createdAt } } } } }";
pub(crate) const PAPERS: &str = "{ workspace { vault { papers(first: 5, order: [CODE_ASC]) { totalCount nodes { id state version code \
    room { id } rooms { id } item { id } text tags kind pages cost share open signedOn readAt at { lat lng } ground extra \
    scan { id name size sha256 } scans { id } history { name comment } deadlines { name state dueOn } } } } } }";

/// The package of the isolation suite has every kind of field, a workflow, deadlines, files, and a reference to another package.
pub(crate) fn vault(version: &str) -> String {
    let text = include_str!("../../../isolation/vault.toml");
    text.replace("version = \"1.0.0\"", &format!("version = \"{version}\""))
}

/// Version 1.1.0 adds a field.
pub(crate) fn vault_1_1() -> String {
    let added = "  { name = \"extra\", type = \"json\" },\n";
    vault("1.1.0").replace(added, &format!("{added}  {{ name = \"shelf\", type = \"string\", max = 80 }},\n"))
}

/// Somebody with every right at a tenant.
pub(crate) fn token(app: &TestApp, tenant: TenantId) -> String {
    let actor = ActorId(Uuid::from_u128(0x9000));
    app.state()
        .tokens
        .mint(tenant, Subject { actor, roles: ROLES.to_vec(), session: None }, (SystemEnvironment.now(), 60))
        .unwrap()
}

pub(crate) fn operator() -> Actor {
    Actor::known(ActorId(Uuid::from_u128(2)), vec![Role::Administrator])
}

pub(crate) fn scope(app: &TestApp, tenant: TenantId) -> Scope {
    app.state().authority.scope(tenant, operator())
}

/// A tenant that has everything; `word` is in every text of it. Its records moved into a second major version, and those of the
/// first are still there.
pub(crate) async fn full(app: &TestApp, slug: &str, word: &str) -> TenantId {
    for manifest in [vault("1.0.0"), vault_1_1()] {
        publish::run(app.app(), manifest, None, Existing::Keep).await.unwrap();
    }
    let packages = format!(
        "hosts = [\"{word}.example\"]\nformer_code = [{{ code = \"99{}\", to = \"2009-05-06\" }}]\n\
         [[package]]\nid = \"probe\"\ngrants = {PROBE_GRANTS:?}\n\
         [[package]]\nid = \"vault\"\nversion = \"1.0.0\"\ngrants = [\"uses:probe\"]\n",
        &slug[2..]
    );
    let text = region(slug, &packages).replace("测试区", &format!("{word} 测试区"));
    let tenant = app.try_provision_text(slug, &text, &[]).await.unwrap();
    let token = token(app, tenant);
    let create = async |of: &str, field: &str, input: Json| {
        let query = format!(
            "mutation($input: {of}Create!) {{ it: {field}(input: $input) {{ record {{ id }} errors {{ code message path }} }} }}"
        );
        let answer = app.graphql(slug, Some(&token), &query, json!({ "input": input })).await;
        assert_eq!(answer.data()["it"]["errors"], json!([]), "{field}");
        answer.data()["it"]["record"]["id"].as_str().unwrap().to_owned()
    };
    let item = create("Probe_Item", "probeCreateItem", json!({ "name": format!("{word} item"), "number": 7 })).await;
    let mut rooms = Vec::new();
    for number in 0..3 {
        let room = json!({ "code": format!("{word} {number}"), "name": format!("{word} room"), "keeper": format!("{word} keeper") });
        rooms.push(create("Vault_Room", "vaultCreateRoom", room).await);
    }
    let file = upload(app, slug, &token, &format!("{word}.png"), word).await;
    let other = upload(app, slug, &token, &format!("{word}-open.png"), "other").await;
    let paper = |code: &str, scan: &str| {
        json!({
            "code": code, "room": rooms[2], "rooms": rooms, "item": item, "text": format!("{word} text"),
            "tags": [format!("{word} tag"), "甲"], "kind": "PLAN", "pages": -7, "cost": "1.50", "share": "0.125",
            "open": true, "signedOn": "2026-11-22", "readAt": "2026-11-22T08:30:00.000001Z",
            "at": { "lat": 34.300001, "lng": -108.9 },
            "ground": { "type": "Polygon", "coordinates": [[[108.9, 34.2], [109.0, 34.2], [109.0, 34.3], [108.9, 34.2]]] },
            "extra": { "z": 1.5, "word": format!("{word} extra"), "a": { "y": null, "b": [true] } },
            "scan": scan, "scans": [scan, file],
        })
    };
    create("Vault_Paper", "vaultCreatePaper", paper(&format!("{word} draft"), &file)).await;
    create("Vault_Paper", "vaultCreatePaper", json!({ "code": format!("{word} bare"), "open": false })).await;
    let published = create("Vault_Paper", "vaultCreatePaper", paper(word, &other)).await;
    let publish = "mutation($id: ID!, $comment: String) { vaultPublishPaper(id: $id, version: 1, comment: $comment) { errors { code } } }";
    let comment = json!({ "id": published, "comment": format!("{word} comment") });
    assert_eq!(
        app.graphql(slug, Some(&token), publish, comment).await.data()["vaultPublishPaper"]["errors"],
        json!([])
    );
    let days = json!([{ "date": "2026-04-20", "name": format!("{word} day"), "off": true }]);
    let set = "mutation($days: [LocalDayInput!]!) { calendarSetDays(days: $days) { errors { code } } }";
    assert_eq!(
        app.graphql(slug, Some(&token), set, json!({ "days": days })).await.data()["calendarSetDays"]["errors"],
        json!([])
    );
    app.set(tenant, "allowed_origins", &json!([format!("https://{word}.example")])).await;
    let text = format!("query {} {{ vault {{ rooms(first: 1) {{ nodes {{ name }} }} }} }}", word.replace('-', "_"));
    let document = NewDocument { name: word.to_owned(), text, hash: None };
    add::run(app.app(), &app.administrator(tenant), &[document]).await.unwrap();
    dead_job(app, tenant, word).await;
    people(app, tenant, word).await;
    // A field of a later minor version has a value, and a later major has tables of its own.
    move_to(app, tenant, "1.1.0").await;
    let shelf = "mutation($id: ID!, $input: Vault_PaperUpdate!) { vaultUpdatePaper(id: $id, version: 2, input: $input) { errors { code } } }";
    let input = json!({ "id": published, "input": { "shelf": format!("{word} shelf") } });
    assert_eq!(app.graphql(slug, Some(&token), shelf, input).await.data()["vaultUpdatePaper"]["errors"], json!([]));
    publish::run(app.app(), vault_1_1().replace("1.1.0", "2.0.0"), None, Existing::Keep).await.unwrap();
    move_to(app, tenant, "2.0.0").await;
    tenant
}

async fn move_to(app: &TestApp, tenant: TenantId, version: &str) {
    let options = upgrade::Options {
        grants: vec![Grant::try_from("uses:probe".to_owned()).unwrap()],
        ..upgrade::Options::default()
    };
    let place = ("vault", version.parse().unwrap());
    upgrade::run(app.app(), &app.administrator(tenant), place, &options).await.unwrap();
}

/// Puts up a file whose content has `word` in it.
pub(crate) async fn upload(app: &TestApp, slug: &str, token: &str, name: &str, word: &str) -> String {
    let request = TestRequest::post()
        .uri(&format!("/t/{slug}/files?name={name}"))
        .insert_header(("authorization", format!("Bearer {token}")))
        .insert_header(("content-type", "image/png"))
        .set_payload([PNG, word.as_bytes()].concat());
    let (status, _, body) = app.call(request).await;
    assert_eq!(status, StatusCode::CREATED, "{body:?}");
    serde_json::from_slice::<Json>(&body).unwrap()["id"].as_str().unwrap().to_owned()
}

/// Somebody who signs in with an authenticator, who came from a provider, and what opens the door for them.
async fn people(app: &TestApp, tenant: TenantId, word: &str) {
    let scope = scope(app, tenant);
    let (now, id) = (app.app().environment.now(), PERSON);
    let at = now.to_string();
    let vault = &app.app().vault;
    let work = app.app().stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
    let totp = vault.seal(&scope, &work, &account::totp_context(id), TOTP).await.unwrap();
    let row = account::Model {
        tenant_id: tenant.0,
        id,
        email: format!("{word}@example.org"),
        name: format!("{word} name"),
        state: account::ACTIVE.to_owned(),
        password: Some(format!("{word} hash")),
        password_at: Some(at.clone()),
        failures: 0,
        locked_until: None,
        totp: Some(totp),
        totp_at: Some(at.clone()),
        totp_step: 7,
        created_at: at.clone(),
        created_by: None,
        signed_in_at: None,
    };
    account::insert(&scope, &work, row).await.unwrap();
    role::grant(&scope, &work, (ActorId(id), Role::Editor), now).await.unwrap();
    let issuer = format!("https://{word}.example");
    let linked = external::Model {
        tenant_id: tenant.0,
        issuer: issuer.clone(),
        subject: format!("{word} subject"),
        account: id,
        linked_at: at.clone(),
    };
    external::insert(&scope, &work, linked).await.unwrap();
    let client_secret = vault.seal(&scope, &work, provider::SECRET_CONTEXT, SECRET).await.unwrap();
    let set = provider::Model {
        tenant_id: tenant.0,
        issuer,
        title: word.to_owned(),
        client_id: word.to_owned(),
        client_secret,
        creates_citizens: true,
        set_at: at.clone(),
    };
    provider::put(&scope, &work, Some(set)).await.unwrap();
    let signed_in = session::Model {
        tenant_id: tenant.0,
        id,
        account: id,
        refresh_hash: word.to_owned(),
        method: "password".to_owned(),
        agent: word.to_owned(),
        address: "192.0.2.1".to_owned(),
        began_at: at.clone(),
        used_at: at.clone(),
        ended_at: None,
        ended_why: None,
    };
    session::insert(&scope, &work, signed_in).await.unwrap();
    let key = api_key::Model {
        tenant_id: tenant.0,
        id,
        name: word.to_owned(),
        hash: word.to_owned(),
        roles: "editor".to_owned(),
        scope: "{}".to_owned(),
        created_at: at.clone(),
        created_by: None,
        expires_at: at.clone(),
        revoked_at: None,
    };
    api_key::insert(&scope, &work, key).await.unwrap();
    let invited = ticket::Model {
        tenant_id: tenant.0,
        id,
        kind: "reset".to_owned(),
        account: id,
        created_at: at.clone(),
        expires_at: at,
    };
    ticket::put(&scope, &work, invited).await.unwrap();
    work.commit().await.unwrap();
}

/// Asserts that the people of a tenant came along with what the vault seals, and nothing that opens a door without them.
pub(crate) async fn people_came_along(app: &TestApp, slug: &str) {
    let scope = scope(app, app.tenant_id(slug).await);
    let session = app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    let vault = &app.app().vault;
    let row = account::find(&scope, &session, ActorId(PERSON)).await.unwrap().unwrap();
    let totp = vault.open(&scope, &session, &account::totp_context(PERSON), &row.totp.unwrap()).await.unwrap();
    let set = provider::find(&scope, &session).await.unwrap().unwrap();
    let secret = vault.open(&scope, &session, provider::SECRET_CONTEXT, &set.client_secret).await.unwrap();
    assert_eq!((totp.as_slice(), secret.as_slice(), row.totp_step), (TOTP, SECRET, 7));
    assert_eq!(role::of(&scope, &session, ActorId(PERSON)).await.unwrap(), [Role::Editor]);
    assert_eq!(api_key::all(&scope, &session).await.unwrap(), []);
}

async fn dead_job(app: &TestApp, tenant: TenantId, word: &str) {
    let scope = scope(app, tenant);
    let (id, now) = (SystemEnvironment.new_id(), app.app().environment.now());
    let work = app.app().stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
    let job = Job { id, kind: "nonsense", key: word.to_owned(), due_at: now, payload: json!({ "word": word }) };
    outbox::schedule(&scope, &work, job).await.unwrap();
    let claimed = outbox::claim(&scope, &work, now, Duration::from_secs(30), 9).await.unwrap();
    let mine = claimed.iter().find(|job| job.id == id).unwrap();
    outbox::bury(&scope, &work, mine, now, word).await.unwrap();
    work.commit().await.unwrap();
}

pub(crate) async fn add_room(app: &TestApp, slug: &str, code: &str) -> Json {
    let tenant = app.tenant_id(slug).await;
    let create =
        "mutation($input: Vault_RoomCreate!) { vaultCreateRoom(input: $input) { record { id } errors { code } } }";
    let answer = app.graphql(slug, Some(&token(app, tenant)), create, json!({ "input": { "code": code } })).await;
    answer.body
}

/// What somebody with every right reads at a tenant.
pub(crate) async fn ask(app: &TestApp, slug: &str, query: &str) -> Json {
    let tenant = app.tenant_id(slug).await;
    app.graphql(slug, Some(&token(app, tenant)), query, json!({})).await.data().clone()
}

pub(crate) async fn rooms(app: &TestApp, slug: &str) -> i64 {
    ask(app, slug, ROOMS).await["workspace"]["vault"]["rooms"]["totalCount"].as_i64().unwrap()
}

/// Where the test writes archives: beside the data, so that no search of the data finds them.
pub(crate) fn place(app: &TestApp, name: &str) -> PathBuf {
    app.folder().join(name)
}

pub(crate) async fn export(app: &TestApp, slug: &str, name: &str) -> (PathBuf, Manifest) {
    let path = place(app, name);
    let scope = scope(app, app.tenant_id(slug).await);
    let manifest = export_to_file(app.app(), &scope, &path, Sealing::Plain).await.unwrap();
    (path, manifest)
}

pub(crate) async fn take(app: &TestApp, path: &Path, wanted: &Wanted) -> Result<Imported, ArchiveError> {
    import(app.app(), &app.state().authority, &operator(), (path, &Opening::Plain), wanted).await
}

pub(crate) async fn sound(path: &Path) -> Result<Manifest, ArchiveError> {
    Ok(verify(path, &Opening::Plain, 0).await?.manifest)
}

pub(crate) fn slug(text: &str) -> TenantSlug {
    text.parse().unwrap()
}

/// Asserts that the audit trail of the tenant is sound; answers its rows.
pub(crate) async fn audited(app: &TestApp, slug: &str) -> i64 {
    let scope = scope(app, app.tenant_id(slug).await);
    let chain = audit_verify::run(app.app(), &scope, None).await.unwrap();
    assert_eq!(chain.fault, None);
    chain.rows
}

/// Asserts that nothing at all is kept under this id, in no table, file or folder.
pub(crate) async fn nothing_of(app: &TestApp, tenant: TenantId) {
    let stores = &app.app().stores;
    if stores.database().is_some() {
        let tables: Vec<String> = testing::run(
            stores,
            &["SELECT c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a \
               ON a.attrelid = c.oid AND a.attname = 'tenant_id' WHERE n.nspname = 'public' AND c.relkind = 'r'"],
        )
        .await
        .unwrap();
        assert!(tables.len() > 20, "{tables:?}");
        for table in tables.iter().filter(|table| !["tenant_tombstone", "tenant_state"].contains(&table.as_str())) {
            let count = format!("SELECT count(*) FROM \"{table}\" WHERE tenant_id = '{tenant}'");
            assert_eq!(testing::run::<i64>(stores, &[&count]).await.unwrap(), [0], "{table}");
        }
    }
    let named = tenant.to_string();
    walk(&app.folder().join("data"), &mut |path| {
        assert!(!path.to_string_lossy().contains(&named), "{} is there", path.display());
    });
}

/// Every file and folder below `folder`.
pub(crate) fn walk(folder: &Path, look: &mut impl FnMut(&Path)) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        look(&path);
        walk(&path, look);
    }
}

/// What a future comes to; none when it is dropped at its `steps`th rest, as a kill would end it there.
pub(crate) async fn cut_off<T>(steps: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut polled = 0;
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if polled >= steps => Poll::Ready(None),
        Poll::Pending => {
            polled += 1;
            Poll::Pending
        }
    })
    .await
}
