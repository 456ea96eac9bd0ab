//! An authority that subscribes by itself, and those who only look as if they might.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use serde_json::{Value as Json, json};
use sunlit_app::command::account::invite::{self, Invitation};
use sunlit_app::command::tenant::create::{self, NewTenant};
use sunlit_app::mail::MailConfig;
use sunlit_app::{Environment, SystemEnvironment, subscription};
use sunlit_domain::Role;
use sunlit_storage::platform::tenant;
use sunlit_storage::tenant::identity::account;
use sunlit_test_support::{SetClock, TestApp};

use crate::kit::with_small;

/// A mail server that takes everything and forwards nothing.
struct Sink {
    address: String,
    letters: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("smtp://{}", listener.local_addr().unwrap());
        let letters = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&letters);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, kept) = (stream.unwrap(), Arc::clone(&kept));
                std::thread::spawn(move || take(&stream, &kept));
            }
        });
        Self { address, letters }
    }

    fn count(&self) -> usize {
        self.letters.lock().unwrap().len()
    }

    /// The ticket of the last letter's link.
    fn ticket(&self) -> String {
        let letter = self.letters.lock().unwrap().last().unwrap().clone();
        letter.split("confirm?ticket=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    }
}

fn take(mut stream: &TcpStream, kept: &Mutex<Vec<String>>) -> Option<()> {
    let mut lines = BufReader::new(stream).lines();
    stream.write_all(b"220 sink\r\n").ok()?;
    loop {
        let line = lines.next()?.ok()?.to_ascii_uppercase();
        if line.starts_with("DATA") {
            stream.write_all(b"354 go on\r\n").ok()?;
            let mut letter = String::new();
            loop {
                let line = lines.next()?.ok()?;
                if line == "." {
                    break;
                }
                // Quoted-printable: soft line breaks go, `=3D` is `=`.
                match line.strip_suffix('=') {
                    Some(part) => letter.push_str(part),
                    None => letter.push_str(&format!("{line}\n")),
                }
            }
            kept.lock().unwrap().push(decoded(&letter));
        }
        stream.write_all(if line.starts_with("QUIT") { b"221 bye\r\n" } else { b"250 ok\r\n" }).ok()?;
    }
}

/// The body, whichever way it was encoded.
fn decoded(letter: &str) -> String {
    let (head, body) = letter.split_once("\n\n").unwrap_or((letter, ""));
    if head.to_ascii_lowercase().contains("content-transfer-encoding: base64") {
        return String::from_utf8(unbase64(body)).unwrap();
    }
    body.replace("=3D", "=")
}

fn unbase64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes().filter_map(|byte| LETTERS.iter().position(|known| *known == byte)) {
        bits = bits << 6 | u32::try_from(letter).unwrap();
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap());
        }
    }
    bytes
}

struct House {
    app: TestApp,
    sink: Sink,
}

impl House {
    async fn new() -> Self {
        Self::with(Arc::new(SystemEnvironment)).await
    }

    async fn with(environment: Arc<dyn Environment>) -> Self {
        let sink = Sink::start();
        let server = sink.address.clone();
        let app = TestApp::start_configured(environment, |config| {
            config.plans = with_small();
            config.subscription_domains = vec!["gov.cn".to_owned(), "ministry.example".to_owned()];
            config.mail = Some(MailConfig { server, from: "noreply@example.org".to_owned() });
        });
        Self { app: app.await, sink }
    }

    async fn send(&self, path: &str, body: &Json) -> (StatusCode, Json) {
        let (status, _, body) = self.app.call(TestRequest::post().uri(path).set_json(body)).await;
        (status, serde_json::from_slice(&body).unwrap_or(Json::Null))
    }

    async fn ask(&self, body: &Json) -> (StatusCode, Json) {
        self.send("/subscribe", body).await
    }

    async fn confirm(&self, ticket: &str) -> (StatusCode, Json) {
        self.send("/subscribe/confirm", &json!({ "ticket": ticket })).await
    }

    async fn is_there(&self, slug: &str) -> bool {
        tenant::by_slug(&self.app.app().platform, slug).await.unwrap().is_some()
    }
}

/// An authority of its own division.
fn own(code: &str, administrator: &str) -> Json {
    json!({
        "code": code, "name": "测试区人民政府", "kind": "district", "plan": "trial",
        "administratorName": "张一", "administratorEmail": administrator,
        "securityName": "李二", "securityEmail": "li@test.gov.cn",
    })
}

fn fields(told: &Json) -> Vec<&str> {
    told["problems"].as_array().unwrap().iter().map(|problem| problem["field"].as_str().unwrap()).collect()
}

