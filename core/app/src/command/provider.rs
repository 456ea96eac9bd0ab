//! The provider of identities that a tenant trusts.

pub mod set;
