//! What collections can declare, over the real routes: aggregates, lists inside records, search, several records at once,
//! hidden fields, rules about whoever asks, the two roots, references between packages.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_domain::Role;
use sunlit_domain::id::TenantId;
use sunlit_test_support::{Answer, TestApp};

const TENANT: &str = "900020";
const EDITOR: Option<(Role, u128)> = Some((Role::Editor, 1));
const CITIZEN: Option<(Role, u128)> = Some((Role::Citizen, 7));
const OTHER: Option<(Role, u128)> = Some((Role::Citizen, 8));
const CREATE_HALLS: &str = "mutation($inputs: [Market_HallCreate!]!) { it: marketCreateHalls(inputs: $inputs) \
                            { records { id version } errors { code message path } } }";
const CREATE_STALLS: &str = "mutation($inputs: [Market_StallCreate!]!) { it: marketCreateStalls(inputs: $inputs) \
                             { records { id version } errors { code message path } } }";

struct Kit {
    app: TestApp,
    tenant: TenantId,
}

impl Kit {
    async fn new() -> Self {
        let app = TestApp::start().await;
        for manifest in [include_str!("../packages/market.toml"), include_str!("../packages/visits.toml")] {
            publish::run(app.app(), manifest.to_owned(), None, Existing::Keep).await.unwrap();
        }
        let tenant = app.tenant(TENANT, &[("market", &[]), ("visits", &["uses:market"])]).await;
        Self { app, tenant }
    }

    async fn ask(&self, who: Option<(Role, u128)>, query: &str, variables: Json) -> Answer {
        let token = who.map(|(role, person)| self.app.token_of(self.tenant, role, person));
        self.app.graphql(TENANT, token.as_deref(), query, variables).await
    }

    async fn write(&self, who: Option<(Role, u128)>, query: &str, variables: Json) -> Json {
        self.ask(who, query, variables).await.data()["it"].clone()
    }

    async fn halls(&self, codes: &[&str]) -> Vec<Json> {
        let inputs: Vec<Json> =
            codes.iter().map(|code| json!({ "code": code, "name": format!("{code} 市场") })).collect();
        let made = self.write(EDITOR, CREATE_HALLS, json!({ "inputs": inputs })).await;
        assert_eq!(made["errors"], json!([]));
        made["records"].as_array().unwrap().iter().map(|record| record["id"].clone()).collect()
    }

    async fn stalls(&self, inputs: &[Json]) -> Vec<Json> {
        let made = self.write(EDITOR, CREATE_STALLS, json!({ "inputs": inputs })).await;
        assert_eq!(made["errors"], json!([]), "{inputs:?}");
        made["records"].as_array().unwrap().clone()
    }

    async fn count(&self) -> Json {
        self.ask(EDITOR, "{ market { stallsAggregate { count } } }", json!({})).await.data()["market"]["stallsAggregate"]
            ["count"]
            .clone()
    }
}

/// Stalls over two halls, some without values.
fn stalls(halls: &[Json]) -> Vec<Json> {
    let stall = |n: usize| {
        json!({ "code": format!("S{n:02}"), "hall": halls[n % 2], "goods": (!n.is_multiple_of(3)).then_some(["FRUIT", "FISH"][n % 2]),
            "rent": (!n.is_multiple_of(4)).then(|| format!("{}.37", n * 7 % 20)), "rating": n % 5,
            "openedOn": format!("20{:02}-{:02}-15", 20 + n % 3, 1 + n % 2) })
    };
    (0..20).map(stall).collect()
}

