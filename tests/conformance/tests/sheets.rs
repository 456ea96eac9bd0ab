//! Spreadsheets over the real routes: out and in again, all or nothing, with the rights of whoever asks.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use serde_json::{Value as Json, json};
use sunlit_domain::Role;
use sunlit_domain::id::TenantId;
use sunlit_sheet::{Cell, Form, Sheet, Writer, read};
use sunlit_storage::tenant::{audit, outbox};
use sunlit_test_support::TestApp;

const TENANT: &str = "900001";
const HOSTILE: [&str; 8] =
    ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "'=1", "a,\"b\"\r\nc", "007", "\u{200B}空格 ;\t"];

struct Kit {
    app: TestApp,
    tenant: TenantId,
    editor: String,
}

type Answer = (StatusCode, HeaderMap, Bytes);

impl Kit {
    async fn new() -> Self {
        let app = TestApp::start().await;
        let tenant = app.probe_tenant(TENANT).await;
        let editor = app.token(tenant, Role::Editor);
        Self { app, tenant, editor }
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let request = TestRequest::get().uri(&format!("/t/{TENANT}/records/probe/{path}"));
        self.app.call(with(request, token)).await
    }

    async fn export(&self, form: Form) -> Sheet {
        let (status, _, body) = self.get(&format!("item.{}?order=name", form.extension()), None).await;
        assert_eq!(status, StatusCode::OK);
        read(form, &body, None).unwrap()
    }

    async fn post(&self, form: Form, query: &str, body: Vec<u8>, token: Option<&str>) -> Answer {
        let path = format!("/t/{TENANT}/records/probe/item?format={}{query}", form.extension());
        let request = TestRequest::post().uri(&path).insert_header(("content-type", form.media_type()));
        self.app.call(with(request.set_payload(body), token)).await
    }

    async fn import(&self, form: Form, query: &str, body: impl Into<Vec<u8>>) -> (StatusCode, Json) {
        let (status, _, body) = self.post(form, query, body.into(), Some(&self.editor)).await;
        (status, serde_json::from_slice(&body).unwrap())
    }

    async fn count(&self) -> usize {
        self.export(Form::Csv).await.rows.len()
    }

    async fn trail(&self) -> (Vec<audit::Model>, Vec<String>) {
        let scope = self.app.scope(self.tenant);
        let session = self.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        let audit = audit::latest(&scope, &session, 100).await.unwrap();
        let events = outbox::latest(&scope, &session, 100).await.unwrap();
        let written = audit.into_iter().filter(|row| row.subject == "probe.item").collect();
        (written, events.into_iter().map(|row| row.name).collect())
    }
}

fn with(request: TestRequest, token: Option<&str>) -> TestRequest {
    match token {
        Some(token) => request.insert_header(("authorization", format!("Bearer {token}"))),
        None => request,
    }
}

fn cells(sheet: &Sheet) -> Vec<Vec<String>> {
    sheet.rows.iter().map(|row| row.cells().map(str::to_owned).collect()).collect()
}

/// A file of names and numbers.
fn file(form: Form, names: &[&str]) -> Vec<u8> {
    let mut writer = Writer::new(form, &["name", "number"]).unwrap();
    for (number, name) in names.iter().enumerate() {
        writer.row(&[Cell::Text((*name).to_owned()), Cell::Number(number.to_string())]).unwrap();
    }
    writer.finish().unwrap()
}

