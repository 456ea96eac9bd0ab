//! Collections as spreadsheets: downloads, and imports that are all or nothing.
//!
//! A download answers a plain link. An import is a POST whose `Content-Type` no form of a foreign page can send
//! (`text/csv`, or that of XLSX), and whose actor comes from the `Authorization` header, which no foreign page can set.

use actix_web::http::{ConnectionType, header};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::stream;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use sunlit_app::AppError;
use sunlit_app::command::record::import::{self, CellProblem, File, Outcome};
use sunlit_app::query::record_export::{self, Ask, Export};
use sunlit_domain::Locale;
use sunlit_domain::filter::{self, Purpose};
use sunlit_domain::manifest::{Collection, Spelling};
use sunlit_domain::page::Order;
use sunlit_sheet::{Form as SheetForm, MAX_BYTES};

use super::body;
use super::failure::{Failure, Form};
use super::visitor::Visitor;
use crate::state::State;

/// Problems that an answer in JSON tells; the error file tells all.
const MAX_TOLD: usize = 100;

/// What a download may ask for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// A filter in JSON, as in the API; values as in cells.
    filter: Option<String>,
    /// Names parted by commas, `-` before one to begin with the greatest.
    order: Option<String>,
    /// Names of columns parted by commas.
    fields: Option<String>,
    /// `zh` or `en`: titles as header.
    titles: Option<String>,
}

/// What an import may ask for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// `csv` or `xlsx`.
    format: String,
    /// A unique field by which rows find their records.
    key: Option<String>,
    /// The sheet of a workbook.
    sheet: Option<String>,
    /// `keep`: rows create records under the ids that they give; for administrators.
    ids: Option<String>,
    #[serde(default)]
    dry_run: bool,
    /// `file`: what is refused comes back as a file.
    errors: Option<String>,
}

/// Downloads the records that the viewer may read.
pub(super) async fn export(
    visitor: Result<Visitor, Failure>,
    state: web::Data<State>,
    path: web::Path<Place>,
    wanted: Result<web::Query<Wanted>, actix_web::Error>,
) -> HttpResponse {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(failure) => return failure.answer(&state),
    };
    let begun = async {
        let wanted = wanted.map_err(|error| AppError::Argument(error.to_string()))?;
        let form = path.form.as_deref().and_then(SheetForm::named).ok_or(AppError::NotFound)?;
        begin(&visitor, &path, form, &wanted).await.map(|(export, name)| (export, name, form))
    };
    match begun.await {
        Ok((export, name, form)) => HttpResponse::Ok()
            .content_type(content_type(form))
            .insert_header((header::CONTENT_DISPOSITION, disposition(&path.collection, &name, form)))
            .insert_header((header::CACHE_CONTROL, "private, no-store"))
            .streaming(pieces(export)),
        Err(error) => visitor.failure(error, Form::Page).answer(&state),
    }
}

/// The parts of an address that name a collection.
#[derive(Debug, Deserialize)]
pub(super) struct Place {
    package: String,
    collection: String,
    form: Option<String>,
}

async fn begin(
    visitor: &Visitor,
    place: &Place,
    form: SheetForm,
    wanted: &Wanted,
) -> Result<(Export, String), AppError> {
    visitor.within_quota()?;
    // Whoever signed in takes what they work with, drafts too.
    let reading = visitor.reading().await?.own();
    let package = &reading.context().package(&place.package)?.package;
    let collection = package.table(&place.collection)?.collection();
    let ask = ask(collection, Purpose::Viewer(reading.scope().actor()), form, wanted)?;
    let title = record_export::title(package, &place.collection, visitor.locale())?;
    let name = format!("{title}-{}", reading.now().date_in_china());
    Ok((Export::begin(&reading, package, &place.collection, ask).await?, name))
}

fn ask(collection: &Collection, purpose: Purpose<'_>, form: SheetForm, wanted: &Wanted) -> Result<Ask, AppError> {
    let filter = match &wanted.filter {
        Some(text) => {
            let json: Json = serde_json::from_str(text)
                .map_err(|error| AppError::Argument(format!("the filter is not JSON: {error}")))?;
            Some(filter::parse(collection, &json, Spelling::Api, purpose)?)
        }
        None => None,
    };
    let names = |text: &Option<String>| -> Option<Vec<String>> {
        text.as_ref().map(|text| text.split(',').map(|name| name.trim().to_owned()).collect())
    };
    let order = names(&wanted.order).unwrap_or_default();
    let order = Order::read(collection, order.iter().map(String::as_str), purpose)?;
    let titles = match wanted.titles.as_deref() {
        None => None,
        Some("zh") => Some(Locale::Zh),
        Some("en") => Some(Locale::En),
        Some(_) => return Err(AppError::Argument("titles is zh or en".to_owned())),
    };
    Ok(Ask { form, filter, order, fields: names(&wanted.fields), titles })
}

