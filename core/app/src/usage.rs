//! What tenants use in a month: requests, jobs, and the time that plugins keep a processor busy.
//!
//! It is counted in memory, and every few seconds [`flush`](crate::command::usage::flush) adds what came to the platform's sums and
//! reads what other nodes have added: a kill loses what came since. So a quota holds over nodes and restarts, and is passed by at
//! most what all nodes answer in one interval.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sunlit_domain::ScopeAuthority;
use sunlit_domain::id::TenantId;
use sunlit_domain::plan::{Plan, Quota};
use sunlit_domain::value::{Month, Timestamp};
use sunlit_storage::platform::Platform;
use sunlit_storage::platform::tenant::usage::{Added, sums};

use crate::command::usage::flush;
use crate::{App, AppError, Environment};

/// How often what was counted is written down.
pub const INTERVAL: Duration = Duration::from_secs(5);
/// Microseconds of a second of plugins.
const MICROS: u64 = 1_000_000;

/// The month of an instant in China's time, as its sums are kept: `2026-11`.
#[must_use]
pub fn month_of(at: Timestamp) -> String {
    Month::of(at).to_string()
}

/// Writes down what is counted, as long as the process runs; whoever stops it writes down the rest.
pub async fn keep(app: Arc<App>, authority: Arc<ScopeAuthority>) {
    let mut ticks = tokio::time::interval(INTERVAL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        write(&app, &authority).await;
    }
}

/// Writes down what is counted now; what cannot be written is told, and kept for the next time.
pub async fn write(app: &App, authority: &ScopeAuthority) {
    if let Err(error) = flush::run(app, authority).await {
        tracing::error!(%error, "what tenants use cannot be written down: it is counted on");
    }
}

/// What is counted over a month.
const COUNTED: [Quota; 3] = [Quota::Requests, Quota::Jobs, Quota::PluginCpu];

/// How one of them is kept: requests and jobs by number, plugins by microseconds.
fn place(quota: Quota) -> Option<usize> {
    COUNTED.iter().position(|counted| *counted == quota)
}

/// How much of a quota an amount is, as it is counted, in the unit in which plans give it.
#[must_use]
pub fn in_units(quota: Quota, counted: u64) -> u64 {
    if quota == Quota::PluginCpu { counted / MICROS } else { counted }
}

/// The counters of this process.
#[derive(Debug)]
pub struct Usage {
    environment: Arc<dyn Environment>,
    counters: Mutex<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    month: String,
    /// Until when it is that month.
    until: Option<Timestamp>,
    of: HashMap<TenantId, Counter>,
    /// What came in months that are over, and is not written down yet.
    left: Vec<Added>,
    /// Who was told of what in the month.
    told: HashSet<(TenantId, String)>,
}

/// What one tenant has used in the month.
#[derive(Debug, Clone, Copy, Default)]
struct Counter {
    /// As the platform's sums said last.
    known: [u64; 3],
    /// Since then, in this process.
    since: [u64; 3],
}

impl Counter {
    fn used(&self, place: usize) -> u64 {
        self.known[place].saturating_add(self.since[place])
    }
}

impl Usage {
    /// The counters of a process that begins, with the sums of this month.
    pub(crate) async fn open(platform: &Platform, environment: Arc<dyn Environment>) -> Result<Self, AppError> {
        let usage = Self { environment, counters: Mutex::default() };
        let (month, _) = usage.active();
        for sum in sums(platform, &month, None).await? {
            usage.learn(&month, TenantId(sum.tenant_id), &sum.quota, sum.amount);
        }
        Ok(usage)
    }

    /// Whether somebody was told already, as far as this process knows.
    pub(crate) fn is_noted(&self, tenant: TenantId, month: &str, note: &str) -> bool {
        let counters = self.now();
        counters.month == month && counters.told.contains(&(tenant, note.to_owned()))
    }

    /// Remembers that somebody was told.
    pub(crate) fn note(&self, tenant: TenantId, month: &str, note: String) {
        let mut counters = self.now();
        if counters.month == month {
            counters.told.insert((tenant, note));
        }
    }

    /// A request was made to a tenant.
    pub fn request(&self, tenant: TenantId) {
        self.count(tenant, Quota::Requests, 1);
    }

    /// A job of a tenant was run.
    pub(crate) fn job(&self, tenant: TenantId) {
        self.count(tenant, Quota::Jobs, 1);
    }

    /// A plugin kept a processor busy for a tenant.
    pub(crate) fn plugin(&self, tenant: TenantId, busy_micros: u64) {
        self.count(tenant, Quota::PluginCpu, busy_micros);
    }

    fn count(&self, tenant: TenantId, quota: Quota, amount: u64) {
        let (Some(place), mut counters) = (place(quota), self.now()) else { return };
        let since = &mut counters.of.entry(tenant).or_default().since[place];
        *since = since.saturating_add(amount);
    }

    /// What a tenant has used this month, in the unit of the quota; none of what is not counted.
    #[must_use]
    pub fn used(&self, tenant: TenantId, quota: Quota) -> Option<u64> {
        let place = place(quota)?;
        let counter = self.now().of.get(&tenant).copied().unwrap_or_default();
        Some(in_units(quota, counter.used(place)))
    }

    /// Refuses when a tenant has used up what its plan gives of something that is counted over a month.
    ///
    /// # Errors
    /// [`AppError::QuotaExceeded`].
    pub fn admit(&self, tenant: TenantId, plan: &Plan, quota: Quota) -> Result<(), AppError> {
        let Some(most) = plan.quotas.of(quota) else { return Ok(()) };
        // One request is the one that asks.
        let allowed = if quota == Quota::Requests { most } else { most.saturating_sub(1) };
        match self.used(tenant, quota) {
            Some(used) if used > allowed => Err(AppError::QuotaExceeded(quota)),
            _ => Ok(()),
        }
    }

