//! Files over the real routes: who may bring them in, who may read them, what they are served as, and what is left of them.
#![expect(clippy::unwrap_used, reason = "tests")]

/// Each of these runs with files in the data folder, and with files in a bucket.
macro_rules! in_both {
    ($($name:ident,)+) => {
        mod in_the_folder {
            $(#[actix_web::test]
            async fn $name() {
                super::$name(crate::kit::Kit::new().await).await;
            })+
        }
        mod in_a_bucket {
            $(#[actix_web::test]
            async fn $name() {
                super::$name(crate::kit::Kit::in_bucket().await).await;
            })+
        }
    };
}

mod addresses;
mod bucket;
mod hostile;
mod in_bucket;
mod kit;
mod large;
mod spreadsheet;
mod thumbnails;

use actix_web::error::PayloadError;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use actix_web::web::Bytes;
use serde_json::{Value as Json, json};
use std::sync::atomic::Ordering;
use sunlit_app::command::file::sweep::Swept;
use sunlit_domain::Role;

use crate::kit::{CREATE, HERE, Kit, NEIGHBOUR, PDF, PNG, address, signed, told};

in_both! {
    a_file_comes_back_as_it_was_with_a_name_and_a_type,
    parts_and_known_content_are_answered_as_http_says,
    another_tenants_file_is_not_found,
    who_does_not_read_the_record_or_the_field_does_not_find_the_file,
    what_only_owners_read_is_their_file_alone,
    a_public_rule_lets_the_anonymous_bring_files_and_nothing_else_does,
    content_that_is_not_what_it_says_is_refused_and_leaves_nothing,
    what_could_run_a_script_is_saved_and_never_shown,
    a_foreign_pages_form_cannot_post_a_file,
    an_upload_that_breaks_off_or_grows_too_large_leaves_nothing,
    weird_names_and_addresses_are_harmless,
    a_field_takes_only_its_types_and_files_of_the_caller,
    two_records_share_a_file_and_the_last_one_takes_it_along,
    what_nobody_uses_is_swept_and_what_is_used_stays,
    a_page_of_records_asks_for_its_files_at_once_and_pages_link_them,
}

async fn a_file_comes_back_as_it_was_with_a_name_and_a_type(kit: Kit) {
    let (status, file) = kit.post(Some(&kit.editor), "../图 1.png", "image/png", PNG).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!((&file["name"], &file["contentType"]), (&json!("图 1.png"), &json!("image/png")));
    assert_eq!((&file["size"], file["sha256"].as_str().unwrap().len()), (&json!(PNG.len()), 64));
    assert_eq!(kit.status(None, &file["id"]).await, StatusCode::NOT_FOUND, "no record refers to it yet");
    let papers = [kit.upload("乙.pdf", "application/pdf", PDF).await, kit.upload("甲.csv", "text/csv", b"a,b\n").await];
    let input = json!({ "code": "a", "open": true, "cover": file["id"], "papers": papers });
    let record = kit.notice(input).await;
    assert_eq!(record["papers"], json!([{ "name": "乙.pdf" }, { "name": "甲.csv" }]));
    let cover = &record["cover"];
    assert_eq!((&cover["sha256"], &cover["size"], &cover["id"]), (&file["sha256"], &file["size"], &file["id"]));
    let url = cover["url"].as_str().unwrap();
    assert_eq!(url, format!("/t/{HERE}/files/{}/%E5%9B%BE%201.png", file["id"].as_str().unwrap()));
    let (status, headers, body) = kit.get(None, url, &[("accept-encoding", "gzip")]).await;
    assert_eq!((status, &body[..]), (StatusCode::OK, PNG));
    for (name, expect) in [
        ("content-type", "image/png"),
        ("etag", &format!("\"{}\"", file["sha256"].as_str().unwrap())),
        ("content-disposition", "inline; filename=\"_ 1.png\"; filename*=UTF-8''%E5%9B%BE%201.png"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "private, no-cache"),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(told(&headers, name), expect, "{name}");
    }
    assert!(told(&headers, "content-security-policy").ends_with("; sandbox"));
}

