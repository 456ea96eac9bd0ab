//! Who the tenants are: the platform's rows.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;

use sunlit_domain::LocalText;
use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::id::TenantId;
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Timestamp;
use sunlit_storage::platform::Platform;
use sunlit_storage::platform::tenant::{self, Tenant, code};
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
        plan: None,
        ends_at: None,
    }
}

async fn platform(folder: &Path) -> Platform {
    match testing::database().await {
        Some(config) => Platform::shared(&Postgres::connect(config).await.unwrap()),
        None => Platform::open(folder).await.unwrap(),
    }
}

fn at() -> Timestamp {
    Timestamp::from_micros(1_700_000_000_000_000).unwrap()
}

#[tokio::test]
async fn a_tenant_lasts_only_when_its_own_transaction_does() {
    let folder = tempfile::tempdir().unwrap();
    let (platform, at) = (platform(folder.path()).await, at());
    let codes = [held("000001", "", "")];
    let hosts = ["one.example".to_owned()];
    let failed =
        tenant::put(&platform, &tenant(1, "000001"), &hosts, &codes, at, async { Err(StorageError::Interrupted) })
            .await;
    assert!(matches!(failed, Err(StorageError::Interrupted)), "{failed:?}");
    assert_eq!(code::of(&platform, TenantId(Uuid::from_u128(1))).await.unwrap(), []);
    assert!(tenant::all(&platform).await.unwrap().is_empty());
    let done = async || Ok::<_, StorageError>(());
    tenant::put(&platform, &tenant(1, "000001"), &hosts, &codes, at, done()).await.unwrap();
    assert_eq!(tenant::by_host(&platform, "one.example").await.unwrap().unwrap(), tenant(1, "000001"));
    // A host name of another's undoes the row too, and its own transaction is not even asked.
    let mut asked = false;
    let trail = async {
        asked = true;
        Ok(())
    };
    let taken = tenant::put(&platform, &tenant(2, "000002"), &hosts, &codes, at, trail).await;
    assert!(matches!(taken, Err(StorageError::NotUnique { .. })) && !asked, "{taken:?}");
    assert!(tenant::by_slug(&platform, "000002").await.unwrap().is_none());
}

/// A code that held from that day until that day; an empty one is not known, or has not come.
fn held(code: &str, from: &str, to: &str) -> DivisionCode {
    DivisionCode { code: code.to_owned(), valid_from: from.parse().ok(), valid_to: to.parse().ok() }
}

/// Tenants with the codes that they have and had.
async fn put(platform: &Platform, n: u128, slug: &str, codes: &[DivisionCode]) {
    tenant::put(platform, &tenant(n, slug), &[], codes, at(), async { Ok::<_, StorageError>(()) }).await.unwrap();
}

#[tokio::test]
async fn a_code_means_on_a_day_whose_it_was_then() {
    let folder = tempfile::tempdir().unwrap();
    let platform = platform(folder.path()).await;
    let merged = [held("000001", "", ""), held("000002", "1992-10-11", "2009-05-06")];
    put(&platform, 1, "000001", &merged).await;
    // The digits were given to another afterwards.
    put(&platform, 2, "000003", &[held("000002", "2009-05-06", "2020-01-01"), held("000003", "2020-01-01", "")]).await;
    let check = async |code: &str, day: &str, expect: &[&str]| {
        let found = tenant::by_code(&platform, code, day.parse().unwrap()).await.unwrap();
        let slugs: Vec<&str> = found.iter().map(|tenant| tenant.slug.as_str()).collect();
        assert_eq!(slugs, expect, "{code} on {day}");
    };
    check("000002", "1992-10-10", &[]).await;
    check("000002", "1992-10-11", &["000001"]).await;
    check("000002", "2009-05-05", &["000001"]).await;
    check("000002", "2009-05-06", &["000003"]).await;
    check("000002", "2019-12-31", &["000003"]).await;
    check("000002", "2020-01-01", &[]).await;
    check("000001", "0001-01-01", &["000001"]).await;
    check("000001", "9999-12-31", &["000001"]).await;
    check("000009", "2020-01-01", &[]).await;
}

#[tokio::test]
async fn codes_are_told_in_order_of_time_and_replaced_together() {
    let folder = tempfile::tempdir().unwrap();
    let platform = platform(folder.path()).await;
    let codes = [
        held("000001", "2015-11-04", ""),
        held("000003", "", "2015-11-04"),
        held("000002", "1949-10-01", "2001-01-01"),
    ];
    put(&platform, 1, "000001", &codes).await;
    let told = code::of(&platform, TenantId(Uuid::from_u128(1))).await.unwrap();
    assert_eq!(told, [codes[2].clone(), codes[1].clone(), codes[0].clone()]);
    put(&platform, 1, "000001", &codes[..1]).await;
    assert_eq!(code::of(&platform, TenantId(Uuid::from_u128(1))).await.unwrap(), codes[..1]);
}

#[tokio::test]
async fn a_former_code_leads_to_one_tenant_or_to_none() {
    let folder = tempfile::tempdir().unwrap();
    let platform = platform(folder.path()).await;
    let check = async |code: &str, expect: Option<&str>| {
        let found = tenant::by_former_code(&platform, code).await.unwrap();
        assert_eq!(found.as_ref().map(|tenant| tenant.slug.as_str()), expect, "{code}");
    };
    let today = |code: &str| held(code, "2001-01-01", "");
    put(&platform, 1, "000001", &[today("000001"), held("000011", "", "2001-01-01"), held("000012", "", "2001-01-01")])
        .await;
    check("000011", Some("000001")).await;
    check("000012", Some("000001")).await;
    check("000001", None).await;
    check("000013", None).await;
    // Split, and given to another.
    put(&platform, 2, "000002", &[today("000002"), held("000011", "", "2001-01-01")]).await;
    put(&platform, 3, "000003", &[today("000012")]).await;
    check("000011", None).await;
    check("000012", None).await;
}
