//! Versions of packages: what a minor may change, how records move into a new major while queries run, what leaves
//! everything as it was, and the way back.
#![expect(clippy::unwrap_used, reason = "tests")]

mod parks;

use std::cell::Cell;
use std::sync::Arc;

use futures_util::future::{Either, join, select};
use parks::{Kit, NEW_PAGE, OLD_PAGE, SLUG, V1, V2, moved, publish, tenant, v1_1};
use serde_json::json;
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::package::upgrade::Options;
use sunlit_app::command::record::create;
use sunlit_app::{AppError, Package};
use sunlit_domain::Role;
use sunlit_domain::manifest::{Capability, Grant, Spelling};
use sunlit_test_support::{TestApp, probe};

#[actix_web::test]
async fn a_minor_version_that_adds_goes_on_answering_while_queries_run() {
    let kit = Kit::new(60).await;
    publish(&kit.app, &v1_1()).await.unwrap();
    let done = Cell::new(false);
    let old = "{ parks { sites(first: 3, order: [CODE_ASC]) { totalCount nodes { code floors tags } } } }";
    let before = kit.ask(old).await;
    let asking = async {
        let mut asked = 0;
        while !done.get() || asked < 20 {
            assert_eq!(kit.ask(old).await, before);
            asked += 1;
        }
    };
    let upgrading = async {
        let change = kit.upgrade("1.1.0", Options::default()).await.unwrap();
        done.set(true);
        change
    };
    let (change, ()) = join(upgrading, asking).await;
    assert_eq!((change.from.to_string(), change.to.to_string()), ("1.0.0".to_owned(), "1.1.0".to_owned()));
    // Fields that could not be filtered by before are found by what was written before.
    let found = kit
        .ask("{ parks { a: sites(filter: { floors: { gte: 58 } }) { totalCount } b: sites(filter: { tags: { has: \"t0\" } }) { totalCount } \
              c: sites(filter: { years: { has: 2020 } }) { totalCount } visits { totalCount } } }")
        .await;
    let count = |name: &str| found["parks"][name]["totalCount"].clone();
    assert_eq!((count("a"), count("b"), count("c")), (json!(2), json!(9), json!(0)), "{found}");
    assert_eq!(kit.moves().await, ["upgrade parks 1.0.0 -> 1.1.0"]);
}

#[actix_web::test]
async fn a_reference_that_a_minor_version_added_keeps_what_it_leads_to() {
    let kit = Kit::new(1).await;
    publish(&kit.app, &v1_1()).await.unwrap();
    kit.upgrade("1.1.0", Options::default()).await.unwrap();
    let made = "mutation($input: Parks_FirmCreate!) { parksCreateFirm(input: $input) { record { id } } }";
    let firm = kit.edit(made, json!({ "input": { "code": "F-99" } })).await["parksCreateFirm"]["record"]["id"].clone();
    let site = kit.ask("{ parks { sites { nodes { id } } } }").await["parks"]["sites"]["nodes"][0]["id"].clone();
    let update = "mutation($id: ID!, $input: Parks_SiteUpdate!) { parksUpdateSite(id: $id, version: 1, input: $input) \
                  { errors { code } } }";
    let input = json!({ "tenantOf": firm, "useKind": "SHOP", "years": [2020], "grade": "A" });
    let done = kit.edit(update, json!({ "id": site, "input": input })).await;
    assert_eq!(done["parksUpdateSite"]["errors"], json!([]));
    let delete = "mutation($id: ID!) { parksDeleteFirm(id: $id, version: 1) { errors { code } } }";
    let refused = kit.edit(delete, json!({ "id": firm })).await;
    assert_ne!(refused["parksDeleteFirm"]["errors"], json!([]), "a site refers to the firm");
    // The earlier version does not know the enum value that was written: it is told, and nothing changed.
    let Err(AppError::Unfit(unfit)) = kit.rollback("1.0.0").await else { panic!("a shop is not known to 1.0.0") };
    assert_eq!((unfit.total, unfit.first[0].field.as_str()), (1, "use_kind"));
    assert_eq!(
        kit.ask("{ parks { sites(filter: { years: { has: 2020 } }) { totalCount } } }").await["parks"]["sites"]["totalCount"],
        json!(1)
    );
}

