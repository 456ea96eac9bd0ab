//! Whether a tenant serves.

/// How a tenant stands with the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TenantState {
    /// It serves.
    #[default]
    Active,
    /// It is read, and nothing in it changes: neither by people nor by jobs.
    ReadOnly,
    /// It answers nobody; what it has stays.
    Suspended,
}

impl TenantState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::ReadOnly, Self::Suspended];

    /// As it is stored, and as operators say it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::ReadOnly => "read-only",
            Self::Suspended => "suspended",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}
