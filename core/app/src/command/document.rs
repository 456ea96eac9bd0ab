//! The GraphQL documents that a tenant trusts.

pub mod add;
