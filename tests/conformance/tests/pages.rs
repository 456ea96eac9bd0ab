//! Portal pages from declared views: complete in the first HTML, escaped, and whole when a plugin is not.

use actix_web::http::StatusCode;
use sunlit_test_support::TestApp;

#[actix_web::test]
async fn the_district_shows_its_streets_and_each_street_its_card() {
    let app = TestApp::start().await;
    app.provision("610112").await;
    let (status, list) = app.page("/t/610112/p/street-cards/").await;
    assert_eq!(status, StatusCode::OK);
    for n in 1..=12 {
        assert!(list.contains(&format!("href=\"/t/610112/p/street-cards/streets/610112{n:03}\"")), "{n}");
    }
    assert!(list.contains("<svg") && list.contains("示例数据") && !list.contains("<script"));
    let (status, card) = app.page("/t/610112/p/street-cards/streets/610112009").await;
    assert_eq!(status, StatusCode::OK);
    for expected in ["未央宫街道", "简介", "联系电话", "029-0000-0009", "政务驿站", "生活圈内服务点", "3 个", "<svg"]
    {
        assert!(card.contains(expected), "{expected}");
    }
    for missing in ["streets/999", "streets/", "nothing", "streets/610112001/more"] {
        let (status, page) = app.page(&format!("/t/610112/p/street-cards/{missing}")).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{missing}");
        assert!(page.contains("没有找到"), "{missing}");
    }
}

#[actix_web::test]
async fn the_index_leads_to_every_tenant_and_home_to_every_package() {
    let app = TestApp::start().await;
    let (status, empty) = app.page("/").await;
    assert_eq!(status, StatusCode::OK);
    assert!(!empty.contains("/t/610112/"));
    app.provision("610112").await;
    let (_, index) = app.page("/").await;
    for slug in ["610000", "610100", "610112"] {
        assert!(index.contains(&format!("href=\"/t/{slug}/\"")), "{slug}");
    }
    assert!(app.page("/t/610112/").await.1.contains("href=\"/t/610112/p/street-cards/\""));
    assert_eq!(app.page("/t/610100/").await.0, StatusCode::OK);
}

#[actix_web::test]
async fn content_is_data_and_never_markup() {
    let app = TestApp::start().await;
    let region = "[tenant]\nslug = \"900003\"\ncode = \"900003\"\nkind = \"district\"\n\
                  name = { zh = \"<b>区</b>\" }\nshort_name = { zh = \"区\" }\n[[package]]\nid = \"street-cards\"\n\
                  grants = [\"storage\", \"records\", \"settings\", \"log\"]\n[[package.data]]\ncollection = \"street\"\nkey = \"code\"\n\
                  file = \"900003/street.toml\"\n";
    let street = "[[record]]\ncode = \"900003001\"\nname = \"<script>alert(1)</script>\"\n\
                  introduction = \"\\\"><img src=x onerror=alert(1)>\"\nlocation = \"{{ 7 * 7 }}\"\n";
    app.provision_text("900003", region, &[("900003/street.toml", street)]).await;
    for path in ["/t/900003/", "/t/900003/p/street-cards/", "/t/900003/p/street-cards/streets/900003001"] {
        let (status, page) = app.page(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        for markup in ["<script", "<img", "<b>区"] {
            assert!(!page.contains(markup), "{path}: {markup}");
        }
    }
    let (_, card) = app.page("/t/900003/p/street-cards/streets/900003001").await;
    assert!(card.contains("&lt;script&gt;") && card.contains("{{ 7 * 7 }}"));
}