/// The file piece by piece. A failure on the way breaks the connection off, so that nobody takes half a file for a whole one.
fn pieces(export: Export) -> impl futures_util::Stream<Item = Result<Bytes, AppError>> {
    stream::unfold(Some(export), async |export| {
        let mut export = export?;
        match export.next().await {
            Ok(Some(piece)) => Some((Ok(Bytes::from(piece)), Some(export))),
            Ok(None) => None,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an export broke off");
                Some((Err(error), None))
            }
        }
    })
}

/// Imports the file in the body.
pub(super) async fn import(
    visitor: Result<Visitor, Failure>,
    state: web::Data<State>,
    request: HttpRequest,
    path: web::Path<Place>,
    asked: Result<web::Query<Asked>, actix_web::Error>,
    body: web::Payload,
) -> HttpResponse {
    let visitor = match visitor {
        Ok(visitor) => visitor,
        Err(failure) => return failure.answer(&state),
    };
    let taken = async {
        let asked = asked.map_err(|error| AppError::Argument(error.to_string()))?.into_inner();
        take(&visitor, &request, &path, asked, body).await
    };
    match taken.await {
        Ok(response) => response,
        Err(error) => {
            let mut response = visitor.failure(error, Form::Problem).answer(&state);
            // What is left of the body is not read: the connection serves nothing after it.
            response.head_mut().set_connection_type(ConnectionType::Close);
            response
        }
    }
}

async fn take(
    visitor: &Visitor,
    request: &HttpRequest,
    path: &Place,
    asked: Asked,
    body: web::Payload,
) -> Result<HttpResponse, AppError> {
    let bad = |detail: &str| AppError::Argument(detail.to_owned());
    let form = SheetForm::named(&asked.format).ok_or_else(|| bad("format is csv or xlsx"))?;
    let keep_ids = match asked.ids.as_deref() {
        None => false,
        Some("keep") => true,
        Some(_) => return Err(bad("ids is keep, or left out")),
    };
    let wants_file = match asked.errors.as_deref() {
        None => false,
        Some("file") => true,
        Some(_) => return Err(bad("errors is file, or left out")),
    };
    if !is_of_form(request, form) {
        return Err(AppError::Unsupported(format!("send Content-Type: {}", form.media_type())));
    }
    // Who may not import is told before the file is taken in.
    let app = &visitor.state.app;
    let context = app.context(&visitor.scope).await?;
    let installed = context.package(&path.package)?;
    import::check_rights(app, &visitor.scope, &installed.package, &path.collection, keep_ids).await?;
    let bytes = body::whole(body, "import", MAX_BYTES).await?;
    let locale = visitor.locale();
    let Asked { key, sheet, dry_run, .. } = asked;
    let file = File { form, bytes, sheet, key, keep_ids, dry_run, locale };
    Ok(match import::run(app, &visitor.scope, &installed.package, &path.collection, file).await? {
        Outcome::Done(done) => HttpResponse::Ok().insert_header((header::CACHE_CONTROL, "no-store")).json(json!({
            "import": done.id.to_string(), "dryRun": dry_run,
            "created": done.created, "updated": done.updated, "unchanged": done.unchanged,
        })),
        Outcome::Refused { problems, sheet } if wants_file => HttpResponse::UnprocessableEntity()
            .content_type(content_type(form))
            .insert_header((header::CONTENT_DISPOSITION, disposition("errors", "错误", form)))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(import::error_file(form, &sheet, &problems, locale)?),
        Outcome::Refused { problems, .. } => refused(&problems),
    })
}

fn refused(problems: &[CellProblem]) -> HttpResponse {
    let told = problems.iter().take(MAX_TOLD).map(|problem| {
        json!({
            "row": problem.row, "column": problem.column, "code": problem.code.code(), "message": problem.message,
        })
    });
    let body = json!({ "count": problems.len(), "problems": told.collect::<Vec<_>>() });
    HttpResponse::UnprocessableEntity().insert_header((header::CACHE_CONTROL, "no-store")).json(body)
}

/// Whether the body says of itself that it is of `form`. Its charset is not asked: the file itself tells.
fn is_of_form(request: &HttpRequest, form: SheetForm) -> bool {
    let header = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    header.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(form.media_type())
}

fn content_type(form: SheetForm) -> String {
    match form {
        SheetForm::Csv => format!("{}; charset=utf-8", form.media_type()),
        SheetForm::Xlsx => form.media_type().to_owned(),
    }
}

/// RFC 6266: a name in ASCII for old programs, and the Chinese one in UTF-8 (RFC 8187).
fn disposition(plain: &str, name: &str, form: SheetForm) -> String {
    let extension = form.extension();
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
    format!("attachment; filename=\"{plain}.{extension}\"; filename*=UTF-8''{encoded}.{extension}")
}
