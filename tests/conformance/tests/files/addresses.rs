//! Addresses that can be handed on: what they open, for how long, and for what else they are worth nothing.

use std::sync::atomic::Ordering;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::command::tenant::set_state;
use sunlit_domain::Role;
use sunlit_domain::tenant_state::TenantState;

use crate::kit::{CREATE, HERE, Kit, NEIGHBOUR, PNG, address, told};

in_both! {
    an_address_reads_what_its_asker_might_read_until_it_expires,
    an_address_that_was_changed_or_is_for_something_else_leads_nowhere,
    an_address_ends_with_its_file_and_rests_with_its_tenant,
    an_address_is_given_for_a_bounded_time_and_for_what_is_shown,
}

const ASK: &str = "query($id: ID!, $seconds: Int) { workspace { desk { notice(id: $id) { cover { downloadUrl(expiresIn: $seconds) } \
     internal { downloadUrl } } } } }";

/// A notice that is not published, with a picture; the ids of both.
async fn draft(kit: &Kit) -> (Json, Json) {
    let id = kit.upload("图.png", "image/png", PNG).await;
    let notice = kit.notice(json!({ "code": "draft", "open": false, "cover": id })).await;
    (notice["id"].clone(), id)
}

async fn url(kit: &Kit, notice: &Json, seconds: i64) -> String {
    let answer = kit.write(ASK, json!({ "id": notice, "seconds": seconds })).await;
    answer.data()["workspace"]["desk"]["notice"]["cover"]["downloadUrl"].as_str().unwrap().to_owned()
}

/// What a browser gets that says nothing of who asks.
async fn open(kit: &Kit, url: &str) -> (StatusCode, String) {
    let (status, _, body) = kit.get(None, url, &[]).await;
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn an_address_reads_what_its_asker_might_read_until_it_expires(kit: Kit) {
    let (notice, id) = draft(&kit).await;
    assert_eq!(kit.status(None, &id).await, StatusCode::NOT_FOUND, "the anonymous read no drafts");
    let url = url(&kit, &notice, 900).await;
    assert!(url.starts_with(&format!("/t/{HERE}/files/{}/%E5%9B%BE.png?token=", id.as_str().unwrap())), "{url}");
    let (status, headers, body) = kit.get(None, &url, &[]).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, PNG));
    let age: i64 = told(&headers, "cache-control").strip_prefix("private, max-age=").unwrap().parse().unwrap();
    assert!((890..=900).contains(&age), "{age}");
    for (name, expect) in [("content-type", "image/png"), ("x-content-type-options", "nosniff")] {
        assert_eq!(told(&headers, name), expect);
    }
    assert!(told(&headers, "content-security-policy").ends_with("; sandbox"));
    let tag = told(&headers, "etag").to_owned();
    assert_eq!(kit.get(None, &url, &[("if-none-match", &tag)]).await.0, StatusCode::NOT_MODIFIED);
    let (status, _, part) = kit.get(None, &url, &[("range", "bytes=1-3")]).await;
    assert_eq!((status, &part[..]), (StatusCode::PARTIAL_CONTENT, &b"PNG"[..]));
    let head = TestRequest::default().method("HEAD".parse().unwrap()).uri(&url);
    assert_eq!(kit.app.call(head).await.0, StatusCode::OK);
    let (status, _, body) = kit.app.another_node().await.call(TestRequest::get().uri(&url)).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, PNG), "each node of the installation knows it");
    kit.clock.0.store(1, Ordering::Relaxed);
    let (status, page) = open(&kit, &url).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(page.contains("已过期"), "{page}");
    // Who has a right of their own asks without the token.
    assert_eq!(kit.get(Some(&kit.editor), &url, &[]).await.0, StatusCode::FORBIDDEN);
    assert_eq!(kit.status(Some(&kit.editor), &id).await, StatusCode::OK);
}

