//! Regions: who the authorities are, what each enables, and how they come to be (invariant 11); and how a tenant as a whole is taken
//! along, brought back and kept safe.
//!
//! A region file says everything about an authority; nothing about one stands in code. Provisioning, export and import go through
//! the commands of `sunlit-app`. Start reading at [`region`], then [`provision`]; for archives at [`archive`], then [`export`].

pub mod archive;
pub mod backup;
mod data;
pub mod export;
pub mod import;
pub mod library;
pub mod plans;
pub mod provision;
pub mod region;
pub mod restore;
pub mod subscribe;

pub use archive::ArchiveError;
pub use library::RegionLibrary;
pub use plans::plans;
pub use provision::{ProvisionError, Provisioned, provision};
pub use region::Region;
