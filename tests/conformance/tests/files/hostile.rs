//! Files that are not what they seem: programs under other names, two things at once, archives that unpack to too much.

use std::io::{Cursor, Write as _};

use actix_web::http::StatusCode;
use actix_web::web::Bytes;
use serde_json::{Value as Json, json};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::kit::{HERE, Kit, PDF, PNG, address, told};

in_both! {
    a_program_is_taken_under_no_name_and_no_type,
    a_name_ends_as_what_the_file_is,
    what_is_two_things_at_once_is_refused_and_leaves_nothing,
    an_archive_is_taken_unless_it_unpacks_to_too_much,
}

fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Bytes that no packing makes smaller.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    })
    .flatten()
    .take(count)
    .collect()
}

async fn a_program_is_taken_under_no_name_and_no_type(kit: Kit) {
    let program = [b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff".as_slice(), &[0; 200]].concat();
    let script = b"#!/bin/sh\nrm -rf /\n".to_vec();
    for (name, content_type, bytes) in [
        ("report.pdf.exe", "application/pdf", &program),
        ("report.pdf", "application/pdf", &program),
        ("report.pdf", "application/octet-stream", &program),
        ("setup.exe", "application/vnd.microsoft.portable-executable", &program),
        ("setup.exe", "application/x-msdownload", &program),
        ("\u{202e}fdp.exe", "application/octet-stream", &program),
        ("run.sh", "text/x-shellscript", &script),
        ("notes.txt", "text/plain", &script),
        ("notes", "application/octet-stream", &script),
    ] {
        let (status, problem) = kit.post(Some(&kit.editor), name, content_type, bytes).await;
        let told = (status, &problem["code"]);
        assert_eq!(told, (StatusCode::UNSUPPORTED_MEDIA_TYPE, &json!("UNSUPPORTED")), "{name} {content_type}");
    }
    assert!(kit.blobs().is_empty());
}

async fn a_name_ends_as_what_the_file_is(kit: Kit) {
    for (n, (given, content_type, bytes, expect)) in [
        ("report.pdf.exe", "application/pdf", PDF, "report.pdf.exe.pdf"),
        ("公告\u{202e}fdp.scr", "application/pdf", PDF, "公告fdp.scr.pdf"),
        ("公告.pdf\u{3000}\u{3000}\u{3000}\u{3000}.js", "application/pdf", PDF, "公告.pdf .js.pdf"),
        ("表.html", "text/csv", b"a,b\n", "表.html.csv"),
        ("表.csv", "text/csv", b"a,b\n", "表.csv"),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, file) = kit.post(Some(&kit.editor), given, content_type, bytes).await;
        assert_eq!((status, &file["name"]), (StatusCode::CREATED, &json!(expect)));
        kit.notice(json!({ "code": n.to_string(), "open": true, "papers": [file["id"]] })).await;
        let (_, headers, _) = kit.get(None, &address(HERE, &file["id"]), &[]).await;
        let ending = expect.rsplit('.').next().unwrap();
        let disposition = told(&headers, "content-disposition");
        assert!(disposition.ends_with(&format!(".{ending}")), "{disposition}");
        assert!(disposition.contains(&format!(".{ending}\"; ")), "{disposition}");
    }
}

async fn refused(kit: &Kit, content_type: &str, bytes: Vec<u8>) -> Json {
    let (status, body) = kit.post_in_pieces("a.bin", content_type, vec![Ok(Bytes::from(bytes))]).await;
    assert!(status.is_client_error(), "{content_type} {status} {body:?}");
    assert!(kit.blobs().is_empty(), "{:?}", kit.blobs());
    serde_json::from_slice(&body).unwrap()
}

async fn what_is_two_things_at_once_is_refused_and_leaves_nothing(kit: Kit) {
    let archive = packed(&[("a.js", b"alert(1)")]);
    // The longest ones are in a bucket in parts already when they are looked through.
    for (content_type, bytes) in [
        ("image/gif", b"GIF89a=1/*<script>alert(document.domain)</script>*/".to_vec()),
        ("image/png", [PNG, b"<!DOCTYPE html><script>alert(1)</script>"].concat()),
        ("application/pdf", [PDF, b"\n%%EOF\n", &archive[..]].concat()),
        ("application/pdf", [PDF, &noise(6_000_000), &archive[..]].concat()),
        ("image/jpeg", [b"\xff\xd8\xff\xe0\0\x10JFIF\0".as_slice(), &noise(6_000_000), &archive].concat()),
    ] {
        let problem = refused(&kit, content_type, bytes).await;
        assert_eq!(problem["code"], json!("UNSUPPORTED"));
        assert!(problem["detail"].as_str().unwrap().contains("at once"), "{problem}");
    }
    let plain = [PDF, &noise(6_000_000)].concat();
    assert_eq!(kit.post(Some(&kit.editor), "a.pdf", "application/pdf", &plain).await.0, StatusCode::CREATED);
}

async fn an_archive_is_taken_unless_it_unpacks_to_too_much(kit: Kit) {
    let docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    let bomb = packed(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", &vec![b' '; 40 * 1024 * 1024])]);
    assert!(bomb.len() < 100_000);
    let long = packed(&[("a.bin", &noise(6_000_000)), ("word/document.xml", &vec![b' '; 600 * 1024 * 1024])]);
    for (content_type, bytes) in [(docx, &bomb), ("application/zip", &bomb), ("application/ofd", &bomb), (docx, &long)]
    {
        assert_eq!(refused(&kit, content_type, bytes.clone()).await["code"], json!("LIMIT_EXCEEDED"), "{content_type}");
    }
    let leads_out = packed(&[("../../../etc/cron.d/x", b"* * * * * root x")]);
    let cut_off = packed(&[("word/document.xml", b"text")]);
    for bytes in [leads_out, cut_off[..cut_off.len() - 9].to_vec(), b"PK\x03\x04 nothing else".to_vec()] {
        assert_eq!(refused(&kit, docx, bytes).await["code"], json!("UNSUPPORTED"));
    }
    let text = "一段普通的文字。".repeat(10_000);
    let plain = packed(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", text.as_bytes())]);
    let large = packed(&[("word/media/image1.png", &noise(6_000_000)), ("word/document.xml", text.as_bytes())]);
    for (name, bytes) in [("a.docx", plain), ("b.docx", large)] {
        let (status, file) = kit.post(Some(&kit.editor), name, docx, &bytes).await;
        assert_eq!((status, &file["name"], &file["contentType"]), (StatusCode::CREATED, &json!(name), &json!(docx)));
    }
}
