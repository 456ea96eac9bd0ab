//! What a plan gives a tenant: how much of everything, and how fast.

use serde::Deserialize;

/// What a plan gives in an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quota {
    /// Bytes of files.
    Storage,
    /// Accounts that may sign in.
    Accounts,
    /// Packages enabled.
    Packages,
    /// Requests of a month.
    Requests,
    /// Jobs of a month.
    Jobs,
    /// Processor seconds of plugins in a month.
    PluginCpu,
}

impl Quota {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Storage, Self::Accounts, Self::Packages, Self::Requests, Self::Jobs, Self::PluginCpu];

    /// As it is stored and configured.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Storage => "storage",
            Self::Accounts => "accounts",
            Self::Packages => "packages",
            Self::Requests => "requests",
            Self::Jobs => "jobs",
            Self::PluginCpu => "plugin_cpu",
        }
    }

    /// The key of what people read when it is used up.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Self::Storage => "quota.storage",
            Self::Accounts => "quota.accounts",
            Self::Packages => "quota.packages",
            Self::Requests => "quota.requests",
            Self::Jobs => "quota.jobs",
            Self::PluginCpu => "quota.plugin_cpu",
        }
    }
}

/// How fast a tenant is answered. Cost is that of a query (the sum of its fields, with lists by their lengths); what is not asked
/// over GraphQL has a cost of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Cost that the tenant regains in a second.
    pub cost_per_second: u32,
    /// Cost that it may spend at once after a rest.
    pub cost_burst: u32,
    /// Cost that each caller regains in a second: an account, a key, or an address that has not signed in.
    pub caller_cost_per_second: u32,
    /// Cost that each caller may spend at once after a rest.
    pub caller_cost_burst: u32,
    /// Requests of the tenant that a node answers at the same time; more wait their turn.
    pub requests_at_once: u32,
}