/// Headers of the request; status, body and `Content-Range` of the answer.
type Case<'a> = (&'a [(&'a str, &'a str)], StatusCode, &'a [u8], Option<String>);

async fn parts_and_known_content_are_answered_as_http_says(kit: Kit) {
    let id = kit.upload("a.pdf", "application/pdf", PDF).await;
    kit.notice(json!({ "code": "a", "open": true, "papers": [id] })).await;
    let path = address(HERE, &id);
    let (_, headers, _) = kit.get(None, &path, &[]).await;
    let tag = told(&headers, "etag");
    let end = PDF.len() - 1;
    let (ok, part, none) = (StatusCode::OK, StatusCode::PARTIAL_CONTENT, StatusCode::RANGE_NOT_SATISFIABLE);
    let table: [Case<'_>; 13] = [
        (&[("range", "bytes=0-3")], part, b"%PDF", Some(format!("bytes 0-3/{}", PDF.len()))),
        (&[("range", "bytes=-3")], part, b"789", Some(format!("bytes {}-{end}/{}", end - 2, PDF.len()))),
        (&[("range", "bytes=17-")], part, b"89", Some(format!("bytes 17-{end}/{}", PDF.len()))),
        (&[("range", "bytes=17-99999")], part, b"89", Some(format!("bytes 17-{end}/{}", PDF.len()))),
        (&[("range", "bytes=999-")], none, b"", Some(format!("bytes */{}", PDF.len()))),
        (&[("range", "bytes=-0")], none, b"", Some(format!("bytes */{}", PDF.len()))),
        (&[("range", "bytes=3-1")], ok, PDF, None),
        (&[("range", "bytes=0-1,3-4")], ok, PDF, None),
        (&[("range", "lines=1-2")], ok, PDF, None),
        (&[("range", "bytes=0-3"), ("if-range", tag)], part, b"%PDF", Some(format!("bytes 0-3/{}", PDF.len()))),
        (&[("range", "bytes=0-3"), ("if-range", "\"old\"")], ok, PDF, None),
        (&[("if-none-match", tag)], StatusCode::NOT_MODIFIED, b"", None),
        (&[("if-none-match", "\"old\"")], ok, PDF, None),
    ];
    for (headers, status, body, range) in table {
        let (found, answered, bytes) = kit.get(None, &path, headers).await;
        assert_eq!((found, &bytes[..]), (status, body), "{headers:?}");
        let range_told = answered.get("content-range").map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(range_told, range, "{headers:?}");
    }
    let (status, headers, body) = kit.app.call(TestRequest::default().method("HEAD".parse().unwrap()).uri(&path)).await;
    assert_eq!((status, body.len()), (StatusCode::OK, 0));
    assert_eq!(told(&headers, "content-length"), PDF.len().to_string());
}

async fn another_tenants_file_is_not_found(kit: Kit) {
    let id = kit.upload("a.png", "image/png", PNG).await;
    kit.notice(json!({ "code": "a", "open": true, "cover": id })).await;
    assert_eq!(kit.status(None, &id).await, StatusCode::OK);
    let foreign = kit.app.token(kit.app.tenant_id(NEIGHBOUR).await, Role::Editor);
    for token in [None, Some(foreign.as_str())] {
        assert_eq!(kit.get(token, &address(NEIGHBOUR, &id), &[]).await.0, StatusCode::NOT_FOUND);
    }
    let input = json!({ "input": { "code": "b", "cover": id } });
    let answer = kit.app.graphql(NEIGHBOUR, Some(&foreign), CREATE, input).await;
    assert_eq!(answer.data()["deskCreateNotice"]["errors"][0]["path"], json!(["input", "cover"]), "{}", answer.body);
}

