//! A page of twenty among many rows: with a filter, an order and a cursor.

use std::sync::Arc;

use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpResponse, web::Data};
use sea_orm::sqlx::{self, AssertSqlSafe, Row as _, sqlite::SqliteRow};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sunlit_app::Reading;
use sunlit_app::query::record_list::{self, List, MAX_FIRST};
use sunlit_domain::filter::{self, Purpose};
use sunlit_domain::manifest::Spelling;
use sunlit_domain::page::Order;
use sunlit_domain::{Actor, Locale};
use uuid::Uuid;

use super::super::ask::{Ask, Sender, asker, post};
use super::bed::{House, NAMESPACE, ROW};
use super::rows::{amount, code};
use super::{Operation, ask_of};
use crate::command::Failed;

const FIRST: usize = 20;
const KIND: &str = "open";
/// The least amount, in hundredths: half of the rows have more.
const LEAST: i64 = 500_000;
const FIELDS: [&str; 5] = ["code", "name", "kind", "amount", "day"];

/// The parameters of a request to the handler.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Asked {
    kind: String,
    least: i64,
    after_code: String,
    after_id: Uuid,
    first: usize,
}

#[derive(Serialize)]
struct Node {
    id: Uuid,
    code: Option<String>,
    name: Option<String>,
    kind: Option<String>,
    amount: Option<String>,
    day: Option<String>,
}

/// The statement by hand.
pub(super) struct ByHand {
    house: House,
    sql: Arc<str>,
}

impl ByHand {
    pub(super) fn new(house: &House) -> Result<Self, Failed> {
        let sql = format!(
            "SELECT id, code, name, kind, amount, day FROM \"{}\" WHERE tenant_id = ? AND state = 'published' \
             AND kind = ? AND amount >= ? AND (code, id) > (?, ?) ORDER BY code, id LIMIT {}",
            house.table(ROW)?,
            FIRST + 1
        );
        Ok(Self { house: house.clone(), sql: sql.into() })
    }

    async fn rows(&self, asked: &Asked) -> Result<Vec<SqliteRow>, sqlx::Error> {
        sqlx::query(AssertSqlSafe(Arc::clone(&self.sql)))
            .bind(self.house.tenant.0)
            .bind(asked.kind.as_str())
            .bind(asked.least)
            .bind(asked.after_code.as_str())
            .bind(asked.after_id)
            .fetch_all(&self.house.readers)
            .await
    }
}

fn node(row: &SqliteRow) -> Result<Node, sqlx::Error> {
    Ok(Node {
        id: row.try_get(0)?,
        code: row.try_get(1)?,
        name: row.try_get(2)?,
        kind: row.try_get::<Option<String>, _>(3)?.map(|kind| kind.to_ascii_uppercase()),
        amount: row.try_get::<Option<i64>, _>(4)?.map(amount),
        day: row.try_get(5)?,
    })
}

/// The route of the handler.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/list", web::post().to(list));
}

async fn list(by_hand: Data<ByHand>, asked: web::Json<Asked>) -> Result<HttpResponse, actix_web::Error> {
    let rows = by_hand.rows(&asked).await.map_err(ErrorInternalServerError)?;
    let nodes: Result<Vec<Node>, sqlx::Error> = rows.iter().take(asked.first).map(node).collect();
    let nodes = nodes.map_err(ErrorInternalServerError)?;
    let page = json!({ "hasNextPage": rows.len() > asked.first });
    Ok(HttpResponse::Ok()
        .json(Answer { data: Packages { bench_engine: Lists { rows: Page { nodes, page_info: page } } } }))
}

