//! What one tenant has sealed opens for nobody else, wherever somebody with the database puts it.

use serde_json::json;
use sunlit_domain::id::TenantId;
use sunlit_storage::testing;

use crate::kit::{Kit, Side, raise};

const ROOMS: &str = "c_vault__v1__room";

/// One column of one of a tenant's tables, as the database has it.
async fn column(kit: &Kit, side: &Side, sql: &str) -> String {
    let sql = format!("SELECT {sql} WHERE tenant_id = x'{}'", hex(side.tenant));
    testing::peek(&kit.app.app().stores, &folder(kit), &crate::kit::scope(&kit.app, side.tenant), &sql).await.remove(0)
}

async fn tamper(kit: &Kit, side: &Side, sql: &str) {
    let sql = format!("{sql} WHERE tenant_id = x'{}'", hex(side.tenant));
    let scope = crate::kit::scope(&kit.app, side.tenant);
    testing::tamper(&kit.app.app().stores, &folder(kit), &scope, &sql).await.unwrap();
}

fn hex(tenant: TenantId) -> String {
    tenant.0.simple().to_string()
}

fn folder(kit: &Kit) -> std::path::PathBuf {
    kit.app.folder().join("data/tenants")
}

async fn keeper(kit: &Kit, side: &Side) -> Result<String, String> {
    let answer = kit.ask(side, "{ vault { rooms { nodes { keeper } } } }", json!({})).await;
    match answer.body["data"]["vault"]["rooms"]["nodes"][0]["keeper"].as_str() {
        Some(text) => Ok(text.to_owned()),
        None => Err(answer.body.to_string()),
    }
}

#[actix_web::test]
async fn a_sealed_value_of_another_tenant_opens_for_nobody_else() {
    // Whatever walls have fallen: this one is of its own.
    let kit = Kit::new().await;
    raise();
    assert_eq!(keeper(&kit, &kit.own).await.unwrap(), format!("{} keeper", kit.own.canary));
    let own = column(&kit, &kit.own, &format!("keeper FROM {ROOMS}")).await;
    let foreign = column(&kit, &kit.other, &format!("keeper FROM {ROOMS}")).await;
    assert!(own.starts_with("v1.1.") && foreign.starts_with("v1.1.") && own != foreign);
    tamper(&kit, &kit.own, &format!("UPDATE {ROOMS} SET keeper = '{foreign}'")).await;
    let told = keeper(&kit, &kit.own).await.unwrap_err();
    assert!(told.contains("INTERNAL") && !told.contains(&kit.other.canary) && !told.contains(&foreign), "{told}");
    // With the other's key beside it: the key is bound to its tenant too.
    let key = column(&kit, &kit.other, "wrapped FROM data_key").await;
    tamper(&kit, &kit.own, &format!("UPDATE data_key SET wrapped = '{key}'")).await;
    kit.app.app().vault.forget(&crate::kit::scope(&kit.app, kit.own.tenant));
    let told = keeper(&kit, &kit.own).await.unwrap_err();
    assert!(told.contains("INTERNAL") && !told.contains(&kit.other.canary), "{told}");
    assert_eq!(keeper(&kit, &kit.other).await.unwrap(), format!("{} keeper", kit.other.canary));
}
