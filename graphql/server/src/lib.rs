//! The server: HTTP, the command line, and the one binary `sunlit`.
//!
//! Holds no rules: it turns requests into calls of `sunlit-app` and answers into pages and JSON. Start reading at
//! [`http`] for the route table, and at [`command`] for what the binary does.

pub mod bench;
pub mod command;
pub mod config;
pub mod fairness;
pub mod http;
pub mod live;
pub mod oidc;
pub mod packages;
pub mod portal;
pub mod state;
pub mod telemetry;
pub mod token;
