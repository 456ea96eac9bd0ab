//! Columns of files in spreadsheets.

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_domain::Role;

use crate::kit::{HERE, Kit, PDF, PNG, signed};

#[actix_web::test]
async fn a_column_of_files_goes_round_by_spreadsheet_and_takes_nobody_elses() {
    let kit = Kit::new().await;
    let (cover, paper) =
        (kit.upload("a.png", "image/png", PNG).await, kit.upload("a.pdf", "application/pdf", PDF).await);
    let record = kit.notice(json!({ "code": "N1", "cover": cover, "papers": [paper, paper] })).await;
    let address = format!("/t/{HERE}/records/desk/notice");
    let export = async || {
        let (status, _, body) =
            kit.get(Some(&kit.editor), &format!("{address}.csv?fields=code,cover,papers"), &[]).await;
        assert_eq!(status, StatusCode::OK);
        body
    };
    let import = async |file: Vec<u8>| {
        let request = TestRequest::post().uri(&format!("{address}?format=csv&key=code"));
        let request = request.insert_header(("content-type", "text/csv"));
        let (status, _, body) = kit.app.call(signed(request, Some(&kit.editor)).set_payload(file)).await;
        (status, serde_json::from_slice::<Json>(&body).unwrap())
    };
    let file = export().await;
    let delete = "mutation($id: ID!) { deskDeleteNotice(id: $id, version: 1) { errors { code } } }";
    assert_eq!(kit.write(delete, json!({ "id": record["id"] })).await.data()["deskDeleteNotice"]["errors"], json!([]));
    let (status, done) = import(file.to_vec()).await;
    assert_eq!((status, &done["created"]), (StatusCode::OK, &json!(1)), "{done}");
    assert_eq!(export().await, file);
    let citizen = kit.token(7, Role::Citizen).await;
    let (_, theirs) = kit.post(Some(&citizen), "b.png", "image/png", PNG).await;
    let foreign = format!("code,cover\r\nN2,{}\r\n", theirs["id"].as_str().unwrap());
    let (status, refused) = import(foreign.into_bytes()).await;
    assert_eq!(
        (status, &refused["problems"][0]["column"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("cover")),
        "{refused}"
    );
    assert_eq!(export().await, file);
}
