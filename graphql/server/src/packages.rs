//! The first-party packages that the binary carries.

/// A package as it was built.
#[derive(Debug, Clone, Copy)]
pub struct Carried {
    /// `plugin.toml`.
    pub manifest: &'static str,
    /// The component.
    pub component: &'static [u8],
}

/// All of them, by folder name.
pub const CARRIED: &[Carried] = include!(concat!(env!("OUT_DIR"), "/packages.rs"));
