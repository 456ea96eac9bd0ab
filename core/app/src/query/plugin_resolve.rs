//! Asks a package's component: a query, or a computed field for a page of records.

use std::sync::Arc;

use sunlit_domain::manifest::{Computed, Manifest, Query, Returned, Returns, RunsAs, Slot, Spelling};
use sunlit_domain::plan::Quota;
use sunlit_domain::record::Record;
use sunlit_domain::value::{Kind, Value};
use sunlit_plugin_host::{CallInput, CallReport, Data, Limits, Outcome, Ports};
use tracing::Instrument as _;

use crate::port::{SettingsOfPackage, StorageOfPackage, View};
use crate::tokens::{self, Answer, Shape};
use crate::{AppError, Installed, Reading, meter};

/// What the query answers for these arguments (in the order that the manifest declares them).
///
/// # Errors
/// [`AppError::PluginDeclined`], [`AppError::PluginFailed`].
pub async fn query(
    reading: &Reading,
    installed: &Arc<Installed>,
    query: &Query,
    args: &[Value],
) -> Result<Answer, AppError> {
    let names = query.args.iter().map(|arg| arg.name.to_string()).collect();
    let args = tokens::object(names, args);
    let answers = call(reading, installed, query.name.as_str(), args, tokens::list_of_null()).await?;
    let shape = shape(&installed.package.manifest, &query.returns).ok_or(AppError::NotFound)?;
    let mut answers = read(installed, query.name.as_str(), &answers, &shape)?;
    answers.pop().ok_or(AppError::NotFound)
}

/// The computed field's value for each record, in their order.
///
/// # Errors
/// [`AppError::PluginDeclined`], [`AppError::PluginFailed`].
pub async fn computed(
    reading: &Reading,
    installed: &Arc<Installed>,
    collection: &str,
    computed: &Computed,
    records: &[Arc<Record>],
) -> Result<Vec<Value>, AppError> {
    let table = installed.package.table(collection)?;
    let slots: Vec<Slot> = computed
        .needs
        .iter()
        .filter_map(|need| Some(table.collection().attribute(need.as_str(), Spelling::Manifest)?.slot))
        .collect();
    let names = computed.needs.iter().map(ToString::to_string).collect();
    let rows = records.iter().map(|record| slots.iter().map(|slot| record.get(*slot).clone()).collect());
    let parents = tokens::list_of_objects(names, rows);
    let field = format!("{collection}.{}", computed.name);
    let answers = call(reading, installed, &field, tokens::object(Vec::new(), &[]), parents).await?;
    let answers = read(installed, &field, &answers, &Shape::Scalar(computed.kind()))?;
    Ok(answers.into_iter().map(Answer::into_scalar).collect())
}

async fn call(
    reading: &Reading,
    installed: &Arc<Installed>,
    field: &str,
    args: Data,
    parents: Data,
) -> Result<Data, AppError> {
    let plugin = installed.plugin.as_ref().ok_or(AppError::NotFound)?;
    let view = View::new(reading, installed, RunsAs::Caller);
    let ports = Ports {
        storage: Some(Arc::new(StorageOfPackage::new(&view))),
        records: None,
        settings: Some(Arc::new(SettingsOfPackage::new(installed))),
    };
    let input = CallInput {
        lane: installed.lane.clone(),
        field: field.to_owned(),
        args,
        parents,
        ports,
        now_micros: reading.now().micros(),
        limits: Limits::query(),
        deadline: None,
    };
    let report = reported(reading, installed, field, plugin.resolve(input)).await?;
    answered(installed, field, report)
}

/// The answer of a call, or its failure.
pub(crate) fn answered(installed: &Installed, field: &str, report: CallReport) -> Result<Data, AppError> {
    if let Some(error) = AppError::of_outcome(installed.package.id(), field, &report.outcome) {
        return Err(error);
    }
    match report.outcome {
        Outcome::Ok(data) => Ok(data),
        _ => Err(AppError::NotFound),
    }
}

/// The report of a call, which is told to the operator in every way: a span, a line, and numbers. What a plugin says when it
/// declines is for whoever asked: it may speak of them, and stands in no log.
///
/// # Errors
/// [`AppError::QuotaExceeded`] when the tenant has used up what its plan gives plugins in a month: then nothing is called.
pub(crate) async fn reported(
    reading: &Reading,
    installed: &Installed,
    field: &str,
    call: impl Future<Output = CallReport>,
) -> Result<CallReport, AppError> {
    let (app, tenant) = (reading.app(), reading.scope().tenant());
    app.usage.admit(tenant, &*app.plan_for(tenant).await?, Quota::PluginCpu)?;
    let package = installed.package.id();
    // Of the highest level, so that no filter takes its fields from the lines that it lets pass.
    let span = tracing::error_span!(
        "plugin", otel.name = "plugin call", tenant.id = %tenant, package.id = package, export = field,
        outcome = tracing::field::Empty, fuel = tracing::field::Empty,
    );
    let report = call.instrument(span.clone()).await;
    span.record("outcome", report.outcome.name()).record("fuel", report.used.fuel);
    meter::plugin_called(package, field, &report);
    app.usage.plugin(tenant, report.used.busy_micros);
    span.in_scope(|| {
        tracing::debug!(
            busy_micros = report.used.busy_micros,
            rows = report.used.rows,
            writes = report.used.writes,
            "plugin called"
        );
        match AppError::of_outcome(package, field, &report.outcome) {
            None | Some(AppError::PluginDeclined(_)) => {}
            Some(error) => tracing::warn!(blame = ?report.blame, %error, "plugin did not answer"),
        }
    });
    Ok(report)
}

/// What an answer of the declared type looks like: records cross as their ids.
pub(crate) fn shape<'a>(manifest: &'a Manifest, returns: &'a Returns) -> Option<Shape<'a>> {
    let item = match manifest.returned(returns)? {
        Returned::Scalar(kind) => Shape::Scalar(kind),
        Returned::Object(object) => Shape::Object(&object.fields),
        Returned::Collection(_) => Shape::Scalar(Kind::Id),
    };
    Some(if returns.is_list() { Shape::List(Box::new(item)) } else { item })
}

fn read(installed: &Installed, field: &str, data: &Data, shape: &Shape<'_>) -> Result<Vec<Answer>, AppError> {
    tokens::read_list(data, shape).map_err(|reason| nonsense(installed, field, reason))
}

/// The failure of a call that answered something else than the manifest declares.
pub(crate) fn nonsense(installed: &Installed, field: &str, reason: String) -> AppError {
    let outcome = Outcome::<()>::BadOutput(reason);
    let error = AppError::of_outcome(installed.package.id(), field, &outcome).unwrap_or(AppError::NotFound);
    tracing::warn!(package.id = installed.package.id(), field, %error, "plugin answered nonsense");
    error
}
