//! Composes the GraphQL schema of a tenant from the manifests of its packages, and executes requests against it.
//!
//! The shape comes from manifests alone, so tenants with the same packages share one schema; data comes from
//! `sunlit-app` through the request's `Reading`. Knows nothing of HTTP or SQL. Start reading at [`compose`], then
//! [`execute`].

mod action;
mod aggregate;
pub mod allowance;
mod answer;
mod argument;
pub mod ask;
mod audit;
mod calendar;
mod collection;
pub mod compose;
mod cost;
mod division;
mod error;
pub mod execute;
mod file;
pub mod gate;
mod identity;
mod jobs;
mod loader;
mod many;
mod meter;
mod mutation;
mod names;
mod nested;
mod node;
mod plugin;
mod query;
mod reference;
mod scalar;
pub mod subscription;
mod usage;
mod workflow;

pub use allowance::{Allowance, Unbounded};
pub use ask::{Ask, Malformed};
pub use compose::{ComposeError, TenantSchema, compose};
pub use execute::{Call, Carries, Execution, Limits, TraceId, execute, failure, is_acceptable, refusal};
pub use subscription::{Begun, Live, begin};
