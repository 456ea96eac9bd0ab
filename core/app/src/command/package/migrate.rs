//! Moves a tenant into the next major version: copies its records while the old version serves, then, in one transaction,
//! copies what changed meanwhile and swaps the version.
//!
//! A migration that was cut off goes on from its copies when it is run again. One that was refused or only tried leaves
//! none: what is erased from the old tables must not live on in copies.

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use sunlit_domain::migration::Plan;
use sunlit_domain::{Manifest, Scope};
use sunlit_storage::tenant::migration::{self, COPYING, SWITCHED, Step};
use sunlit_storage::{Work, table};

use super::copying::{Copying, Place};
use super::rename;
use super::upgrade::{Options, Switch, VersionChange, reset, told};
use crate::command::begin;
use crate::command::commit::commit;
use crate::command::trail;
use crate::package::hex;
use crate::unfit::{MAX_TOLD, UnfitRecords};
use crate::{App, AppError};

/// How often everything is copied before the swap: the second pass completes references, and takes what changed during the
/// first, so that the swap itself is short.
const PASSES: usize = 2;

/// Moves the records by the plan that `target` declares, and swaps the version.
pub(super) async fn run(
    app: &App,
    scope: &Scope,
    switch: Switch,
    target: &Arc<Manifest>,
    options: &Options,
) -> Result<VersionChange, AppError> {
    let source = source(app, &switch).await?;
    let plan = Plan::new(&source, target).map_err(|problems| told(&problems))?;
    let fields = plan
        .moves
        .iter()
        .flat_map(|step| step.dropped.iter().map(|field| format!("{}.{field}", step.from.name)).collect::<Vec<_>>());
    let left = plan.left.iter().cloned().chain(fields).collect();
    let copying = Copying::new(plan, &source, target)?;
    let run = Run { app, scope, switch: &switch, copying: &copying, plan: digest(&source, target) };
    let anew = run.has_served().await?;
    let work = if anew {
        run.anew(options).await?
    } else {
        run.prepare(&source, target).await?;
        let unfit = run.copy().await?;
        if unfit.total > MAX_TOLD {
            run.discard().await?;
            return Err(AppError::Unfit(unfit));
        }
        let work = switch.begin(app, scope).await?;
        run.guard(&work).await?;
        work
    };
    let unfit = run.catch_up(&work).await?;
    if unfit.total > 0 || options.check {
        let change = VersionChange { left, ..run.tried(&work, target).await? };
        drop(work);
        if !anew {
            run.discard().await?;
        }
        return if unfit.total > 0 { Err(AppError::Unfit(unfit)) } else { Ok(change) };
    }
    let change = VersionChange { left, ..run.tried(&work, target).await? };
    run.note(&work, SWITCHED).await?;
    rename::run(app, scope, &work, target, rename::Way::Up).await?;
    switch.end(app, scope, work, ("upgrade", target)).await?;
    Ok(change)
}

/// The manifest of the old tables. Versions of a major only add, so that the greatest one knows every column there may be.
async fn source(app: &App, switch: &Switch) -> Result<Arc<Manifest>, AppError> {
    let versions = app.versions(&switch.id).await?;
    let below = versions.iter().rev().find(|version| version.major < switch.to.major);
    match below {
        Some(version) if version.major == switch.from.major => app.manifest(&switch.id, *version).await,
        Some(version) => Err(AppError::Package(format!(
            "{} {} takes over records of {}.x: upgrade from {} to that first",
            switch.id, switch.to, version.major, switch.from
        ))),
        None => Err(AppError::NotFound),
    }
}

/// What copies were made by: both manifests, whatever their versions are called.
fn digest(source: &Manifest, target: &Manifest) -> String {
    let text = |manifest: &Manifest| serde_json::to_string(manifest).unwrap_or_default();
    hex(&Sha256::new().chain_update(text(source)).chain_update([0]).chain_update(text(target)).finalize())
}

struct Run<'a> {
    app: &'a App,
    scope: &'a Scope,
    switch: &'a Switch,
    copying: &'a Copying,
    plan: String,
}

