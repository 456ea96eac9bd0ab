//! Commands: the only writers. One command is one transaction: records, audit and outbox together or not at all.

pub mod calendar;
mod commit;
pub mod deadline;
pub mod job;
pub mod package;
pub mod record;
pub mod schedule;
pub mod setting;
pub mod tenant;
mod trail;
