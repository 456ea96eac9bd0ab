//! Two tenants with a package whose records hold files, and the requests that the tests make.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use serde_json::{Value as Json, json};
use sunlit_app::command::file::sweep::{self, Swept};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::{Environment, SystemEnvironment};
use sunlit_domain::Role;
use sunlit_domain::value::Timestamp;
use sunlit_storage::blobs::BucketConfig;
use sunlit_test_support::{Answer, TestApp};

use crate::bucket::S3Server;

pub(crate) const DESK: &str = include_str!("desk.toml");
pub(crate) const HERE: &str = "900001";
pub(crate) const NEIGHBOUR: &str = "900002";
pub(crate) const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and then some";
pub(crate) const PDF: &[u8] = b"%PDF-1.7\n0123456789";
pub(crate) const CREATE: &str = "mutation($input: Desk_NoticeCreate!) { deskCreateNotice(input: $input) { errors { code message path } \
     record { id version cover { id name size contentType sha256 url } papers { name } internal { name } } } }";

/// The machine's clock, some hours ahead.
#[derive(Debug, Default)]
pub(crate) struct Ahead(pub(crate) AtomicI64);

impl Environment for Ahead {
    fn now(&self) -> Timestamp {
        let ahead = self.0.load(Ordering::Relaxed) * 3_600_000_000;
        Timestamp::from_micros(SystemEnvironment.now().micros() + ahead).unwrap()
    }
    fn new_id(&self) -> uuid::Uuid {
        SystemEnvironment.new_id()
    }
}

pub(crate) struct Kit {
    pub(crate) app: TestApp,
    pub(crate) clock: Arc<Ahead>,
    pub(crate) editor: String,
    /// The server of the bucket; none where files are in the data folder.
    server: Option<S3Server>,
}

impl Kit {
    pub(crate) async fn new() -> Self {
        Self::on(None, None).await
    }

    /// With files in a bucket of its own.
    pub(crate) async fn in_bucket() -> Self {
        let server = S3Server::start();
        Self::on(Some(server.config()), Some(server)).await
    }

    pub(crate) async fn on(bucket: Option<BucketConfig>, server: Option<S3Server>) -> Self {
        let clock = Arc::new(Ahead::default());
        let app = TestApp::start_on(Arc::<Ahead>::clone(&clock), bucket).await;
        publish::run(app.app(), DESK.to_owned(), None, Existing::Keep).await.unwrap();
        for slug in [HERE, NEIGHBOUR] {
            app.tenant(slug, &[("desk", &[])]).await;
        }
        let editor = app.token(app.tenant_id(HERE).await, Role::Editor);
        Self { app, clock, editor, server }
    }

    pub(crate) async fn token(&self, actor: u128, role: Role) -> String {
        self.app.token_of(self.app.tenant_id(HERE).await, role, actor)
    }

    pub(crate) async fn post(
        &self,
        token: Option<&str>,
        name: &str,
        content_type: &str,
        body: &[u8],
    ) -> (StatusCode, Json) {
        let name = url_encoded(name);
        let request = TestRequest::post().uri(&format!("/t/{HERE}/files?name={name}"));
        let request = request.insert_header(("content-type", content_type));
        let request = signed(request, token).set_payload(body.to_vec());
        let (status, _, body) = self.app.call(request).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// The editor's upload in pieces that may break off.
    pub(crate) async fn post_in_pieces(
        &self,
        name: &str,
        content_type: &str,
        pieces: impl IntoIterator<Item = Result<Bytes, PayloadError>, IntoIter: 'static>,
    ) -> (StatusCode, Bytes) {
        let request = TestRequest::post().uri(&format!("/t/{HERE}/files?name={name}"));
        let request = signed(request.insert_header(("content-type", content_type)), Some(&self.editor));
        let (status, _, body) = self.app.call_in_pieces(request, pieces).await;
        (status, body)
    }

    /// The id of a file that the editor has uploaded.
    pub(crate) async fn upload(&self, name: &str, content_type: &str, body: &[u8]) -> Json {
        let (status, file) = self.post(Some(&self.editor), name, content_type, body).await;
        assert_eq!(status, StatusCode::CREATED, "{file}");
        file["id"].clone()
    }

    pub(crate) async fn write(&self, query: &str, variables: Json) -> Answer {
        self.app.graphql(HERE, Some(&self.editor), query, variables).await
    }

    /// The record of a new notice.
    pub(crate) async fn notice(&self, input: Json) -> Json {
        let answer = self.write(CREATE, json!({ "input": input })).await;
        assert_eq!(answer.data()["deskCreateNotice"]["errors"], json!([]), "{}", answer.body);
        answer.data()["deskCreateNotice"]["record"].clone()
    }

    pub(crate) async fn get(
        &self,
        token: Option<&str>,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, HeaderMap, Bytes) {
        let request =
            headers.iter().fold(TestRequest::get().uri(path), |request, header| request.insert_header(*header));
        self.app.call(signed(request, token)).await
    }

    pub(crate) async fn status(&self, token: Option<&str>, id: &Json) -> StatusCode {
        self.get(token, &address(HERE, id), &[]).await.0
    }

    pub(crate) async fn sweep(&self, slug: &str) -> Swept {
        sweep::run(self.app.app(), &self.app.scope(self.app.tenant_id(slug).await)).await.unwrap()
    }

    /// Everything that is kept of files: below the folder of blobs, or in the bucket.
    pub(crate) fn blobs(&self) -> Vec<PathBuf> {
        if let Some(server) = &self.server {
            return server.objects();
        }
        let (mut folders, mut found) = (vec![self.app.folder().join("data/files")], Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { found.push(path) }
            }
        }
        found
    }
}

pub(crate) fn signed(request: TestRequest, token: Option<&str>) -> TestRequest {
    match token {
        Some(token) => request.insert_header(("authorization", format!("Bearer {token}"))),
        None => request,
    }
}

pub(crate) fn told<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map_or("", |value| value.to_str().unwrap())
}

pub(crate) fn address(slug: &str, id: &Json) -> String {
    format!("/t/{slug}/files/{}/x", id.as_str().unwrap())
}

pub(crate) fn url_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
