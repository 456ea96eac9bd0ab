//! The walls between tenants, and switches that take them down one by one, so that tests can show that each holds alone and
//! that a fallen one is noticed. The switches exist only in builds with the feature `testing`, which no release has.

/// A wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wall {
    /// The predicate in every statement.
    Predicate,
    /// Row-level security on PostgreSQL.
    RowSecurity,
    /// The policy of one table of it.
    OnePolicy,
    /// The tenant in the key of what is remembered of tenants.
    CacheKey,
}

/// The variable that names the walls that are down, parted by commas.
pub const VARIABLE: &str = "SUNLIT_WALLS_DOWN";

impl Wall {
    /// How [`VARIABLE`] names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Predicate => "predicate",
            Self::RowSecurity => "row-security",
            Self::OnePolicy => "one-policy",
            Self::CacheKey => "cache-key",
        }
    }

    /// Whether it was taken down.
    #[must_use]
    pub fn is_down(self) -> bool {
        #[cfg(feature = "testing")]
        {
            use std::sync::OnceLock;
            static DOWN: OnceLock<String> = OnceLock::new();
            let down = DOWN.get_or_init(|| std::env::var(VARIABLE).unwrap_or_default());
            down.split(',').any(|name| name == self.name())
        }
        #[cfg(not(feature = "testing"))]
        false
    }
}