#[actix_web::test]
async fn what_is_imported_is_exported_again_in_both_forms() {
    for form in [Form::Csv, Form::Xlsx] {
        let kit = Kit::new().await;
        let (status, done) = kit.import(form, "", file(form, &HOSTILE)).await;
        assert_eq!((status, &done["created"]), (StatusCode::OK, &json!(HOSTILE.len())), "{done}");
        let out = kit.export(form).await;
        assert_eq!(out.header, ["id", "version", "name", "number"]);
        let mut names: Vec<String> = cells(&out).into_iter().map(|row| row[2].clone()).collect();
        let mut expect = HOSTILE.map(str::to_owned).to_vec();
        names.sort_unstable();
        expect.sort_unstable();
        assert_eq!(names, expect);
        // What was exported changes nothing when it is imported, and the two forms hold the same.
        let (_, _, body) = kit.get(&format!("item.{}", form.extension()), None).await;
        let (status, done) = kit.import(form, "", body.to_vec()).await;
        assert_eq!((status, &done["unchanged"]), (StatusCode::OK, &json!(HOSTILE.len())), "{done}");
        assert_eq!(cells(&kit.export(Form::Csv).await), cells(&kit.export(Form::Xlsx).await));
    }
}

#[actix_web::test]
async fn a_download_has_a_chinese_name_and_what_was_asked_for() {
    let kit = Kit::new().await;
    kit.import(Form::Csv, "", "name,number\n乙,2\n甲,1\n=1,3\n").await;
    let filter = "%7B%22number%22%3A%7B%22lte%22%3A2%7D%7D";
    let (status, headers, body) =
        kit.get(&format!("item.csv?filter={filter}&order=-number&fields=name,number&titles=zh"), None).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(String::from_utf8(body.to_vec()).unwrap(), "\u{FEFF}名称,数值\r\n乙,2\r\n甲,1\r\n");
    let name = headers.get("content-disposition").unwrap().to_str().unwrap();
    assert!(name.starts_with("attachment; filename=\"item.csv\"; filename*=UTF-8''%E6%9D%A1%E7%9B%AE%2D20"), "{name}");
    let raw = kit.get("item.csv?fields=name", None).await.2;
    assert!(String::from_utf8(raw.to_vec()).unwrap().contains("\r\n'=1\r\n"));
    for (query, expect) in [
        ("item.csv?order=nothing", StatusCode::BAD_REQUEST),
        ("item.csv?filter=%7B", StatusCode::BAD_REQUEST),
        ("item.csv?fields=owner", StatusCode::BAD_REQUEST),
        ("item.csv?surprise=1", StatusCode::BAD_REQUEST),
        ("nothing.csv", StatusCode::NOT_FOUND),
        ("item.ods", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(kit.get(query, None).await.0, expect, "{query}");
    }
}

#[actix_web::test]
async fn rows_with_an_id_change_their_record_at_the_version_that_was_exported() {
    let kit = Kit::new().await;
    kit.import(Form::Csv, "", "name,number\n甲,1\n").await;
    let row = cells(&kit.export(Form::Csv).await).remove(0);
    let id = &row[0];
    let (status, done) = kit.import(Form::Csv, "", format!("id,version,number\n{id},1,5\n")).await;
    assert_eq!((status, &done["updated"]), (StatusCode::OK, &json!(1)), "{done}");
    assert_eq!(cells(&kit.export(Form::Csv).await), [[id.as_str(), "2", "甲", "5"]]);
    let problem = async |text: String| {
        let (status, refused) = kit.import(Form::Csv, "", text).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
        let told = &refused["problems"][0];
        (told["row"].clone(), told["column"].clone(), told["code"].clone())
    };
    let expect = |row: u32, column: &str, code: &str| (json!(row), json!(column), json!(code));
    assert_eq!(problem(format!("id,version,number\n{id},1,6\n")).await, expect(2, "version", "CONFLICT"));
    assert_eq!(problem(format!("id,number\n{id},6\n{id},7\n")).await, expect(3, "id", "NOT_UNIQUE"));
    assert_eq!(problem(format!("id,name\n{id},\n")).await, expect(2, "name", "REQUIRED"));
    let missing = "018f3b1e-0000-7000-8000-000000000001";
    assert_eq!(problem(format!("id,number\n{missing},6\n")).await, expect(2, "id", "NOT_FOUND"));
    assert_eq!(cells(&kit.export(Form::Csv).await), [[id.as_str(), "2", "甲", "5"]]);
}

#[actix_web::test]
async fn three_bad_rows_among_a_thousand_leave_nothing_written_and_come_back_marked() {
    let kit = Kit::new().await;
    let mut text = "name,number\n".to_owned();
    for row in 2..=1_001 {
        match row {
            17 => text.push_str(",1\n"),
            500 => text.push_str("甲,一\n"),
            900 => writeln!(text, "{},1", "长".repeat(61)).unwrap(),
            _ => writeln!(text, "n{row},{row}").unwrap(),
        }
    }
    let (status, refused) = kit.import(Form::Csv, "", text.clone()).await;
    assert_eq!((status, &refused["count"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!(3)));
    let told: Vec<_> =
        refused["problems"].as_array().unwrap().iter().map(|one| (&one["row"], &one["column"])).collect();
    let expect = [(17, "name"), (500, "number"), (900, "name")].map(|(row, column)| (json!(row), json!(column)));
    assert_eq!(told, expect.iter().map(|(row, column)| (row, column)).collect::<Vec<_>>());
    assert_eq!(refused["problems"][2]["message"], json!("“名称”最多 60 个字"));
    assert_eq!((kit.count().await, kit.trail().await.0.len(), kit.trail().await.1.len()), (0, 0, 0));
    for form in [Form::Csv, Form::Xlsx] {
        let (status, _, body) = kit.post(form, "&errors=file", rewritten(&text, form), Some(&kit.editor)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        let marked = read(form, &body, None).unwrap();
        assert_eq!((marked.header.last().unwrap().as_str(), marked.rows.len()), ("错误", 1_000));
        let notes: Vec<(u32, &str)> =
            marked.rows.iter().map(|row| (row.number, row.get(2))).filter(|(_, note)| !note.is_empty()).collect();
        assert_eq!(notes.iter().map(|(row, _)| *row).collect::<Vec<_>>(), [17, 500, 900]);
        assert_eq!(notes[2].1, "name：“名称”最多 60 个字");
        // The marked file is imported again as it is: the column of notes is passed over.
        let (_, refused) = kit.import(form, "", body.to_vec()).await;
        assert_eq!(refused["count"], json!(3));
    }
}

/// The same rows in `form`.
fn rewritten(csv: &str, form: Form) -> Vec<u8> {
    let sheet = read(Form::Csv, csv.as_bytes(), None).unwrap();
    let header: Vec<&str> = sheet.header.iter().map(String::as_str).collect();
    let mut writer = Writer::new(form, &header).unwrap();
    for row in &sheet.rows {
        let cells: Vec<Cell> = row.cells().map(|text| Cell::Text(text.to_owned())).collect();
        writer.row(&cells).unwrap();
    }
    writer.finish().unwrap()
}

#[actix_web::test]
async fn an_import_leaves_one_audit_entry_its_event_and_those_of_its_records() {
    let kit = Kit::new().await;
    let (_, dry) = kit.import(Form::Csv, "&dry_run=true", "name\n甲\n乙\n").await;
    assert_eq!((&dry["created"], &dry["dryRun"], kit.count().await), (&json!(2), &json!(true), 0));
    assert!(kit.trail().await.0.is_empty());
    let (_, done) = kit.import(Form::Csv, "", "name\n甲\n乙\n").await;
    let (audit, events) = kit.trail().await;
    let import = done["import"].as_str().unwrap();
    assert_eq!((audit.len(), audit[0].action.as_str()), (1, "import"));
    assert_eq!(audit[0].subject_id, format!("{import} created=2 updated=0"));
    assert_eq!(audit[0].after_digest.as_ref().unwrap().len(), 64);
    assert_eq!(events, ["probe.item.imported", "probe.item.created", "probe.item.created"]);
}

#[actix_web::test]
async fn files_that_are_no_tables_are_refused_with_the_mend() {
    let kit = Kit::new().await;
    let message = async |form, bytes: Vec<u8>| {
        let (status, body) = kit.import(form, "", bytes).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
        body["detail"].as_str().unwrap().to_owned()
    };
    let million = format!("a{}", ",a".repeat(1_000_000)).into_bytes();
    assert!(message(Form::Csv, million).await.contains("第 1 行：列数超过 500"));
    assert!(message(Form::Csv, b"a,a\n".to_vec()).await.contains("B1：有两列都叫“a”"));
    assert!(message(Form::Xlsx, b"a,b\n".to_vec()).await.contains("不是 XLSX 工作簿"));
    let (status, refused) = kit.import(Form::Csv, "", "name,nmber,created_at\n甲,1,\n").await;
    let columns: Vec<_> = refused["problems"].as_array().unwrap().iter().map(|one| one["column"].clone()).collect();
    assert_eq!((status, columns), (StatusCode::UNPROCESSABLE_ENTITY, vec![json!("nmber"), json!("created_at")]));
    let (status, _) = kit.import(Form::Csv, "&key=name", "name\n甲\n").await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "the key is no unique field");
    assert_eq!(kit.count().await, 0);
}

#[actix_web::test]
async fn who_may_not_write_imports_nothing() {
    let kit = Kit::new().await;
    let body = || b"name\na\n".to_vec();
    let citizen = kit.app.token(kit.tenant, Role::Citizen);
    assert_eq!(kit.post(Form::Csv, "", body(), None).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(kit.post(Form::Csv, "", body(), Some(&citizen)).await.0, StatusCode::FORBIDDEN);
    assert_eq!(kit.post(Form::Csv, "", body(), Some("forged")).await.0, StatusCode::UNAUTHORIZED);
    // What a form of a foreign page can send is refused, whoever sends it.
    for media in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", Form::Xlsx.media_type()]
    {
        let path = format!("/t/{TENANT}/records/probe/item?format=csv");
        let request = TestRequest::post().uri(&path).insert_header(("content-type", media)).set_payload(body());
        let (status, ..) = kit.app.call(with(request, Some(&kit.editor))).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media}");
    }
    assert_eq!(kit.count().await, 0);
}

#[actix_web::test]
async fn rows_find_their_records_by_a_unique_field() {
    let app = TestApp::start().await;
    let tenant = app.provision("610112").await;
    let token = app.token(tenant, Role::Editor);
    let post = async |query: &str, body: String| {
        let path = format!("/t/610112/records/street-cards/street?format=csv{query}");
        let request = TestRequest::post().uri(&path).insert_header(("content-type", "text/csv")).set_payload(body);
        let (status, _, body) = app.call(with(request, Some(&token))).await;
        (status, serde_json::from_slice::<Json>(&body).unwrap())
    };
    let get = async || {
        let (_, _, body) = app
            .call(TestRequest::get().uri("/t/610112/records/street-cards/street.csv?order=code&fields=code,name,at"))
            .await;
        cells(&read(Form::Csv, &body, None).unwrap())
    };
    let before = get().await;
    let code = before[0][0].clone();
    let rows = format!("code,name,introduction,at\n{code},改名街道,简介,\"34.25,108.95\"\n900001999,新街道,简介,\n");
    let (status, refused) = post("", rows.clone()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!((&refused["count"], &refused["problems"][0]["code"]), (&json!(1), &json!("NOT_UNIQUE")));
    let (status, done) = post("&key=code", rows).await;
    assert_eq!((status, &done["created"], &done["updated"]), (StatusCode::OK, &json!(1), &json!(1)), "{done}");
    let after = get().await;
    assert_eq!(after[0], [code.as_str(), "改名街道", "34.250000,108.950000"]);
    assert_eq!(after.len(), before.len() + 1);
    let (_, refused) = post("", "code,name,introduction\n900001998,a,b\n900001998,c,d\n".to_owned()).await;
    assert_eq!((&refused["problems"][0]["row"], &refused["problems"][0]["code"]), (&json!(3), &json!("NOT_UNIQUE")));
}
