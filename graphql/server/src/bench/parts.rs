//! Where a GraphQL request's time goes: its steps, each measured alone.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use async_graphql::parser::parse_query;
use serde_json::{Value as Json, json};
use sunlit_app::query::record_list::{self, List, MAX_FIRST};
use sunlit_app::{Package, Reading};
use sunlit_domain::filter::{self, Purpose};
use sunlit_domain::manifest::Spelling;
use sunlit_domain::page::Order;
use sunlit_domain::{Locale, Scope};
use sunlit_schema::{Ask, Call, Carries, Limits, TenantSchema, TraceId, Unbounded, execute};

use super::hand_written::{self, Limit};
use super::measure::{CpuAccounts, CpuClock, Series, line, timed, timed_async};
use super::streets::COLLECTION;
use crate::command::Failed;
use crate::state::State;

/// A step of a request. Later ones contain earlier ones where their description says so.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The body's JSON is read.
    Body,
    /// The document is parsed.
    Parse,
    /// A reading transaction begins and ends; nothing is read in it.
    Snapshot,
    /// The use case alone, its snapshot included.
    List,
    /// Everything between body and answer, all of the above included: gate, parser, cost, validation, resolvers.
    Execute,
    /// The answer's JSON is written.
    Serialise,
    /// The hand-written statement alone.
    Statement,
    /// The same with its limit written into the text: SQLite plans a statement anew each time a limit is bound.
    StatementWithoutBoundLimit,
}

impl Step {
    const ALL: [Self; 8] = [
        Self::Body,
        Self::Parse,
        Self::Snapshot,
        Self::List,
        Self::Execute,
        Self::Serialise,
        Self::Statement,
        Self::StatementWithoutBoundLimit,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Body => "body",
            Self::Parse => "parse",
            Self::Snapshot => "snapshot",
            Self::List => "list",
            Self::Execute => "execute",
            Self::Serialise => "serialise",
            Self::Statement => "hand_written_statement",
            Self::StatementWithoutBoundLimit => "hand_written_statement_without_bound_limit",
        }
    }
}

/// The steps of one request, each with what it took.
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
    series: [Series; Step::ALL.len()],
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
        let slots =
            fields.iter().filter_map(|name| collection.attribute(name, Spelling::Manifest)).map(|found| found.slot);
        let list = List {
            filter: Some(filter::parse(collection, &wanted, Spelling::Api, Purpose::Viewer(visitor.actor()))?),
            order: Order::read(collection, ["code"], Purpose::Viewer(visitor.actor()))?,
            first: u32::try_from(asked["first"].as_u64().unwrap_or(0))?,
            after: None,
            slots: Some(slots.collect()),
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
        for (index, step) in Step::ALL.into_iter().enumerate() {
            let start = CpuAccounts::read()?;
            let (walls, whole) = self.step(step, calls).await?;
            let cpu = clock.since(&start)?;
            if counted {
                self.series[index].add(&walls, whole, cpu);
            }
        }
        Ok(())
    }

    async fn step(&self, step: Step, calls: usize) -> Result<(Vec<Duration>, Duration), Failed> {
        match step {
            Step::Body => timed(calls, || done(serde_json::from_str::<Ask>(&self.body))),
            Step::Parse => timed(calls, || done(parse_query(&self.query))),
            Step::Serialise => timed(calls, || done(serde_json::to_string(&self.response))),
            Step::Snapshot => timed_async(calls, || self.snapshot()).await,
            Step::List => timed_async(calls, || self.list()).await,
            Step::Execute => timed_async(calls, async || done(self.execute().await)).await,
            Step::Statement => timed_async(calls, || self.statement(Limit::Bound)).await,
            Step::StatementWithoutBoundLimit => timed_async(calls, || self.statement(Limit::Written)).await,
        }
    }

    async fn snapshot(&self) -> Result<(), Failed> {
        let store = self.state.app.stores.open(&self.visitor).await?;
        drop(black_box(store.snapshot(&self.visitor).await?));
        Ok(())
    }

    async fn list(&self) -> Result<(), Failed> {
        let reading = Reading::begin(&self.state.app, self.visitor.clone(), Locale::Zh).await?;
        black_box(record_list::run(&reading, &self.package, COLLECTION, self.list.clone(), MAX_FIRST).await?);
        Ok(())
    }

    async fn execute(&self) -> Result<async_graphql::Response, Failed> {
        let ask = serde_json::from_str(&self.body)?;
        let reading = Reading::begin(&self.state.app, self.visitor.clone(), Locale::Zh).await?;
        let carries = Carries { mutations: true, subscriptions: false };
        let (trace, allowance) = (TraceId(String::new()), Arc::new(Unbounded));
        let call = Call { reading, limits: Limits::ANONYMOUS, carries, trace, allowance };
        let done = execute(&self.schema, ask, call).await;
        match done.response.errors.first() {
            None => Ok(done.response),
            Some(error) => Err(format!("the list is refused: {}", error.message).into()),
        }
    }

    async fn statement(&self, limit: Limit) -> Result<(), Failed> {
        let (streets, asked) = &self.by_hand;
        black_box(streets.count(asked, limit).await?);
        Ok(())
    }

    pub(super) fn print(&self) {
        for (step, series) in Step::ALL.into_iter().zip(&self.series) {
            line(&format!("graphql.part.{}.p50", step.name()), series.p50(), "us");
            line(&format!("graphql.part.{}.cpu", step.name()), series.cpu(), "us");
        }
    }
}

/// Keeps a result from being left out by the compiler.
fn done<T, E: Into<Failed>>(result: Result<T, E>) -> Result<(), Failed> {
    result.map(|value| drop(black_box(value))).map_err(Into::into)
}
