//! Where a GraphQL request's time goes: its steps, each measured alone.

use std::hint::black_box;
use std::sync::Arc;

use actix_web::web;
use async_graphql::parser::parse_query;
use serde_json::{Value as Json, json};
use sunlit_app::query::record_list::{self, List, MAX_FIRST};
use sunlit_app::{Package, Reading};
use sunlit_domain::filter::{self, Purpose};
use sunlit_domain::manifest::Spelling;
use sunlit_domain::page::Order;
use sunlit_domain::{Locale, Scope};
use sunlit_schema::{Limits, TenantSchema, TraceId, execute};

use super::hand_written;
use super::measure::{CpuAccounts, CpuClock, Series, line, timed, timed_async};
use super::streets::COLLECTION;
use crate::command::Failed;
use crate::state::State;

/// The steps, in the order of a request.
const STEPS: [&str; 7] = ["body", "parse", "snapshot", "list", "execute", "serialise", "statement"];

/// The steps of one request.
pub(super) struct Parts {
    state: web::Data<State>,
    visitor: Scope,
    package: Arc<Package>,
    schema: Arc<TenantSchema>,
    body: String,
    query: String,
    list: List,
    response: async_graphql::Response,
    by_hand: (web::Data<hand_written::Streets>, hand_written::Asked),
    series: [Series; STEPS.len()],
}

impl Parts {
    /// Prepares the steps of the request in `body`, which asks what `by_hand` asks too.
    pub(super) async fn new(
        state: &web::Data<State>,
        visitor: &Scope,
        package: &Arc<Package>,
        body: &Json,
        (hand_written, asked): (&web::Data<hand_written::Streets>, &Json),
    ) -> Result<Self, Failed> {
        let reading = Reading::begin(&state.app, visitor.clone(), Locale::Zh).await?;
        let schema = state.schema(reading.context()).await?;
        let collection = package.table(COLLECTION)?.collection();
        let wanted = json!({ "name": { "contains": asked["contains"] }, "code": { "gte": asked["from"] } });
        let fields = ["code", "name", "location", "industries", "phone"];
        let fields =
            fields.iter().filter_map(|name| collection.field(name, Spelling::Manifest)).map(|(index, _)| index);
        let list = List {
            filter: Some(filter::parse(collection, &wanted, Spelling::Api, Purpose::Viewer)?),
            order: Order::read(collection, ["code"].into_iter(), false)?,
            first: u32::try_from(asked["first"].as_u64().unwrap_or(0))?,
            after: None,
            fields: Some(fields.collect()),
        };
        let mut parts = Self {
            state: state.clone(),
            visitor: visitor.clone(),
            package: Arc::clone(package),
            schema,
            body: body.to_string(),
            query: body["query"].as_str().unwrap_or_default().to_owned(),
            list,
            response: async_graphql::Response::default(),
            by_hand: (hand_written.clone(), serde_json::from_value(asked.clone())?),
            series: Default::default(),
        };
        parts.response = parts.execute().await?;
        Ok(parts)
    }

    /// Measures `calls` of each step.
    pub(super) async fn round(&mut self, clock: &CpuClock, calls: usize, counted: bool) -> Result<(), Failed> {
        for index in 0..STEPS.len() {
            let start = CpuAccounts::read()?;
            let (walls, whole) = match STEPS[index] {
                "body" => {
                    timed(calls, || Ok(drop(black_box(serde_json::from_str::<async_graphql::Request>(&self.body)?))))?
                }
                "parse" => timed(calls, || Ok(drop(black_box(parse_query(&self.query)?))))?,
                "serialise" => timed(calls, || Ok(drop(black_box(serde_json::to_string(&self.response)?))))?,
                "snapshot" => timed_async(calls, || self.snapshot()).await?,
                "list" => timed_async(calls, || self.list()).await?,
                "execute" => timed_async(calls, async || self.execute().await.map(drop)).await?,
                _ => timed_async(calls, || self.statement()).await?,
            };
            let cpu = clock.since(&start)?;
            if counted {
                self.series[index].add(&walls, whole, cpu);
            }
        }
        Ok(())
    }

    /// Begins and ends a reading transaction.
    async fn snapshot(&self) -> Result<(), Failed> {
        let store = self.state.app.stores.open(&self.visitor).await?;
        drop(black_box(store.snapshot(&self.visitor).await?));
        Ok(())
    }

    /// The use case alone, its snapshot included.
    async fn list(&self) -> Result<(), Failed> {
        let reading = Reading::begin(&self.state.app, self.visitor.clone(), Locale::Zh).await?;
        black_box(record_list::run(&reading, &self.package, COLLECTION, self.list.clone(), MAX_FIRST).await?);
        Ok(())
    }

    /// Everything between body and answer: gate, parser, cost, validation, resolvers, the use case.
    async fn execute(&self) -> Result<async_graphql::Response, Failed> {
        let request = serde_json::from_str(&self.body)?;
        let reading = Reading::begin(&self.state.app, self.visitor.clone(), Locale::Zh).await?;
        let done = execute(&self.schema, request, reading, Limits::ANONYMOUS, TraceId(String::new())).await;
        match done.response.errors.first() {
            None => Ok(done.response),
            Some(error) => Err(format!("the list is refused: {}", error.message).into()),
        }
    }

    /// The hand-written statement alone.
    async fn statement(&self) -> Result<(), Failed> {
        let (streets, asked) = &self.by_hand;
        black_box(streets.count(asked).await?);
        Ok(())
    }

    pub(super) fn print(&self) {
        for (step, series) in STEPS.iter().zip(&self.series) {
            line(&format!("graphql.part.{step}.p50"), series.p50(), "us");
            line(&format!("graphql.part.{step}.cpu"), series.cpu(), "us");
        }
    }
}