#[actix_web::test]
async fn a_version_that_breaks_its_own_major_is_refused_naming_line_field_and_mend() {
    let app = TestApp::start().await;
    publish(&app, V1).await.unwrap();
    let broken = V1
        .replace("1.0.0", "1.1.0")
        .replace("name = \"floors\"\ntype = \"int\"", "name = \"floors\"\ntype = \"string\"");
    let broken = broken.replace("name = \"fax\"", "name = \"telefax\"");
    let told = publish(&app, &broken).await.unwrap_err();
    let line = broken.lines().position(|line| line == "name = \"floors\"").unwrap() + 2;
    assert!(told.contains(&format!("plugin.toml:{line}: ")), "{told}");
    assert!(told.contains("`site.floors` changed its type from int to string"), "{told}");
    assert!(told.contains("`site.fax` is gone") && told.contains("[[migrate]]"), "{told}");
    // A patch may not even add.
    let told = publish(&app, &v1_1().replace("1.1.0", "1.0.1")).await.unwrap_err();
    assert!(told.contains("`site.grade` is new") && told.contains("raise the minor version"), "{told}");
    // What is published late must fit what came after it.
    publish(&app, &v1_1().replace("1.1.0", "1.3.0")).await.unwrap();
    let late = V1.replace("1.0.0", "1.2.0").replace("name = \"fax\"", "name = \"grade\"");
    let told = publish(&app, &late).await.unwrap_err();
    assert!(told.contains("`site.fax` is gone between 1.0.0 and 1.2.0"), "{told}");
    assert!(
        told.contains("`site.grade` can be used for `filter`") || told.contains("`site.grade` became unique"),
        "{told}"
    );
    // A new major says of everything what becomes of it.
    let silent = V2.replace("drop = [\"fax\"]\n", "");
    let told = publish(&app, &silent).await.unwrap_err();
    assert!(told.contains("the old field `site.fax`"), "{told}");
    assert!(told.contains("nothing is said of `visit`"), "{told}");
}

#[actix_web::test]
async fn a_new_major_takes_two_thousand_records_along_while_queries_run() {
    let kit = Kit::new(2000).await;
    publish(&kit.app, V2).await.unwrap();
    let before = kit.sites(OLD_PAGE).await;
    let (done, asked) = (Cell::new(false), Cell::new(0));
    let old = "{ parks { sites(first: 2, order: [CODE_ASC]) { totalCount nodes { code heldBy { id } } } } }";
    let expect = kit.ask(old).await;
    let update = "mutation($id: ID!, $version: Int!, $input: Parks_SiteUpdate!) \
                  { parksUpdateSite(id: $id, version: $version, input: $input) { record { id version } errors { code } } }";
    // Somebody works meanwhile: what was confirmed has to be there afterwards.
    let working = async {
        let (token, mut confirmed) = (kit.app.token(kit.tenant, Role::Editor), Vec::new());
        while !done.get() {
            assert_eq!(kit.ask(old).await, expect);
            let site = &before[(asked.get() * 131) % 2000];
            let input = json!({ "input": { "floors": 9000 }, "id": site["id"], "version": site["version"] });
            let answer = kit.app.graphql(SLUG, Some(&token), update, input).await;
            if answer.body["data"]["parksUpdateSite"]["record"]["version"] == json!(2) {
                confirmed.push(site["id"].clone());
            }
            asked.set(asked.get() + 1);
        }
        confirmed
    };
    let upgrading = async {
        let change = kit.upgrade("2.0.0", Options::default()).await;
        done.set(true);
        change
    };
    let (change, confirmed) = join(upgrading, working).await;
    let change = change.unwrap();
    assert_eq!(change.records, [("site".to_owned(), 2000), ("company".to_owned(), 10)]);
    assert_eq!(change.left, ["site.fax"]);
    assert!(asked.get() > 3 && !confirmed.is_empty(), "asked {} times", asked.get());
    let after = kit.sites(NEW_PAGE).await;
    assert_eq!(after.len(), 2000);
    for (old, new) in before.into_iter().zip(after) {
        if confirmed.contains(&old["id"]) {
            assert_eq!((&new["floors"], &new["version"]), (&json!(9000), &json!(2)), "{old}");
        } else {
            assert_eq!(moved(old), new);
        }
    }
    let found = "{ parks { sites(filter: { tags: { has: \"t3\" }, useKind: { eq: PLANT } }) { totalCount } companies { totalCount } } }";
    let found = kit.ask(found).await;
    assert_eq!(found["parks"]["companies"]["totalCount"], json!(10));
    let expect = (0..2000).filter(|index| index % 7 == 3 && index % 2 == 1).count();
    assert_eq!(found["parks"]["sites"]["totalCount"], json!(expect));
    assert_eq!(kit.moves().await, ["upgrade parks 1.0.0 -> 2.0.0"]);
}

