//! Records in one durable transaction, each with its audit entry and its event: one alone, and a hundred.

use std::cell::Cell;
use std::ops::Range;
use std::rc::Rc;
use std::sync::atomic::{AtomicI64, Ordering};

use actix_web::error::ErrorInternalServerError;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use sea_orm::sqlx;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sunlit_app::command::record::create;
use sunlit_app::command::record::many::MAX_MANY;
use sunlit_domain::manifest::Spelling;
use uuid::Uuid;

use super::super::ask::{Ask, Sender, post};
use super::bed::{House, NAMESPACE, Owner, ROW};
use super::record::Statements;
use super::rows::{Row, row};
use super::{Operation, ask_of};
use crate::command::Failed;

/// Counts the rows of a table, and so numbers the next.
pub(super) type Next = Rc<Cell<usize>>;

/// The handler's state.
pub(super) struct ByHand {
    house: House,
    statements: Statements,
    places: AtomicI64,
}

/// The input of a request, read by its own types.
#[derive(Debug, Deserialize)]
struct Input {
    code: String,
    name: String,
    kind: String,
    amount: String,
    day: String,
    note: String,
}

#[derive(Debug, Deserialize)]
struct Inputs {
    inputs: Vec<Input>,
}

impl Input {
    fn row(self) -> Option<Row> {
        let kind =
            ["open", "waiting", "closed", "archived"].into_iter().find(|kind| kind.eq_ignore_ascii_case(&self.kind))?;
        let cents = self.amount.replacen('.', "", 1).parse().ok()?;
        Some(Row { code: self.code, name: self.name, kind, cents, day: self.day, note: self.note })
    }
}

impl ByHand {
    pub(super) fn new(house: &House) -> Result<Self, Failed> {
        let statements = Statements::new(house, Owner::Hand)?;
        Ok(Self { house: house.clone(), statements, places: AtomicI64::new(1_000_000) })
    }

    async fn create(&self, actor: Uuid, rows: &[Row]) -> Result<Uuid, sqlx::Error> {
        let environment = self.house.environment();
        let mut work = self.house.writer.begin_with("BEGIN IMMEDIATE").await?;
        let mut id = Uuid::nil();
        for row in rows {
            id = self.statements.rows(&mut work, environment, actor, std::slice::from_ref(row)).await?;
            let place = self.places.fetch_add(1, Ordering::Relaxed);
            self.statements.audit(&mut work, environment, (actor, place), ("create", id, &row.code)).await?;
            self.statements.event(&mut work, environment, id).await?;
        }
        work.commit().await?;
        Ok(id)
    }
}

/// The route of the handler.
pub(super) fn routes(config: &mut ServiceConfig) {
    config.route("/create", web::post().to(create_rows));
}

async fn create_rows(
    by_hand: Data<ByHand>,
    request: HttpRequest,
    asked: web::Json<Inputs>,
) -> Result<HttpResponse, actix_web::Error> {
    let actor = by_hand.house.check(&request)?;
    let rows: Option<Vec<Row>> = asked.into_inner().inputs.into_iter().map(Input::row).collect();
    let Some(rows) = rows else { return Ok(HttpResponse::BadRequest().finish()) };
    let id = by_hand.create(actor, &rows).await.map_err(ErrorInternalServerError)?;
    Ok(HttpResponse::Ok().json(json!({ "data": { "create": { "id": id, "version": 1 } } })))
}

/// Asks with bodies that hold the inputs of the next rows, so many each time.
fn writer(
    (sender, uri): (&Sender, &str),
    credential: &str,
    (next, rows): (&Next, usize),
    body: impl Fn(Vec<Json>) -> Json + 'static,
) -> Ask {
    let (sender, uri, credential, next) = (Rc::clone(sender), uri.to_owned(), credential.to_owned(), Rc::clone(next));
    Rc::new(move || {
        let numbers = take(&next, rows);
        let request = post(&uri, body(numbers.map(|number| row(number).input()).collect()).to_string().into());
        let answer = sender(request.insert_header(("authorization", credential.as_str())));
        Box::pin(async move {
            let answer = answer.await?;
            if answer.windows(8).any(|part| part == b"\"code\":\"") {
                return Err(format!("a record is refused: {}", String::from_utf8_lossy(&answer)).into());
            }
            Ok(answer)
        })
    })
}

