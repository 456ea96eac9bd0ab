//! Brings what waits in line with what the packages declare.

use std::collections::BTreeMap;

use sunlit_domain::manifest::{Manifest, Schedule};
use sunlit_domain::{Scope, value::Timestamp};
use sunlit_storage::Work;
use sunlit_storage::tenant::outbox::{self, Model};

use super::{Firing, TICK, wait_for_next};
use crate::{App, AppError};

/// Of all packages of the tenant: what no package declares any more goes. What those declare that do not load is not known,
/// and stays.
pub(in crate::command) async fn all(
    app: &App,
    scope: &Scope,
    work: &Work,
    (manifests, broken): (&[&Manifest], &[String]),
) -> Result<(), AppError> {
    let mut waiting = outbox::waiting(scope, work, TICK).await?;
    waiting.retain(|row| !broken.iter().any(|package| is_of(row, package)));
    let mut wanted = BTreeMap::new();
    for manifest in manifests {
        wanted.extend(declared(manifest));
    }
    align(app, scope, work, &waiting, &wanted).await
}

/// Of one package that is being enabled; those of the others stay.
pub(in crate::command) async fn one(
    app: &App,
    scope: &Scope,
    work: &Work,
    manifest: &Manifest,
) -> Result<(), AppError> {
    let mut waiting = outbox::waiting(scope, work, TICK).await?;
    waiting.retain(|row| is_of(row, manifest.plugin.id.as_str()));
    align(app, scope, work, &waiting, &declared(manifest)).await
}

/// Whether a tick is of a package.
fn is_of(row: &Model, package: &str) -> bool {
    row.key.as_ref().and_then(|key| key.split_once('.')).is_some_and(|(id, _)| id == package)
}

type Declared<'a> = BTreeMap<String, (&'a str, &'a Schedule)>;

fn declared(manifest: &Manifest) -> Declared<'_> {
    let package = manifest.plugin.id.as_str();
    let named = manifest.schedules.iter().map(|schedule| (format!("{package}.{}", schedule.name), (package, schedule)));
    named.collect()
}

async fn align(
    app: &App,
    scope: &Scope,
    work: &Work,
    waiting: &[Model],
    wanted: &Declared<'_>,
) -> Result<(), AppError> {
    let now: Timestamp = app.environment.now();
    for key in waiting.iter().filter_map(|row| row.key.as_ref()).filter(|key| !wanted.contains_key(*key)) {
        outbox::cancel(scope, work, TICK, key).await?;
    }
    for (key, (package, schedule)) in wanted {
        let waits = waiting.iter().find(|row| row.key.as_ref() == Some(key)).and_then(cron_of);
        if waits.as_deref() != Some(&schedule.cron) {
            wait_for_next(app, scope, work, (package, schedule), now).await?;
        }
    }
    Ok(())
}

fn cron_of(row: &Model) -> Option<String> {
    serde_json::from_str::<Firing>(row.payload.as_deref()?).ok()?.cron
}
