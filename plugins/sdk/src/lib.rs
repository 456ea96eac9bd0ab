//! What a vendor writes plugins with: plain typed Rust in, plain typed Rust out.
//!
//! [`plugin!`] lists the fields that a component resolves. Arguments, records and answers are the vendor's own structs,
//! read and written through serde; [`Host`] is everything that a plugin can ask of the platform. The WIT contract in
//! `wit/` is an affair of `bindings.rs` alone, and nothing here knows of wasmtime or of the server.
//!
//! ```
//! use sunlit_plugin_sdk::{Error, Host, plugin};
//!
//! plugin! {
//!     query doubled => doubled,
//! }
//!
//! #[derive(serde::Deserialize)]
//! struct Doubled {
//!     number: i64,
//! }
//!
//! fn doubled(_host: &Host, args: Doubled) -> Result<i64, Error> {
//!     args.number.checked_mul(2).ok_or_else(|| Error::invalid("the number is too large"))
//! }
//! # fn main() {}
//! ```
//!
//! Where to start reading: `plugin.rs` (the way in), `host.rs` (the way out), `tokens.rs` (how values cross).

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod bindings;
mod decimal;
mod error;
mod host;
mod id;
mod plugin;
mod point;
pub mod port;
pub mod tokens;

pub use decimal::Decimal;
pub use error::Error;
pub use host::{Clock, Filter, Find, Host, Log, Page, Records, Settings, Storage, Value};
pub use id::Id;
pub use plugin::{Act, ActionRequest, NoArgs, Request, Resolve, answer_action, answer_computed, answer_query};
pub use point::Point;
pub use tokens::Data;