/// The contenders: each writes into a table of its own, all of which have `rows` rows.
pub(super) fn operation(
    house: &House,
    (ours, by_hand): (&Sender, &Sender),
    credential: &str,
    next: &[Next; 3],
) -> Result<Operation, Failed> {
    let query = format!(
        "mutation Create($input: BenchEngine_RowCreate!) {{\n  {NAMESPACE}CreateRow(input: $input) {{\n    \
         record {{ id version }}\n    errors {{ code message path }}\n  }}\n}}"
    );
    let body = move |mut inputs: Vec<Json>| json!({ "query": query, "variables": { "input": inputs.pop() } });
    let uri = format!("/t/{}/graphql", house.slug);
    let graphql = writer((ours, &uri), credential, (&next[0], 1), body);
    let handler = writer((by_hand, "/create"), credential, (&next[1], 1), |inputs| json!({ "inputs": inputs }));
    let operation = Operation::new("insert", 20, graphql, handler, raw(house, (&next[2], 1))?);
    Ok(operation.with("use_case", use_case(house, &next[0])))
}

/// The contenders for a hundred records at once.
pub(super) fn bulk(
    house: &House,
    (ours, by_hand): (&Sender, &Sender),
    credential: &str,
    next: &[Next; 3],
) -> Result<Operation, Failed> {
    let query = format!(
        "mutation Create($inputs: [BenchEngine_RowCreate!]!) {{\n  {NAMESPACE}CreateRows(inputs: $inputs) {{\n    \
         records {{ id version }}\n    errors {{ code message path }}\n  }}\n}}"
    );
    let body = move |inputs: Vec<Json>| json!({ "query": query, "variables": { "inputs": inputs } });
    let uri = format!("/t/{}/graphql", house.slug);
    let graphql = writer((ours, &uri), credential, (&next[0], MAX_MANY), body);
    let handler = writer((by_hand, "/create"), credential, (&next[1], MAX_MANY), |inputs| json!({ "inputs": inputs }));
    Ok(Operation::new("bulk", 2, graphql, handler, raw(house, (&next[2], MAX_MANY))?))
}

/// The numbers of the next rows.
fn take(next: &Next, rows: usize) -> Range<usize> {
    let number = next.get();
    next.set(number + rows);
    number..number + rows
}

/// A transaction of one statement.
fn raw(house: &House, (next, count): (&Next, usize)) -> Result<Ask, Failed> {
    let statements = Statements::new(house, Owner::Raw)?;
    let (house, next) = (house.clone(), Rc::clone(next));
    Ok(ask_of(move || {
        let (house, statements) = (house.clone(), statements.clone());
        let rows: Vec<Row> = take(&next, count).map(row).collect();
        async move {
            let mut connection = house.writer.acquire().await?;
            let id = statements.rows(&mut connection, house.environment(), Uuid::nil(), &rows).await?;
            Ok(Bytes::from(id.to_string()))
        }
    }))
}

/// The command without HTTP and GraphQL.
fn use_case(house: &House, next: &Next) -> Ask {
    let (house, next) = (house.clone(), Rc::clone(next));
    ask_of(move || {
        let (house, number) = (house.clone(), take(&next, 1).start);
        async move {
            let Json::Object(input) = lower_kind(&row(number)) else { return Err("a row is an object".into()) };
            let scope = house.editor();
            let app = &house.state.app;
            let record = create::run(app, &scope, &house.package, ROW, &input, Spelling::Api).await?;
            Ok(Bytes::from(record.id.to_string()))
        }
    })
}

/// The input as it is below the API, where values of enums are spelled as declared.
fn lower_kind(row: &Row) -> Json {
    let mut input = row.input();
    input["kind"] = row.kind.into();
    input
}
