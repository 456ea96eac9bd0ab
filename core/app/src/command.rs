//! Commands: the only writers. One command is one transaction: records, audit and outbox together or not at all.

pub mod account;
pub mod api_key;
mod begin;
pub mod calendar;
mod commit;
pub mod deadline;
pub mod document;
pub mod file;
pub mod job;
pub mod key;
pub mod package;
pub mod provider;
pub mod record;
pub mod schedule;
pub mod session;
pub mod setting;
pub mod tenant;
mod trail;
pub mod usage;

use sunlit_domain::{Role, Scope};

use crate::AppError;

/// Refuses everybody but the tenant's administrators.
pub(crate) fn only_administrators(scope: &Scope) -> Result<(), AppError> {
    match scope.actor().id() {
        None => Err(AppError::Unauthenticated),
        Some(_) if scope.actor().has(Role::Administrator) => Ok(()),
        Some(_) => Err(AppError::Denied),
    }
}