#[derive(Serialize)]
struct Answer {
    data: Packages,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Packages {
    bench_engine: Lists,
}

#[derive(Serialize)]
struct Lists {
    rows: Page,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    nodes: Vec<Node>,
    page_info: Json,
}

/// The contenders. The page begins in the middle of `rows` rows, where a reader of a long list is.
pub(super) async fn operation(
    house: &House,
    (ours, by_hand): (&Sender, &Sender),
    statement: Data<ByHand>,
    rows: usize,
) -> Result<Operation, Failed> {
    let uri = format!("/t/{}/graphql", house.slug);
    let start = start(ours, &uri, rows).await?;
    let cursor = start["pageInfo"]["endCursor"].as_str().ok_or("the first page has no cursor")?.to_owned();
    let asked = Asked {
        kind: KIND.to_owned(),
        least: LEAST,
        after_code: start["nodes"][0]["code"].as_str().unwrap_or_default().to_owned(),
        after_id: start["nodes"][0]["id"].as_str().unwrap_or_default().parse()?,
        first: FIRST,
    };
    let query = format!(
        "query Page($after: String!, $kind: BenchEngine_RowKind!, $least: Decimal!, $first: Int!) {{\n  {NAMESPACE} {{\n    \
         rows(first: $first, after: $after, filter: {{ kind: {{ eq: $kind }}, amount: {{ gte: $least }} }}, order: [CODE_ASC]) {{\n      \
         nodes {{ id code name kind amount day }}\n      pageInfo {{ hasNextPage }}\n    }}\n  }}\n}}"
    );
    let variables =
        json!({ "after": cursor, "kind": KIND.to_ascii_uppercase(), "least": amount(LEAST), "first": FIRST });
    let graphql = asker(ours, &uri, &json!({ "query": query, "operationName": "Page", "variables": variables }));
    let handler = asker(by_hand, "/list", &serde_json::to_value(&asked)?);
    let raw = ask_of(move || {
        let (statement, asked) = (statement.clone(), asked.clone());
        async move {
            let rows = statement.rows(&asked).await?;
            Ok(Bytes::from(rows.len().to_string()))
        }
    });
    Ok(Operation::new("list", 50, graphql, handler, raw).with("use_case", use_case(house, cursor)?))
}

/// The first record of the second half, and its cursor.
async fn start(ours: &Sender, uri: &str, rows: usize) -> Result<Json, Failed> {
    let query = format!(
        "{{ {NAMESPACE} {{ rows(first: 1, filter: {{ code: {{ gte: \"{}\" }} }}, order: [CODE_ASC]) \
         {{ nodes {{ id code }} pageInfo {{ endCursor }} }} }} }}",
        code(rows / 2)
    );
    let answer = ours(post(uri, json!({ "query": query }).to_string().into())).await?;
    let mut answer: Json = serde_json::from_slice(&answer)?;
    Ok(answer["data"][NAMESPACE]["rows"].take())
}

/// The list without HTTP and GraphQL.
fn use_case(house: &House, after: String) -> Result<Ask, Failed> {
    let collection = house.package.table(ROW)?.collection();
    let anybody = Actor::anonymous();
    let wanted = json!({ "kind": { "eq": KIND }, "amount": { "gte": amount(LEAST) } });
    let slots = FIELDS.iter().filter_map(|name| collection.attribute(name, Spelling::Manifest));
    let list = List {
        filter: Some(filter::parse(collection, &wanted, Spelling::Api, Purpose::Viewer(&anybody))?),
        order: Order::read(collection, ["code"], Purpose::Viewer(&anybody))?,
        first: u32::try_from(FIRST)?,
        after: Some(after),
        slots: Some(slots.map(|found| found.slot).collect()),
    };
    let house = house.clone();
    Ok(ask_of(move || {
        let (house, list) = (house.clone(), list.clone());
        async move {
            let scope = house.state.authority.scope(house.tenant, Actor::anonymous());
            let reading = Reading::begin(&house.state.app, scope, Locale::Zh).await?;
            let page = record_list::run(&reading, &house.package, ROW, list, MAX_FIRST).await?;
            Ok(Bytes::from(page.records.len().to_string()))
        }
    }))
}
