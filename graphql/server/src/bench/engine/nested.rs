//! Twenty records, and inside each the first five of those that refer to it, with their number.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use sea_orm::sqlx::sqlite::SqliteRow;
use sea_orm::sqlx::{self, AssertSqlSafe, Row as _};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::super::ask::{Sender, asker};
use super::bed::{House, NAMESPACE};
use super::{Operation, ask_of, load};
use crate::command::Failed;

const PARENTS: usize = 20;
const CHILDREN: usize = 5;
/// How many records refer to each.
const CHILDREN_OF_EACH: usize = 20;
/// How many records there are that others refer to: no fewer than a page, and no more than matter.
const ALL_PARENTS: (usize, usize) = (25, 200);

/// Imports parents and their children, as many as suit `rows` rows.
pub(super) async fn fill(ours: &Sender, house: &House, credential: &str, rows: usize) -> Result<(), Failed> {
    let parents = (rows / 500).clamp(ALL_PARENTS.0, ALL_PARENTS.1);
    let mut file = String::from("name\n");
    (0..parents).for_each(|number| file.push_str(&format!("上级 {number}\n")));
    load::import(ours, house, "parent", file.into(), credential).await?;
    let sql = format!("SELECT id FROM \"{}\" ORDER BY id", house.table("parent")?);
    let ids: Vec<Uuid> = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&house.readers).await?;
    let mut file = String::from("name,parent\n");
    // One of each parent in turn, so that a parent's children are not neighbours.
    for number in 0..CHILDREN_OF_EACH {
        ids.iter().for_each(|id| file.push_str(&format!("下级 {number},{id}\n")));
    }
    load::import(ours, house, "child", file.into(), credential).await
}

/// The statement by hand: one for everything.
pub(super) struct ByHand {
    house: House,
    sql: Arc<str>,
}

impl ByHand {
    pub(super) fn new(house: &House) -> Result<Self, Failed> {
        let page = format!(
            "SELECT id, name FROM \"{}\" WHERE tenant_id = ?1 AND state = 'published' ORDER BY id LIMIT {PARENTS}",
            house.table("parent")?
        );
        let children = format!(
            "SELECT id, parent, name, ROW_NUMBER() OVER (PARTITION BY parent ORDER BY id) AS place, \
             COUNT(*) OVER (PARTITION BY parent) AS total FROM \"{}\" \
             WHERE tenant_id = ?1 AND state = 'published' AND parent IN (SELECT id FROM page)",
            house.table("child")?
        );
        let sql = format!(
            "WITH page AS MATERIALIZED ({page}), children AS ({children}) \
             SELECT page.id, page.name, children.name, children.total FROM page \
             LEFT JOIN children ON children.parent = page.id AND children.place <= {CHILDREN} \
             ORDER BY page.id, children.place"
        );
        Ok(Self { house: house.clone(), sql: sql.into() })
    }

    async fn rows(&self) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.sql))).bind(self.house.tenant.0);
        query.fetch_all(&self.house.readers).await
    }

    async fn parents(&self) -> Result<Vec<Parent>, sqlx::Error> {
        let (mut parents, mut last): (Vec<Parent>, Option<Uuid>) = (Vec::new(), None);
        for row in self.rows().await? {
            let id: Uuid = row.try_get(0)?;
            if last.replace(id) != Some(id) {
                let total_count = row.try_get::<Option<i64>, _>(3)?.unwrap_or(0);
                parents.push(Parent { name: row.try_get(1)?, children: Children { nodes: Vec::new(), total_count } });
            }
            if let (Some(parent), Some(name)) = (parents.last_mut(), row.try_get(2)?) {
                parent.children.nodes.push(Child { name });
            }
        }
        Ok(parents)
    }
}

#[derive(Serialize)]
struct Parent {
    name: Option<String>,
    children: Children,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Children {
    nodes: Vec<Child>,
    total_count: i64,
}

#[derive(Serialize)]
struct Child {
    name: String,
}

/// The route of the handler.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/nested", web::post().to(nested));
}

async fn nested(by_hand: Data<ByHand>, _: Bytes) -> Result<HttpResponse, actix_web::Error> {
    let nodes = by_hand.parents().await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().json(json!({ "data": { NAMESPACE: { "parents": { "nodes": nodes } } } })))
}

/// The contenders.
pub(super) fn operation(house: &House, (ours, by_hand): (&Sender, &Sender), statement: Data<ByHand>) -> Operation {
    let query = format!(
        "query Nested {{\n  {NAMESPACE} {{\n    parents(first: {PARENTS}) {{\n      \
         nodes {{ name children(first: {CHILDREN}) {{ nodes {{ name }} totalCount }} }}\n    }}\n  }}\n}}"
    );
    let graphql = asker(ours, &format!("/t/{}/graphql", house.slug), &json!({ "query": query }));
    let handler = asker(by_hand, "/nested", &json!({}));
    let raw = ask_of(move || {
        let statement = statement.clone();
        async move { Ok(Bytes::from(statement.rows().await?.len().to_string())) }
    });
    Operation::new("nested", 20, graphql, handler, raw)
}
