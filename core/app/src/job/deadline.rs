//! The job that waits for a deadline's next day.

use std::sync::Arc;

use sunlit_domain::Scope;
use sunlit_storage::tenant::outbox::Claimed;

use super::{JobError, Ran, package_of};
use crate::App;
use crate::command::deadline::pass::{self, Timer};

pub(super) async fn run(app: &Arc<App>, scope: &Scope, job: &Claimed) -> Result<Ran, JobError> {
    let timer = Timer::of(job)?;
    let context = app.context(scope).await?;
    let parts = timer.collection.split_once('.');
    let package = parts.map(|(package, _)| package_of(&context, package)).transpose()?.flatten();
    let table = package.zip(parts).and_then(|(package, (_, collection))| package.table(collection).ok());
    pass::run(app, scope, job, table).await?;
    Ok(Ran::Ended)
}
