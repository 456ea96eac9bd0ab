//! All rows at once: in from a file, and out into one.

use std::fmt::Write as _;
use std::future::Future;
use std::time::Instant;

use actix_web::error::{ErrorBadRequest, ErrorInternalServerError};
use actix_web::test::TestRequest;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::TryStreamExt as _;
use sea_orm::sqlx::{self, AssertSqlSafe, Row as _};
use uuid::Uuid;

use super::super::ask::Sender;
use super::super::measure::{CpuAccounts, CpuClock, kib_of, line, median, reset_peak};
use super::bed::{House, Owner, PACKAGE, ROW};
use super::record::Statements;
use super::rows::{Row, amount, read_line};
use crate::command::Failed;

/// Rows of one statement of the raw import, as many as the product's own has.
const CHUNK: usize = 200;

/// What a contender took each time.
pub(super) struct Load {
    name: String,
    seconds: Vec<f64>,
    cpu: Vec<f64>,
    /// By how much memory grew the first time, in MiB.
    growth: f64,
}

impl Load {
    pub(super) fn new(name: &str) -> Self {
        Self { name: format!("engine.{name}"), seconds: Vec::new(), cpu: Vec::new(), growth: 0.0 }
    }

    /// Runs it once.
    pub(super) async fn time(
        &mut self,
        clock: &CpuClock,
        load: impl Future<Output = Result<(), Failed>>,
    ) -> Result<(), Failed> {
        let before = reset_peak()?;
        let (start, began) = (CpuAccounts::read()?, Instant::now());
        load.await?;
        self.seconds.push(began.elapsed().as_secs_f64());
        self.cpu.push(clock.since(&start)?.as_secs_f64());
        if self.seconds.len() == 1 {
            self.growth = (kib_of("self", "status", "VmHWM")? - before) / 1_024.0;
        }
        Ok(())
    }

    pub(super) fn print(&self, rows: usize) {
        let seconds = median(&self.seconds);
        line(&format!("{}.seconds", self.name), seconds, "s");
        line(&format!("{}.rows", self.name), rows as f64 / seconds, "rows/s");
        line(&format!("{}.cpu", self.name), median(&self.cpu), "s");
        line(&format!("{}.peak_growth", self.name), self.growth, "MiB");
    }

    /// How much of the other's speed remains.
    pub(super) fn compare(&self, other: &Self) {
        let whose = other.name.rsplit('.').next().unwrap_or_default();
        let percent = |ours: &[f64], theirs: &[f64]| 100.0 * median(theirs) / median(ours);
        line(&format!("{}.to_{whose}.seconds", self.name), percent(&self.seconds, &other.seconds), "%");
        line(&format!("{}.to_{whose}.cpu", self.name), percent(&self.cpu, &other.cpu), "%");
    }
}

/// Imports the file into a collection over the product's route.
pub(super) async fn import(
    ours: &Sender,
    house: &House,
    collection: &str,
    file: Bytes,
    credential: &str,
) -> Result<(), Failed> {
    let uri = format!("/t/{}/records/{PACKAGE}/{collection}?format=csv", house.slug);
    ours(with_file(&uri, file, credential)).await.map(drop)
}

fn with_file(uri: &str, file: Bytes, credential: &str) -> TestRequest {
    let request = TestRequest::post().uri(uri).insert_header(("content-type", "text/csv"));
    request.insert_header(("authorization", credential)).set_payload(file)
}

/// Imports it over the handler that was written by hand.
pub(super) async fn import_by_hand(
    by_hand: &Sender,
    events: Events,
    file: Bytes,
    credential: &str,
) -> Result<(), Failed> {
    by_hand(with_file(events.path(), file, credential)).await.map(drop)
}

/// Inserts rows that were read before, many with one statement, in one transaction.
pub(super) async fn import_raw(house: &House, rows: &[Row]) -> Result<(), Failed> {
    let statements = Statements::new(house, Owner::Raw)?;
    let mut work = house.writer.begin_with("BEGIN IMMEDIATE").await?;
    for chunk in rows.chunks(CHUNK) {
        statements.rows(&mut work, house.environment(), Uuid::nil(), chunk).await?;
    }
    Ok(work.commit().await?)
}

/// What an import by hand leaves for consumers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Events {
    /// One event.
    One,
    /// One for each record, as the product does.
    Each,
}

impl Events {
    fn path(self) -> &'static str {
        match self {
            Self::One => "/import",
            Self::Each => "/import/events",
        }
    }
}

