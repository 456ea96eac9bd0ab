//! Who acts, for which tenant. No query runs without a [`Scope`] (invariant 2).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{ActorId, TenantId};

/// What an actor may be for a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
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
    /// Runs the tenant's installation.
    Administrator,
    /// Reads the audit trail.
    Auditor,
}

/// The platform itself when it does what a tenant's packages declare or what somebody has scheduled.
const JOB_RUNNER: ActorId = ActorId(uuid::Uuid::from_u128(1));

/// Whoever acts, with the roles that a checked credential gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    id: Option<ActorId>,
    roles: Vec<Role>,
}

impl Actor {
    /// Nobody in particular: only [`Role::Public`].
    #[must_use]
    pub fn anonymous() -> Self {
        Self { id: None, roles: vec![Role::Public] }
    }

    /// A known actor. [`Role::Public`] is always among the roles.
    #[must_use]
    pub fn known(id: ActorId, mut roles: Vec<Role>) -> Self {
        roles.push(Role::Public);
        roles.sort_unstable();
        roles.dedup();
        Self { id: Some(id), roles }
    }

    /// The actor of jobs. It has no role of its own: a job does what its kind says and no more.
    #[must_use]
    pub fn job_runner() -> Self {
        Self::known(JOB_RUNNER, Vec::new())
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