    /// The month that it is, and the tenants that have used something in it that is not written down yet.
    pub(crate) fn active(&self) -> (String, Vec<TenantId>) {
        let counters = self.now();
        let active = counters.of.iter().filter(|(_, counter)| counter.since != [0; 3]).map(|(tenant, _)| *tenant);
        (counters.month.clone(), active.collect())
    }

    /// Takes what is to be written down. What is not written is given back by [`Self::give_back`].
    pub(crate) fn take(&self) -> Vec<Added> {
        let mut counters = self.now();
        let month = counters.month.clone();
        let mut taken = std::mem::take(&mut counters.left);
        for (tenant, counter) in &mut counters.of {
            taken.extend(counter.added(*tenant, &month));
            // Until the sums are read it is known from here.
            for place in 0..COUNTED.len() {
                counter.known[place] = counter.used(place);
            }
            counter.since = [0; 3];
        }
        taken
    }

    /// Takes back what could not be written down.
    pub(crate) fn give_back(&self, added: Vec<Added>) {
        let mut counters = self.now();
        for added in added {
            let place = Quota::named(&added.quota).and_then(place);
            let (month, tenant) = (counters.month.clone(), added.tenant);
            match place.zip(counters.of.get_mut(&tenant)).filter(|_| added.month == month) {
                Some((place, counter)) => {
                    counter.since[place] = counter.since[place].saturating_add(added.amount);
                    counter.known[place] = counter.known[place].saturating_sub(added.amount);
                }
                None => counters.left.push(added),
            }
        }
    }

    /// Learns a sum of the month, as the platform keeps it.
    pub(crate) fn learn(&self, month: &str, tenant: TenantId, quota: &str, amount: i64) {
        let mut counters = self.now();
        let Some(place) = Quota::named(quota).and_then(place).filter(|_| counters.month == month) else { return };
        counters.of.entry(tenant).or_default().known[place] = u64::try_from(amount).unwrap_or(0);
    }

    /// Forgets a tenant that is there no more.
    pub(crate) fn forget(&self, tenant: TenantId) {
        let mut counters = self.now();
        counters.of.remove(&tenant);
        counters.left.retain(|added| added.tenant != tenant);
    }

    /// The counters of the month that it is now.
    fn now(&self) -> MutexGuard<'_, Counters> {
        let at = self.environment.now();
        let mut counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.until.is_none_or(|until| at >= until) {
            counters.turn(at);
        }
        counters
    }
}

impl Counter {
    fn added(&self, tenant: TenantId, month: &str) -> Vec<Added> {
        let some = COUNTED.iter().zip(self.since).filter(|(_, amount)| *amount > 0);
        let added = |(quota, amount): (&Quota, u64)| Added {
            tenant,
            month: month.to_owned(),
            quota: quota.name().to_owned(),
            amount,
        };
        some.map(added).collect()
    }
}

impl Counters {
    /// Begins the month of `at`, when it is another one; what came before is written down by and by.
    fn turn(&mut self, at: Timestamp) {
        self.until = Month::of(at).end();
        let month = month_of(at);
        if month == self.month {
            return;
        }
        let before = std::mem::replace(&mut self.month, month);
        self.told.clear();
        for (tenant, counter) in self.of.drain() {
            self.left.extend(counter.added(tenant, &before));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use uuid::Uuid;

    use super::*;

    #[derive(Debug)]
    struct At(AtomicI64);

    impl Environment for At {
        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0.load(Ordering::Relaxed)).unwrap()
        }
        fn new_id(&self) -> Uuid {
            Uuid::nil()
        }
    }

    #[test]
    fn what_was_counted_is_written_once_under_its_month_and_what_failed_comes_back() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().micros();
        let clock = Arc::new(At(AtomicI64::new(at("2026-11-30T15:59:58Z"))));
        let usage = Usage { environment: clock.clone(), counters: Mutex::default() };
        let tenant = TenantId(Uuid::from_u128(1));
        usage.request(tenant);
        usage.request(tenant);
        usage.plugin(tenant, 2_999_999);
        assert_eq!(usage.used(tenant, Quota::PluginCpu), Some(2), "whole seconds");
        let taken = usage.take();
        assert_eq!(taken.len(), 2);
        assert_eq!(usage.used(tenant, Quota::Requests), Some(2), "what is under way counts");
        usage.give_back(taken.clone());
        usage.request(tenant);
        assert_eq!(usage.used(tenant, Quota::Requests), Some(3));
        clock.0.store(at("2026-11-30T16:00:00Z"), Ordering::Relaxed);
        usage.request(tenant);
        assert_eq!(usage.used(tenant, Quota::Requests), Some(1), "a month begins in China's time");
        let mut taken = usage.take();
        taken.sort_by(|a, b| (&a.month, &a.quota).cmp(&(&b.month, &b.quota)));
        let told: Vec<_> = taken.iter().map(|a| (a.month.as_str(), a.quota.as_str(), a.amount)).collect();
        let expect = [("2026-11", "plugin_cpu", 2_999_999), ("2026-11", "requests", 3), ("2026-12", "requests", 1)];
        assert_eq!(told, expect);
        assert!(usage.take().is_empty());
        usage.learn("2026-12", tenant, "requests", 70);
        usage.learn("2026-11", tenant, "requests", 700);
        usage.request(tenant);
        assert_eq!(usage.used(tenant, Quota::Requests), Some(71));
    }
}
