//! Who the tenants are: the platform's rows.
#![expect(clippy::unwrap_used, reason = "tests")]

use sunlit_domain::LocalText;
use sunlit_domain::id::TenantId;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Timestamp;
use sunlit_storage::platform::Platform;
use sunlit_storage::platform::tenant::{self, Tenant};
use sunlit_storage::{Postgres, StorageError, testing};
use uuid::Uuid;

fn tenant(n: u128, slug: &str) -> Tenant {
    let name = LocalText { zh: "测试区".to_owned(), en: None };
    Tenant {
        id: TenantId(Uuid::from_u128(n)),
        slug: slug.parse().unwrap(),
        kind: "district".to_owned(),
        code: slug.to_owned(),
        name: name.clone(),
        short_name: name,
        parent: None,
        outline: None,
        state: TenantState::Active,
    }
}

#[tokio::test]
async fn a_tenant_lasts_only_when_its_own_transaction_does() {
    let folder = tempfile::tempdir().unwrap();
    let platform = match testing::database().await {
        Some(config) => Platform::shared(&Postgres::connect(config).await.unwrap()),
        None => Platform::open(folder.path()).await.unwrap(),
    };
    let at = Timestamp::from_micros(1_700_000_000_000_000).unwrap();
    let hosts = ["one.example".to_owned()];
    let failed =
        tenant::put(&platform, &tenant(1, "000001"), &hosts, at, async { Err(StorageError::Interrupted) }).await;
    assert!(matches!(failed, Err(StorageError::Interrupted)), "{failed:?}");
    assert!(tenant::all(&platform).await.unwrap().is_empty());
    let done = async || Ok::<_, StorageError>(());
    tenant::put(&platform, &tenant(1, "000001"), &hosts, at, done()).await.unwrap();
    assert_eq!(tenant::by_host(&platform, "one.example").await.unwrap().unwrap(), tenant(1, "000001"));
    // A host name of another's undoes the row too, and its own transaction is not even asked.
    let mut asked = false;
    let trail = async {
        asked = true;
        Ok(())
    };
    let taken = tenant::put(&platform, &tenant(2, "000002"), &hosts, at, trail).await;
    assert!(matches!(taken, Err(StorageError::NotUnique { .. })) && !asked, "{taken:?}");
    assert!(tenant::by_slug(&platform, "000002").await.unwrap().is_none());
}
