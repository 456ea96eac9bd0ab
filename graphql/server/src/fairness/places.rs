//! Places for requests that are answered at the same time; more wait in their order, up to a bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sunlit_app::AppError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many wait for each place.
const WAITING_PER_PLACE: u32 = 8;
/// How long.
const PATIENCE: Duration = Duration::from_secs(5);
/// When somebody who found no place asks again.
const AGAIN: Duration = Duration::from_secs(1);

/// A place, until it is dropped.
pub(crate) type Place = OwnedSemaphorePermit;

/// Places of one kind of a tenant.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    waiting: AtomicU32,
    most_waiting: u32,
    patience: Duration,
}

/// Counts one who waits, until it is dropped.
struct Waiting<'a>(&'a AtomicU32);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Places {
    pub(super) fn new(places: u32) -> Self {
        Self::with_patience(places, PATIENCE)
    }

    fn with_patience(places: u32, patience: Duration) -> Self {
        let free = Arc::new(Semaphore::new(places.max(1) as usize));
        let most_waiting = places.saturating_mul(WAITING_PER_PLACE);
        Self { free, waiting: AtomicU32::new(0), most_waiting, patience }
    }

    pub(super) async fn take(&self) -> Result<Place, AppError> {
        if let Ok(place) = Arc::clone(&self.free).try_acquire_owned() {
            return Ok(place);
        }
        let before = self.waiting.fetch_add(1, Ordering::AcqRel);
        let _waiting = Waiting(&self.waiting);
        if before >= self.most_waiting {
            return Err(AppError::RateLimited(AGAIN));
        }
        let place = tokio::time::timeout(self.patience, Arc::clone(&self.free).acquire_owned()).await;
        place.ok().and_then(Result::ok).ok_or(AppError::RateLimited(AGAIN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_is_served_in_turn_and_not_for_ever() {
        let places = Places::with_patience(1, Duration::from_millis(300));
        let taken = places.take().await.unwrap();
        let mut waiting: Vec<_> = (0..8).map(|_| Box::pin(places.take())).collect();
        for one in &mut waiting {
            assert!(futures_util::poll!(one.as_mut()).is_pending());
        }
        assert!(matches!(places.take().await, Err(AppError::RateLimited(_))), "a ninth does not wait");
        // One who goes away makes room for another to wait.
        drop(waiting.pop());
        let mut again = Box::pin(places.take());
        assert!(futures_util::poll!(again.as_mut()).is_pending());
        drop(taken);
        let first = waiting.remove(0).await.unwrap();
        assert!(matches!(waiting.remove(0).await, Err(AppError::RateLimited(_))), "nobody waits longer than is borne");
        drop(first);
    }
}
