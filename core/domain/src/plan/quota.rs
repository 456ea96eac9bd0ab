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

    /// An amount of it as people read it: bytes by their multiples, numbers in groups of three.
    #[must_use]
    pub fn amount(self, amount: u64) -> String {
        const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
        if self != Self::Storage {
            return grouped(amount);
        }
        let (mut unit, mut size) = (0, 1_u64);
        while amount / size >= 1024 && unit + 1 < UNITS.len() {
            (unit, size) = (unit + 1, size * 1024);
        }
        // Rounded down to a tenth, so that what is not full does not look so.
        let tenths = u128::from(amount) * 10 / u128::from(size);
        let (whole, tenth) = (grouped(u64::try_from(tenths / 10).unwrap_or(u64::MAX)), tenths % 10);
        let part = if tenth == 0 { String::new() } else { format!(".{tenth}") };
        format!("{whole}{part} {}", UNITS[unit])
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

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_written_as_people_read_them() {
        let check = |quota: Quota, amount, expect| assert_eq!(quota.amount(amount), expect);
        check(Quota::Requests, 0, "0");
        check(Quota::Requests, 999, "999");
        check(Quota::Requests, 5_000_000, "5,000,000");
        check(Quota::Storage, 0, "0 B");
        check(Quota::Storage, 1_023, "1,023 B");
        check(Quota::Storage, 1_536, "1.5 KB");
        check(Quota::Storage, 53_687_091_200, "50 GB");
        check(Quota::Storage, 53_687_091_199, "49.9 GB");
        check(Quota::Storage, u64::MAX, "16,777,215.9 TB");
    }
}
