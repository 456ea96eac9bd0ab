//! The two ends of a tenant in the platform's tables, each one transaction: it is admitted when its store is complete, and removed
//! when its store is gone.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::id::{ActorId, TenantId, TenantSlug};
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::Timestamp;

use super::super::{Platform, due};
use super::{Column, Entity, Tenant, code, exported, host, plan, staging, state, tombstone, usage};
use crate::StorageError;

/// A tenant whose store is complete.
#[derive(Debug, Clone)]
pub struct Admission<'a> {
    /// Who it is, and in which state it begins.
    pub tenant: &'a Tenant,
    /// Its host names.
    pub hosts: &'a [String],
    /// Its codes.
    pub codes: &'a [DivisionCode],
    /// The tenant whose place it takes.
    pub instead_of: Option<Replaced<'a>>,
}

/// A tenant whose slug, host names, codes and children another one takes over. It is suspended then.
#[derive(Debug, Clone)]
pub struct Replaced<'a> {
    /// Which.
    pub tenant: TenantId,
    /// The slug under which it is kept aside.
    pub aside: &'a TenantSlug,
}

/// Admits a tenant that was staged. Nothing of it lasts unless `committed`, the end of the tenant's own transaction, succeeds
/// before; it writes nothing to the platform, whose writer is taken.
///
/// # Errors
/// [`StorageError::NotUnique`] when slug or a host name are taken, the database's, and those of `committed`.
pub async fn admit<E: From<StorageError>>(
    platform: &Platform,
    admission: &Admission<'_>,
    at: Timestamp,
    committed: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let transaction = platform.begin().await?;
    if let Some(replaced) = &admission.instead_of {
        step_aside(&transaction, admission.tenant.id, replaced, at).await?;
    }
    let tenant = admission.tenant;
    super::write(&transaction, tenant, admission.hosts, at).await?;
    code::replace(&transaction, tenant.id, admission.codes).await?;
    put_state(&transaction, tenant.id, tenant.state, at).await?;
    if tenant.plan.is_some() || tenant.ends_at.is_some() {
        let subscribed = plan::Subscribed { plan: tenant.plan.clone(), ends_at: tenant.ends_at };
        plan::put_in(&transaction, tenant.id, &subscribed, at).await?;
    }
    staging::end_in(&transaction, tenant.id).await?;
    committed.await?;
    Ok(transaction.commit().await.map_err(StorageError::from)?)
}

/// Takes slug, host names, codes and children from a tenant.
async fn step_aside(
    transaction: &impl ConnectionTrait,
    heir: TenantId,
    replaced: &Replaced<'_>,
    at: Timestamp,
) -> Result<(), StorageError> {
    let old = replaced.tenant.0;
    let renamed = Entity::update_many().col_expr(Column::Slug, Expr::value(replaced.aside.as_str()));
    renamed.filter(Column::Id.eq(old)).exec(transaction).await?;
    let children = Entity::update_many().col_expr(Column::Parent, Expr::value(heir.0)).filter(Column::Parent.eq(old));
    children.exec(transaction).await?;
    host::Entity::delete_many().filter(host::Column::TenantId.eq(old)).exec(transaction).await?;
    code::Entity::delete_many().filter(code::Column::TenantId.eq(old)).exec(transaction).await?;
    put_state(transaction, replaced.tenant, TenantState::Suspended, at).await
}

async fn put_state(
    transaction: &impl ConnectionTrait,
    tenant: TenantId,
    to: TenantState,
    at: Timestamp,
) -> Result<(), StorageError> {
    state::Entity::delete_by_id(tenant.0).exec(transaction).await?;
    if to != TenantState::Active {
        let row = state::ActiveModel {
            tenant_id: Set(tenant.0),
            state: Set(to.name().to_owned()),
            since: Set(at.to_string()),
        };
        state::Entity::insert(row).exec_without_returning(transaction).await?;
    }
    Ok(())
}

