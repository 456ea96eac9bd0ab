//! Publishing packages to the platform and enabling them for tenants.

pub mod enable;
pub mod publish;