#[actix_web::test]
async fn a_form_a_link_and_a_tenant_with_two_people_and_the_plans_packages() {
    let house = House::new().await;
    let (status, told) = house.ask(&own("999001", "Zhang@test.gov.cn")).await;
    assert_eq!((status, &told["mailedTo"]), (StatusCode::ACCEPTED, &json!("zhang@test.gov.cn")), "{told}");
    let ticket = house.sink.ticket();
    assert!(!ticket.contains("zhang") && ticket.len() < subscription::MAX_TICKET, "{ticket}");
    // Looking does nothing: not even a tenant that nobody sees.
    let (status, page) = house.app.page(&format!("/subscribe/confirm?ticket={ticket}")).await;
    assert!(
        status == StatusCode::OK && page.contains("测试区人民政府") && page.contains("zhang@test.gov.cn"),
        "{page}"
    );
    assert!(!house.is_there("999001").await);
    let (status, told) = house.confirm(&ticket).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_eq!((&told["portal"], &told["plan"]), (&json!("http://localhost/t/999001/"), &json!("trial")));
    assert_eq!(told["invited"], json!(["zhang@test.gov.cn", "li@test.gov.cn"]));
    let id = house.app.tenant_id("999001").await;
    let counted = async || {
        let scope = house.app.scope(id);
        let session = house.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        account::count(&scope, &session).await.unwrap()
    };
    assert_eq!(counted().await, 2);
    assert_eq!(house.app.page("/t/999001/").await.0, StatusCode::OK);
    let list = house.app.graphql("999001", None, "{ streetCards { streets { totalCount } } }", json!({})).await;
    assert_eq!(list.data()["streetCards"]["streets"]["totalCount"], 0);
    // Again it says the same and does nothing.
    let letters = house.sink.count();
    assert_eq!(house.confirm(&ticket).await, (StatusCode::OK, told));
    assert_eq!((counted().await, house.sink.count()), (2, letters));
    house.app.worker().once().await.unwrap();
    assert_eq!(house.sink.count(), letters + 2, "both are invited by mail, once");
}

#[actix_web::test]
async fn a_listed_region_comes_with_what_its_file_says_and_a_taken_one_is_refused_when_asked_and_when_confirmed() {
    let house = House::new().await;
    let mut asked = own("", "zhang@test.gov.cn");
    asked["region"] = json!("610112");
    asked["plan"] = json!("district");
    assert_eq!(house.ask(&asked).await.0, StatusCode::ACCEPTED);
    let first = house.sink.ticket();
    asked["administratorEmail"] = json!("wang@test.gov.cn");
    assert_eq!(house.ask(&asked).await.0, StatusCode::ACCEPTED);
    let second = house.sink.ticket();
    assert_eq!(house.confirm(&first).await.0, StatusCode::OK);
    let found = tenant::by_slug(&house.app.app().platform, "610112").await.unwrap().unwrap();
    assert_eq!((found.name.zh.contains("未央"), found.parent), (true, None), "nobody above it has subscribed");
    let (status, told) = house.confirm(&second).await;
    assert_eq!((status, fields(&told)), (StatusCode::BAD_REQUEST, vec!["region"]), "{told}");
    asked["administratorEmail"] = json!("zhao@test.gov.cn");
    assert_eq!(fields(&house.ask(&asked).await.1), ["region"]);
    // Its code is nobody else's to take under another name.
    assert_eq!(fields(&house.ask(&own("610100", "zhao@test.gov.cn")).await.1), ["code"]);
}

