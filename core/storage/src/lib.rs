//! Tenant stores and platform tables: the only crate that speaks SQL.
//!
//! Knows nothing of HTTP, GraphQL or plugins. Every function of a tenant's data takes a `Scope` first (invariant 2) and
//! goes through [`session::Session`], which adds the tenant predicate in one place. Start reading at [`stores`], then
//! [`record`].

pub mod blobs;
mod claim;
mod engine;
mod erase;
mod error;
pub mod platform;
pub mod postgres;
pub mod record;
pub mod session;
mod sqlite;
pub mod stores;
pub mod table;
pub mod tenant;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vault;
pub mod walls;

pub use blobs::Blobs;
pub use claim::Claim;
pub use engine::Engine;
pub use error::StorageError;
pub use postgres::{PoolSize, Postgres, PostgresConfig};
pub use session::{Session, Work};
pub use stores::{Stores, StoresInUse, TenantStore};
pub use table::Table;
pub use vault::{MasterKeySource, MasterKeys, Vault, VaultError};
