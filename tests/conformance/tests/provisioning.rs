//! Regions: provisioning twice changes nothing, and what is wrong is told with its mend.

use actix_web::test::TestRequest;
use serde_json::json;
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_test_support::{PROBE_GRANTS, TestApp, probe, region};

/// The authorities whose systems Sunlit replaces, and those above them. A ministry has no division code.
#[actix_web::test]
async fn every_carried_region_comes_to_life_and_answers() {
    let app = TestApp::start().await;
    let library = sunlit_tenants::RegionLibrary::carried().unwrap();
    for region in library.regions() {
        let slug = region.tenant.slug.as_str();
        let tenant = app.provision(slug).await;
        let answer = app.graphql(slug, None, "{ apiVersion }", json!({})).await;
        assert_eq!(answer.data()["apiVersion"], json!("0.1"), "{slug}");
        let host = region.tenant.hosts[0].clone();
        let request = TestRequest::get().uri("/").insert_header(("host", host.as_str()));
        let (status, _, page) = app.call(request).await;
        let page = String::from_utf8(page.to_vec()).unwrap();
        assert!(status.is_success() && page.contains(&region.tenant.short_name.zh), "{host}: {status}");
        assert_eq!(app.tenant_id(slug).await, tenant);
    }
}

#[actix_web::test]
async fn provisioning_twice_changes_nothing() {
    let app = TestApp::start().await;
    let first = app.provision("610112").await;
    let second = app.provision("610112").await;
    assert_eq!(first, second);
    let answer = app
        .graphql("610112", None, "{ streetCards { streets { totalCount } servicePoints { totalCount } } }", json!({}))
        .await;
    assert_eq!(
        answer.data()["streetCards"],
        json!({ "streets": { "totalCount": 12 }, "servicePoints": { "totalCount": 36 } })
    );
}

#[actix_web::test]
async fn a_published_version_never_changes_and_undeclared_imports_are_refused() {
    let app = TestApp::start().await;
    let (manifest, component) = probe();
    let publish = async |manifest: String, component: Option<Vec<u8>>| {
        publish::run(app.app(), manifest, component, Existing::Keep).await.map(drop).map_err(|error| error.to_string())
    };
    publish(manifest.clone(), Some(component.clone())).await.unwrap();
    let changed = manifest.replace("你好", "您好");
    let told = publish(changed, Some(component.clone())).await.unwrap_err();
    assert!(told.contains("raise its version"), "{told}");
    let silent = manifest.replace("version = \"0.1.0\"", "version = \"0.2.0\"").replace("clock = ", "# clock = ");
    let told = publish(silent, Some(component.clone())).await.unwrap_err();
    assert!(told.contains("imports `clock`") && told.contains("[capabilities]"), "{told}");
    let told = publish(manifest.replace("version = \"0.1.0\"", "version = \"0.3.0\""), None).await.unwrap_err();
    assert!(told.contains("there is no component"), "{told}");
    let told = publish(manifest.clone(), Some(b"\0asm\x01\0\0\0".to_vec())).await.unwrap_err();
    assert!(told.contains("core module"), "{told}");
}

#[actix_web::test]
async fn a_package_that_no_longer_loads_leaves_the_others_standing() {
    let app = TestApp::start().await;
    let grants = &["storage", "records", "settings", "log"];
    app.tenant("900004", &[("street-cards", grants), ("probe", &PROBE_GRANTS)]).await;
    let both = "{ probe { echo(text: \"x\") } streetCards { streets { totalCount } } }";
    assert_eq!(app.graphql("900004", None, both, json!({})).await.data()["probe"]["echo"], json!("x"));
    // Another component under the same version, which wants the clock: nobody granted it.
    let manifest = include_str!("../../../plugins/street-cards/plugin.toml");
    let manifest = manifest.replace("[capabilities]\n", "[capabilities]\nclock = \"测试\"\n");
    publish::run(app.app(), manifest, Some(probe().1.clone()), Existing::Replace).await.unwrap();
    let answer = app.graphql("900004", None, "{ probe { echo(text: \"x\") } }", json!({})).await;
    assert_eq!(answer.data()["probe"]["echo"], json!("x"));
    assert_eq!(app.page("/t/900004/p/street-cards/").await.0.as_u16(), 404);
    assert_eq!(app.page("/t/900004/").await.0.as_u16(), 200);
}

#[actix_web::test]
async fn data_refers_to_records_of_another_package() {
    let app = TestApp::start().await;
    for manifest in [include_str!("../packages/market.toml"), include_str!("../packages/visits.toml")] {
        publish::run(app.app(), manifest.to_owned(), None, Existing::Keep).await.unwrap();
    }
    let packages = "[[package]]\nid = \"market\"\n\
                    [[package.data]]\ncollection = \"hall\"\nkey = \"code\"\nfile = \"900005/hall.toml\"\n\
                    [[package]]\nid = \"visits\"\ngrants = [\"uses:market\"]\n\
                    [[package.data]]\ncollection = \"visit\"\nkey = \"code\"\nfile = \"900005/visit.toml\"\n";
    let region = &region("900005", packages);
    let halls = ("900005/hall.toml", "[[record]]\ncode = \"A\"\n[[record]]\ncode = \"B\"\n");
    let visit = "[[record]]\ncode = \"V1\"\nhall = { code = \"B\" }\n";
    app.provision_text("900005", region, &[halls, ("900005/visit.toml", visit)]).await;
    let query = "{ visits { visits { nodes { code hall { code } } } } }";
    let answer = app.graphql("900005", None, query, json!({})).await;
    assert_eq!(answer.data()["visits"]["visits"]["nodes"], json!([{ "code": "V1", "hall": { "code": "B" } }]));
    let astray = visit.replace("V1", "V2").replace("\"B\"", "\"Z\"");
    let told = app.try_provision_text("900005", region, &[halls, ("900005/visit.toml", &astray)]).await.unwrap_err();
    assert!(told.contains("record 1: there is no market.hall with code = \"Z\""), "{told}");
}