/// Removes a tenant whose store is gone, and leaves its tombstone. On SQLite what is removed is overwritten.
///
/// # Errors
/// The database's.
pub async fn remove(
    platform: &Platform,
    tenant: &Tenant,
    by: Option<ActorId>,
    at: Timestamp,
) -> Result<tombstone::Model, StorageError> {
    let transaction = platform.begin().await?;
    let id = tenant.id.0;
    let last = exported::Entity::find_by_id(id).one(&transaction).await?;
    let row = tombstone::Model {
        tenant_id: id,
        slug: tenant.slug.to_string(),
        erased_at: at.to_string(),
        erased_by: by.map(|actor| actor.0),
        last_export: last.map(|last| last.root),
    };
    tombstone::Entity::delete_by_id(id).exec(&transaction).await?;
    tombstone::Entity::insert(tombstone::ActiveModel::from(row.clone()).reset_all())
        .exec_without_returning(&transaction)
        .await?;
    host::Entity::delete_many().filter(host::Column::TenantId.eq(id)).exec(&transaction).await?;
    code::Entity::delete_many().filter(code::Column::TenantId.eq(id)).exec(&transaction).await?;
    // It stays suspended: whoever comes late to it writes nothing.
    exported::Entity::delete_by_id(id).exec(&transaction).await?;
    due::Entity::delete_by_id(id).exec(&transaction).await?;
    plan::Entity::delete_by_id(id).exec(&transaction).await?;
    usage::Entity::delete_many().filter(usage::Column::TenantId.eq(id)).exec(&transaction).await?;
    staging::end_in(&transaction, tenant.id).await?;
    let none = Expr::value(Option::<Uuid>::None);
    Entity::update_many().col_expr(Column::Parent, none).filter(Column::Parent.eq(id)).exec(&transaction).await?;
    Entity::delete_by_id(id).exec(&transaction).await?;
    transaction.commit().await?;
    platform.settle_removed().await;
    Ok(row)
}

/// Whether the column of tenants in the platform's tables is called as everywhere: what [`remove`] removes from is found by it.
#[cfg(test)]
#[tokio::test]
async fn a_removed_tenant_is_in_no_table_of_the_platform_but_its_tombstone() {
    use sea_orm::Statement;
    use sunlit_domain::LocalText;

    use crate::Engine;
    use crate::session::TENANT;

    let folder = tempfile::tempdir().unwrap();
    let platform = Platform::open(folder.path()).await.unwrap();
    let text = |zh: &str| LocalText { zh: zh.to_owned(), en: None };
    let tenant = Tenant {
        id: TenantId(Uuid::from_u128(7)),
        slug: "000007".parse().unwrap(),
        kind: "district".to_owned(),
        code: "000007".to_owned(),
        name: text("甲"),
        short_name: text("乙"),
        parent: None,
        outline: None,
        state: TenantState::Suspended,
        plan: Some("small".parse().unwrap()),
        ends_at: None,
    };
    let at: Timestamp = "2026-11-22T08:30:00Z".parse().unwrap();
    staging::begin(&platform, tenant.id, "000007", staging::IMPORT, at).await.unwrap();
    let codes = [DivisionCode { code: "000007".to_owned(), valid_from: None, valid_to: None }];
    let hosts = ["seven.example".to_owned()];
    let admission = Admission { tenant: &tenant, hosts: &hosts, codes: &codes, instead_of: None };
    admit(&platform, &admission, at, async { Ok::<_, StorageError>(()) }).await.unwrap();
    exported::note(&platform, tenant.id, "root", at).await.unwrap();
    due::hint(&platform, tenant.id, at).await.unwrap();
    let used = usage::Added { tenant: tenant.id, month: "2026-11".into(), quota: "requests".into(), amount: 3 };
    usage::add(&platform, &[used]).await.unwrap();
    staging::begin(&platform, tenant.id, "000007", staging::ERASE, at).await.unwrap();
    let rows = async |table: &str| {
        let column = if table == "tenant" { "id" } else { TENANT };
        let sql = format!("SELECT count(*) FROM \"{table}\" WHERE \"{column}\" = ?");
        let statement = Statement::from_sql_and_values(Engine::Sqlite.backend(), sql, [tenant.id.0.into()]);
        let row = platform.reader().query_one_raw(statement).await.unwrap().unwrap();
        row.try_get_by_index::<i64>(0).unwrap()
    };
    // Of the platform itself, and what stays on purpose.
    const NOT_OF_TENANTS: [&str; 5] = ["package_version", "master_key", "secret", "tenant_tombstone", "tenant_state"];
    let tables = crate::platform::TABLES.into_iter().filter(|table| !NOT_OF_TENANTS.contains(table));
    for table in tables.clone() {
        assert_eq!(rows(table).await, 1, "{table}: give the tenant a row here, and remove it in `remove`");
    }
    let left = remove(&platform, &tenant, None, at).await.unwrap();
    for table in tables {
        assert_eq!(rows(table).await, 0, "{table}");
    }
    assert_eq!((left.slug.as_str(), left.last_export.as_deref()), ("000007", Some("root")));
    assert_eq!(tombstone::all(&platform).await.unwrap(), [left]);
}