#[actix_web::test]
async fn aggregates_say_what_the_records_say() {
    let kit = Kit::new().await;
    let halls = kit.halls(&["A", "B"]).await;
    let inputs = stalls(&halls);
    kit.stalls(&inputs).await;
    let query = "{ market { stallsAggregate { count sum { rent } avg { rent } min { rent openedOn } max { rent openedOn } \
                 groups(by: [GOODS, OPENED_ON_YEAR]) { hasNext nodes { key { goods openedOnYear hall { code } } count \
                 sum { rent } avg { rent } } } halls: groups(by: [HALL], first: 1) { hasNext nodes { key { hall { code } } \
                 count } } } } }";
    let answer = kit.ask(None, query, json!({})).await;
    let found = &answer.data()["market"]["stallsAggregate"];
    let cents = |stall: &Json| stall["rent"].as_str().map(|rent| rent.replace('.', "").parse::<i64>().unwrap());
    let known: Vec<i64> = inputs.iter().filter_map(cents).collect();
    let (sum, count) = (known.iter().sum::<i64>(), i64::try_from(known.len()).unwrap());
    let decimal = |cents: i64| format!("{}.{:02}", cents / 100, cents % 100);
    assert_eq!(found["count"], json!(20));
    assert_eq!(found["sum"]["rent"], json!(decimal(sum)));
    let mean = (sum * 200 + count) / (count * 2);
    assert_eq!(found["avg"]["rent"], json!(format!("{}.{:04}", mean / 10_000, mean % 10_000)));
    assert_eq!(found["min"]["rent"], json!(decimal(*known.iter().min().unwrap())));
    assert_eq!(found["max"]["openedOn"], json!("2022-02-15"));
    let mut expect: BTreeMap<(String, i64), (i64, i64)> = BTreeMap::new();
    for stall in &inputs {
        let year = stall["openedOn"].as_str().unwrap()[..4].parse().unwrap();
        let group = expect.entry((stall["goods"].to_string(), year)).or_default();
        *group = (group.0 + 1, group.1 + cents(stall).unwrap_or(0));
    }
    let groups = found["groups"]["nodes"].as_array().unwrap();
    assert_eq!((groups.len(), &found["groups"]["hasNext"]), (expect.len(), &json!(false)));
    for group in groups {
        let key = (group["key"]["goods"].to_string(), group["key"]["openedOnYear"].as_i64().unwrap());
        let (count, sum) = expect[&key];
        assert_eq!((&group["count"], &group["key"]["hall"]), (&json!(count), &Json::Null), "{key:?}");
        if sum > 0 {
            assert_eq!(group["sum"]["rent"], json!(decimal(sum)), "{key:?}");
        }
    }
    assert_eq!(
        found["halls"],
        json!({ "hasNext": true, "nodes": [{ "key": { "hall": { "code": "A" } }, "count": 10 }] })
    );
    let none = "{ market { stallsAggregate(filter: { code: { eq: \"none\" } }) { count sum { rent } avg { rent } } } }";
    let empty = &kit.ask(None, none, json!({})).await.data()["market"]["stallsAggregate"].clone();
    assert_eq!(*empty, json!({ "count": 0, "sum": { "rent": null }, "avg": { "rent": null } }));
}

