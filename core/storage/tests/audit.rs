//! The chain of the audit trail, broken in every way by other hands.
#![expect(clippy::unwrap_used, reason = "tests")]

use sunlit_domain::id::{RecordId, TenantId};
use sunlit_domain::value::Timestamp;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::tenant::audit::{self, Chain, Entry, Fault};
use sunlit_storage::{StorageError, Stores, Work, testing};
use uuid::Uuid;

const TENANT: u128 = 7;

struct Kit {
    stores: Stores,
    scope: Scope,
    folder: tempfile::TempDir,
}

impl Kit {
    /// A chain of ten rows.
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let stores = testing::stores(folder.path()).await;
        let scope = ScopeAuthority::establish().scope(TenantId(Uuid::from_u128(TENANT)), Actor::anonymous());
        stores.create(&scope).await.unwrap();
        let kit = Self { stores, scope, folder };
        for n in 1..=10 {
            kit.write(n).await;
        }
        kit
    }

    async fn write(&self, n: u128) {
        let work = self.work().await;
        self.add(&work, n).await;
        work.commit().await.unwrap();
    }

    async fn work(&self) -> Work {
        self.stores.open(&self.scope).await.unwrap().work(&self.scope).await.unwrap()
    }

    async fn add(&self, work: &Work, n: u128) {
        let entry = Entry {
            id: RecordId(Uuid::from_u128(n)),
            at: Timestamp::from_micros(1_700_000_000_000_000 + i64::try_from(n).unwrap()).unwrap(),
            action: "create",
            subject: "kit.item".to_owned(),
            subject_id: format!("名\t\n{n}"),
            before_digest: None,
            after_digest: Some(format!("{n:064}")),
        };
        audit::write(&self.scope, work, entry).await.unwrap();
    }

    async fn verify(&self, head: Option<&str>) -> Chain {
        let session = self.stores.open(&self.scope).await.unwrap().snapshot(&self.scope).await.unwrap();
        audit::verify(&self.scope, &session, head).await.unwrap()
    }

    /// The last rows alone.
    async fn verify_end(&self, rows: u64) -> Chain {
        let session = self.stores.open(&self.scope).await.unwrap().snapshot(&self.scope).await.unwrap();
        audit::verify_end(&self.scope, &session, rows).await.unwrap()
    }

    /// What somebody with the file and an SQL client does.
    async fn tamper(&self, sql: &str) {
        testing::tamper(&self.stores, self.folder.path(), &self.scope, sql).await.unwrap();
    }
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

#[tokio::test]
async fn a_sound_chain_tells_its_length_and_its_head_and_goes_on_from_it() {
    let kit = Kit::new().await;
    let chain = kit.verify(None).await;
    assert_eq!((chain.rows, chain.head.len(), &chain.fault), (10, 64, &None));
    kit.write(11).await;
    let longer = kit.verify(Some(&chain.head)).await;
    assert_eq!((longer.rows, longer.fault), (11, None));
}

#[tokio::test]
async fn the_chain_goes_on_from_before_an_attempt_that_failed() {
    let kit = Kit::new().await;
    let work = kit.work().await;
    kit.add(&work, 11).await;
    let failing = async {
        kit.add(&work, 12).await;
        Err::<(), _>(StorageError::NotFound)
    };
    assert!(matches!(work.attempt(failing).await, Err(StorageError::NotFound)));
    kit.add(&work, 13).await;
    work.commit().await.unwrap();
    let chain = kit.verify(None).await;
    assert_eq!((chain.rows, chain.fault), (12, None));
}

#[tokio::test]
async fn many_rows_of_one_transaction_are_chained_and_none_of_a_dropped_one_is_followed() {
    let kit = Kit::new().await;
    for (round, kept) in [(2_u128, false), (3, true), (4, false), (5, true)] {
        let work = kit.work().await;
        for n in 0..5 {
            kit.add(&work, round * 10 + n).await;
        }
        if kept {
            work.commit().await.unwrap();
        } else {
            drop(work);
        }
    }
    let chain = kit.verify(None).await;
    assert_eq!((chain.rows, chain.fault), (20, None));
}

