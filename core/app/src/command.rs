//! Commands: the only writers. One command is one transaction: records, audit and outbox together or not at all.

pub mod file;
pub mod package;
pub mod record;
pub mod setting;
pub mod tenant;
mod trail;
