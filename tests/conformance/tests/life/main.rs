//! The life of a tenant as a whole: exported, imported on either engine, erased, kept safe and brought back.
#![expect(clippy::unwrap_used, reason = "tests")]

mod backups;
mod beside;
mod broken;
mod erased;
mod kit;
mod round_trip;
mod route;
