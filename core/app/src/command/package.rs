//! Publishing packages to the platform, enabling them for tenants, and moving tenants between versions.

mod admission;
mod copying;
pub mod enable;
mod migrate;
pub mod publish;
mod rename;
pub mod rollback;
pub mod upgrade;