#[actix_web::test]
async fn a_migration_that_cannot_work_leaves_everything_as_it_was() {
    let kit = Kit::new(120).await;
    // Two floors alike, and a code that the new version does not accept.
    let strict = V2.replace("name = \"floors\"\n", "name = \"floors\"\nunique = true\n");
    publish(&kit.app, &strict).await.unwrap();
    let create =
        "mutation($input: Parks_SiteCreate!) { parksCreateSite(input: $input) { record { id } errors { code } } }";
    let bad = kit.edit(create, json!({ "input": { "code": "B-1", "floors": 500 } })).await;
    let twin = kit.edit(create, json!({ "input": { "code": "B-0002", "floors": 7 } })).await;
    let before = kit.sites(OLD_PAGE).await;
    for check in [true, false] {
        let refused = kit.upgrade("2.0.0", Options { check, ..Options::default() }).await;
        let Err(AppError::Unfit(unfit)) = refused else { panic!("{refused:?}") };
        assert_eq!(unfit.total, 2, "{unfit}");
        let told: Vec<_> =
            unfit.first.iter().map(|unfit| (json!(unfit.id.to_string()), unfit.field.as_str())).collect();
        let bad = &bad["parksCreateSite"]["record"]["id"];
        let twin = &twin["parksCreateSite"]["record"]["id"];
        assert_eq!(told, [(bad.clone(), "code"), (twin.clone(), "floors")]);
        assert!(unfit.to_string().contains("already taken"), "{unfit}");
        assert_eq!(kit.sites(OLD_PAGE).await, before);
        // Nothing of it is kept: what is erased does not live on in copies.
        assert_eq!((kit.rows("2.0.0", "site").await, kit.rows("2.0.0", "company").await), (0, 0));
    }
    assert_eq!(kit.moves().await, Vec::<String>::new());
    let update = "mutation($id: ID!, $input: Parks_SiteUpdate!) { parksUpdateSite(id: $id, version: 1, input: $input) { errors { code } } }";
    kit.edit(update, json!({ "id": bad["parksCreateSite"]["record"]["id"], "input": { "code": "B-0001" } })).await;
    kit.edit(update, json!({ "id": twin["parksCreateSite"]["record"]["id"], "input": { "floors": 600 } })).await;
    let tried = kit.upgrade("2.0.0", Options { check: true, ..Options::default() }).await.unwrap();
    assert_eq!((tried.records[0].1, kit.rows("2.0.0", "site").await), (122, 0));
    assert_eq!(kit.sites(OLD_PAGE).await.len(), 122);
    assert_eq!(kit.upgrade("2.0.0", Options::default()).await.unwrap(), tried);
    assert_eq!(kit.sites(NEW_PAGE).await.len(), 122);
}

