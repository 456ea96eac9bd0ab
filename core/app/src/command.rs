//! Commands: the only writers. One command is one transaction: records, audit and outbox together or not at all.

mod commit;
pub mod job;
pub mod package;
pub mod record;
pub mod schedule;
pub mod setting;
pub mod tenant;
mod trail;
