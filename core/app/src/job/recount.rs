//! The job that counts the rest of the deadlines again after the calendar has changed.

use std::sync::Arc;

use sunlit_domain::Scope;
use sunlit_storage::tenant::outbox::Claimed;

use super::{JobError, Ran};
use crate::App;
use crate::command::calendar::recount;

pub(super) async fn run(app: &Arc<App>, scope: &Scope, job: &Claimed) -> Result<Ran, JobError> {
    recount::run(app, scope, job).await?;
    Ok(Ran::Ended)
}