#[actix_web::test]
async fn what_is_wrong_is_told_field_by_field_and_nobody_is_mailed() {
    let house = House::new().await;
    let check = async |field: &str, value: &str, expect: &[&str]| {
        let mut asked = own("999002", "zhang@test.gov.cn");
        asked[field] = json!(value);
        let (status, told) = house.ask(&asked).await;
        assert_eq!((status, fields(&told)), (StatusCode::BAD_REQUEST, expect.to_vec()), "{field} = {value}: {told}");
    };
    for address in [
        "zhang@gov.cn.evil.example",
        "zhang@evilgov.cn",
        "zhang@gov.cn@evil.example",
        "zhang@gov.com",
        "zhang@cn",
        "zhang@ministry.example.org",
        "zhang@.gov.cn",
        "\"a@test.gov.cn\"@evil.example",
        "zhang@test.gov.cn\r\nBcc: x@y.z",
        "",
    ] {
        check("administratorEmail", address, &["administratorEmail"]).await;
    }
    check("securityEmail", "zhang@test.gov.cn", &["securityEmail"]).await;
    check("securityEmail", "ZHANG@TEST.GOV.CN", &["securityEmail"]).await;
    check("securityName", "张一", &["securityEmail"]).await;
    check("administratorName", &"张".repeat(51), &["administratorName"]).await;
    check("administratorName", "张\n一", &["administratorName"]).await;
    check("plan", "standard", &["plan"]).await;
    check("plan", "nothing", &["plan"]).await;
    check("name", "", &["name"]).await;
    check("name", &"名".repeat(61), &["name"]).await;
    check("kind", "galaxy", &["kind"]).await;
    for code in ["99900", "9990020", "99900a", "../../x", "９９９００２", ""] {
        check("code", code, &["code"]).await;
    }
    check("parent", "999999", &["parent"]).await;
    check("region", "000000", &["region"]).await;
    check("region", "../x", &["region"]).await;
    let mut unknown = own("999002", "zhang@test.gov.cn");
    unknown["hosts"] = json!(["evil.example"]);
    assert_eq!(house.ask(&unknown).await.1["code"], "INVALID_INPUT");
    let large = json!({ "name": "名".repeat(20_000) });
    assert_eq!(house.ask(&large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(house.sink.count(), 0);
    // A person reads it beside the form, with what was filled in.
    let form = "code=999002&name=%E5%8C%BA&kind=district&plan=trial&administratorName=a&administratorEmail=a%40evil.example&securityName=b&securityEmail=b%40gov.cn";
    let request = TestRequest::post()
        .uri("/subscribe")
        .insert_header(("host", "localhost"))
        .insert_header(("origin", "http://localhost"))
        .insert_header(("content-type", "application/x-www-form-urlencoded"))
        .set_payload(form);
    let (status, _, page) = house.app.call(request).await;
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(page.contains("value=\"a@evil.example\"") && page.contains("aria-invalid=\"true\""), "{page}");
}

#[actix_web::test]
async fn a_link_that_was_changed_or_is_too_old_opens_nothing_and_an_address_is_mailed_once_in_a_while() {
    let clock = Arc::new(SetClock::at("2026-11-23T02:00:00Z"));
    let house = House::with(clock.clone()).await;
    assert_eq!(house.ask(&own("999003", "zhang@test.gov.cn")).await.0, StatusCode::ACCEPTED);
    let again = house.ask(&own("999003", "zhang@test.gov.cn")).await;
    assert_eq!((again.0, house.sink.count()), (StatusCode::TOO_MANY_REQUESTS, 1), "{}", again.1);
    let ticket = house.sink.ticket();
    for index in (0..ticket.len()).step_by(5) {
        let mut bytes = ticket.clone().into_bytes();
        bytes[index] = if bytes[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        assert_eq!(house.confirm(&changed).await.0, StatusCode::NOT_FOUND, "{changed}");
    }
    for none in [String::new(), "v1.1.x.y".to_owned(), "a".repeat(5_000)] {
        assert_eq!(house.confirm(&none).await.0, StatusCode::NOT_FOUND);
    }
    clock.set("2026-11-26T02:00:00Z");
    assert_eq!(house.confirm(&ticket).await.0, StatusCode::NOT_FOUND, "72 hours are over");
    assert!(!house.is_there("999003").await);
}

#[actix_web::test]
async fn a_form_of_a_foreign_page_subscribes_nobody() {
    let house = House::new().await;
    let form = |headers: &[(&'static str, &'static str)]| {
        let start = TestRequest::post().uri("/subscribe/confirm").insert_header(("host", "localhost"));
        let start = start.insert_header(("content-type", "application/x-www-form-urlencoded"));
        headers.iter().fold(start, |request, header| request.insert_header(*header)).set_payload("ticket=x")
    };
    let check = async |headers: &[(&'static str, &'static str)], expect: StatusCode| {
        let (status, _, _) = house.app.call(form(headers)).await;
        assert_eq!(status, expect, "{headers:?}");
    };
    check(&[("origin", "https://evil.example")], StatusCode::FORBIDDEN).await;
    check(&[("origin", "null")], StatusCode::FORBIDDEN).await;
    check(&[], StatusCode::UNSUPPORTED_MEDIA_TYPE).await;
    check(&[("origin", "http://localhost")], StatusCode::NOT_FOUND).await;
    let json = TestRequest::post().uri("/subscribe").insert_header(("host", "localhost"));
    let json = json.insert_header(("origin", "https://evil.example")).set_json(own("999004", "zhang@test.gov.cn"));
    assert_eq!(house.app.call(json).await.0, StatusCode::FORBIDDEN);
    assert_eq!(house.sink.count(), 0);
}

#[actix_web::test]
async fn what_was_broken_off_half_way_is_completed_by_confirming_again() {
    let house = House::new().await;
    house.ask(&own("999005", "zhang@test.gov.cn")).await;
    let ticket = house.sink.ticket();
    let app = house.app.app();
    let read = subscription::read(app, &ticket).unwrap();
    let new = NewTenant { id: Some(read.tenant), ..NewTenant::district(read.slug.clone(), "测试区人民政府") };
    create::run(app, &house.app.state().authority, new).await.unwrap();
    let security = house.app.scope_of(read.tenant, Role::SecurityAdministrator);
    let invitation = Invitation {
        email: read.administrator.email.clone(),
        name: read.administrator.name.clone(),
        roles: vec![Role::Administrator],
    };
    invite::run(app, &security, &invitation).await.unwrap();
    let (status, told) = house.confirm(&ticket).await;
    assert_eq!((status, &told["plan"]), (StatusCode::OK, &json!("trial")), "{told}");
    let scope = house.app.scope(read.tenant);
    let session = app.stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
    assert_eq!(account::count(&scope, &session).await.unwrap(), 2);
}

#[actix_web::test]
async fn where_nobody_may_subscribe_a_page_says_so() {
    let app = TestApp::start().await;
    let (status, page) = app.page("/subscribe").await;
    assert!(status == StatusCode::NOT_FOUND && page.contains("暂未开放自助开通"), "{status} {page}");
    let (status, _, _) = app.call(TestRequest::post().uri("/subscribe").set_json(own("999006", "z@test.gov.cn"))).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}
