//! Tenants: whether each opens with its packages, what its jobs came to, and the end of its audit trail.

use std::sync::Arc;
use std::time::Duration;

use sunlit_app::query::{audit_verify, job_dead, tenant_find};
use sunlit_app::{App, AppError, Reading};
use sunlit_domain::{Actor, Locale, Role, Scope, ScopeAuthority};
use sunlit_schema::compose;
use sunlit_storage::platform::due;
use sunlit_storage::platform::tenant::{Tenant, staging};

use super::Findings;
use crate::command::installation::OPERATOR;
use crate::config::Config;

/// How long after it was due a job is late: several times what a busy worker needs.
const LATE: Duration = Duration::from_secs(300);
/// How many late tenants are looked at.
const MAX_LATE: u64 = 1_000;
/// How many rows at the end of an audit trail are walked.
const ROWS: u64 = 1_000;

pub(super) async fn all(app: &Arc<App>, authority: &ScopeAuthority, findings: &mut Findings) {
    let tenants = match tenant_find::all(app).await {
        Ok(tenants) => tenants,
        Err(error) => {
            return findings.fault("tenants", error.to_string(), "see why the platform's tables cannot be read");
        }
    };
    if tenants.is_empty() {
        findings.fault("tenants", "none", "create one with `sunlit tenant create <slug>`");
    }
    staged(app, findings).await;
    if let Some(tenant) = tenants.first() {
        let scope = authority.scope(tenant.id, Actor::known(OPERATOR, vec![Role::Administrator]));
        files(app, &scope, findings).await;
    }
    for tenant in tenants {
        let scope = authority.scope(tenant.id, Actor::known(OPERATOR, vec![Role::Administrator]));
        one(app, &scope, &tenant, findings).await;
    }
}

/// Imports and erasures that have not ended.
async fn staged(app: &App, findings: &mut Findings) {
    let staged = match staging::all(&app.platform).await {
        Ok(staged) => staged,
        Err(error) => {
            return findings.fault("imports", error.to_string(), "see why the platform's tables cannot be read");
        }
    };
    for row in staged {
        let (what, slug) = (&row.what, &row.slug);
        let mend = match what.as_str() {
            staging::ERASE => format!("run `sunlit tenant erase {slug} --yes {slug}` again"),
            _ => "if none runs now, run it again, or `sunlit tenant sweep`".to_owned(),
        };
        findings.fault(&format!("{what} of {slug}"), format!("begun at {}, has not ended", row.begun_at), mend);
    }
}

/// Whether a file can be written, found and deleted, in the folder or the bucket.
async fn files(app: &App, scope: &Scope, findings: &mut Findings) {
    match app.blobs.check(scope, app.environment.new_id()).await {
        Ok(()) => findings.ok("files", "written, found and deleted"),
        Err(error) => findings.fault("files", error.to_string(), "as it says; see `files_s3_*` in the configuration"),
    }
}

async fn one(app: &Arc<App>, scope: &Scope, tenant: &Tenant, findings: &mut Findings) {
    let (check, slug) = (format!("tenant {}", tenant.slug), &tenant.slug);
    match opens(app, scope).await {
        Ok((packages, broken)) => {
            findings.ok(&check, format!("opens, {packages}"));
            for package in broken {
                findings.fault(
                    &check,
                    format!("the package {package} is enabled and does not load: what it has waits"),
                    format!("the log says why; publish it again, or move the tenant: `sunlit plugin upgrade {slug} {package} <version>`"),
                );
            }
        }
        Err(error) => findings.fault(&check, error.to_string(), "restore its store from a backup, or see the log"),
    }
    match job_dead::of_tenant(app, scope, job_dead::MAX_FIRST).await {
        Ok(dead) if dead.is_empty() => {}
        Ok(dead) => findings.warning(
            &check,
            format!("{} job(s) were given up, the latest: {}", dead.len(), dead[0].kind),
            format!("see why with `sunlit job list {slug}`, and put them back with `sunlit job replay {slug} <id>`"),
        ),
        Err(error) => findings.fault(&check, error.to_string(), "see why its jobs cannot be read"),
    }
    match audit_verify::of_end(app, scope, ROWS).await {
        Ok(chain) => {
            if let Some(fault) = chain.fault {
                findings.fault(
                    &check,
                    format!("the audit trail is broken: {fault}"),
                    format!("keep this store as it is, find who had access, compare with a backup; `sunlit audit verify {slug}` walks all of it"),
                );
            }
        }
        Err(error) => findings.fault(&check, error.to_string(), "see why its audit trail cannot be read"),
    }
}

/// Its packages as words, and those that do not load.
async fn opens(app: &Arc<App>, scope: &Scope) -> Result<(String, Vec<String>), AppError> {
    let reading = Reading::begin(app, scope.clone(), Locale::Zh).await?;
    let context = reading.context();
    let manifests: Vec<_> = context.packages.iter().map(|one| one.package.manifest.clone()).collect();
    compose(&manifests).map_err(|error| AppError::Unsound(error.to_string()))?;
    let names: Vec<_> = context.packages.iter().map(|one| one.package.id().to_owned()).collect();
    Ok((if names.is_empty() { "no packages".to_owned() } else { names.join(" ") }, context.broken.clone()))
}

/// Whose jobs nobody does.
pub(super) async fn late(app: &App, config: &Config, findings: &mut Findings) {
    let now = app.environment.now();
    let late = match due::due(&app.platform, now.minus(LATE), MAX_LATE).await {
        Ok(late) => late,
        Err(error) => return findings.fault("jobs", error.to_string(), "see why the platform's tables cannot be read"),
    };
    let nobody = config.workers == 0;
    match late.first() {
        None if nobody => findings.warning(
            "jobs",
            "this configuration runs no worker",
            "if there is no `sunlit worker` elsewhere, start one or set `workers`",
        ),
        None => findings.ok("jobs", "none is late"),
        Some((_, since)) => {
            let minutes = now.micros().saturating_sub(since.micros()) / 60_000_000;
            let mend = match nobody {
                true => "no worker runs here: start `sunlit worker`, or set `workers`",
                false => "start `sunlit serve` or `sunlit worker`; if one runs, see its log, and raise `workers`",
            };
            findings.fault(
                "jobs",
                format!("{} tenant(s) have late jobs, the longest by {minutes} min", late.len()),
                mend,
            );
        }
    }
}
