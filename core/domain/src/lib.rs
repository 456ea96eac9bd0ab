//! What Sunlit knows, without doing anything: ids, scope, manifests, the filter language, values and their encodings.
//!
//! Pure: no I/O, no async, no clock, no randomness, no environment (invariant 1). Start reading at [`manifest`], then
//! [`filter`] and [`value`].

pub mod access;
pub mod calendar;
pub mod core_setting;
pub mod division_code;
pub mod error_code;
pub mod file;
pub mod filter;
pub mod format;
pub mod geometry;
pub mod id;
pub mod identity;
pub mod locale;
pub mod manifest;
pub mod migration;
pub mod page;
pub mod plan;
pub mod record;
pub mod scope;
pub mod tenant_state;
pub mod toml_source;
pub mod value;
pub mod workflow;

pub use core_setting::CoreSettings;
pub use error_code::ErrorCode;
pub use locale::{LocalText, Locale};
pub use manifest::Manifest;
pub use scope::{Actor, Role, Scope, ScopeAuthority};
pub use value::Value;