#[actix_web::test]
async fn a_migration_that_was_cut_off_can_be_run_again() {
    let kit = Kit::new(1200).await;
    publish(&kit.app, V2).await.unwrap();
    let before = kit.sites(OLD_PAGE).await;
    for questions in [1, 3, 6, 9] {
        let asking = async {
            for _ in 0..questions {
                assert_eq!(
                    kit.ask("{ parks { sites { totalCount } } }").await["parks"]["sites"]["totalCount"],
                    json!(1200)
                );
            }
        };
        let (upgrading, asking) = (Box::pin(kit.upgrade("2.0.0", Options::default())), Box::pin(asking));
        match select(upgrading, asking).await {
            // Dropped where it stands, as if the process had ended.
            Either::Right(((), upgrading)) => drop(upgrading),
            Either::Left((done, _)) => panic!("it was to be cut off: {done:?}"),
        }
        assert_eq!(kit.moves().await, Vec::<String>::new());
    }
    assert_eq!(kit.sites(OLD_PAGE).await, before);
    kit.upgrade("2.0.0", Options::default()).await.unwrap();
    let after = kit.sites(NEW_PAGE).await;
    assert_eq!(before.into_iter().map(moved).collect::<Vec<_>>(), after);
}

#[actix_web::test]
async fn a_roll_back_answers_the_old_shape_and_keeps_the_later_tables() {
    let kit = Kit::new(30).await;
    publish(&kit.app, &v1_1()).await.unwrap();
    let v2 = V2
        .replace("drop = [\"fax\"]", "drop = [\"fax\", \"tenant_of\", \"years\"]")
        .replace("works = \"plant\"", "works = \"plant\", shop = \"office\"")
        + "[[migrate]]\nfrom = \"visit\"\n";
    publish(&kit.app, &v2).await.unwrap();
    let before = kit.sites(OLD_PAGE).await;
    kit.upgrade("1.1.0", Options::default()).await.unwrap();
    kit.rollback("1.0.0").await.unwrap();
    assert_eq!(kit.sites(OLD_PAGE).await, before);
    // From the older minor as well: its tables are the union of all minors.
    kit.upgrade("2.0.0", Options::default()).await.unwrap();
    let create =
        "mutation($input: Parks_SiteCreate!) { parksCreateSite(input: $input) { record { id } errors { code } } }";
    let late = kit.edit(create, json!({ "input": { "code": "Z-0001", "grade": "A" } })).await;
    assert_eq!(late["parksCreateSite"]["errors"], json!([]));
    kit.rollback("1.0.0").await.unwrap();
    assert_eq!(kit.sites(OLD_PAGE).await, before);
    assert_eq!(kit.rows("2.0.0", "site").await, 31);
    // What was written after the switch is lost only when somebody says so.
    for check in [true, false] {
        let told = kit.upgrade("2.0.0", Options { check, ..Options::default() }).await.unwrap_err().to_string();
        assert!(told.contains("--discard"), "{told}");
    }
    assert_eq!(kit.rows("2.0.0", "site").await, 31);
    let discard = Options { discard: true, ..Options::default() };
    // Nor when the records of the old version turn out not to fit, or when it is only tried.
    let bad = kit.edit(create, json!({ "input": { "code": "B-1" } })).await["parksCreateSite"]["record"]["id"].clone();
    let refused = kit.upgrade("2.0.0", discard.clone()).await;
    assert!(matches!(refused, Err(AppError::Unfit(_))), "{refused:?}");
    assert_eq!(kit.rows("2.0.0", "site").await, 31);
    let delete = "mutation($id: ID!) { parksDeleteSite(id: $id, version: 1) { errors { code } } }";
    assert_eq!(kit.edit(delete, json!({ "id": bad })).await["parksDeleteSite"]["errors"], json!([]));
    let tried = kit.upgrade("2.0.0", Options { check: true, ..discard.clone() }).await.unwrap();
    assert_eq!((tried.records[0].1, kit.rows("2.0.0", "site").await), (30, 31));
    assert_eq!(kit.upgrade("2.0.0", discard).await.unwrap(), tried);
    assert_eq!(kit.rows("2.0.0", "site").await, 30);
    assert_eq!(kit.sites(NEW_PAGE).await.len(), 30);
    let expect = ["upgrade parks 1.0.0 -> 2.0.0", "rollback parks 2.0.0 -> 1.0.0", "upgrade parks 1.0.0 -> 2.0.0"];
    assert_eq!(kit.moves().await[..3], expect);
}

