//! Connections that live on after their request: WebSockets and event streams. Counted by tenant, bounded, and ended
//! before the server stops.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sunlit_domain::id::TenantId;
use tokio::sync::watch;

/// How much live connections may take.
#[derive(Debug, Clone, Copy)]
pub struct LiveLimits {
    /// Connections of one tenant at a time.
    pub connections: usize,
    /// Operations of one connection at a time.
    pub operations: usize,
    /// How long a WebSocket may wait before `connection_init`.
    pub init: Duration,
    /// How often a quiet connection is tried. A client that is silent for two of them is gone.
    pub heartbeat: Duration,
}

impl Default for LiveLimits {
    fn default() -> Self {
        Self { connections: 500, operations: 20, init: Duration::from_secs(3), heartbeat: Duration::from_secs(15) }
    }
}

type Seats = Arc<Mutex<HashMap<TenantId, usize>>>;

/// The live connections of this process.
#[derive(Debug)]
pub struct Live {
    /// How much they may take.
    pub limits: LiveLimits,
    seats: Seats,
    ended: watch::Sender<bool>,
}

impl Default for Live {
    fn default() -> Self {
        Self::new(LiveLimits::default())
    }
}

/// One connection's place; given back when it is dropped.
#[derive(Debug)]
pub struct Seat {
    tenant: TenantId,
    seats: Seats,
    ended: watch::Receiver<bool>,
}

impl Live {
    /// No connections yet.
    #[must_use]
    pub fn new(limits: LiveLimits) -> Self {
        Self { limits, seats: Seats::default(), ended: watch::Sender::new(false) }
    }

    /// A place for one more connection of `tenant`; none when there are too many, or the server stops.
    #[must_use]
    pub fn enter(&self, tenant: TenantId) -> Option<Seat> {
        let mut seats = lock(&self.seats);
        let taken = seats.entry(tenant).or_default();
        if *taken >= self.limits.connections || *self.ended.borrow() {
            return None;
        }
        *taken += 1;
        Some(Seat { tenant, seats: Arc::clone(&self.seats), ended: self.ended.subscribe() })
    }

    /// Asks every connection to end, and lets no other begin.
    pub fn end(&self) {
        self.ended.send_replace(true);
    }

    /// How many connections there are.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.seats).values().sum()
    }
}

impl Seat {
    /// Waits until the server stops. Safe to be cancelled.
    pub async fn ended(&mut self) {
        // When the sender is gone, the server is too.
        let _ = self.ended.wait_for(|ended| *ended).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = lock(&self.seats);
        if let Some(taken) = seats.get_mut(&self.tenant) {
            *taken -= 1;
            if *taken == 0 {
                seats.remove(&self.tenant);
            }
        }
    }
}

fn lock(seats: &Seats) -> MutexGuard<'_, HashMap<TenantId, usize>> {
    seats.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[tokio::test]
    async fn a_tenant_has_so_many_places_and_gets_them_back() {
        let live = Live::new(LiveLimits { connections: 2, ..LiveLimits::default() });
        let tenant = |n: u128| TenantId(Uuid::from_u128(n));
        let (first, second) = (live.enter(tenant(1)), live.enter(tenant(1)));
        assert!(first.is_some() && second.is_some() && live.enter(tenant(1)).is_none());
        let mut other = live.enter(tenant(2)).unwrap();
        drop(first);
        assert!(live.enter(tenant(1)).is_some());
        live.end();
        other.ended().await;
        assert!(live.enter(tenant(3)).is_none());
        drop((second, other));
        assert_eq!(live.count(), 0);
    }
}
