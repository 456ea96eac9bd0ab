//! Tenants that cannot see each other: the same suite for SQLite and PostgreSQL, and for each wall taken down
//! (`sunlit_storage::walls`): one that has fallen behind another is not noticed, and both together are.
#![expect(clippy::unwrap_used, reason = "tests")]

mod archive;
mod canary;
mod catalogue;
mod followers;
mod interleave;
mod jobs;
mod kit;
mod people;
mod plans;
mod pool;
mod routes;
mod schema;
mod sealed;
mod settings;
mod swap;
