//! Creates a tenant: its row, its host names, its codes, its store.

use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::id::{TenantId, TenantSlug};
use sunlit_domain::{Actor, LocalText, ScopeAuthority};
use sunlit_storage::StorageError;
use sunlit_storage::platform::tenant::{self, Tenant, staging};

use crate::command::commit::commit;
use crate::command::trail;
use crate::nodes::Said;
use crate::{App, AppError};

/// Who a tenant is.
#[derive(Debug, Clone)]
pub struct NewTenant {
    /// Its id, where that was settled before: then it is made new, and never another brought up to date.
    pub id: Option<TenantId>,
    /// Its slug.
    pub slug: TenantSlug,
    /// `province`, `city`, `district`.
    pub kind: String,
    /// GB/T 2260 code.
    pub code: String,
    /// The codes of all times, today's among them.
    pub codes: Vec<DivisionCode>,
    /// Its name.
    pub name: LocalText,
    /// Its short name.
    pub short_name: LocalText,
    /// The slug of the authority above it.
    pub parent: Option<TenantSlug>,
    /// Host names, without port.
    pub hosts: Vec<String>,
    /// The outline of its area, GeoJSON.
    pub outline: Option<String>,
}

impl NewTenant {
    /// A district with the least that a tenant has; its slug is its code.
    #[must_use]
    pub fn district(slug: TenantSlug, name: &str) -> Self {
        let name = LocalText { zh: name.to_owned(), en: None };
        Self {
            id: None,
            kind: "district".to_owned(),
            code: slug.to_string(),
            codes: vec![DivisionCode { code: slug.to_string(), valid_from: None, valid_to: None }],
            slug,
            name: name.clone(),
            short_name: name,
            parent: None,
            hosts: Vec::new(),
            outline: None,
        }
    }
}

/// Creates the tenant, or brings a known one up to date; its id stays. The row is the platform's and the trail the tenant's:
/// the row lasts only when the trail does.
///
/// # Errors
/// [`AppError::Package`] when the parent is not there or a host name belongs to another tenant.
pub async fn run(app: &App, authority: &ScopeAuthority, new: NewTenant) -> Result<Tenant, AppError> {
    let parent = match &new.parent {
        None => None,
        Some(slug) => {
            let found = tenant::by_slug(&app.platform, slug.as_str()).await?;
            let missing = || AppError::Package(format!("the parent {slug} does not exist: create it first"));
            Some(found.ok_or_else(missing)?.id)
        }
    };
    let known = tenant::by_slug(&app.platform, new.slug.as_str()).await?;
    if let Some(known) = &known {
        let staged = staging::of(&app.platform, known.id).await?;
        if staged.is_some_and(|staged| staged.what == staging::ERASE) {
            return Err(AppError::Life(format!("{} is being erased: create it when that has ended", known.slug)));
        }
    }
    if known.as_ref().is_some_and(|known| new.id.is_some_and(|id| known.id != id)) {
        return Err(AppError::Package(format!("the slug {} is another tenant's: choose another", new.slug)));
    }
    let is_known = known.is_some();
    let state = known.as_ref().map(|known| known.state).unwrap_or_default();
    let (plan, ends_at) = known.as_ref().map(|known| (known.plan.clone(), known.ends_at)).unwrap_or_default();
    let tenant = Tenant {
        id: known.map(|known| known.id).or(new.id).unwrap_or_else(|| TenantId(app.environment.new_id())),
        slug: new.slug,
        kind: new.kind,
        code: new.code,
        name: new.name,
        short_name: new.short_name,
        parent,
        outline: new.outline,
        state,
        plan,
        ends_at,
    };
    // The store comes first: a row without a store would be a tenant that cannot answer.
    let scope = authority.scope(tenant.id, Actor::anonymous());
    let now = app.environment.now();
    let work = app.stores.create(&scope).await?.work(&scope).await?;
    let action = if is_known { "update" } else { "create" };
    trail::of_change(app, &scope, &work, (action, "tenant", tenant.slug.as_str()), now).await?;
    let committed = commit(app, &scope, work, None);
    tenant::put(&app.platform, &tenant, &new.hosts, &new.codes, now, committed).await.map_err(|error| match error {
        AppError::Storage(StorageError::NotUnique { .. }) => {
            AppError::Package(format!("a host name of {} belongs to another tenant: choose another", tenant.slug))
        }
        other => other,
    })?;
    app.directory.forget();
    app.say(Said::Tenants).await;
    Ok(tenant)
}