async fn who_does_not_read_the_record_or_the_field_does_not_find_the_file(kit: Kit) {
    let (draft, secret) =
        (kit.upload("a.png", "image/png", PNG).await, kit.upload("b.pdf", "application/pdf", PDF).await);
    kit.notice(json!({ "code": "draft", "open": false, "cover": draft })).await;
    kit.notice(json!({ "code": "open", "open": true, "internal": secret })).await;
    let (reviewer, citizen) = (kit.token(7, Role::Reviewer).await, kit.token(8, Role::Citizen).await);
    for (who, token, of_draft, of_secret) in [
        ("anonymous", None, false, false),
        ("citizen", Some(&citizen), false, false),
        ("reviewer", Some(&reviewer), true, false),
        ("editor", Some(&kit.editor), true, true),
    ] {
        let expect = |found: bool| if found { StatusCode::OK } else { StatusCode::NOT_FOUND };
        assert_eq!(kit.status(token.map(String::as_str), &draft).await, expect(of_draft), "{who}");
        assert_eq!(kit.status(token.map(String::as_str), &secret).await, expect(of_secret), "{who}");
    }
    let query = "{ desk { notices { nodes { code internal { name } } } } }";
    let answer = kit.app.graphql(HERE, None, query, json!({})).await;
    assert_eq!(answer.data()["desk"]["notices"]["nodes"], json!([{ "code": "open", "internal": null }]));
}

async fn what_only_owners_read_is_their_file_alone(kit: Kit) {
    let (owner, other) = (kit.token(7, Role::Citizen).await, kit.token(8, Role::Citizen).await);
    let (status, file) = kit.post(Some(&owner), "a.pdf", "application/pdf", PDF).await;
    assert_eq!(status, StatusCode::CREATED, "{file}");
    let create = "mutation($input: Desk_LetterCreate!) { deskCreateLetter(input: $input) { errors { code path } } }";
    let input = json!({ "input": { "proof": file["id"] } });
    let stolen = kit.app.graphql(HERE, Some(&other), create, input.clone()).await;
    assert_eq!(stolen.data()["deskCreateLetter"]["errors"][0]["path"], json!(["input", "proof"]), "not theirs");
    assert_eq!(
        kit.app.graphql(HERE, Some(&owner), create, input).await.data()["deskCreateLetter"]["errors"],
        json!([])
    );
    assert_eq!(kit.status(Some(&owner), &file["id"]).await, StatusCode::OK);
    assert_eq!(kit.status(Some(&other), &file["id"]).await, StatusCode::NOT_FOUND);
    assert_eq!(kit.status(Some(&kit.editor), &file["id"]).await, StatusCode::NOT_FOUND, "no reader of the field");
    // What an editor may not see they cannot make their own by naming it.
    let notice = kit.write(CREATE, json!({ "input": { "code": "a", "papers": [file["id"]] } })).await;
    assert_eq!(notice.data()["deskCreateNotice"]["errors"][0]["path"], json!(["input", "papers"]));
}

async fn a_public_rule_lets_the_anonymous_bring_files_and_nothing_else_does(kit: Kit) {
    let create = "mutation($input: Desk_LetterCreate!) { deskCreateLetter(input: $input) { errors { code path } } }";
    let (status, file) = kit.post(None, "a.png", "image/png", PNG).await;
    assert_eq!(status, StatusCode::CREATED, "{file}");
    let input = json!({ "input": { "text": "一", "evidence": file["id"] } });
    assert_eq!(
        kit.app.graphql(HERE, None, create, input.clone()).await.data()["deskCreateLetter"]["errors"],
        json!([])
    );
    // Now it is in somebody's letter: whoever knows its id does not get at it through a letter of their own.
    let again = kit.app.graphql(HERE, None, create, input).await;
    assert_eq!(again.data()["deskCreateLetter"]["errors"][0]["path"], json!(["input", "evidence"]));
    assert_eq!(kit.status(None, &file["id"]).await, StatusCode::NOT_FOUND, "the anonymous read no letters");
    kit.app.probe_tenant("900003").await;
    let nowhere = TestRequest::post().uri("/t/900003/files").insert_header(("content-type", "image/png"));
    let (status, headers, body) = kit.app.call(nowhere.set_payload(PNG)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(told(&headers, "content-type"), "application/problem+json");
    assert_eq!(serde_json::from_slice::<Json>(&body).unwrap()["code"], json!("UNAUTHENTICATED"));
    assert_eq!(kit.blobs().len(), 1);
}

async fn content_that_is_not_what_it_says_is_refused_and_leaves_nothing(kit: Kit) {
    let html: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
    for (content_type, body) in [
        ("image/png", html),
        ("image/png", PDF),
        ("image/png", b"no picture"),
        ("application/pdf", html),
        ("text/csv", html),
        ("not a type", PNG),
        ("multipart/form-data; boundary=x", PNG),
        ("application/x-www-form-urlencoded", PNG),
    ] {
        let (status, problem) = kit.post(Some(&kit.editor), "a.png", content_type, body).await;
        assert_eq!(
            (status, &problem["code"]),
            (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!("UNSUPPORTED")),
            "{content_type}"
        );
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.len() > 20), "{problem}");
    }
    assert!(kit.blobs().is_empty());
}

