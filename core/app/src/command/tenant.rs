//! Tenants of the platform.

pub mod create;
pub mod set_state;