async fn an_address_that_was_changed_or_is_for_something_else_leads_nowhere(kit: Kit) {
    let (notice, id) = draft(&kit).await;
    let other = kit.upload("b.png", "image/png", &[PNG, b"!"].concat()).await;
    let url = url(&kit, &notice, 900).await;
    let (path, token) = url.split_once("?token=").unwrap();
    let foreign = kit.app.token(kit.app.tenant_id(NEIGHBOUR).await, Role::Editor);
    let changed = |n: usize| {
        let character = if token.as_bytes()[n] == b'A' { 'B' } else { 'A' };
        format!("{path}?token={}{character}{}", &token[..n], &token[n + 1..])
    };
    let mut nowhere: Vec<String> = [0, 1, 30, 60, 90, 95, token.len() - 1].into_iter().map(changed).collect();
    nowhere.extend([
        format!("{path}?token="),
        format!("{path}?token={}", &token[1..]),
        format!("{path}?token={foreign}"),
        format!("{path}?token={token}A"),
        url.replace(id.as_str().unwrap(), other.as_str().unwrap()),
        url.replace(HERE, NEIGHBOUR),
    ]);
    for url in nowhere {
        let (status, page) = open(&kit, &url).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{url}");
        assert!(page.contains("此文件地址无效"), "{url}: {page}");
        // A right of one's own mends no address.
        assert_ne!(kit.get(Some(&kit.editor), &url, &[]).await.0, StatusCode::OK, "{url}");
    }
    let twice = format!("{url}&token={token}");
    assert_eq!(open(&kit, &twice).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(open(&kit, &url).await.0, StatusCode::OK, "the address itself is good");
}

async fn an_address_ends_with_its_file_and_rests_with_its_tenant(kit: Kit) {
    let (notice, _) = draft(&kit).await;
    let tenant = kit.app.tenant_id(HERE).await;
    let state = async |state| {
        set_state::run(kit.app.app(), &kit.app.administrator(tenant), state).await.unwrap();
    };
    let url = url(&kit, &notice, 3_600).await;
    state(TenantState::Suspended).await;
    assert_eq!(open(&kit, &url).await.0, StatusCode::SERVICE_UNAVAILABLE);
    state(TenantState::ReadOnly).await;
    assert_eq!(open(&kit, &url).await.0, StatusCode::OK);
    state(TenantState::Active).await;
    let delete =
        "mutation($id: ID!, $version: Int!) { deskDeleteNotice(id: $id, version: $version) { errors { code } } }";
    assert!(kit.write(delete, json!({ "id": notice, "version": 1 })).await.is_acknowledged());
    kit.clock.0.store(25, Ordering::Relaxed);
    assert_eq!(kit.sweep(HERE).await.files, 1);
    kit.clock.0.store(0, Ordering::Relaxed);
    let (status, page) = open(&kit, &url).await;
    assert!(status == StatusCode::NOT_FOUND && page.contains("此文件地址无效"), "{status} {page}");
}

async fn an_address_is_given_for_a_bounded_time_and_for_what_is_shown(kit: Kit) {
    let (notice, id) = draft(&kit).await;
    for seconds in [0, -1, 3_601, i64::from(i32::MAX)] {
        let answer = kit.write(ASK, json!({ "id": notice, "seconds": seconds })).await;
        assert_eq!(answer.code(), "INVALID_INPUT", "{seconds}: {}", answer.body);
    }
    assert!(url(&kit, &notice, 3_600).await.contains("?token=") && url(&kit, &notice, 1).await.contains("?token="));
    let input = json!({ "code": "open", "open": true, "internal": id });
    assert_eq!(kit.write(CREATE, json!({ "input": input })).await.data()["deskCreateNotice"]["errors"], json!([]));
    let ask = "{ desk { notices { nodes { code cover { downloadUrl } internal { downloadUrl } } } } }";
    let answer = kit.app.graphql(HERE, None, ask, json!({})).await;
    let nodes = &answer.data()["desk"]["notices"]["nodes"];
    assert_eq!(nodes, &json!([{ "code": "open", "cover": null, "internal": null }]), "what is hidden has no address");
    assert_eq!(kit.get(None, &address(HERE, &id), &[]).await.0, StatusCode::NOT_FOUND);
}
