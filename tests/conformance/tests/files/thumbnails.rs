//! Pictures in small: who gets them, that they are made once, and that they go with their picture.

use std::io::Cursor;
use std::sync::atomic::Ordering;

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use futures_util::future::join_all;
use image::{DynamicImage, GenericImageView as _, ImageBuffer, ImageFormat, Rgb};
use serde_json::{Value as Json, json};
use sunlit_app::command::file::sweep::Swept;

use crate::kit::{HERE, Kit, PDF, PNG, told};

in_both! {
    a_picture_is_made_small_once_for_whoever_may_read_it,
    an_address_of_a_small_picture_opens_it_and_nothing_else,
    a_small_picture_goes_with_its_file,
    what_cannot_be_made_small_is_refused_and_stays_as_it_is,
    widths_are_those_that_there_are,
}

const ASK: &str = "query($id: ID!, $width: Int!) { workspace { desk { notice(id: $id) { cover { thumbnailUrl(width: $width) } \
     papers { thumbnailUrl(width: $width) } } } } }";

fn picture(width: u32, height: u32) -> Vec<u8> {
    let picture =
        ImageBuffer::from_fn(width, height, |x, _| if x < width / 2 { Rgb([250_u8, 0, 0]) } else { Rgb([0, 0, 250]) });
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

/// A notice with a picture and a paper; its id and the picture's.
async fn notice(kit: &Kit, bytes: &[u8], open: bool) -> (Json, Json) {
    let id = kit.upload("图.png", "image/png", bytes).await;
    let paper = kit.upload("a.pdf", "application/pdf", PDF).await;
    let notice = kit.notice(json!({ "code": "a", "open": open, "cover": id, "papers": [paper] })).await;
    (notice["id"].clone(), id)
}

fn small(id: &Json, width: &str) -> String {
    format!("/t/{HERE}/files/{}/x?width={width}", id.as_str().unwrap())
}

async fn a_picture_is_made_small_once_for_whoever_may_read_it(kit: Kit) {
    let (_, id) = notice(&kit, &picture(400, 200), false).await;
    let before = kit.blobs().len();
    assert_eq!(kit.get(None, &small(&id, "160"), &[]).await.0, StatusCode::NOT_FOUND, "the anonymous read no drafts");
    assert_eq!(kit.blobs().len(), before, "and have nothing made");
    // Ten at once have it made once.
    let path = small(&id, "160");
    for (status, headers, body) in join_all((0..10).map(|_| kit.get(Some(&kit.editor), &path, &[]))).await {
        assert_eq!(status, StatusCode::OK);
        assert_eq!(told(&headers, "content-type"), "image/jpeg");
        assert_eq!(image::load_from_memory(&body).unwrap().dimensions(), (160, 80));
    }
    assert_eq!(kit.blobs().len(), before + 1);
    let (_, headers, body) = kit.get(Some(&kit.editor), &path, &[]).await;
    assert_eq!(told(&headers, "cache-control"), "private, no-cache");
    assert!(told(&headers, "content-disposition").starts_with("inline; filename=\"_.png.jpg\""));
    assert!(told(&headers, "content-security-policy").ends_with("; sandbox"));
    let tag = told(&headers, "etag").to_owned();
    let (_, whole, _) = kit.get(Some(&kit.editor), &path.replace("?width=160", ""), &[]).await;
    assert_ne!(told(&whole, "etag"), tag, "it is another content");
    let known = [("if-none-match", tag.as_str())];
    assert_eq!(kit.get(Some(&kit.editor), &path, &known).await.0, StatusCode::NOT_MODIFIED);
    assert_eq!(kit.get(None, &path, &known).await.0, StatusCode::NOT_FOUND);
    let head = TestRequest::default().method("HEAD".parse().unwrap()).uri(&path);
    let head = head.insert_header(("authorization", format!("Bearer {}", kit.editor)));
    let (status, headers, nothing) = kit.app.call(head).await;
    assert_eq!((status, nothing.len()), (StatusCode::OK, 0));
    assert_eq!(told(&headers, "content-length"), body.len().to_string());
}

async fn an_address_of_a_small_picture_opens_it_and_nothing_else(kit: Kit) {
    let (notice, _) = notice(&kit, &picture(400, 200), false).await;
    let answer = kit.write(ASK, json!({ "id": notice, "width": 320 })).await;
    let found = &answer.data()["workspace"]["desk"]["notice"];
    assert_eq!(found["papers"], json!([{ "thumbnailUrl": null }]), "a PDF is no picture");
    let url = found["cover"]["thumbnailUrl"].as_str().unwrap();
    let (status, headers, body) = kit.get(None, url, &[]).await;
    assert_eq!(status, StatusCode::OK);
    assert!(told(&headers, "cache-control").starts_with("private, max-age="));
    assert_eq!(image::load_from_memory(&body).unwrap().dimensions(), (320, 160));
    for changed in [url.replace("width=320&", ""), url.replace("width=320", "width=640")] {
        assert_ne!(changed, url);
        assert_eq!(kit.get(None, &changed, &[]).await.0, StatusCode::NOT_FOUND, "{changed}");
    }
    let answer = kit.write(ASK, json!({ "id": notice, "width": 321 })).await;
    assert_eq!(answer.code(), "INVALID_INPUT");
}

async fn a_small_picture_goes_with_its_file(kit: Kit) {
    let (notice, id) = notice(&kit, &picture(400, 200), true).await;
    for width in ["160", "320", "640"] {
        assert_eq!(kit.get(None, &small(&id, width), &[]).await.0, StatusCode::OK);
    }
    assert_eq!(kit.blobs().len(), 5);
    kit.clock.0.store(25, Ordering::Relaxed);
    assert_eq!(kit.sweep(HERE).await, Swept::default(), "as long as a record has the picture they stay");
    kit.clock.0.store(0, Ordering::Relaxed);
    let delete =
        "mutation($id: ID!, $version: Int!) { deskDeleteNotice(id: $id, version: $version) { errors { code } } }";
    assert!(kit.write(delete, json!({ "id": notice, "version": 1 })).await.is_acknowledged());
    kit.clock.0.store(25, Ordering::Relaxed);
    assert_eq!(kit.sweep(HERE).await, Swept { files: 2, blobs: 2, ..Swept::default() });
    assert!(kit.blobs().is_empty(), "{:?}", kit.blobs());
    assert_eq!(kit.sweep(HERE).await, Swept::default());
}

async fn what_cannot_be_made_small_is_refused_and_stays_as_it_is(kit: Kit) {
    // What says that it has 65,535 × 65,535 pixels, and what has only a picture's beginning.
    let mut bomb =
        b"GIF89a\xff\xff\xff\xff\xf0\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;".to_vec();
    bomb.extend([0; 64]);
    let bomb = kit.upload("b.gif", "image/gif", &bomb).await;
    let notice_of = "mutation($id: ID!) { deskCreateNotice(input: { code: \"b\", open: true, internal: $id }) { errors { code } } }";
    assert_eq!(kit.write(notice_of, json!({ "id": bomb })).await.data()["deskCreateNotice"]["errors"], json!([]));
    let (_, damaged) = notice(&kit, PNG, true).await;
    for (id, whole) in [(&bomb, 200), (&damaged, 200)] {
        for _ in 0..2 {
            let (status, _, body) = kit.get(Some(&kit.editor), &small(id, "160"), &[]).await;
            assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{body:?}");
        }
        let path = small(id, "160").replace("?width=160", "");
        assert_eq!(kit.get(Some(&kit.editor), &path, &[]).await.0.as_u16(), whole);
    }
    // Three contents, and for each of two a note that it cannot be made small.
    assert_eq!(kit.blobs().len(), 5);
}

async fn widths_are_those_that_there_are(kit: Kit) {
    let (_, id) = notice(&kit, &picture(40, 20), true).await;
    let before = kit.blobs().len();
    for width in ["0", "-160", "161", "99999999999999999999", "160px", "", "160&width=320"] {
        assert_eq!(kit.get(None, &small(&id, width), &[]).await.0, StatusCode::BAD_REQUEST, "{width}");
    }
    let paper = kit.upload("b.pdf", "application/pdf", &[PDF, b"!"].concat()).await;
    kit.notice(json!({ "code": "p", "open": true, "papers": [paper] })).await;
    assert_eq!(kit.get(None, &small(&paper, "160"), &[]).await.0, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(kit.blobs().len(), before + 1, "nothing was made");
    let (status, _, body) = kit.get(None, &small(&id, "1280"), &[]).await;
    assert_eq!((status, image::load_from_memory(&body).unwrap().dimensions()), (StatusCode::OK, (40, 20)));
}
