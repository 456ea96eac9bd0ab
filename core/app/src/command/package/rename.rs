//! What stands beside records under the name of their collection follows it into a new name: the history of their workflow,
//! which the two-person rule is decided by, and their deadlines.

use sunlit_domain::{Manifest, Scope};
use sunlit_storage::Work;
use sunlit_storage::tenant::{deadline, step};

use crate::command::calendar::recount;
use crate::{App, AppError};

/// Which way a tenant goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Into the version that declares the new names.
    Up,
    /// Out of it.
    Back,
}

/// Renames by the `[[migrate]]` of `newer`. Timers are set anew by the job that counts deadlines again.
pub(super) async fn run(app: &App, scope: &Scope, work: &Work, newer: &Manifest, way: Way) -> Result<(), AppError> {
    let package = &newer.plugin.id;
    let subject = |name: &str| format!("{package}.{name}");
    let declared = newer.migrations.iter().filter_map(|migrate| Some((&migrate.from, migrate.collection.as_ref()?)));
    let renamed = declared.filter(|(old, new)| old != new).map(|(old, new)| match way {
        Way::Up => (subject(old.as_str()), subject(new.as_str())),
        Way::Back => (subject(new.as_str()), subject(old.as_str())),
    });
    let renamed: Vec<_> = renamed.collect();
    // Two collections may take each other's name: no collection is called like what stands between.
    for (from, to) in &renamed {
        rename(scope, work, from, &format!("{to}*")).await?;
    }
    for (_, to) in &renamed {
        rename(scope, work, &format!("{to}*"), to).await?;
    }
    if renamed.is_empty() { Ok(()) } else { recount::schedule(app, scope, work, app.environment.now()).await }
}

async fn rename(scope: &Scope, work: &Work, from: &str, to: &str) -> Result<(), AppError> {
    step::rename(scope, work, from, to).await?;
    Ok(deadline::rename(scope, work, from, to).await?)
}