#[actix_web::test]
async fn two_tenants_have_different_minors_of_one_package() {
    let kit = Kit::new(3).await;
    publish(&kit.app, &v1_1()).await.unwrap();
    tenant(&kit.app, "900002", "1.1.0", 5).await;
    let later = "{ parks { sites(filter: { floors: { gte: 1 } }) { totalCount nodes { grade } } } }";
    assert_eq!(
        kit.app.graphql("900002", None, later, json!({})).await.data()["parks"]["sites"]["totalCount"],
        json!(4)
    );
    assert_eq!(kit.app.graphql(SLUG, None, later, json!({})).await.status, 400, "the earlier minor has no such field");
    assert_eq!(kit.ask("{ parks { sites { totalCount } } }").await["parks"]["sites"]["totalCount"], json!(3));
    // A region file that names a later version upgrades its tenant; an earlier one is no way back.
    tenant(&kit.app, SLUG, "1.1.0", 3).await;
    assert_eq!(kit.ask(later).await["parks"]["sites"]["totalCount"], json!(2));
    assert_eq!(kit.moves().await, ["upgrade parks 1.0.0 -> 1.1.0"]);
}

#[actix_web::test]
async fn whoever_still_holds_the_old_version_writes_nothing() {
    let kit = Kit::new(2).await;
    publish(&kit.app, V2).await.unwrap();
    let old: Arc<Package> = kit.app.app().package("parks", "1.0.0").await.unwrap();
    kit.upgrade("2.0.0", Options::default()).await.unwrap();
    let input = json!({ "code": "F-77" }).as_object().unwrap().clone();
    let scope = kit.app.scope(kit.tenant);
    let refused = create::run(kit.app.app(), &scope, &old, "firm", &input, Spelling::Manifest).await;
    assert!(matches!(refused, Err(AppError::Moved(_))), "{refused:?}");
    assert_eq!(kit.rows("1.0.0", "firm").await, 10);
}

fn granted() -> Vec<Grant> {
    let uses = Grant::Uses("street-cards".parse().unwrap());
    Capability::ALL.into_iter().map(Grant::Capability).chain([uses]).collect()
}

#[actix_web::test]
async fn what_a_version_asks_for_anew_is_granted_with_the_upgrade() {
    let kit = Kit::new(1).await;
    let component = probe().1.clone();
    let asks = V1
        .replace("1.0.0", "1.1.0")
        .replace("[[setting]]\n", "[uses]\nstreet-cards = \"街道\"\n[capabilities]\nrecords = \"写\"\nstorage = \"读\"\nsettings = \"设\"\nclock = \"时\"\nlog = \"记\"\n[[setting]]\n");
    publish::run(kit.app.app(), asks, Some(component), Existing::Keep).await.unwrap();
    let told = kit.upgrade("1.1.0", Options::default()).await.unwrap_err().to_string();
    for asked in ["--grant storage (读)", "--grant clock (时)", "--grant uses:street-cards (街道)"] {
        assert!(told.contains(asked), "{told}");
    }
    let options = Options { grants: granted(), ..Options::default() };
    let told = kit.upgrade("1.1.0", options.clone()).await.unwrap_err().to_string();
    assert!(told.contains("street-cards, which is not enabled here"), "{told}");
    kit.app.tenant(SLUG, &[("street-cards", &["storage", "records", "settings", "log"])]).await;
    kit.upgrade("1.1.0", options).await.unwrap();
    assert_eq!(kit.ask("{ parks { sites { totalCount } } }").await["parks"]["sites"]["totalCount"], json!(1));
}
