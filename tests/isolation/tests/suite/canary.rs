//! Words of one tenant, looked for in everything that is told at another and that is written on its behalf.

use std::path::Path;

use crate::kit::{Kit, Side};
use crate::schema::Schema;
use actix_web::test::TestRequest;
use serde_json::json;
use sunlit_storage::tenant::{audit, outbox};

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
    for path in [
        "/records/vault/paper.csv",
        "/records/vault/paper.xlsx",
        "/records/vault/room.csv?titles=zh",
        "/records/probe/item.csv",
        "/graphql/schema.graphql",
        "/openapi.json",
        "",
        "/p/vault",
        "/p/probe",
        "/files/x/y",
    ] {
        let request = TestRequest::get().uri(&format!("/t/{}{path}", side.slug));
        let request = request.insert_header(("authorization", format!("Bearer {}", side.token)));
        let (status, headers, body) = kit.app.call(request).await;
        told.push((path.to_owned(), format!("{status} {headers:?} {}", String::from_utf8_lossy(&body))));
    }
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
    // In a database the tenants' rows lie in the same files: there the database parts them.
    assert!(found >= 2 || kit.app.app().stores.database().is_some(), "{found}");
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
