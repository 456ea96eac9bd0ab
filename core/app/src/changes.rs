//! What commands of this process changed, told as soon as it is committed to whoever follows a tenant's changes.
//!
//! Each tenant has a channel of its own, made with its first follower and gone with its last, so that a busy tenant costs
//! no other one's followers anything. The outbox stays the lasting record; this is only the quick word of it. What other
//! nodes have changed comes in through [`crate::nodes`].

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sunlit_domain::Scope;
use sunlit_domain::id::{RecordId, TenantId};
use sunlit_storage::{StorageError, Work};
use tokio::sync::broadcast::{self, error::RecvError};
use tracing::Instrument as _;

use crate::AppError;
use crate::nodes::Removed;

/// How many changes a follower may be behind before it is told that it missed some.
const BACKLOG: usize = 256;

/// What was done to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChangeKind {
    /// It was created.
    Created,
    /// Its values changed.
    Updated,
    /// It was deleted.
    Deleted,
}

/// A committed change of one record.
#[derive(Debug, Clone)]
pub struct Change {
    /// Whose record it is.
    pub tenant: TenantId,
    /// The package's id.
    pub package: Arc<str>,
    /// The collection's name.
    pub collection: Arc<str>,
    /// Which record.
    pub id: RecordId,
    /// Its version afterwards; of a deleted one the last.
    pub version: i64,
    /// What was done.
    pub kind: ChangeKind,
    /// A deleted record: whoever could not read it is not told of its end.
    pub removed: Option<Removed>,
}

/// Why a follower hears no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// It fell behind, and changes are lost to it.
    Behind,
    /// It was let go: changes may be lost to it.
    Ended,
}

/// The channels of all tenants. Cloning shares them.
#[derive(Debug, Clone, Default)]
pub struct Changes(Arc<Mutex<HashMap<TenantId, broadcast::Sender<Arc<Change>>>>>);

/// One follower of one tenant's changes.
#[derive(Debug)]
pub struct Feed(broadcast::Receiver<Arc<Change>>);

impl Feed {
    /// The next change. Safe to be cancelled.
    ///
    /// # Errors
    /// [`Missed`].
    pub async fn next(&mut self) -> Result<Arc<Change>, Missed> {
        self.0.recv().await.map_err(|error| match error {
            RecvError::Lagged(_) => Missed::Behind,
            RecvError::Closed => Missed::Ended,
        })
    }
}

impl Changes {
    /// Follows the changes of the scope's tenant from now on.
    #[must_use]
    pub fn follow(&self, scope: &Scope) -> Feed {
        let mut channels = self.channels();
        channels.retain(|_, channel| channel.receiver_count() > 0);
        let channel = channels.entry(scope.tenant()).or_insert_with(|| broadcast::channel(BACKLOG).0);
        Feed(channel.subscribe())
    }

    /// Commits, and then tells of the changes. Both run to their end in a task of their own, so that a caller who leaves
    /// in between does not leave followers without word of what is there.
    ///
    /// # Errors
    /// When the database refuses; then nothing is told.
    pub(crate) async fn commit(&self, work: Work, changes: Vec<Change>) -> Result<(), AppError> {
        let own = self.clone();
        let commit = async move {
            work.commit().await?;
            for change in changes {
                own.tell(change);
            }
            Ok::<(), StorageError>(())
        };
        Ok(tokio::spawn(commit.in_current_span()).await.map_err(|_| StorageError::Interrupted)??)
    }

    /// Lets the tenant's followers go.
    pub(crate) fn end(&self, tenant: TenantId) {
        self.channels().remove(&tenant);
    }

    /// Lets every follower begin anew: changes may be lost to it.
    pub(crate) fn break_off(&self) {
        self.channels().clear();
    }

    pub(crate) fn tell(&self, change: Change) {
        let mut channels = self.channels();
        let Some(channel) = channels.get(&change.tenant) else { return };
        let tenant = change.tenant;
        if channel.send(Arc::new(change)).is_err() {
            channels.remove(&tenant);
        }
    }

    fn channels(&self) -> MutexGuard<'_, HashMap<TenantId, broadcast::Sender<Arc<Change>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use sunlit_domain::{Actor, ScopeAuthority};
    use uuid::Uuid;

    use super::*;

    fn change(tenant: u128, version: i64) -> Change {
        Change {
            tenant: TenantId(Uuid::from_u128(tenant)),
            package: "p".into(),
            collection: "c".into(),
            id: RecordId(Uuid::from_u128(9)),
            version,
            kind: ChangeKind::Updated,
            removed: None,
        }
    }

    #[tokio::test]
    async fn a_follower_hears_its_own_tenant_and_is_told_when_it_fell_behind() {
        let authority = ScopeAuthority::establish();
        let scope = |tenant: u128| authority.scope(TenantId(Uuid::from_u128(tenant)), Actor::anonymous());
        let changes = Changes::default();
        let (mut first, mut second) = (changes.follow(&scope(1)), changes.follow(&scope(2)));
        changes.tell(change(2, 1));
        for version in 0..300 {
            changes.tell(change(1, version));
        }
        assert_eq!(second.next().await.map(|change| change.version), Ok(1));
        assert_eq!(first.next().await.map(|change| change.version), Err(Missed::Behind));
        drop((first, second));
        changes.tell(change(1, 1));
        drop(changes.follow(&scope(3)));
        assert!(changes.channels().len() <= 1, "channels that nobody follows are gone");
    }
}
