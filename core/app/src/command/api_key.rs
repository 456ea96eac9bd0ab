//! Keys for programs.

pub mod create;
pub mod revoke;
