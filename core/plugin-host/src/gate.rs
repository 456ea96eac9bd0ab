//! Who may run now: a slot of the pool for everybody, and a lane for each tenant and plugin.
//!
//! The pool answers exhaustion with an error and not with a queue, so nobody may ask it without a slot. A lane keeps one
//! busy plugin of one tenant from taking all slots; the breaker per tenant and plugin will live in it. Permits are plain
//! values: whoever drops them, finished or cancelled, gives them back.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The queue of one plugin in one tenant. Get it once from [`PluginHost::lane`](crate::PluginHost::lane) and keep it with
/// the tenant's plugin; cloning is cheap.
#[derive(Clone, Debug)]
pub struct Lane(Arc<LaneState>);

#[derive(Debug)]
struct LaneState {
    tenant: String,
    package: String,
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

impl Lane {
    /// The tenant's name, for logs.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.0.tenant
    }

    /// The package's name, for logs.
    #[must_use]
    pub fn package(&self) -> &str {
        &self.0.package
    }

    /// Calls that wait for their turn now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.0.waiting.load(Ordering::Relaxed)
    }

    /// Calls that could start now without waiting for this lane.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.running.available_permits()
    }
}

/// The right to run one call.
#[derive(Debug)]
pub(crate) struct Permit {
    _lane: OwnedSemaphorePermit,
    _slot: OwnedSemaphorePermit,
}

/// The queue is full, or the wait was too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// All slots and lanes of a process.
#[derive(Debug)]
pub(crate) struct Gate {
    slots: Arc<Semaphore>,
    lanes: Mutex<HashMap<(String, String), Weak<LaneState>>>,
    lane_running: usize,
    lane_waiting: usize,
}

impl Gate {
    pub(crate) fn new(slots: usize, lane_running: usize, lane_waiting: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots)), lanes: Mutex::default(), lane_running, lane_waiting }
    }

    pub(crate) fn free_slots(&self) -> usize {
        self.slots.available_permits()
    }

    /// The one lane of this tenant and package; lanes that nobody holds any more are forgotten.
    pub(crate) fn lane(&self, tenant: &str, package: &str) -> Lane {
        let key = (tenant.to_owned(), package.to_owned());
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(&key).and_then(Weak::upgrade) {
            return Lane(lane);
        }
        lanes.retain(|_, lane| lane.strong_count() > 0);
        let lane = Arc::new(LaneState {
            tenant: tenant.to_owned(),
            package: package.to_owned(),
            running: Arc::new(Semaphore::new(self.lane_running)),
            waiting: AtomicUsize::new(0),
            most_waiting: self.lane_waiting,
        });
        lanes.insert(key, Arc::downgrade(&lane));
        Lane(lane)
    }

    /// Takes a place in the lane, then a slot; at once if both are free, else after waiting at most `patience`.
    pub(crate) async fn enter(&self, lane: &Lane, patience: Duration) -> Result<Permit, Busy> {
        if let Some(permit) = self.try_enter(lane) {
            return Ok(permit);
        }
        let _waiting = Waiting::join(lane)?;
        match tokio::time::timeout(patience, self.queue(lane)).await {
            Ok(entered) => entered,
            Err(_) => Err(Busy),
        }
    }

    fn try_enter(&self, lane: &Lane) -> Option<Permit> {
        let lane = Arc::clone(&lane.0.running).try_acquire_owned().ok()?;
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        Some(Permit { _lane: lane, _slot: slot })
    }

    async fn queue(&self, lane: &Lane) -> Result<Permit, Busy> {
        let lane = Arc::clone(&lane.0.running).acquire_owned().await.map_err(|_| Busy)?;
        let slot = Arc::clone(&self.slots).acquire_owned().await.map_err(|_| Busy)?;
        Ok(Permit { _lane: lane, _slot: slot })
    }
}

/// A place in the queue of a lane, left by dropping.
struct Waiting<'a>(&'a LaneState);

impl<'a> Waiting<'a> {
    fn join(lane: &'a Lane) -> Result<Self, Busy> {
        let place = Self(&lane.0);
        let before = lane.0.waiting.fetch_add(1, Ordering::Relaxed);
        if before >= lane.0.most_waiting { Err(Busy) } else { Ok(place) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn a_tenant_and_package_have_one_lane_until_nobody_holds_it() {
        let gate = Gate::new(8, 2, 1);
        let lane = gate.lane("a", "p");
        assert!(Arc::ptr_eq(&lane.0, &gate.lane("a", "p").0));
        assert!(!Arc::ptr_eq(&lane.0, &gate.lane("b", "p").0));
        drop(lane);
        drop(gate.lane("c", "p"));
        let left = gate.lane("d", "p");
        assert_eq!(gate.lanes.lock().unwrap().len(), 1);
        drop(left);
    }

    #[tokio::test]
    async fn a_full_lane_queues_and_a_full_queue_is_busy() {
        let gate = Arc::new(Gate::new(8, 1, 1));
        let lane = gate.lane("a", "p");
        let running = gate.enter(&lane, LONG).await.unwrap();
        let mut queued = std::pin::pin!(gate.enter(&lane, LONG));
        assert!(futures_ready(queued.as_mut()).is_none());
        assert_eq!(lane.waiting(), 1);
        assert_eq!(gate.enter(&lane, LONG).await.unwrap_err(), Busy);
        assert_eq!(lane.waiting(), 1);
        drop(running);
        let second = queued.await.unwrap();
        assert_eq!(lane.waiting(), 0);
        drop(second);
        assert_eq!((lane.free(), gate.free_slots()), (1, 8));
    }

    #[tokio::test]
    async fn a_busy_lane_does_not_hold_up_another_tenant() {
        let gate = Gate::new(8, 1, 0);
        let (first, second) = (gate.lane("a", "p"), gate.lane("b", "p"));
        let _running = gate.enter(&first, LONG).await.unwrap();
        assert_eq!(gate.enter(&first, LONG).await.unwrap_err(), Busy);
        gate.enter(&second, LONG).await.unwrap();
    }

    #[tokio::test]
    async fn who_leaves_the_queue_gives_everything_back() {
        let gate = Gate::new(1, 4, 4);
        let lane = gate.lane("a", "p");
        let running = gate.enter(&lane, LONG).await.unwrap();
        {
            let mut waits_for_slot = std::pin::pin!(gate.enter(&lane, LONG));
            assert!(futures_ready(waits_for_slot.as_mut()).is_none());
            assert_eq!((lane.waiting(), lane.free()), (1, 2));
        }
        assert_eq!((lane.waiting(), lane.free()), (0, 3));
        drop(running);
        assert_eq!((lane.free(), gate.free_slots()), (4, 1));
    }

    #[tokio::test]
    async fn waiting_ends_with_patience() {
        let gate = Gate::new(1, 1, 4);
        let lane = gate.lane("a", "p");
        let _running = gate.enter(&lane, LONG).await.unwrap();
        assert_eq!(gate.enter(&lane, Duration::from_millis(5)).await.unwrap_err(), Busy);
        assert_eq!(lane.waiting(), 0);
    }

    /// Polls once.
    fn futures_ready<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match future.poll(&mut context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        }
    }
}