#[tokio::test]
async fn whatever_other_hands_do_is_named_at_its_first_row() {
    let changed = |seq| Fault::Changed { seq, id: id(u128::try_from(seq).unwrap()) };
    let swap = "UPDATE audit SET seq = -1 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; \
                UPDATE audit SET seq = 4 WHERE seq = -1";
    let insert = "UPDATE audit SET seq = seq + 100 WHERE seq >= 5; UPDATE audit SET seq = seq - 99 WHERE seq >= 105; \
                  INSERT INTO audit SELECT tenant_id, x'00000000000000000000000000000063', 5, at, actor, action, subject, \
                  subject_id, before_digest, after_digest, previous, hash FROM audit WHERE seq = 6";
    let cases = [
        ("UPDATE audit SET after_digest = 'x' WHERE seq = 4", changed(4)),
        ("UPDATE audit SET actor = x'00000000000000000000000000000009' WHERE seq = 1", changed(1)),
        ("UPDATE audit SET hash = previous WHERE seq = 10", changed(10)),
        ("DELETE FROM audit WHERE seq = 6", Fault::Removed { from: 6, to: 6 }),
        ("DELETE FROM audit WHERE seq <= 3", Fault::Removed { from: 1, to: 3 }),
        (swap, Fault::Changed { seq: 3, id: id(4) }),
        (insert, Fault::Changed { seq: 5, id: id(0x63) }),
    ];
    for (sql, expect) in cases {
        let kit = Kit::new().await;
        kit.tamper(sql).await;
        assert_eq!(kit.verify(None).await.fault, Some(expect), "{sql}");
    }
}

#[tokio::test]
async fn the_end_of_a_chain_is_walked_alone() {
    let kit = Kit::new().await;
    let whole = kit.verify(None).await;
    for rows in [1, 4, 10, 99] {
        assert_eq!(kit.verify_end(rows).await, whole, "{rows}");
    }
    kit.tamper("UPDATE audit SET after_digest = 'x' WHERE seq = 3").await;
    assert_eq!(kit.verify_end(7).await, whole, "what is before is taken for sound");
    assert_eq!(kit.verify_end(8).await.fault, Some(Fault::Changed { seq: 3, id: id(3) }));
    kit.tamper("DELETE FROM audit WHERE seq = 8").await;
    assert_eq!(kit.verify_end(5).await.fault, Some(Fault::Removed { from: 8, to: 8 }));
    kit.tamper("DELETE FROM audit WHERE seq < 10").await;
    kit.tamper("UPDATE audit SET seq = 1").await;
    assert_eq!(kit.verify_end(5).await.fault, Some(Fault::Changed { seq: 1, id: id(10) }));
    kit.tamper("DELETE FROM audit").await;
    assert_eq!(kit.verify_end(5).await.fault, None);
}

#[tokio::test]
async fn a_row_that_was_made_anew_with_its_hash_breaks_the_next_one() {
    let kit = Kit::new().await;
    let session = kit.stores.open(&kit.scope).await.unwrap().snapshot(&kit.scope).await.unwrap();
    let mut row = audit::before(&kit.scope, &session, Some(5), 1).await.unwrap().remove(0);
    drop(session);
    row.action = "delete".to_owned();
    kit.tamper(&format!("UPDATE audit SET action = 'delete', hash = '{}' WHERE seq = 4", row.digest())).await;
    assert_eq!(kit.verify(None).await.fault, Some(Fault::Misplaced { seq: 5, id: id(5) }));
}

#[tokio::test]
async fn a_tail_that_was_cut_off_is_found_by_the_head_that_was_noted_down() {
    let kit = Kit::new().await;
    let head = kit.verify(None).await.head;
    kit.tamper("DELETE FROM audit WHERE seq > 8").await;
    assert_eq!(kit.verify(None).await.fault, None);
    assert_eq!(kit.verify(Some(&head)).await.fault, Some(Fault::HeadMissing(head)));
}

#[tokio::test]
async fn a_place_of_the_chain_belongs_to_one_row() {
    let kit = Kit::new().await;
    let sql = "UPDATE audit SET seq = 4 WHERE seq = 5";
    let twice = testing::tamper(&kit.stores, kit.folder.path(), &kit.scope, sql).await;
    assert!(twice.unwrap_err().to_lowercase().contains("unique"));
}
