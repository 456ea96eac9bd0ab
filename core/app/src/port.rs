//! What a component's host calls reach: its own collections with somebody's rights, and its settings.

mod buffer;
mod records;
mod settings;
mod storage;

use std::sync::Arc;

use sunlit_domain::access::Deed;
use sunlit_domain::filter::Filter;
use sunlit_domain::manifest::RunsAs;
use sunlit_domain::record::Record;
use sunlit_domain::value::Value;
use sunlit_plugin_host::PortError;
use sunlit_storage::Table;
use tracing::Instrument as _;

pub(crate) use buffer::Buffer;
pub(crate) use records::RecordsOfPackage;
pub(crate) use settings::SettingsOfPackage;
pub(crate) use storage::StorageOfPackage;

use crate::reading::allowed_as;
use crate::{AppError, Installed, Package, Reading};

/// The package's collections as one call sees them: a snapshot, somebody's rights, and what the call itself has written.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) reading: Reading,
    pub(crate) installed: Arc<Installed>,
    pub(crate) runs_as: RunsAs,
    /// Always empty but in an action.
    pub(crate) buffer: Buffer,
}

impl View {
    pub(crate) fn new(reading: &Reading, installed: &Arc<Installed>, runs_as: RunsAs) -> Arc<Self> {
        let (reading, installed) = (reading.clone(), Arc::clone(installed));
        Arc::new(Self { reading, installed, runs_as, buffer: Buffer::default() })
    }

    fn package(&self) -> &Package {
        &self.installed.package
    }

    /// Which of the table's records the call may do `deed` with.
    fn allowed(&self, table: &Table, deed: Deed) -> Result<Filter, AppError> {
        match (self.runs_as, deed) {
            (RunsAs::Caller, Deed::Read) => self.reading.readable(table.collection()),
            (runs_as, deed) => allowed_as(runs_as, self.reading.scope(), table.collection(), deed),
        }
    }

    /// A record as the call may see it.
    fn shown(&self, table: &Table, mut record: Record) -> Record {
        if self.runs_as == RunsAs::Caller {
            table.collection().hide(&mut record, self.reading.scope().actor());
        }
        record
    }

    /// Whoever acts, as records name them.
    fn actor(&self) -> Value {
        self.reading.scope().actor().id().map_or(Value::Null, |actor| Value::Id(actor.0))
    }
}

/// Runs database work in a task of its own: the call may be cut off at any await, the database connection may not.
async fn in_task<T: Send + 'static>(
    work: impl Future<Output = Result<T, AppError>> + Send + 'static,
) -> Result<T, PortError> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(result) => result.map_err(to_port),
        Err(error) => Err(PortError::Host(error.into())),
    }
}

fn to_port(error: AppError) -> PortError {
    match error {
        AppError::NotFound => PortError::NotFound("no such collection or record".to_owned()),
        AppError::Denied | AppError::Unauthenticated => {
            PortError::Denied("whoever asks may not do this with the collection".to_owned())
        }
        AppError::Filter(error) => PortError::Invalid(error.to_string()),
        AppError::Page(error) => PortError::Invalid(error.to_string()),
        AppError::Argument(message) | AppError::Limit(message) => PortError::Invalid(message),
        AppError::Problems(problems) => {
            let told = problems.iter().map(|problem| {
                let message = problem.message(sunlit_domain::Locale::default());
                format!("{}: {message}", problem.path)
            });
            PortError::Invalid(told.collect::<Vec<_>>().join("; "))
        }
        AppError::Conflict { .. } => PortError::Conflict(error.to_string()),
        other => PortError::Host(Box::new(other)),
    }
}