/// The handlers' state.
pub(super) struct ByHand {
    house: House,
    plain: Statements,
    with_events: Statements,
    table: String,
}

impl ByHand {
    pub(super) fn new(house: &House) -> Result<Self, Failed> {
        Ok(Self {
            house: house.clone(),
            plain: Statements::new(house, Owner::Hand)?,
            with_events: Statements::new(house, Owner::HandWithEvents)?,
            table: Owner::Hand.table(&house.table(ROW)?),
        })
    }

    async fn import(&self, actor: Uuid, text: &str, events: Events) -> Result<usize, sqlx::Error> {
        let environment = self.house.environment();
        let statements = if matches!(events, Events::Each) { &self.with_events } else { &self.plain };
        let mut work = self.house.writer.begin_with("BEGIN IMMEDIATE").await?;
        let (mut count, mut id) = (0, Uuid::nil());
        for row in text.lines().filter_map(read_line) {
            id = statements.rows(&mut work, environment, actor, std::slice::from_ref(&row)).await?;
            if matches!(events, Events::Each) {
                statements.event(&mut work, environment, id).await?;
            }
            count += 1;
        }
        statements.audit(&mut work, environment, (actor, 1), ("import", id, "")).await?;
        statements.event(&mut work, environment, Uuid::nil()).await?;
        work.commit().await?;
        Ok(count)
    }

    fn select(&self) -> AssertSqlSafe<String> {
        let (columns, table) = ("id, version, code, name, kind, amount, day, note", &self.table);
        AssertSqlSafe(format!(
            "SELECT {columns} FROM \"{table}\" WHERE tenant_id = ? AND state = 'published' ORDER BY id"
        ))
    }

    async fn export(&self) -> Result<String, sqlx::Error> {
        let mut text = String::from("id,version,code,name,kind,amount,day,note\n");
        let mut rows = sqlx::query(self.select()).bind(self.house.tenant.0).fetch(&self.house.readers);
        while let Some(row) = rows.try_next().await? {
            let (id, version, cents): (Uuid, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(5)?);
            let texts: [&str; 5] =
                [row.try_get(2)?, row.try_get(3)?, row.try_get(4)?, row.try_get(6)?, row.try_get(7)?];
            let [code, name, kind, day, note] = texts;
            let written = writeln!(text, "{id},{version},{code},{name},{kind},{},{day},{note}", amount(cents));
            written.map_err(|error| sqlx::Error::Encode(error.into()))?;
        }
        Ok(text)
    }
}

/// The routes of the handlers.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .app_data(web::PayloadConfig::new(sunlit_sheet::MAX_BYTES))
        .route("/import", web::post().to(async |state, request, body| take(state, request, body, Events::One).await))
        .route(
            "/import/events",
            web::post().to(async |state, request, body| take(state, request, body, Events::Each).await),
        )
        .route("/export", web::get().to(give));
}

async fn take(
    by_hand: Data<ByHand>,
    request: HttpRequest,
    body: Bytes,
    events: Events,
) -> Result<HttpResponse, actix_web::Error> {
    let actor = by_hand.house.check(&request)?;
    let text = std::str::from_utf8(&body).map_err(ErrorBadRequest)?;
    let count = by_hand.import(actor, text, events).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().body(count.to_string()))
}

async fn give(by_hand: Data<ByHand>) -> Result<HttpResponse, actix_web::Error> {
    let text = by_hand.export().await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().content_type("text/csv").body(text))
}

/// Takes all rows out over the product's route; answers the file.
pub(super) async fn export(ours: &Sender, house: &House) -> Result<Bytes, Failed> {
    ours(TestRequest::get().uri(&format!("/t/{}/records/{PACKAGE}/{ROW}.csv", house.slug))).await
}

/// Takes them out over the handler.
pub(super) async fn export_by_hand(by_hand: &Sender) -> Result<Bytes, Failed> {
    by_hand(TestRequest::get().uri("/export")).await
}

/// Reads them, and does nothing with them; answers how many there are.
pub(super) async fn export_raw(by_hand: &ByHand) -> Result<usize, Failed> {
    let mut rows = sqlx::query(by_hand.select()).bind(by_hand.house.tenant.0).fetch(&by_hand.house.readers);
    let mut count = 0;
    while let Some(row) = rows.try_next().await? {
        std::hint::black_box(row.try_get::<&str, _>(3)?);
        count += 1;
    }
    Ok(count)
}
