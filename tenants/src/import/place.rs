//! Where the tenant of an archive comes to stand: where it was, beside another, or in the place of one.

use sunlit_app::App;
use sunlit_app::command::tenant::import::Ending;
use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::id::{TenantId, TenantSlug};
use sunlit_domain::tenant_state::TenantState;
use sunlit_storage::platform::tenant::{self, Tenant, code, host};

use super::Wanted;
use crate::archive::manifest::{Code, Content, Identity, refused};
use crate::archive::{ArchiveError, Manifest};

/// Where a tenant comes to stand.
pub(super) struct Place {
    pub(super) tenant: Tenant,
    hosts: Vec<String>,
    codes: Vec<DivisionCode>,
    original: TenantId,
    pub(super) missing_parent: Option<TenantSlug>,
    /// The tenant whose place it takes, and the slug that this one gets.
    pub(super) old: Option<(Tenant, TenantSlug)>,
}

impl Place {
    pub(super) async fn find(app: &App, identity: &Identity, wanted: &Wanted) -> Result<Self, ArchiveError> {
        let slug = wanted.slug.as_ref().unwrap_or(&identity.slug).clone();
        let there = tenant::by_slug(&app.platform, slug.as_str()).await?;
        let is_known = tenant::by_id(&app.platform, identity.id).await?.is_some();
        match there {
            Some(old) if wanted.in_place => Self::instead_of(app, identity, old).await,
            Some(_) => Err(ArchiveError::Taken(format!(
                "a tenant {slug} is there: name another slug with --as, or restore it in its place with `sunlit restore`"
            ))),
            None if wanted.slug.as_ref().is_none_or(|slug| *slug == identity.slug) && !is_known => {
                Self::own(app, identity, wanted).await
            }
            None if wanted.slug.is_none() => Err(ArchiveError::Taken(format!(
                "the tenant {} is there under another slug: name a slug for this one with --as",
                identity.id
            ))),
            None => Ok(Self::beside(app, identity, slug, wanted)),
        }
    }

    /// Under its own id and slug, with its names and codes.
    async fn own(app: &App, identity: &Identity, wanted: &Wanted) -> Result<Self, ArchiveError> {
        let parent = match &identity.parent {
            Some(slug) => tenant::by_slug(&app.platform, slug.as_str()).await?.map(|parent| parent.id),
            None => None,
        };
        for host in &identity.hosts {
            if tenant::by_host(&app.platform, host).await?.is_some() {
                return Err(ArchiveError::Taken(format!(
                    "the host name {host} is another tenant's here: take it away first"
                )));
            }
        }
        let state = wanted.state.unwrap_or_default();
        Ok(Self {
            hosts: identity.hosts.clone(),
            codes: identity.codes.iter().map(Code::read).collect::<Result<_, _>>()?,
            missing_parent: identity.parent.clone().filter(|_| parent.is_none()),
            tenant: Tenant {
                plan: wanted.subscribed.plan.clone(),
                ends_at: wanted.subscribed.ends_at,
                ..tenant_of(identity, (identity.id, identity.slug.clone()), parent, state)
            },
            original: identity.id,
            old: None,
        })
    }

    /// A copy with an id of its own. What leads to the original goes on leading there.
    fn beside(app: &App, identity: &Identity, slug: TenantSlug, wanted: &Wanted) -> Self {
        let state = wanted.state.unwrap_or(TenantState::ReadOnly);
        Self {
            tenant: tenant_of(identity, (TenantId(app.environment.new_id()), slug), None, state),
            hosts: Vec::new(),
            codes: Vec::new(),
            original: identity.id,
            missing_parent: None,
            old: None,
        }
    }

    /// With an id of its own and everything that the platform knows of the one that is there.
    async fn instead_of(app: &App, identity: &Identity, old: Tenant) -> Result<Self, ArchiveError> {
        let at: String = app.environment.now().to_string().chars().filter(char::is_ascii_digit).take(14).collect();
        let head: String = old.slug.as_str().chars().take(18).collect();
        let aside = format!("{}-before-{at}", head.trim_end_matches('-'));
        let aside = aside.parse().map_err(|error| ArchiveError::Argument(format!("{error}")))?;
        Ok(Self {
            tenant: Tenant { id: TenantId(app.environment.new_id()), ..old.clone() },
            hosts: host::of(&app.platform, old.id).await?,
            codes: code::of(&app.platform, old.id).await?,
            original: identity.id,
            missing_parent: None,
            old: Some((old, aside)),
        })
    }

    pub(super) fn ending<'m>(self, manifest: &'m Manifest, wanted: &Wanted) -> Result<Ending<'m>, ArchiveError> {
        let is_own = self.original == self.tenant.id;
        let entry = wanted.entry.or((!is_own).then_some("import"));
        let audit = manifest.audit.as_ref().ok_or_else(|| refused("it has no audit trail".to_owned()))?;
        if let Some(fault) = &audit.fault {
            return Err(refused(format!("its audit trail was broken when it was exported: {fault}")));
        }
        let files = manifest.entries.iter().filter_map(|entry| match entry.content() {
            Some(Content::File(sha256)) => Some(sha256),
            _ => None,
        });
        Ok(Ending {
            files: files.collect(),
            tenant: self.tenant,
            hosts: self.hosts,
            codes: self.codes,
            original: self.original,
            audit: (audit.rows, &audit.head),
            entry: entry.map(|action| (action, manifest.root.as_str())),
            instead_of: self.old.map(|(old, aside)| (old.id, aside)),
        })
    }
}

fn tenant_of(
    identity: &Identity,
    (id, slug): (TenantId, TenantSlug),
    parent: Option<TenantId>,
    state: TenantState,
) -> Tenant {
    Tenant {
        id,
        slug,
        kind: identity.kind.clone(),
        code: identity.code.clone(),
        name: identity.name.clone(),
        short_name: identity.short_name.clone(),
        parent,
        outline: identity.outline.clone(),
        state,
        plan: None,
        ends_at: None,
    }
}
