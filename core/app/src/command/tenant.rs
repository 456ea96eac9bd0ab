//! Tenants of the platform.

pub mod create;
