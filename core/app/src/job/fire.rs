//! The job that does what a schedule says.

use std::sync::Arc;

use sunlit_domain::Scope;
use sunlit_storage::tenant::outbox::Claimed;

use super::{JobError, Ran, package_of};
use crate::App;
use crate::command::schedule::{Firing, fire};

pub(super) async fn run(app: &Arc<App>, scope: &Scope, job: &Claimed) -> Result<Ran, JobError> {
    let firing = Firing::of(job)?;
    let context = app.context(scope).await?;
    let package = package_of(&context, &firing.package)?;
    let declared = package.and_then(|package| Some((package, package.manifest.schedule(&firing.schedule)?)));
    let Some((package, schedule)) = declared else {
        return Err(JobError::Fail(format!("{} has no schedule `{}` any more", firing.package, firing.schedule)));
    };
    fire::run(app, scope, job, package, schedule).await?;
    Ok(Ran::Ended)
}
