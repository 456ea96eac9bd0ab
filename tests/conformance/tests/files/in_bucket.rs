//! What is special about files in a bucket: what is left of uploads, and what stands in the way.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use http::Method;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use serde_json::json;
use sunlit_app::{Environment as _, SystemEnvironment};
use sunlit_domain::Role;
use sunlit_domain::value::Timestamp;
use sunlit_storage::Blobs;
use sunlit_storage::blobs::{BucketConfig, Secret};

use crate::bucket::{BUCKET, S3Server};
use crate::kit::{CREATE, HERE, Kit, NEIGHBOUR, PDF, PNG, address, told};

fn client(config: &BucketConfig) -> AmazonS3 {
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_endpoint(config.endpoint.clone().unwrap())
        .with_allow_http(true)
        .with_access_key_id(&config.access_key)
        .with_secret_access_key(&config.secret_key.0);
    builder.build().unwrap()
}

/// The status of a bare request: nobody signs it.
fn status_of(server: &S3Server, target: &str) -> u16 {
    let mut socket = TcpStream::connect(server.address).unwrap();
    write!(socket, "GET {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.address).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

/// Without this nothing that the other tests show of protection would be worth anything.
#[tokio::test]
async fn the_server_refuses_a_wrong_secret_and_addresses_that_were_changed_or_have_expired() {
    let server = S3Server::start();
    let good = client(&server.config());
    let (one, two) = (Path::from("a/one"), Path::from("a/two"));
    good.put(&one, "first".into()).await.unwrap();
    good.put(&two, "second".into()).await.unwrap();
    let wrong = BucketConfig { secret_key: Secret("another secret".to_owned()), ..server.config() };
    let wrong_name = BucketConfig { access_key: "somebody".to_owned(), ..server.config() };
    for config in [wrong, wrong_name] {
        let client = client(&config);
        for failed in [client.put(&one, "x".into()).await.map(drop), client.get(&one).await.map(drop)] {
            assert!(matches!(failed, Err(object_store::Error::PermissionDenied { .. })), "{failed:?}");
        }
        assert!(client.delete(&one).await.is_err() && client.list_with_delimiter(None).await.is_err());
    }
    let nowhere = client(&BucketConfig { bucket: "nowhere".to_owned(), ..server.config() });
    assert!(nowhere.put(&one, "x".into()).await.unwrap_err().to_string().contains("NoSuchBucket"));
    assert_eq!(status_of(&server, &format!("/{BUCKET}/a/one")), 403, "nobody reads without a signature");
    let signed = async |seconds| {
        let url = good.signed_url(Method::GET, &one, Duration::from_secs(seconds)).await.unwrap().to_string();
        url.strip_prefix(&format!("http://{}", server.address)).unwrap().to_owned()
    };
    let url = signed(60).await;
    assert_eq!(status_of(&server, &url), 200, "{url}");
    assert_eq!(status_of(&server, &signed(0).await), 403, "it has expired");
    let last = if url.ends_with('0') { '1' } else { '0' };
    for changed in [
        url.replace("/a/one", "/a/two"),
        url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"),
        format!("{}{last}", &url[..url.len() - 1]),
    ] {
        assert_ne!(changed, url);
        assert_eq!(status_of(&server, &changed), 403, "{changed}");
    }
}

fn ahead() -> Timestamp {
    Timestamp::from_micros(SystemEnvironment.now().micros() + 3_600_000_000).unwrap()
}

#[actix_web::test]
async fn a_file_of_several_parts_comes_back_whole_and_in_ranges_across_them() {
    let kit = Kit::in_bucket().await;
    let content: Vec<u8> = PDF.iter().copied().chain((0_u32..3_000_000).flat_map(u32::to_le_bytes)).collect();
    let id = kit.upload("large.pdf", "application/pdf", &content).await;
    kit.notice(json!({ "code": "a", "open": true, "papers": [id] })).await;
    let (status, headers, body) = kit.get(None, &address(HERE, &id), &[]).await;
    assert!(status == StatusCode::OK && body[..] == content, "{status}");
    let tag = told(&headers, "etag").trim_matches('"').to_owned();
    let edge = 5 * 1024 * 1024;
    let range = format!("bytes={}-{}", edge - 7, edge + 6);
    let (status, _, body) = kit.get(None, &address(HERE, &id), &[("range", &range)]).await;
    assert_eq!((status, &body[..]), (StatusCode::PARTIAL_CONTENT, &content[edge - 7..edge + 7]));
    let objects = kit.blobs();
    let tenant = kit.app.tenant_id(HERE).await.to_string();
    let expect = format!("{BUCKET}/{tenant}/{}/{tag}", &tag[..2]);
    assert!(
        objects.len() == 1 && objects[0].ends_with(&expect),
        "by tenant and content, and nothing else: {objects:?}"
    );
}

#[actix_web::test]
async fn what_a_crash_leaves_of_an_upload_is_swept_for_its_tenant_alone() {
    let kit = Kit::in_bucket().await;
    let blobs = &kit.app.app().blobs;
    let (here, there) = (kit.app.tenant_id(HERE).await, kit.app.tenant_id(NEIGHBOUR).await);
    let (here, there) = (kit.app.scope(here), kit.app.scope(there));
    let begin = async || {
        let mut incoming = blobs.begin(&here, SystemEnvironment.new_id(), 100_000_000).await.unwrap();
        incoming.write(Bytes::from(vec![7; 6_000_000])).await.unwrap();
        incoming
    };
    // Its process ends in the middle of the parts, or before the whole has its own name.
    std::mem::forget(begin().await);
    std::mem::forget(begin().await.seal().await.unwrap());
    assert!(kit.blobs().len() >= 4, "{:?}", kit.blobs());
    let early = Timestamp::from_micros(ahead().micros() - 7_200_000_000).unwrap();
    assert_eq!(blobs.sweep_incoming(&here, early).await.unwrap(), 0, "they are younger than that");
    assert_eq!(blobs.sweep_incoming(&there, ahead()).await.unwrap(), 0, "they are another tenant's");
    assert_eq!(blobs.sweep_incoming(&here, ahead()).await.unwrap(), 2);
    assert!(kit.blobs().is_empty(), "{:?}", kit.blobs());
    assert_eq!(blobs.sweep_incoming(&here, ahead()).await.unwrap(), 0);
}

#[actix_web::test]
async fn an_upload_that_is_dropped_or_discarded_takes_its_parts_along() {
    let kit = Kit::in_bucket().await;
    let blobs = &kit.app.app().blobs;
    let scope = kit.app.scope(kit.app.tenant_id(HERE).await);
    let begin = async || {
        let mut incoming = blobs.begin(&scope, SystemEnvironment.new_id(), 100_000_000).await.unwrap();
        incoming.write(Bytes::from(vec![7; 6_000_000])).await.unwrap();
        incoming
    };
    begin().await.abort().await;
    assert!(kit.blobs().is_empty(), "{:?}", kit.blobs());
    begin().await.seal().await.unwrap().discard().await;
    assert!(kit.blobs().is_empty(), "{:?}", kit.blobs());
    drop(begin().await);
    drop(begin().await.seal().await.unwrap());
    let gone = async {
        while !kit.blobs().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
}

#[actix_web::test]
async fn a_bucket_that_cannot_be_used_refuses_uploads_with_the_mend_and_the_rest_goes_on() {
    let mut server = S3Server::start();
    let good = server.config();
    let down = BucketConfig { endpoint: Some("http://127.0.0.1:1".to_owned()), ..good.clone() };
    for (config, mend) in [
        (BucketConfig { secret_key: Secret("another secret".to_owned()), ..good.clone() }, "`files_s3_secret_key`"),
        (BucketConfig { bucket: "nowhere".to_owned(), ..good.clone() }, "`files_s3_bucket`"),
        (down, "`files_s3_endpoint`"),
    ] {
        let kit = Kit::on(Some(config), None).await;
        let (status, problem) = kit.post(Some(&kit.editor), "a.png", "image/png", PNG).await;
        assert_eq!((status, &problem["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("UNAVAILABLE")), "{mend}");
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("请稍后再试")), "{problem}");
        // What stands in a log names the mend, and no key.
        let scope = kit.app.scope(kit.app.tenant_id(HERE).await);
        let told = kit.app.app().blobs.check(&scope, SystemEnvironment.new_id()).await.unwrap_err().to_string();
        assert!(told.contains(mend) && !told.contains("another secret"), "{told}");
        kit.notice(json!({ "code": "a", "open": true })).await;
        assert_eq!(kit.app.page(&format!("/t/{HERE}/p/desk/notices/a")).await.0, StatusCode::OK);
        let large = vec![Ok(Bytes::from([PDF, &vec![b'x'; 6_000_000]].concat()))];
        assert_eq!(kit.post_in_pieces("a.pdf", "application/pdf", large).await.0, StatusCode::SERVICE_UNAVAILABLE);
    }
    let kit = Kit::on(Some(good), None).await;
    let id = kit.upload("a.png", "image/png", PNG).await;
    kit.notice(json!({ "code": "a", "open": true, "cover": id })).await;
    assert_eq!(kit.status(None, &id).await, StatusCode::OK);
    server.stop();
    assert_eq!(kit.status(None, &id).await, StatusCode::SERVICE_UNAVAILABLE);
    let (_, page) = kit.app.page(&format!("/t/{HERE}/p/desk/notices/a")).await;
    assert!(page.contains(id.as_str().unwrap()), "the page goes on");
}

#[actix_web::test]
async fn nodes_and_tenants_share_a_bucket_and_tenants_nothing_in_it() {
    let kit = Kit::in_bucket().await;
    let id = kit.upload("a.png", "image/png", PNG).await;
    kit.notice(json!({ "code": "a", "open": true, "cover": id })).await;
    // On SQLite a second node shares the data folder; the bytes come from the bucket all the same.
    let node = kit.app.another_node().await;
    let request = actix_web::test::TestRequest::get().uri(&address(HERE, &id));
    let (status, headers, body) = node.call(request).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, PNG));
    let digest = told(&headers, "etag").trim_matches('"').to_owned();
    let other = kit.app.scope(kit.app.tenant_id(NEIGHBOUR).await);
    let blobs: &Blobs = &kit.app.app().blobs;
    assert!(!blobs.contains(&other, &digest).await.unwrap());
    assert!(blobs.get(&other, &digest, None).await.is_err());
    blobs.delete(&other, &digest).await.unwrap();
    assert_eq!(kit.status(None, &id).await, StatusCode::OK);
    let foreign = kit.app.token(kit.app.tenant_id(NEIGHBOUR).await, Role::Editor);
    let answer =
        kit.app.graphql(NEIGHBOUR, Some(&foreign), CREATE, json!({ "input": { "code": "b", "cover": id } })).await;
    assert_eq!(answer.data()["deskCreateNotice"]["errors"][0]["path"], json!(["input", "cover"]));
}