async fn what_could_run_a_script_is_saved_and_never_shown(kit: Kit) {
    let svg = b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    for (code, content_type, body) in [("svg", "image/svg+xml", &svg[..]), ("html", "text/html", b"<!DOCTYPE html>x")] {
        let id = kit.upload("a.html", content_type, body).await;
        kit.notice(json!({ "code": code, "open": true, "cover": id })).await;
        let (_, headers, _) = kit.get(None, &address(HERE, &id), &[]).await;
        assert_eq!(told(&headers, "content-type"), "application/octet-stream");
        assert!(told(&headers, "content-disposition").starts_with("attachment; "));
        assert!(told(&headers, "content-security-policy").contains("sandbox"));
    }
}

async fn a_foreign_pages_form_cannot_post_a_file(kit: Kit) {
    let post = |content_type: Option<&'static str>| {
        let request = TestRequest::post().uri(&format!("/t/{HERE}/files?name=a.txt")).set_payload("words");
        match content_type {
            Some(content_type) => request.insert_header(("content-type", content_type)),
            None => request,
        }
    };
    for form in [None, Some("text/plain"), Some("TEXT/plain; charset=utf-8")] {
        assert_eq!(kit.app.call(post(form)).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{form:?}");
    }
    let (status, _, body) = kit.app.call(post(Some("text/plain")).insert_header(("x-requested-with", "fetch"))).await;
    assert_eq!(status, StatusCode::CREATED, "{body:?}");
}

