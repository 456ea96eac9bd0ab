//! The worker: tenants in turn, each job under its lease and its limit.
//!
//! It looks into the tenants whose hint is due, those first that were served longest ago, a few at a time; a tenant with
//! many jobs gets a turn of [`TURN`] of them. It wakes up when a command of this process has scheduled something or another
//! node says that it has, when a hint falls due, and every [`Pace::poll`] for what processes that it does not hear have written.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sunlit_domain::id::TenantId;
use sunlit_domain::plan::Quota;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::{Month, Timestamp};
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::platform::{due, tenant};
use sunlit_storage::tenant::outbox::{self, Claimed};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tracing::Instrument as _;

use super::{JobError, Ran, is_lost};
use crate::command::job::{MAX_ATTEMPTS, claim, fail, finish, put_off, tidy};
use crate::command::schedule::{FIRE, TICK};
use crate::command::tenant::cancel;
use crate::command::usage::{flush, tell};
use crate::command::{file, session, tenant as whole};
use crate::{App, AppError, meter};

/// How many jobs of one tenant are done before another tenant has its turn.
const TURN: usize = 16;
/// How many due tenants are looked at.
const MAX_DUE: u64 = 1_000;
/// How long a worker without anything to do waits at least.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);
/// How long a tenant whose store fails is left alone.
const FAULTY: Duration = Duration::from_secs(60);

/// How a worker works.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How many tenants are served at once.
    pub tenants_at_once: usize,
    /// How long a job may take before it is cut off and tried again.
    pub job_limit: Duration,
    /// How long a job is its worker's: longer than `job_limit`, so that no lease has to be renewed.
    pub lease: Duration,
    /// How often hints are looked for of which nobody has told.
    pub poll: Duration,
    /// How often it tidies every tenant, beside the first time at its start.
    pub tidy_every: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tenants_at_once: 4,
            job_limit: Duration::from_secs(20),
            lease: Duration::from_secs(30),
            poll: Duration::from_secs(1),
            tidy_every: Duration::from_secs(3600),
        }
    }
}

/// Runs jobs.
#[derive(Debug, Clone)]
pub struct Worker {
    app: Arc<App>,
    authority: Arc<ScopeAuthority>,
    pace: Pace,
}

/// A worker that runs in the background. Dropped without [`Running::stop`], it stops too, but nobody waits for it.
#[derive(Debug)]
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Takes no further job, and waits for those that run.
    pub async fn stop(self) {
        let _ = self.stop.send(true);
        if self.task.await.is_err() {
            tracing::error!("a worker broke down: its jobs are taken over when their leases end");
        }
    }
}

/// Which tenants are being served, and when each was served last.
#[derive(Default)]
struct Turns {
    running: JoinSet<TenantId>,
    busy: Vec<TenantId>,
    last: HashMap<TenantId, u64>,
    count: u64,
}

impl Worker {
    /// A worker of this application. It makes the scopes of jobs itself, which is why it is given the authority.
    #[must_use]
    pub fn new(app: Arc<App>, authority: Arc<ScopeAuthority>, pace: Pace) -> Self {
        Self { app, authority, pace }
    }

    /// Works in the background until it is stopped.
    #[must_use]
    pub fn start(self) -> Running {
        let (stop, stopped) = watch::channel(false);
        Running { stop, task: tokio::spawn(self.run_until(stopped)) }
    }

    /// Tidies, works off everything that is due now, and ends.
    ///
    /// # Errors
    /// The platform database's.
    pub async fn once(&self) -> Result<(), AppError> {
        self.tidy().await;
        let mut turns = Turns::default();
        loop {
            let due = self.hand_out(&mut turns, &watch::channel(false).1).await?;
            if due == 0 && turns.busy.is_empty() {
                return Ok(());
            }
            turns.one_ended().await;
        }
    }

    async fn run_until(self, mut stopped: watch::Receiver<bool>) {
        let mut turns = Turns::default();
        let mut tidying = JoinSet::new();
        let mut tidied: Option<Instant> = None;
        while !*stopped.borrow() {
            // Before looking, so that what is scheduled meanwhile is heard.
            let bell = self.app.bell();
            tokio::pin!(bell);
            bell.as_mut().enable();
            if tidied.is_none_or(|at| at.elapsed() >= self.pace.tidy_every) && tidying.is_empty() {
                tidied = Some(Instant::now());
                let worker = self.clone();
                tidying.spawn(async move { worker.tidy().await });
            }
            if let Err(error) = self.hand_out(&mut turns, &stopped).await {
                tracing::error!(%error, "it cannot be seen who has jobs due");
            }
            tokio::select! {
                changed = stopped.changed() => if changed.is_err() { break },
                () = &mut bell => {}
                () = tokio::time::sleep(self.until_next(!turns.busy.is_empty()).await) => {}
                () = turns.one_ended(), if !turns.busy.is_empty() => {}
                Some(_) = tidying.join_next() => {}
            }
        }
        tidying.shutdown().await;
        while !turns.busy.is_empty() {
            turns.one_ended().await;
        }
    }

