//! Commands about keys: the rotation of a tenant's data key, and of the master key.

pub mod rewrap;
pub mod rotate;