async fn an_upload_that_breaks_off_or_grows_too_large_leaves_nothing(kit: Kit) {
    let piece = |n: usize| Ok(Bytes::from([PDF, &vec![b'x'; n]].concat()));
    let post = || {
        let request = TestRequest::post().uri(&format!("/t/{HERE}/files?name=a.pdf"));
        signed(request.insert_header(("content-type", "application/pdf")), Some(&kit.editor))
    };
    // Six MiB are on the disk before it breaks off.
    let broken = vec![piece(6 * 1024 * 1024), Err(PayloadError::Incomplete(None))];
    let (status, _, body) = kit.app.call_in_pieces(post(), broken).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body:?}");
    assert!(kit.blobs().is_empty(), "{:?}", kit.blobs());
    let (status, _, _) = kit.app.call_in_pieces(post(), vec![Err(PayloadError::Incomplete(None))]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    // A type that only fields of 4,000 bytes take.
    let image = || {
        let request = TestRequest::post().uri(&format!("/t/{HERE}/files?name=a.png"));
        signed(request.insert_header(("content-type", "image/svg+xml")), Some(&kit.editor))
    };
    let svg = |n: usize| Bytes::from(format!("<?xml version=\"1.0\"?><svg>{}</svg>", " ".repeat(n)));
    let (status, _, body) = kit.app.call_in_pieces(image(), vec![Ok(svg(100)), Ok(svg(9_000)), Ok(svg(1))]).await;
    // The internal field takes any type and a hundred MiB, so this one is taken; beyond that it is not.
    assert_eq!(status, StatusCode::CREATED, "{body:?}");
    let id = serde_json::from_slice::<Json>(&body).unwrap()["id"].clone();
    let answer = kit.write(CREATE, json!({ "input": { "code": "a", "cover": id } })).await;
    let error = &answer.data()["deskCreateNotice"]["errors"][0];
    assert_eq!((&error["path"], &error["message"]), (&json!(["input", "cover"]), &json!("“封面”的文件最大 4000 字节")));
    let told = post().set_payload(PDF).insert_header(("content-length", "104857601"));
    assert_eq!(kit.app.call(told).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    let kept = kit.blobs().len();
    let pieces: Vec<_> = (0..21).map(|_| piece(5 * 1024 * 1024)).collect();
    let (status, _, body) = kit.app.call_in_pieces(post(), pieces).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{body:?}");
    assert_eq!(kit.blobs().len(), kept);
}

async fn weird_names_and_addresses_are_harmless(kit: Kit) {
    for (n, (given, expect)) in [
        ("/etc/passwd", "passwd.png"),
        ("..\\..\\boot.ini", "boot.ini.png"),
        ("a\r\nX-Evil: 1.png", "aX-Evil_ 1.png"),
        ("\u{202e}gnp.exe", "gnp.exe.png"),
        ("\"quoted\";x=y.png", "_quoted_;x=y.png"),
        ("..", "file.png"),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, file) = kit.post(Some(&kit.editor), given, "image/png", PNG).await;
        assert_eq!((status, &file["name"]), (StatusCode::CREATED, &json!(expect)), "{given:?}");
        kit.notice(json!({ "code": n.to_string(), "open": true, "cover": file["id"] })).await;
        let (status, headers, _) = kit.get(None, &address(HERE, &file["id"]), &[]).await;
        assert_eq!(status, StatusCode::OK);
        assert!(headers.get("x-evil").is_none());
    }
    assert_eq!(kit.blobs().len(), 1, "one content, one blob");
    for path in
        ["../../../x", "%2e%2e/x", "..%2f..%2fplatform.db/x", "018f3b1e-0000-7000-8000-000000000001/x", "x/y", "%00/x"]
    {
        let (status, _, _) = kit.get(Some(&kit.editor), &format!("/t/{HERE}/files/{path}"), &[]).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

async fn a_field_takes_only_its_types_and_files_of_the_caller(kit: Kit) {
    let pdf = kit.upload("a.pdf", "application/pdf", PDF).await;
    let (_, others) = kit.post(Some(&kit.token(7, Role::Editor).await), "b.png", "image/png", PNG).await;
    let nothing = json!("018f3b1e-0000-7000-8000-000000000001");
    for (field, value, expect) in [
        ("cover", pdf.clone(), "“封面”不接受此类型的文件：application/pdf"),
        ("cover", others["id"].clone(), "“封面”所指的文件不存在或不是您上传的，请重新上传"),
        ("cover", nothing.clone(), "“封面”所指的文件不存在或不是您上传的，请重新上传"),
        ("papers", json!([pdf, nothing]), "“附件”所指的文件不存在或不是您上传的，请重新上传"),
        ("papers", json!([pdf, pdf, pdf, pdf]), "“附件”最多 3 项"),
    ] {
        let mut input = json!({ "code": "a" });
        input[field] = value;
        let answer = kit.write(CREATE, json!({ "input": input })).await;
        let error = &answer.data()["deskCreateNotice"]["errors"][0];
        assert_eq!((&error["message"], &error["path"]), (&json!(expect), &json!(["input", field])));
    }
}

async fn two_records_share_a_file_and_the_last_one_takes_it_along(kit: Kit) {
    let id = kit.upload("a.png", "image/png", PNG).await;
    let first = kit.notice(json!({ "code": "a", "open": true, "cover": id })).await;
    // Another editor reads it in the first record, and so may refer to it.
    let other = kit.token(7, Role::Editor).await;
    let input = json!({ "input": { "code": "b", "open": true, "cover": id } });
    let answer = kit.app.graphql(HERE, Some(&other), CREATE, input).await;
    let second = answer.data()["deskCreateNotice"]["record"].clone();
    let delete =
        "mutation($id: ID!, $version: Int!) { deskDeleteNotice(id: $id, version: $version) { errors { code } } }";
    let gone = kit.write(delete, json!({ "id": first["id"], "version": 1 })).await;
    assert_eq!(gone.data()["deskDeleteNotice"]["errors"], json!([]));
    kit.clock.0.store(25, Ordering::Relaxed);
    assert_eq!(kit.sweep(HERE).await, Swept::default(), "the other record has it still");
    assert_eq!(kit.status(None, &id).await, StatusCode::OK);
    kit.clock.0.store(0, Ordering::Relaxed);
    let update = "mutation($id: ID!, $input: Desk_NoticeUpdate!) { deskUpdateNotice(id: $id, version: 1, input: $input) \
                  { errors { code } record { cover { name } } } }";
    let changed = kit.write(update, json!({ "id": second["id"], "input": { "cover": null } })).await;
    assert_eq!(changed.data()["deskUpdateNotice"], json!({ "errors": [], "record": { "cover": null } }));
    assert_eq!(kit.status(None, &id).await, StatusCode::NOT_FOUND, "nobody refers to it any more");
    assert_eq!(kit.sweep(HERE).await, Swept::default(), "it waits for a day");
    kit.clock.0.store(25, Ordering::Relaxed);
    assert_eq!(kit.sweep(HERE).await, Swept { files: 1, blobs: 1, ..Swept::default() });
    assert!(kit.blobs().is_empty());
    assert_eq!(kit.sweep(HERE).await, Swept::default(), "twice changes nothing");
}

async fn what_nobody_uses_is_swept_and_what_is_used_stays(kit: Kit) {
    let used = kit.upload("a.png", "image/png", PNG).await;
    kit.notice(json!({ "code": "a", "open": true, "cover": used, "papers": [kit.upload("b.pdf", "application/pdf", PDF).await] })).await;
    // The same content once more, and another one: nobody uses either.
    kit.upload("again.png", "image/png", PNG).await;
    let unused = kit.upload("c.csv", "text/csv", b"a,b\n").await;
    assert_eq!(kit.sweep(HERE).await, Swept::default(), "a record may follow within a day");
    kit.clock.0.store(25, Ordering::Relaxed);
    assert_eq!(kit.sweep(NEIGHBOUR).await, Swept::default());
    assert_eq!(kit.sweep(HERE).await, Swept { files: 2, blobs: 1, ..Swept::default() });
    assert_eq!((kit.status(None, &used).await, kit.blobs().len()), (StatusCode::OK, 2));
    let late = kit.write(CREATE, json!({ "input": { "code": "b", "papers": [unused] } })).await;
    assert_eq!(late.data()["deskCreateNotice"]["errors"][0]["path"], json!(["input", "papers"]));
}

async fn a_page_of_records_asks_for_its_files_at_once_and_pages_link_them(kit: Kit) {
    let id = kit.upload("封面.png", "image/png", PNG).await;
    let papers = [kit.upload("一.pdf", "application/pdf", PDF).await, kit.upload("二.csv", "text/csv", b"a\n").await];
    for n in 0..30 {
        kit.notice(json!({ "code": format!("n{n:02}"), "open": true, "cover": id, "papers": papers })).await;
    }
    let query = "{ desk { notices(first: 30) { nodes { cover { name } papers { name contentType } } } } }";
    let answer = kit.app.graphql(HERE, None, query, json!({})).await;
    let nodes = answer.data()["desk"]["notices"]["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 30);
    let types = json!([{ "name": "一.pdf", "contentType": "application/pdf" }, { "name": "二.csv", "contentType": "text/csv" }]);
    assert!(nodes.iter().all(|node| *node == json!({ "cover": { "name": "封面.png" }, "papers": types })));
    let (status, page) = kit.app.page(&format!("/t/{HERE}/p/desk/notices/n00")).await;
    assert_eq!(status, StatusCode::OK);
    let link = |id: &Json, name: &str| format!("href=\"/t/{HERE}/files/{}/{name}\"", id.as_str().unwrap());
    for (id, name) in [(&id, "%E5%B0%81%E9%9D%A2.png"), (&papers[0], "%E4%B8%80.pdf"), (&papers[1], "%E4%BA%8C.csv")] {
        assert!(page.contains(&link(id, name)), "{name} in {page}");
    }
    assert!(page.contains("封面.png（30 B）"), "{page}");
    let (_, table) = kit.app.page(&format!("/t/{HERE}/p/desk/")).await;
    assert!(table.contains(&link(&id, "%E5%B0%81%E9%9D%A2.png")) && table.contains("一.pdf（19 B）、二.csv（2 B）"));
}