    /// Gives free places to the due tenants that were served longest ago; answers how many of the due ones are not being
    /// served already.
    async fn hand_out(&self, turns: &mut Turns, stopped: &watch::Receiver<bool>) -> Result<usize, AppError> {
        let mut due = due::due(&self.app.platform, self.app.environment.now(), MAX_DUE).await?;
        due.retain(|(tenant, _)| !turns.busy.contains(tenant));
        due.sort_by_key(|(tenant, _)| turns.last.get(tenant).copied());
        let free = self.pace.tenants_at_once.max(1).saturating_sub(turns.busy.len());
        for (tenant, seen) in due.iter().copied().take(free) {
            turns.count += 1;
            turns.last.insert(tenant, turns.count);
            turns.busy.push(tenant);
            let (worker, stopped) = (self.clone(), stopped.clone());
            turns.running.spawn(async move {
                worker.turn(tenant, seen, &stopped).await;
                tenant
            });
        }
        Ok(due.len())
    }

    /// How long nothing needs to be done. What is due already and waits for a place is not waited for here: the end of a
    /// turn wakes the worker.
    async fn until_next(&self, is_busy: bool) -> Duration {
        let Ok(Some(next)) = due::next(&self.app.platform).await else { return self.pace.poll };
        let micros = next.micros().saturating_sub(self.app.environment.now().micros());
        match u64::try_from(micros) {
            Ok(micros) => Duration::from_micros(micros).clamp(SHORTEST_WAIT, self.pace.poll),
            Err(_) if is_busy => self.pace.poll,
            Err(_) => SHORTEST_WAIT,
        }
    }

    /// One tenant's turn.
    async fn turn(&self, tenant: TenantId, seen: Timestamp, stopped: &watch::Receiver<bool>) {
        let scope = self.authority.scope(tenant, Actor::job_runner());
        let done = async {
            for _ in 0..TURN {
                if *stopped.borrow() {
                    break;
                }
                let Some(job) = claim::run(&self.app, &scope, self.pace.lease).await? else { break };
                self.do_job(&scope, job).await?;
            }
            self.settle(&scope, seen).await
        };
        if let Err(error) = done.await {
            tracing::error!(tenant.id = %tenant, %error, "the tenant's jobs cannot be done");
            let later = self.app.environment.now().plus(FAULTY);
            let _ = due::settle(&self.app.platform, tenant, seen, Some(later)).await;
        }
    }

    /// Runs a claimed job to whatever end it comes. All its attempts are one trace: that of the job's id.
    async fn do_job(&self, scope: &Scope, job: Claimed) -> Result<(), AppError> {
        // Of the highest level, so that no filter takes its fields from the lines that it lets pass.
        let span = tracing::error_span!(
            "job", otel.name = format!("job {}", job.kind), otel.kind = "consumer", tenant.id = %scope.tenant(),
            trace.id = %job.id.simple(), job.id = %job.id, job.kind, job.attempt, outcome = tracing::field::Empty,
        );
        let late = self.app.environment.now().micros().saturating_sub(job.due_at.micros());
        meter::job_taken(&job.kind, Duration::from_micros(u64::try_from(late).unwrap_or(0)));
        let begun = Instant::now();
        let ended = self.end(scope, &job).instrument(span.clone()).await;
        let (outcome, ended) = match ended {
            Ok(outcome) => (outcome, Ok(())),
            // Another worker has it, or somebody has cancelled or replaced it: what this one wrote is undone already.
            Err(error) if is_lost(&error) => ("lost", Ok(())),
            Err(error) => ("failed", Err(error)),
        };
        span.record("outcome", outcome);
        meter::job_ended(&job.kind, outcome, begun.elapsed());
        ended
    }

