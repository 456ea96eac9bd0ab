//! Regions: who the authorities are, what each enables, and how they come to be (invariant 11).
//!
//! A region file says everything about an authority; nothing about one stands in code. Provisioning goes through the
//! commands of `sunlit-app`. Start reading at [`region`], then [`provision`].

mod data;
pub mod library;
pub mod provision;
pub mod region;

pub use library::RegionLibrary;
pub use provision::{ProvisionError, Provisioned, provision};
pub use region::Region;
