//! Whoever follows the changes of one tenant hears nothing of another's.

use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_test_support::EventStream;

use crate::kit::{Kit, Side};
use crate::schema::Schema;

/// How a record changes that a subscription follows: its kind among the ids of a side, and the mutation.
fn change_of(field: &str) -> (&'static str, &'static str) {
    match field {
        "probeItemChanged" => ("Probe_Item", "probeUpdateItem(id: $id, version: 1, input: { number: 8 })"),
        "probeNoteChanged" => ("Probe_Note", "probeDeleteNote(id: $id, version: 1)"),
        "vaultRoomChanged" => ("Vault_Room", "vaultUpdateRoom(id: $id, version: 1, input: { keeper: \"x\" })"),
        "vaultPaperChanged" => ("Vault_Paper draft", "vaultUpdatePaper(id: $id, version: 1, input: { pages: 8 })"),
        _ => panic!("nothing changes what {field} follows"),
    }
}

async fn follow(kit: &Kit, side: &Side, field: &str, id: Option<&str>) -> EventStream {
    let id = id.map(|id| format!(", id: \"{id}\"")).unwrap_or_default();
    let request = TestRequest::post()
        .uri(&format!("/t/{}/graphql", side.slug))
        .insert_header(("accept", "text/event-stream"))
        .insert_header(("authorization", format!("Bearer {}", side.token)))
        .set_json(json!({ "query": format!("subscription {{ it: {field}(workspace: true{id}) {{ id }} }}") }));
    EventStream(kit.app.open(request).await.into_body())
}

/// The record of the next change.
async fn told(stream: &mut EventStream, field: &str) -> Json {
    let (_, told) = stream.event().await.unwrap();
    assert!(told["errors"].is_null(), "{field}: {told}");
    told["data"]["it"]["id"].clone()
}

async fn change(kit: &Kit, side: &Side, field: &str) -> String {
    let (kind, mutation) = change_of(field);
    let query = format!("mutation($id: ID!) {{ it: {mutation} {{ errors {{ code message }} }} }}");
    let answer = kit.ask(side, &query, json!({ "id": side.ids[kind] })).await;
    assert_eq!(answer.data()["it"]["errors"], json!([]), "{field}");
    side.ids[kind].clone()
}

#[actix_web::test]
async fn a_follower_hears_nothing_of_another_tenant() {
    let kit = Kit::new().await;
    let followed = Schema::of(&kit).await.followed();
    assert!(followed.len() >= 4, "{followed:?}");
    for field in followed {
        let theirs = kit.other.ids[change_of(&field).0].as_str();
        let mut own = follow(&kit, &kit.own, &field, None).await;
        let mut of_theirs = follow(&kit, &kit.own, &field, Some(theirs)).await;
        let mut other = follow(&kit, &kit.other, &field, Some(theirs)).await;
        for follower in [&mut own, &mut of_theirs, &mut other] {
            assert!(follower.is_silent(), "{field}: nothing has happened yet");
        }
        change(&kit, &kit.other, &field).await;
        assert_eq!(told(&mut other, &field).await, json!(theirs));
        let changed = change(&kit, &kit.own, &field).await;
        assert_eq!(told(&mut own, &field).await, json!(changed), "{field}: nothing was told before");
        assert!(of_theirs.is_silent(), "{field}");
    }
}
