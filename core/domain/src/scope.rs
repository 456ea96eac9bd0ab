//! Who acts, for which tenant. No query runs without a [`Scope`] (invariant 2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::id::{ActorId, TenantId};
use crate::identity::key_scope::KeyScope;

/// What an actor may be for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Anybody, signed in or not.
    Public,
    /// A natural person who signed in.
    Citizen,
    /// An enterprise that signed in.
    Enterprise,
    /// Writes content.
    Editor,
    /// Reviews and publishes content.
    Reviewer,
    /// Runs the tenant's installation: 系统管理员.
    Administrator,
    /// Names people and gives them their roles: 安全管理员.
    SecurityAdministrator,
    /// Reads the audit trail: 审计员.
    Auditor,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Public,
        Self::Citizen,
        Self::Enterprise,
        Self::Editor,
        Self::Reviewer,
        Self::Administrator,
        Self::SecurityAdministrator,
        Self::Auditor,
    ];

    /// As it is written in manifests, tokens and stores.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Citizen => "citizen",
            Self::Enterprise => "enterprise",
            Self::Editor => "editor",
            Self::Reviewer => "reviewer",
            Self::Administrator => "administrator",
            Self::SecurityAdministrator => "security-administrator",
            Self::Auditor => "auditor",
        }
    }

    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// The platform itself when it does what a tenant's packages declare or what somebody has scheduled.
const JOB_RUNNER: ActorId = ActorId(Uuid::from_u128(1));

/// Whoever acts, with the roles that a checked credential gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    id: Option<ActorId>,
    roles: Vec<Role>,
    scope: KeyScope,
    session: Option<Uuid>,
}

impl Actor {
    /// Nobody in particular: only [`Role::Public`].
    #[must_use]
    pub fn anonymous() -> Self {
        Self { id: None, roles: vec![Role::Public], scope: KeyScope::default(), session: None }
    }

    /// A known actor. [`Role::Public`] is always among the roles.
    #[must_use]
    pub fn known(id: ActorId, mut roles: Vec<Role>) -> Self {
        roles.push(Role::Public);
        roles.sort_unstable();
        roles.dedup();
        Self { id: Some(id), roles, scope: KeyScope::default(), session: None }
    }

    /// The actor of jobs. It has no role of its own: a job does what its kind says and no more.
    #[must_use]
    pub fn job_runner() -> Self {
        Self::known(JOB_RUNNER, Vec::new())
    }

    /// The same actor, kept within what a key may be used for.
    #[must_use]
    pub fn within(self, scope: KeyScope) -> Self {
        Self { scope, ..self }
    }

    /// The same actor, signed in by this session.
    #[must_use]
    pub fn in_session(self, session: Uuid) -> Self {
        Self { session: Some(session), ..self }
    }

    /// The session that it acts in; none of keys, jobs and operators.
    #[must_use]
    pub fn session(&self) -> Option<Uuid> {
        self.session
    }

    /// What its credential may be used for; everything that its roles may do, unless it is a key.
    #[must_use]
    pub fn key_scope(&self) -> &KeyScope {
        &self.scope
    }

    /// The actor's id; none for the anonymous one.
    #[must_use]
    pub fn id(&self) -> Option<ActorId> {
        self.id
    }

    /// The roles, sorted.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.roles
    }

    /// Whether `role` is among the actor's roles.
    #[must_use]
    pub fn has(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// The only maker of scopes. `main` establishes it once and hands it to authentication, provisioning and the job runner;
/// a test checks that nobody else does.
#[derive(Debug)]
pub struct ScopeAuthority(());

impl ScopeAuthority {
    /// Makes the process's authority. To be called once, by `main`.
    #[must_use]
    pub fn establish() -> Self {
        Self(())
    }

    /// A scope for `actor` at `tenant`.
    #[must_use]
    pub fn scope(&self, tenant: TenantId, actor: Actor) -> Scope {
        Scope { tenant, actor }
    }
}

/// The tenant and the actor of everything that follows. The first parameter of every storage function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    tenant: TenantId,
    actor: Actor,
}

impl Scope {
    /// The tenant whose data may be touched.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}
