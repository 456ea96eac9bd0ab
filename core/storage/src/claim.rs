//! Claims on a tenant's whole store: one process at a time imports, erases or replaces a tenant. A claim ends with the process that
//! holds it, so that what a killed one has left can be cleaned up at once.

use std::fs::{File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sea_orm::sqlx::{self, Connection as _, PgConnection};
use sunlit_domain::id::TenantId;

use crate::StorageError;
use crate::postgres::{Postgres, failed};
use crate::stores::make_folder;

/// The first number of the locks on PostgreSQL: "life".
const CLASS: i32 = 0x6c69_6665;
/// How often a claim is tried: PostgreSQL notices a moment later that a holder was killed, on a busy machine seconds later.
const TRIES: u32 = 200;
const BETWEEN: Duration = Duration::from_millis(100);

/// A claim, held until it is dropped.
#[derive(Debug)]
pub struct Claim {
    held: Held,
}

#[derive(Debug)]
enum Held {
    File(#[expect(dead_code, reason = "it is kept locked")] LockedFile),
    /// A connection of its own, whose end is the end of its locks.
    Database(Box<PgConnection>),
}

impl Claim {
    /// Gives it up, so that whoever comes next has it at once. One that is dropped ends a moment later.
    pub async fn release(self) {
        let Held::Database(mut connection) = self.held else { return };
        // Where it fails the connection is at its end, and its locks with it.
        let _ = sqlx::query("SELECT pg_advisory_unlock_all()").execute(&mut *connection).await;
        let _ = connection.close().await;
    }
}

/// A locked file, which goes with its lock.
#[derive(Debug)]
struct LockedFile {
    path: PathBuf,
    _file: File,
}

impl Drop for LockedFile {
    fn drop(&mut self) {
        // While it is locked, nobody else has made it anew under this name.
        let _ = std::fs::remove_file(&self.path);
    }
}

pub(crate) async fn of_file(folder: &Path, tenant: TenantId) -> Result<Claim, StorageError> {
    make_folder(folder)?;
    let path = folder.join(format!("{tenant}.lock"));
    let locked = tokio::task::spawn_blocking(move || lock(path));
    let file = locked.await.map_err(|_| StorageError::Interrupted)??;
    Ok(Claim { held: Held::File(file) })
}

fn lock(path: PathBuf) -> Result<LockedFile, StorageError> {
    let told = |source| StorageError::File { path: path.display().to_string(), source };
    loop {
        let file = File::options().create(true).append(true).open(&path).map_err(told)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StorageError::Claimed),
            Err(TryLockError::Error(source)) => return Err(told(source)),
        }
        // Its former holder may have removed it between the two steps: then another file is the lock by now.
        let own = file.metadata().map_err(told)?;
        match std::fs::metadata(&path) {
            Ok(there) if (there.dev(), there.ino()) == (own.dev(), own.ino()) => {
                return Ok(LockedFile { path, _file: file });
            }
            _ => {}
        }
    }
}

pub(crate) async fn of_database(
    database: &Postgres,
    tenant: TenantId,
    is_patient: bool,
) -> Result<Claim, StorageError> {
    let (high, low) = tenant.0.as_u64_pair();
    let folded = (high ^ low).to_be_bytes();
    let key = i32::from_be_bytes([folded[0], folded[1], folded[2], folded[3]])
        ^ i32::from_be_bytes([folded[4], folded[5], folded[6], folded[7]]);
    let mut connection = PgConnection::connect(&database.config().url).await.map_err(failed)?;
    for _ in 0..if is_patient { TRIES } else { 1 } {
        let tried = sqlx::query_scalar::<_, bool>("SELECT pg_try_advisory_lock($1, $2)").bind(CLASS).bind(key);
        if tried.fetch_one(&mut connection).await.map_err(failed)? {
            return Ok(Claim { held: Held::Database(Box::new(connection)) });
        }
        tokio::time::sleep(BETWEEN).await;
    }
    Err(StorageError::Claimed)
}

#[cfg(test)]
mod tests {
    use sunlit_domain::{Actor, ScopeAuthority};

    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_claim_is_one_holders_and_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let stores = testing::stores(folder.path()).await;
        let authority = ScopeAuthority::establish();
        let scope_of = |number| authority.scope(TenantId(uuid::Uuid::from_u128(number)), Actor::anonymous());
        let (one, other) = (scope_of(1), scope_of(2));
        for _ in 0..5 {
            let held = stores.claim(&one).await.unwrap();
            assert!(matches!(stores.try_claim(&one).await, Err(StorageError::Claimed)));
            let _others = stores.claim(&other).await.unwrap();
            drop(held);
            let began = std::time::Instant::now();
            drop(stores.claim(&one).await.unwrap());
            println!("free again after {} ms", began.elapsed().as_millis());
            stores.claim(&one).await.unwrap().release().await;
            stores.try_claim(&one).await.unwrap().release().await;
        }
        assert!(!folder.path().join(format!("{}.lock", one.tenant())).exists(), "the lock goes with its holder");
    }
}
