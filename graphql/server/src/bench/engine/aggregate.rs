//! Number, sum and mean of half of the many rows, and the same by groups.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use sea_orm::sqlx::sqlite::SqliteRow;
use sea_orm::sqlx::{self, AssertSqlSafe, Row as _};
use serde_json::{Value as Json, json};

use super::super::ask::{Sender, asker};
use super::bed::{House, NAMESPACE, ROW};
use super::rows::amount;
use super::{Operation, ask_of};
use crate::command::Failed;

/// From this day on: half of the rows.
const FROM: &str = "2023-01-01";
const GROUPS: usize = 10;

/// The two statements by hand: of all, and by groups.
pub(super) struct ByHand {
    house: House,
    all: Arc<str>,
    groups: Arc<str>,
}

impl ByHand {
    pub(super) fn new(house: &House) -> Result<Self, Failed> {
        let table = house.table(ROW)?;
        let rows = format!("FROM \"{table}\" WHERE tenant_id = ? AND state = 'published' AND day >= ?");
        let all = format!("SELECT COUNT(*), SUM(amount), COUNT(amount) {rows}");
        let order = format!("GROUP BY kind ORDER BY COUNT(*) DESC, kind LIMIT {}", GROUPS + 1);
        let groups = format!("SELECT COUNT(*), SUM(amount), kind {rows} {order}");
        Ok(Self { house: house.clone(), all: all.into(), groups: groups.into() })
    }

    async fn rows(&self) -> Result<(SqliteRow, Vec<SqliteRow>), sqlx::Error> {
        let query = |sql: &Arc<str>| sqlx::query(AssertSqlSafe(Arc::clone(sql))).bind(self.house.tenant.0).bind(FROM);
        let all = query(&self.all).fetch_one(&self.house.readers).await?;
        Ok((all, query(&self.groups).fetch_all(&self.house.readers).await?))
    }

    async fn answer(&self) -> Result<Json, sqlx::Error> {
        let (all, groups) = self.rows().await?;
        let mut nodes = Vec::new();
        for row in groups.iter().take(GROUPS) {
            let kind: Option<String> = row.try_get(2)?;
            let kind = kind.map(|kind| kind.to_ascii_uppercase());
            let (count, sum): (i64, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
            nodes.push(json!({ "key": { "kind": kind }, "count": count, "sum": { "amount": sum.map(amount) } }));
        }
        let (count, sum, present): (i64, Option<i64>, i64) = (all.try_get(0)?, all.try_get(1)?, all.try_get(2)?);
        // Two more digits, rounded: there are no amounts below nothing.
        let mean = sum.filter(|_| present > 0).map(|sum| (sum * 100 + present / 2) / present);
        let mean = mean.map(|mean| format!("{}.{:04}", mean / 10_000, mean % 10_000));
        Ok(json!({
            "count": count, "sum": { "amount": sum.map(amount) }, "avg": { "amount": mean },
            "groups": { "nodes": nodes, "hasNext": groups.len() > GROUPS },
        }))
    }
}

/// The route of the handler.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/aggregate", web::post().to(aggregate));
}

async fn aggregate(by_hand: Data<ByHand>, _: Bytes) -> Result<HttpResponse, actix_web::Error> {
    let answer = by_hand.answer().await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().json(json!({ "data": { NAMESPACE: { "rowsAggregate": answer } } })))
}

/// The contenders.
pub(super) fn operation(house: &House, (ours, by_hand): (&Sender, &Sender), statement: Data<ByHand>) -> Operation {
    let query = format!(
        "query Aggregate {{\n  {NAMESPACE} {{\n    rowsAggregate(filter: {{ day: {{ gte: \"{FROM}\" }} }}) {{\n      \
         count sum {{ amount }} avg {{ amount }}\n      groups(by: [KIND], first: {GROUPS}) {{\n        \
         nodes {{ key {{ kind }} count sum {{ amount }} }} hasNext\n      }}\n    }}\n  }}\n}}"
    );
    let graphql = asker(ours, &format!("/t/{}/graphql", house.slug), &json!({ "query": query }));
    let handler = asker(by_hand, "/aggregate", &json!({}));
    let raw = ask_of(move || {
        let statement = statement.clone();
        async move { Ok(Bytes::from(statement.rows().await?.1.len().to_string())) }
    });
    Operation::new("aggregate", 2, graphql, handler, raw)
}
