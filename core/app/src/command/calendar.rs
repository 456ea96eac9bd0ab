//! The tenant's own days of the working-day calendar.

pub(crate) mod recount;
pub mod set;