    /// Runs the job and writes down how it ended; answers with the name of that.
    async fn end(&self, scope: &Scope, job: &Claimed) -> Result<&'static str, AppError> {
        if self.waits_for_next_month(scope, job).await? {
            let now = self.app.environment.now();
            let until = Month::of(now).end().unwrap_or(now);
            return put_off::run(&self.app, scope, job, until).await.map(|()| "put_off");
        }
        self.app.usage.job(scope.tenant());
        match self.run_bounded(scope, job).await {
            Ok(Ran::Ended) => Ok("done"),
            Ok(Ran::Done) => finish::run(&self.app, scope, job).await.map(|()| "done"),
            Err(error) => {
                tracing::warn!(%error, "a job failed");
                fail::run(&self.app, scope, job, &error).await?;
                let again = matches!(error, JobError::Retry(_)) && job.attempt < MAX_ATTEMPTS;
                Ok(if again { "retried" } else { "given_up" })
            }
        }
    }

    /// Whether the tenant has used up the jobs that its plan gives in a month, and this is one that may wait: what schedules do.
    /// Mail, deadlines and what keeps them right are done in any case.
    async fn waits_for_next_month(&self, scope: &Scope, job: &Claimed) -> Result<bool, AppError> {
        if ![TICK, FIRE].contains(&job.kind.as_str()) {
            return Ok(false);
        }
        let plan = self.app.plan_for(scope.tenant()).await?;
        Ok(self.app.usage.admit(scope.tenant(), &plan, Quota::Jobs).is_err())
    }

    /// Runs a job in a task of its own, so that a panic is its own and time is called from outside.
    async fn run_bounded(&self, scope: &Scope, job: &Claimed) -> Result<Ran, JobError> {
        let (app, scope, job) = (Arc::clone(&self.app), scope.clone(), job.clone());
        let run = async move { super::run(&app, &scope, &job).await };
        let mut task = tokio::spawn(run.in_current_span());
        match tokio::time::timeout(self.pace.job_limit, &mut task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(JobError::Retry("it panicked: see the log".to_owned())),
            Err(_) => {
                task.abort();
                let _ = task.await;
                Err(JobError::Retry(format!("it took longer than {} s", self.pace.job_limit.as_secs())))
            }
        }
    }

    /// Writes down when the tenant's next job is due. It looks a second time: see [`due::settle`].
    async fn settle(&self, scope: &Scope, seen: Timestamp) -> Result<(), AppError> {
        let next = self.next_due(scope).await?;
        let is_settled = due::settle(&self.app.platform, scope.tenant(), seen, next).await?;
        match self.next_due(scope).await? {
            Some(again) if !is_settled || Some(again) != next => {
                Ok(due::hint(&self.app.platform, scope.tenant(), again).await?)
            }
            _ => Ok(()),
        }
    }

    async fn next_due(&self, scope: &Scope) -> Result<Option<Timestamp>, AppError> {
        let session = self.app.stores.open(scope).await?.snapshot(scope).await?;
        Ok(outbox::next_due(scope, &session).await?)
    }

    /// Tidies every tenant, one after the other.
    async fn tidy(&self) {
        let tenants = match tenant::all(&self.app.platform).await {
            Ok(tenants) => tenants,
            Err(error) => return tracing::error!(%error, "the tenants cannot be listed"),
        };
        self.app.stores.keep_only(&tenants.iter().map(|tenant| tenant.id).collect()).await;
        if let Err(error) = whole::sweep::run(&self.app, &self.authority).await {
            tracing::error!(%error, "what imports have left that broke off cannot be swept");
        }
        if let Err(error) = flush::purge(&self.app).await {
            tracing::error!(%error, "what tenants used long ago is not removed");
        }
        for tenant in tenants {
            let scope = self.authority.scope(tenant.id, Actor::job_runner());
            if tenant.ends_at.is_some()
                && let Err(error) = cancel::end(&self.app, &scope).await
            {
                tracing::error!(tenant.id = %tenant.id, %error, "a tenant that was cancelled cannot be suspended");
            }
            if tenant.state != TenantState::Active {
                continue;
            }
            if let Err(error) = tidy::run(&self.app, &scope).await {
                tracing::error!(tenant.id = %tenant.id, %error, "a tenant cannot be tidied");
            }
            if let Err(error) = session::sweep::run(&self.app, &scope).await {
                tracing::error!(tenant.id = %tenant.id, %error, "a tenant's sessions cannot be swept");
            }
            if let Err(error) = tell::of_levels(&self.app, &scope).await {
                tracing::error!(tenant.id = %tenant.id, %error, "nobody was told that a plan is nearly used up");
            }
            loop {
                match file::sweep::run(&self.app, &scope).await {
                    Ok(swept) if swept.more => {}
                    Ok(_) => break,
                    Err(error) => {
                        tracing::error!(tenant.id = %tenant.id, %error, "a tenant's files cannot be swept");
                        break;
                    }
                }
            }
        }
    }
}

impl Turns {
    /// Waits for one turn to end.
    async fn one_ended(&mut self) {
        match self.running.join_next().await {
            Some(Ok(tenant)) => self.busy.retain(|busy| *busy != tenant),
            // A turn that panicked does not say whose it was: all places are given anew, and tenants may be served twice at
            // once, which their jobs' leases allow.
            Some(Err(_)) | None => self.busy.clear(),
        }
    }
}
