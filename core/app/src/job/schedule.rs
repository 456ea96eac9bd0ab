//! The job that waits for a schedule's next instant.

use std::sync::Arc;

use sunlit_domain::Scope;
use sunlit_storage::tenant::outbox::Claimed;

use super::{JobError, Ran, package_of};
use crate::App;
use crate::command::schedule::{Firing, tick};

pub(super) async fn run(app: &Arc<App>, scope: &Scope, job: &Claimed) -> Result<Ran, JobError> {
    let firing = Firing::of(job)?;
    let context = app.context(scope).await?;
    let package = package_of(&context, &firing.package)?;
    let schedule = package.and_then(|package| package.manifest.schedule(&firing.schedule));
    tick::run(app, scope, job, schedule).await?;
    Ok(Ran::Ended)
}
