//! Composes the GraphQL schema of a tenant from the manifests of its packages, and executes requests against it.
//!
//! The shape comes from manifests alone, so tenants with the same packages share one schema; data comes from
//! `sunlit-app` through the request's `Reading`. Knows nothing of HTTP or SQL. Start reading at [`compose`], then
//! [`execute`].

mod argument;
mod collection;
pub mod compose;
mod cost;
mod error;
pub mod execute;
mod file;
mod gate;
mod loader;
mod mutation;
mod names;
mod node;
mod plugin;
mod query;
mod reference;
mod scalar;

pub use compose::{ComposeError, TenantSchema, compose};
pub use execute::{Execution, Limits, TraceId, execute, refusal};
