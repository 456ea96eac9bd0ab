//! Tenants, the host names they answer to, and the codes of their divisions.

pub mod code;
pub mod exported;
pub mod host;
pub mod life;
pub mod plan;
pub mod staging;
pub mod state;
pub mod tombstone;
pub mod usage;

use std::collections::BTreeMap;

use sea_orm::ActiveValue::Set;
use sea_orm::QueryOrder;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sunlit_domain::LocalText;
use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::id::{PlanId, TenantId, TenantSlug};
use sunlit_domain::tenant_state::TenantState;
use sunlit_domain::value::{Date, Timestamp};

use super::Platform;
use crate::StorageError;
use plan::Subscribed;

/// A tenant.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "tenant")]
pub struct Model {
    /// Its id, which never changes.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Its slug, part of URLs.
    #[sea_orm(unique)]
    pub slug: String,
    /// `province`, `city`, `district`.
    pub kind: String,
    /// GB/T 2260 code.
    pub code: String,
    /// Chinese name.
    pub name_zh: String,
    /// English name.
    pub name_en: Option<String>,
    /// Short Chinese name.
    pub short_name_zh: String,
    /// Short English name.
    pub short_name_en: Option<String>,
    /// The authority above it.
    pub parent: Option<Uuid>,
    /// The outline of its area: a GeoJSON geometry in CGCS2000.
    #[sea_orm(column_type = "Text", nullable)]
    pub outline: Option<String>,
    /// Since when.
    pub created_at: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A tenant as the platform knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its slug.
    pub slug: TenantSlug,
    /// What kind of authority it is.
    pub kind: String,
    /// GB/T 2260 code.
    pub code: String,
    /// Its name.
    pub name: LocalText,
    /// Its short name.
    pub short_name: LocalText,
    /// The authority above it.
    pub parent: Option<TenantId>,
    /// The outline of its area, GeoJSON.
    pub outline: Option<String>,
    /// Whether it serves.
    pub state: TenantState,
    /// Its plan; none for the default one.
    pub plan: Option<PlanId>,
    /// When it is suspended, after its subscription was cancelled.
    pub ends_at: Option<Timestamp>,
}

fn read(row: Model, state: TenantState, subscribed: Subscribed) -> Result<Tenant, StorageError> {
    let slug = row.slug.parse().map_err(|_| StorageError::Corrupt("slug".to_owned()))?;
    Ok(Tenant {
        id: TenantId(row.id),
        slug,
        kind: row.kind,
        code: row.code,
        name: LocalText { zh: row.name_zh, en: row.name_en },
        short_name: LocalText { zh: row.short_name_zh, en: row.short_name_en },
        parent: row.parent.map(TenantId),
        outline: row.outline,
        state,
        plan: subscribed.plan,
        ends_at: subscribed.ends_at,
    })
}

/// Writes a tenant, its host names and its codes, new or anew; the id of a known slug stays. Nothing of it lasts unless `trail`, the
/// tenant's own transaction, succeeds before; it writes nothing to the platform, whose writer is taken.
///
/// # Errors
/// [`StorageError::NotUnique`] when a host name belongs to another tenant, the database's, and those of `trail`.
pub async fn put<E: From<StorageError>>(
    platform: &Platform,
    tenant: &Tenant,
    hosts: &[String],
    codes: &[DivisionCode],
    at: Timestamp,
    trail: impl Future<Output = Result<(), E>>,
) -> Result<(), E> {
    let transaction = platform.begin().await?;
    write(&transaction, tenant, hosts, at).await?;
    code::replace(&transaction, tenant.id, codes).await?;
    trail.await?;
    Ok(transaction.commit().await.map_err(StorageError::from)?)
}