#[actix_web::test]
async fn a_record_lists_what_refers_to_it() {
    let kit = Kit::new().await;
    let halls = kit.halls(&["A", "B", "C"]).await;
    kit.stalls(&stalls(&halls)).await;
    let query = "query($after: String) { market { halls(order: [CODE_ASC]) { nodes { code \
                 stalls(first: 3, order: [CODE_DESC], after: $after, filter: { code: { ne: \"S18\" } }) \
                 { nodes { code hall { code } } totalCount pageInfo { hasNextPage endCursor } } } } } }";
    let answer = kit.ask(None, query, json!({})).await;
    let nodes = answer.data()["market"]["halls"]["nodes"].as_array().unwrap().clone();
    let codes = |hall: &Json| -> Vec<String> {
        let stalls = hall["stalls"]["nodes"].as_array().unwrap();
        stalls.iter().map(|stall| stall["code"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(codes(&nodes[0]), ["S16", "S14", "S12"]);
    assert_eq!(codes(&nodes[1]), ["S19", "S17", "S15"]);
    assert_eq!(nodes[1]["stalls"]["nodes"][0]["hall"]["code"], json!("B"));
    assert_eq!((codes(&nodes[2]).len(), &nodes[2]["stalls"]["totalCount"]), (0, &json!(0)));
    assert_eq!((&nodes[0]["stalls"]["totalCount"], &nodes[1]["stalls"]["totalCount"]), (&json!(9), &json!(10)));
    let cursor = nodes[0]["stalls"]["pageInfo"]["endCursor"].clone();
    let answer = kit.ask(None, query, json!({ "after": cursor })).await;
    assert_eq!(codes(&answer.data()["market"]["halls"]["nodes"][0]), ["S10", "S08", "S06"]);
    let foreign = kit.ask(None, query, json!({ "after": "bm90aGluZw" })).await;
    assert_eq!(foreign.code(), "INVALID_INPUT");
}

#[actix_web::test]
async fn several_records_are_written_together_or_not_at_all() {
    let kit = Kit::new().await;
    let stall = |code: &str| json!({ "code": code, "rent": "1" });
    let refused =
        [stall("S1"), json!({ "code": "S2", "rent": "0" }), json!({ "code": "", "tags": ["a", "b", "c", "d"] })];
    let answer = kit.write(EDITOR, CREATE_STALLS, json!({ "inputs": refused })).await;
    let problems: Vec<_> = answer["errors"].as_array().unwrap().iter().map(|e| (&e["code"], &e["path"])).collect();
    assert_eq!(
        problems,
        [
            (&json!("INVALID_INPUT"), &json!(["inputs", "1", "rent"])),
            (&json!("REQUIRED"), &json!(["inputs", "2", "code"])),
            (&json!("INVALID_INPUT"), &json!(["inputs", "2", "tags"])),
        ]
    );
    let twice = kit.write(EDITOR, CREATE_STALLS, json!({ "inputs": [stall("S1"), stall("S1")] })).await;
    assert_eq!(twice["errors"][0]["path"], json!(["inputs", "1", "code"]));
    assert_eq!(kit.count().await, json!(0));
    let made = kit.stalls(&[stall("S1"), stall("S2"), stall("S3")]).await;
    let change = |n: usize, version: i64| json!({ "id": made[n]["id"], "version": version, "input": { "rent": "2" } });
    let update = "mutation($changes: [Market_StallUpdateOne!]!) { it: marketUpdateStalls(changes: $changes) \
                  { records { version rent } errors { code path } } }";
    let stale = kit.write(EDITOR, update, json!({ "changes": [change(0, 1), change(1, 9)] })).await;
    assert_eq!(
        stale,
        json!({ "records": [], "errors": [{ "code": "CONFLICT", "path": ["changes", "1", "version"] }] })
    );
    let good = kit.write(EDITOR, update, json!({ "changes": [change(0, 1), change(1, 1)] })).await;
    assert_eq!(good["records"], json!([{ "version": 2, "rent": "2.00" }, { "version": 2, "rent": "2.00" }]));
    let delete = "mutation($records: [RecordVersion!]!) { it: marketDeleteStalls(records: $records) \
                  { records { id } errors { code path } } }";
    let gone = kit.write(EDITOR, delete, json!({ "records": [made[2], { "id": made[0]["id"], "version": 1 }] })).await;
    assert_eq!(gone["errors"], json!([{ "code": "CONFLICT", "path": ["records", "1", "version"] }]));
    assert_eq!(kit.count().await, json!(3));
    let many: Vec<Json> = (0..101).map(|n| stall(&format!("M{n}"))).collect();
    let answer = kit.ask(EDITOR, CREATE_STALLS, json!({ "inputs": many })).await;
    assert_eq!(answer.code(), "LIMIT_EXCEEDED");
    assert_eq!(kit.count().await, json!(3));
}

#[actix_web::test]
async fn what_is_hidden_is_null_and_cannot_be_looked_up() {
    let kit = Kit::new().await;
    let create = "mutation($input: Market_StallCreate!) { it: marketCreateStall(input: $input) \
                  { record { id phone rating } errors { code path } } }";
    let input = json!({ "code": "S1", "goods": "FRUIT", "phone": "029-81110000", "rating": 4 });
    let made = kit.write(CITIZEN, create, json!({ "input": input })).await;
    // The owner sees the telephone number, but not what the staff think.
    assert_eq!((&made["record"]["phone"], &made["record"]["rating"]), (&json!("029-81110000"), &Json::Null));
    let read = "{ market { stalls { nodes { phone rating } } } }";
    let seen = async |who| kit.ask(who, read, json!({})).await.data()["market"]["stalls"]["nodes"][0].clone();
    assert_eq!(seen(None).await, json!({ "phone": null, "rating": null }));
    assert_eq!(seen(OTHER).await, json!({ "phone": null, "rating": null }));
    assert_eq!(seen(CITIZEN).await, json!({ "phone": "029-81110000", "rating": null }));
    assert_eq!(seen(EDITOR).await, json!({ "phone": null, "rating": 4 }));
    assert_eq!(seen(Some((Role::Reviewer, 3))).await, json!({ "phone": "029-81110000", "rating": 4 }));
    let lookups = [
        "{ market { stalls(filter: { rating: { gt: 3 } }) { nodes { code } } } }",
        "{ market { stalls(order: [RATING_ASC]) { nodes { code } } } }",
        "{ market { stallsAggregate { max { rating } } } }",
        "{ market { stallsAggregate { groups(by: [RATING]) { nodes { count } } } } }",
    ];
    for query in lookups {
        let refused = kit.ask(CITIZEN, query, json!({})).await;
        assert!(["INVALID_INPUT", "DENIED"].contains(&refused.code()), "{query}: {}", refused.code());
        assert!(!refused.body.to_string().contains(": 4"), "{query}");
        let allowed = kit.ask(EDITOR, query, json!({})).await;
        assert!(allowed.body.get("errors").is_none(), "{query}: {}", allowed.body);
    }
}

#[actix_web::test]
async fn rules_about_whoever_asks_hold_before_and_after_a_change() {
    let kit = Kit::new().await;
    let create = "mutation($input: Market_StallCreate!) { it: marketCreateStall(input: $input) { record { id } errors { code } } }";
    let fish = kit.ask(CITIZEN, create, json!({ "input": { "code": "S1", "goods": "FISH" } })).await;
    assert_eq!(fish.code(), "DENIED");
    let made = kit.write(CITIZEN, create, json!({ "input": { "code": "S1", "goods": "FRUIT" } })).await;
    let id = made["record"]["id"].clone();
    let update = "mutation($id: ID!, $version: Int!) { it: marketUpdateStall(id: $id, version: $version, \
                  input: { rent: 3 }) { record { version } errors { code } } }";
    let other = kit.write(OTHER, update, json!({ "id": id, "version": 1 })).await;
    assert_eq!(other["errors"], json!([{ "code": "NOT_FOUND" }]));
    let own = kit.write(CITIZEN, update, json!({ "id": id, "version": 1 })).await;
    assert_eq!(own["record"]["version"], json!(2));
}

#[actix_web::test]
async fn what_is_not_published_is_in_the_workspace_of_those_concerned_only() {
    let kit = Kit::new().await;
    let create = "mutation { it: marketCreateLetter(input: { text: \"一封信\" }) { record { id version state } errors { code } } }";
    let made = kit.write(CITIZEN, create, json!({})).await;
    assert_eq!(made["record"]["state"], json!("received"));
    let inside = "{ workspace { market { letters { nodes { text } totalCount } } } }";
    let count = async |who| {
        kit.ask(who, inside, json!({})).await.data()["workspace"]["market"]["letters"]["totalCount"].clone()
    };
    assert_eq!((count(CITIZEN).await, count(OTHER).await, count(EDITOR).await), (json!(1), json!(0), json!(1)));
    assert_eq!(kit.ask(None, inside, json!({})).await.code(), "UNAUTHENTICATED");
    let outside = "{ market { letters { totalCount } lettersAggregate { count } } }";
    let seen = kit.ask(EDITOR, outside, json!({})).await.data()["market"].clone();
    assert_eq!(seen, json!({ "letters": { "totalCount": 0 }, "lettersAggregate": { "count": 0 } }));
    let publish =
        "mutation($id: ID!) { it: marketPublishLetter(id: $id, version: 1) { record { state } errors { code } } }";
    kit.write(EDITOR, publish, json!({ "id": made["record"]["id"] })).await;
    let seen = kit.ask(EDITOR, outside, json!({})).await.data()["market"].clone();
    assert_eq!(seen["letters"]["totalCount"], json!(1));
}

#[actix_web::test]
async fn lists_are_searched_filtered_by_distance_and_by_the_items_of_lists() {
    let kit = Kit::new().await;
    let hall = |code: &str, name: &str, lat: f64| {
        let ring = json!([[108.9, lat], [109.0, lat], [109.0, lat + 0.1], [108.9, lat]]);
        json!({ "code": code, "name": name, "nameEn": "Hall", "at": { "lat": lat, "lng": 108.9 },
            "ground": { "type": "Polygon", "coordinates": [ring] } })
    };
    let inputs = [hall("A", "城北 农贸市场", 34.30), hall("B", "城南农贸市场", 34.31), hall("C", "水产市场", 35.0)];
    assert_eq!(kit.write(EDITOR, CREATE_HALLS, json!({ "inputs": inputs })).await["errors"], json!([]));
    let codes = async |arguments: &str| {
        let query = format!("{{ market {{ halls({arguments} order: [CODE_ASC]) {{ nodes {{ code }} }} }} }}");
        let answer = kit.ask(None, &query, json!({})).await;
        let nodes = answer.data()["market"]["halls"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|node| node["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes("search: \"农贸 城\"").await, ["A", "B"]);
    assert_eq!(codes("search: \"城北\"").await, ["A"]);
    assert_eq!(codes("filter: { at: { near: { at: { lat: 34.3, lng: 108.9 }, metres: 1200 } } }").await, ["A", "B"]);
    assert_eq!(codes("filter: { at: { near: { at: { lat: 34.3, lng: 108.9 }, metres: 1000 } } }").await, ["A"]);
    let north = "south: 34.9, west: 108, north: 36, east: 110";
    assert_eq!(codes(&format!("filter: {{ ground: {{ within: {{ {north} }} }} }}")).await, ["C"]);
    kit.stalls(&[json!({ "code": "S1", "tags": ["夜市", "周末"] }), json!({ "code": "S2", "tags": [] })]).await;
    let query = "{ market { stalls(filter: { tags: { hasAny: [\"周末\", \"x\"] } }) { nodes { code tags keeper } } } }";
    let found = kit.ask(None, query, json!({})).await.data()["market"]["stalls"]["nodes"].clone();
    assert_eq!(found, json!([{ "code": "S1", "tags": ["夜市", "周末"], "keeper": null }]));
    let wrong = json!({ "inputs": [{ "code": "S3", "keeper": "91350100M000100Y4Z" }] });
    let refused = kit.write(EDITOR, CREATE_STALLS, wrong).await;
    assert_eq!(refused["errors"][0]["path"], json!(["inputs", "0", "keeper"]));
}

#[actix_web::test]
async fn a_package_refers_to_anothers_records_where_it_was_granted() {
    let kit = Kit::new().await;
    let halls = kit.halls(&["A", "B"]).await;
    let create = "mutation($input: Visits_VisitCreate!) { it: visitsCreateVisit(input: $input) \
                  { record { id version hall { code } others { code } } errors { code path } } }";
    let made = kit.write(EDITOR, create, json!({ "input": { "code": "V1", "hall": halls[0], "others": halls } })).await;
    assert_eq!(made["record"]["hall"], json!({ "code": "A" }));
    assert_eq!(made["record"]["others"], json!([{ "code": "A" }, { "code": "B" }]));
    let nowhere = json!({ "input": { "code": "V2", "hall": "018f3b1e-0000-7000-8000-000000000001" } });
    let refused = kit.write(EDITOR, create, nowhere).await;
    assert_eq!(refused["errors"], json!([{ "code": "INVALID_INPUT", "path": ["input", "hall"] }]));
    let delete = "mutation($id: ID!) { it: marketDeleteHall(id: $id, version: 1) { record { id } errors { code } } }";
    for hall in &halls {
        let kept = kit.write(EDITOR, delete, json!({ "id": hall })).await;
        assert_eq!(kept["errors"], json!([{ "code": "INVALID_INPUT" }]), "{hall}");
    }
    let refused = |told: Result<TenantId, String>| assert!(told.is_err_and(|told| told.contains("market")));
    refused(kit.app.try_tenant("900021", &[("market", &[]), ("visits", &[])]).await);
    refused(kit.app.try_tenant("900022", &[("visits", &["uses:market"])]).await);
}
