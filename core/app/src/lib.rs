//! Use cases: commands write, queries ask, and nothing else does either (invariant 4).
//!
//! Knows nothing of HTTP or GraphQL. A command is `command/<noun>/<verb>.rs` with one public `run`; a question is
//! `query/<noun>_<question>.rs`. Start reading at [`app`], then [`reading`].

pub mod action;
pub mod address;
pub mod app;
pub mod changes;
pub mod command;
mod content_check;
mod content_type;
pub mod environment;
pub mod error;
pub mod identity;
pub mod job;
pub mod keys;
pub mod mail;
mod meter;
pub mod nodes;
pub mod package;
mod port;
pub mod query;
pub mod reading;
pub mod subscription;
pub mod tenant_context;
pub mod tokens;
pub mod unfit;
pub mod usage;

pub use app::{App, AppConfig, Cached, unlock};
pub use changes::{Change, ChangeKind, Changes};
pub use environment::{Environment, SystemEnvironment};
pub use error::AppError;
pub use keys::Keys;
pub use package::Package;
pub use reading::Reading;
pub use tenant_context::{Installed, TenantContext};
