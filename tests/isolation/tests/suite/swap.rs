//! Another tenant's ids in every argument of every field: to whoever asks they are ids of nothing. The cases are made from the
//! schema, so that a new field cannot be forgotten.

use std::collections::BTreeSet;

use crate::kit::{Kit, Side, fresh_id};
use crate::schema::{Case, Schema};
use serde_json::json;

/// What no case covers; empty.
const UNCOVERED: &str = include_str!("../../uncovered.txt");

/// Everything that a tenant has, as the API tells it to somebody with every right.
async fn dump(kit: &Kit, side: &Side, schema: &Schema) -> String {
    let mut told = String::new();
    for query in schema.everything() {
        told.push_str(&kit.ask(side, &query, json!({})).await.body["data"].to_string());
        told.push('\n');
    }
    told
}

#[actix_web::test]
async fn another_tenants_ids_are_ids_of_nothing_in_every_argument() {
    let kit = Kit::new().await;
    let schema = Schema::of(&kit).await;
    let before = dump(&kit, &kit.other, &schema).await;
    assert!(before.contains(&kit.other.canary), "what is protected is there: {before}");
    let cases = schema.cases(&kit.own);
    let mut tried = 0;
    for case in &cases {
        let mut tells = false;
        for (kind, own) in &kit.own.ids {
            let theirs = answer(&kit, case, &kit.other.ids[kind], own).await;
            let nobodys = answer(&kit, case, &fresh_id().to_string(), own).await;
            assert_eq!(theirs, nobodys, "{} tells another tenant's id from nobody's: {}", case.position, case.query);
            assert!(!theirs.contains(&kit.other.canary), "{}: {theirs}", case.position);
            tells = tells || tells_own(&kit, case, own).await;
            tried += 1;
        }
        assert!(tells, "{} tells nothing even of one's own: {}", case.position, case.query);
    }
    assert_eq!(dump(&kit, &kit.other, &schema).await, before);
    let mut covered: BTreeSet<String> = cases.iter().map(|case| case.position.clone()).collect();
    covered.extend(schema.followed().iter().map(|name| format!("Subscription.{name}(id)")));
    println!("{} cases of {} positions, {tried} swaps", cases.len(), covered.len());
    let uncovered: Vec<String> = schema.positions(&kit.own).difference(&covered).cloned().collect();
    assert_eq!(uncovered, listed("field"), "fields that no case covers");
}

/// What `uncovered.txt` says of fields or routes.
pub(crate) fn listed(kind: &str) -> Vec<String> {
    let lines = UNCOVERED.lines().filter_map(|line| line.strip_prefix(kind));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// Whether the case tells one's own id from nobody's: what could never differ would show nothing.
async fn tells_own(kit: &Kit, case: &Case, own: &str) -> bool {
    let nobody = fresh_id().to_string();
    answer(kit, case, own, own).await != answer(kit, case, &nobody, own).await
        || answer(kit, case, own, &nobody).await != answer(kit, case, &nobody, &nobody).await
}

/// What is answered, with the id that was asked for taken out.
async fn answer(kit: &Kit, case: &Case, id: &str, beside: &str) -> String {
    let answer = kit.ask(&kit.own, &case.query, case.variables(id, beside)).await;
    format!("{} {}", answer.status, answer.body).replace(id, "…")
}

#[actix_web::test]
async fn cursors_of_another_tenant_lead_to_ones_own_records_alone() {
    let kit = Kit::new().await;
    let page = "query($after: String) { workspace { vault { papers(first: 1, after: $after, order: [CODE_ASC]) \
                { nodes { code text } pageInfo { endCursor } } } } }";
    let theirs = kit.ask(&kit.other, page, json!({})).await;
    let cursor = &theirs.data()["workspace"]["vault"]["papers"]["pageInfo"]["endCursor"];
    // By their codes the other tenant's papers come before one's own: behind the first of them stands one of each.
    let own = kit.ask(&kit.own, page, json!({ "after": cursor })).await;
    let papers = &own.data()["workspace"]["vault"]["papers"]["nodes"];
    assert_eq!(papers[0]["code"], json!(kit.own.canary), "{}", own.body);
}
