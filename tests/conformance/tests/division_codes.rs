//! Division codes of former days: who has them, what the API tells of them, and where their addresses lead.
#![expect(clippy::unwrap_used, reason = "tests")]

use actix_web::http::{Method, StatusCode, header};
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::command::tenant::set_state;
use sunlit_app::query::tenant_find;
use sunlit_domain::tenant_state::TenantState;
use sunlit_test_support::{TestApp, region};

const DISTRICT: &str = "900010";
const OTHER: &str = "900020";
const FORMER: &str = "900011";
const SHARED: &str = "900012";

fn former(code: &str, to: &str) -> String {
    format!("[[tenant.former_code]]\ncode = \"{code}\"\nfrom = \"1992-10-11\"\nto = \"{to}\"\n")
}

/// Two districts that parted one code between them; the first has one of its own besides.
async fn districts() -> TestApp {
    let app = TestApp::start().await;
    let shared = former(SHARED, "2001-01-01");
    let own = format!("code_from = \"2009-05-06\"\n{}{shared}", former(FORMER, "2009-05-06"));
    app.provision_text(DISTRICT, &region(DISTRICT, &own), &[]).await;
    app.provision_text(OTHER, &region(OTHER, &shared), &[]).await;
    app
}

/// The status and, when it leads elsewhere, the address.
async fn asked(app: &TestApp, method: Method, path: &str) -> (StatusCode, Option<String>) {
    let (status, headers, _) = app.call(TestRequest::default().method(method).uri(path)).await;
    (status, headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned()))
}

async fn told(app: &TestApp) -> Json {
    let query = "{ divisionCodes { code validFrom validTo } }";
    app.graphql(DISTRICT, None, query, json!({})).await.data()["divisionCodes"].clone()
}

#[actix_web::test]
async fn the_codes_of_a_tenant_are_those_of_its_region_file_as_provisioned_last() {
    let app = districts().await;
    let expect = json!([
        { "code": SHARED, "validFrom": "1992-10-11", "validTo": "2001-01-01" },
        { "code": FORMER, "validFrom": "1992-10-11", "validTo": "2009-05-06" },
        { "code": DISTRICT, "validFrom": "2009-05-06", "validTo": null },
    ]);
    assert_eq!(told(&app).await, expect);
    app.provision_text(DISTRICT, &region(DISTRICT, ""), &[]).await;
    assert_eq!(told(&app).await, json!([{ "code": DISTRICT, "validFrom": null, "validTo": null }]));
    // What was a former code leads nowhere now, and the shared one is one tenant's alone.
    assert_eq!(asked(&app, Method::GET, &format!("/t/{FORMER}/")).await, (StatusCode::NOT_FOUND, None));
    let to = Some(format!("/t/{OTHER}/"));
    assert_eq!(asked(&app, Method::GET, &format!("/t/{SHARED}/")).await, (StatusCode::PERMANENT_REDIRECT, to));
}

#[actix_web::test]
async fn the_address_of_a_former_code_leads_to_the_same_place_of_the_present_tenant() {
    let app = districts().await;
    let rests = [
        "",
        "/",
        "?page=2",
        "/p/street-cards/streets/900010001?page=2&q=%E5%B8%82",
        "/graphql?query=%7BapiVersion%7D",
        "/nothing/is/here",
        "//elsewhere.example/x",
        "/%2e%2e/%0d%0aset-cookie:x",
    ];
    for rest in rests {
        let expect = (StatusCode::PERMANENT_REDIRECT, Some(format!("/t/{DISTRICT}{rest}")));
        for method in [Method::GET, Method::HEAD, Method::POST] {
            assert_eq!(asked(&app, method, &format!("/t/{FORMER}{rest}")).await, expect);
        }
    }
    let absolute = format!("http://elsewhere.example/t/{FORMER}/");
    assert_eq!(asked(&app, Method::GET, &absolute).await.1, Some(format!("/t/{DISTRICT}/")));
    // Whoever is suspended says so at the present address.
    let scope = app.administrator(app.tenant_id(DISTRICT).await);
    set_state::run(app.app(), &scope, TenantState::Suspended).await.unwrap();
    let (status, _) = asked(&app, Method::GET, &format!("/t/{FORMER}/")).await;
    assert_eq!(status, StatusCode::PERMANENT_REDIRECT);
}

#[actix_web::test]
async fn a_code_that_was_split_or_is_a_tenants_own_leads_nowhere_else() {
    let app = districts().await;
    let (status, page) = app.page(&format!("/t/{SHARED}/")).await;
    assert!(status == StatusCode::NOT_FOUND && page.contains("<!doctype html>"), "{status} {page}");
    for path in
        ["/t/900099/", "/t/90001/", &format!("/t/{FORMER}x/"), &format!("/{FORMER}/"), &format!("/x/t/{FORMER}/")]
    {
        assert_eq!(asked(&app, Method::GET, path).await, (StatusCode::NOT_FOUND, None), "{path}");
    }
    assert_eq!(asked(&app, Method::GET, &format!("/t/{DISTRICT}/")).await, (StatusCode::OK, None));
    // A tenant whose slug it is comes before the one whose code it was, as soon as there is one.
    assert_eq!(asked(&app, Method::GET, &format!("/t/{FORMER}/")).await.0, StatusCode::PERMANENT_REDIRECT);
    app.provision_text(FORMER, &region(FORMER, ""), &[]).await;
    assert_eq!(asked(&app, Method::GET, &format!("/t/{FORMER}/")).await, (StatusCode::OK, None));
}

#[actix_web::test]
async fn a_code_means_whose_it_was_on_that_day() {
    let app = districts().await;
    let check = async |code: &str, day: &str, expect: &[&str]| {
        let found = tenant_find::by_code(app.app(), code, day.parse().unwrap()).await.unwrap();
        let slugs: Vec<&str> = found.iter().map(|tenant| tenant.slug.as_str()).collect();
        assert_eq!(slugs, expect, "{code} on {day}");
    };
    check(FORMER, "1992-10-10", &[]).await;
    check(FORMER, "1992-10-11", &[DISTRICT]).await;
    check(FORMER, "2009-05-05", &[DISTRICT]).await;
    check(FORMER, "2009-05-06", &[]).await;
    check(SHARED, "2000-12-31", &[DISTRICT, OTHER]).await;
    check(DISTRICT, "2009-05-05", &[]).await;
    check(DISTRICT, "2009-05-06", &[DISTRICT]).await;
    check(OTHER, "1949-10-01", &[OTHER]).await;
}
