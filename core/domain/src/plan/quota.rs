//! What a plan gives in an amount.

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

    /// The quota of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|quota| quota.name() == name)
    }

    /// Whether it is counted up over a month (in China's time); the others are what a tenant has at a time.
    #[must_use]
    pub fn is_of_month(self) -> bool {
        matches!(self, Self::Requests | Self::Jobs | Self::PluginCpu)
    }

    /// The key of what people call it.
    #[must_use]
    pub fn title_key(self) -> &'static str {
        match self {
            Self::Storage => "usage.storage",
            Self::Accounts => "usage.accounts",
            Self::Packages => "usage.packages",
            Self::Requests => "usage.requests",
            Self::Jobs => "usage.jobs",
            Self::PluginCpu => "usage.plugin_cpu",
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

/// How much a plan gives of everything; without a number it gives without bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quotas {
    /// See [`Quota::Storage`].
    pub storage: Option<u64>,
    /// See [`Quota::Accounts`].
    pub accounts: Option<u64>,
    /// See [`Quota::Packages`].
    pub packages: Option<u64>,
    /// See [`Quota::Requests`].
    pub requests: Option<u64>,
    /// See [`Quota::Jobs`].
    pub jobs: Option<u64>,
    /// See [`Quota::PluginCpu`].
    pub plugin_cpu: Option<u64>,
}

impl Quotas {
    /// How much it gives of one.
    #[must_use]
    pub fn of(&self, quota: Quota) -> Option<u64> {
        match quota {
            Quota::Storage => self.storage,
            Quota::Accounts => self.accounts,
            Quota::Packages => self.packages,
            Quota::Requests => self.requests,
            Quota::Jobs => self.jobs,
            Quota::PluginCpu => self.plugin_cpu,
        }
    }
}