async fn write(
    transaction: &impl ConnectionTrait,
    tenant: &Tenant,
    hosts: &[String],
    at: Timestamp,
) -> Result<(), StorageError> {
    let row = ActiveModel {
        id: Set(tenant.id.0),
        slug: Set(tenant.slug.to_string()),
        kind: Set(tenant.kind.clone()),
        code: Set(tenant.code.clone()),
        name_zh: Set(tenant.name.zh.clone()),
        name_en: Set(tenant.name.en.clone()),
        short_name_zh: Set(tenant.short_name.zh.clone()),
        short_name_en: Set(tenant.short_name.en.clone()),
        parent: Set(tenant.parent.map(|parent| parent.0)),
        outline: Set(tenant.outline.clone()),
        created_at: Set(at.to_string()),
    };
    let changed = [
        Column::Kind,
        Column::Code,
        Column::NameZh,
        Column::NameEn,
        Column::ShortNameZh,
        Column::ShortNameEn,
        Column::Parent,
        Column::Outline,
    ];
    let conflict = OnConflict::column(Column::Id).update_columns(changed).to_owned();
    Entity::insert(row).on_conflict(conflict).exec_without_returning(transaction).await?;
    host::Entity::delete_many().filter(host::Column::TenantId.eq(tenant.id.0)).exec(transaction).await?;
    for name in hosts {
        let row = host::ActiveModel { name: Set(name.to_ascii_lowercase()), tenant_id: Set(tenant.id.0) };
        host::Entity::insert(row).exec_without_returning(transaction).await?;
    }
    Ok(())
}

/// The tenant of that slug.
///
/// # Errors
/// The database's.
pub async fn by_slug(platform: &Platform, slug: &str) -> Result<Option<Tenant>, StorageError> {
    let row = Entity::find().filter(Column::Slug.eq(slug)).one(platform.reader()).await?;
    with_state(platform, row).await
}

/// The tenant of that id.
///
/// # Errors
/// The database's.
pub async fn by_id(platform: &Platform, id: TenantId) -> Result<Option<Tenant>, StorageError> {
    with_state(platform, Entity::find_by_id(id.0).one(platform.reader()).await?).await
}

/// The tenant that answers to that host name (lower case, without port).
///
/// # Errors
/// The database's.
pub async fn by_host(platform: &Platform, name: &str) -> Result<Option<Tenant>, StorageError> {
    let Some(found) = host::Entity::find_by_id(name.to_owned()).one(platform.reader()).await? else { return Ok(None) };
    let row = Entity::find_by_id(found.tenant_id).one(platform.reader()).await?;
    with_state(platform, row).await
}

/// The tenants whose code it was on that day, by slug: more than one when a division was split.
///
/// # Errors
/// The database's.
pub async fn by_code(platform: &Platform, code: &str, day: Date) -> Result<Vec<Tenant>, StorageError> {
    let holders = code::holders(platform, code, day).await?;
    let rows = Entity::find().filter(Column::Id.is_in(holders)).order_by_asc(Column::Slug);
    let mut tenants = Vec::new();
    for row in rows.all(platform.reader()).await? {
        tenants.extend(with_state(platform, Some(row)).await?);
    }
    Ok(tenants)
}

/// The tenant to which a former code leads: whose it was, if it was no other tenant's and is none's today.
///
/// # Errors
/// The database's.
pub async fn by_former_code(platform: &Platform, code: &str) -> Result<Option<Tenant>, StorageError> {
    let Some(successor) = code::successor(platform, code).await? else { return Ok(None) };
    let row = Entity::find_by_id(successor).one(platform.reader()).await?;
    with_state(platform, row).await
}

async fn with_state(platform: &Platform, row: Option<Model>) -> Result<Option<Tenant>, StorageError> {
    let Some(row) = row else { return Ok(None) };
    let state = state::of(platform, TenantId(row.id)).await?;
    let subscribed = plan::find(platform, TenantId(row.id)).await?.unwrap_or_default();
    Ok(Some(read(row, state, subscribed)?))
}

/// All tenants by slug.
///
/// # Errors
/// The database's.
pub async fn all(platform: &Platform) -> Result<Vec<Tenant>, StorageError> {
    let rows = Entity::find().order_by_asc(Column::Slug).all(platform.reader()).await?;
    let resting: BTreeMap<_, _> = state::resting(platform).await?.into_iter().collect();
    let mut subscribed: BTreeMap<_, _> = plan::all(platform).await?.into_iter().collect();
    let tenant = |row: Model| {
        let id = TenantId(row.id);
        read(row, resting.get(&id).copied().unwrap_or_default(), subscribed.remove(&id).unwrap_or_default())
    };
    rows.into_iter().map(tenant).collect()
}
