//! The walls between tenants that stand in code, and switches that take them down one by one, so that tests can show that each
//! wall holds alone and that a fallen one is noticed. The switches exist only in debug builds with the feature `testing`, which
//! no release has. The walls of the database are taken down by SQL.

/// A wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wall {
    /// The predicate in every statement.
    Predicate,
    /// The tenant in the key of what is remembered of tenants.
    CacheKey,
}

impl Wall {
    /// Whether it was taken down.
    #[must_use]
    pub fn is_down(self) -> bool {
        #[cfg(all(feature = "testing", debug_assertions))]
        return switches::DOWN[self as usize].load(std::sync::atomic::Ordering::SeqCst);
        #[cfg(not(all(feature = "testing", debug_assertions)))]
        false
    }

    /// Takes it down for the whole process, or puts it up again.
    #[cfg(all(feature = "testing", debug_assertions))]
    pub fn set_down(self, is_down: bool) {
        switches::DOWN[self as usize].store(is_down, std::sync::atomic::Ordering::SeqCst);
    }
}

#[cfg(all(feature = "testing", debug_assertions))]
mod switches {
    use std::sync::atomic::AtomicBool;

    /// One for each [`super::Wall`].
    pub(super) static DOWN: [AtomicBool; 2] = [AtomicBool::new(false), AtomicBool::new(false)];
}