impl Run<'_> {
    /// Whether the new major version has served the tenant before.
    async fn has_served(&self) -> Result<bool, AppError> {
        let session = self.app.stores.open(self.scope).await?.snapshot(self.scope).await?;
        let known = migration::find(self.scope, &session, &self.switch.id, self.switch.to.major.into()).await?;
        Ok(known.is_some_and(|row| row.state == SWITCHED))
    }

    /// Empties the tables of a version that has served before. All of this migration is one transaction then, during which
    /// nobody else writes: what those tables hold is lost only when the records of the old version have taken its place.
    async fn anew(&self, options: &Options) -> Result<Work, AppError> {
        if !options.discard {
            return Err(AppError::Package(format!(
                "version {}.x of {} has served here before it was rolled back, and what was written then is in its tables only: run the upgrade with --discard to begin anew from the records of {}",
                self.switch.to.major, self.switch.id, self.switch.from
            )));
        }
        let work = self.switch.begin(self.app, self.scope).await?;
        let at = self.app.environment.now();
        self.copying.let_go_of_files(self.scope, &work, at).await?;
        self.copying.empty(self.scope, &work).await?;
        let what = format!("{} {}.x", self.switch.id, self.switch.to.major);
        trail::of_change(self.app, self.scope, &work, ("discard", "package", &what), at).await?;
        Ok(work)
    }

    /// Makes the new tables, empty unless they hold copies made by the same plan.
    async fn prepare(&self, source: &Arc<Manifest>, target: &Arc<Manifest>) -> Result<(), AppError> {
        let work = self.switch.begin(self.app, self.scope).await?;
        let known = migration::find(self.scope, &work, &self.switch.id, self.switch.to.major.into()).await?;
        if known.as_ref().is_some_and(|row| row.state == SWITCHED) {
            return Err(AppError::Moved(self.switch.id.clone()));
        }
        table::create(self.scope, &work, source).await?;
        table::create(self.scope, &work, target).await?;
        if !known.is_some_and(|row| row.state == COPYING && row.plan == self.plan) {
            self.copying.empty(self.scope, &work).await?;
        }
        self.note(&work, COPYING).await?;
        commit(self.app, self.scope, work, None).await
    }

    /// Copies everything, batch by batch; answers what the last whole pass could not take over.
    async fn copy(&self) -> Result<UnfitRecords, AppError> {
        let mut unfit = UnfitRecords::default();
        for _ in 0..PASSES {
            unfit = UnfitRecords::default();
            let work = self.work().await?;
            self.copying.begin(self.scope, &work).await?;
            commit(self.app, self.scope, work, None).await?;
            let mut place = Place::default();
            loop {
                let work = self.work().await?;
                let more = self.copying.batch(self.scope, &work, &mut place, (false, &mut unfit)).await?;
                commit(self.app, self.scope, work, None).await?;
                if !more {
                    break;
                }
            }
        }
        Ok(unfit)
    }

    /// Copies what changed since, in the transaction of the swap; answers what stands in its way.
    async fn catch_up(&self, work: &Work) -> Result<UnfitRecords, AppError> {
        self.copying.begin(self.scope, work).await?;
        let mut unfit = UnfitRecords::default();
        for last in [false, true] {
            unfit = UnfitRecords::default();
            let mut place = Place::default();
            while self.copying.batch(self.scope, work, &mut place, (last, &mut unfit)).await? {}
        }
        Ok(unfit)
    }

    /// A writing transaction on the copies, as long as they are this migration's.
    async fn work(&self) -> Result<Work, AppError> {
        let work = begin::administer(self.app, self.scope).await?;
        self.guard(&work).await?;
        Ok(work)
    }

    async fn guard(&self, work: &Work) -> Result<(), AppError> {
        let known = migration::find(self.scope, work, &self.switch.id, self.switch.to.major.into()).await?;
        if known.is_some_and(|row| row.state == COPYING && row.plan == self.plan) {
            return Ok(());
        }
        Err(AppError::Moved(self.switch.id.clone()))
    }

    async fn note(&self, work: &Work, state: &str) -> Result<(), AppError> {
        let from = self.switch.from.to_string();
        let step = Step {
            package: &self.switch.id,
            major: self.switch.to.major.into(),
            from_version: &from,
            plan: &self.plan,
            state,
        };
        Ok(migration::put(self.scope, work, step, self.app.environment.now()).await?)
    }

    /// What the swap does, or would do.
    async fn tried(&self, work: &Work, target: &Manifest) -> Result<VersionChange, AppError> {
        let records = self.copying.counts(self.scope, work).await?;
        Ok(VersionChange { records, ..self.switch.change(reset(self.scope, work, target).await?) })
    }

    /// Removes the copies.
    async fn discard(&self) -> Result<(), AppError> {
        let work = self.work().await?;
        self.copying.empty(self.scope, &work).await?;
        migration::remove(self.scope, &work, &self.switch.id, self.switch.to.major.into()).await?;
        commit(self.app, self.scope, work, None).await
    }
}
