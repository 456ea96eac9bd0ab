//! Tenants of the platform.

pub mod cancel;
pub mod create;
pub mod erase;
pub mod import;
pub mod note_export;
pub mod set_plan;
pub mod set_state;
pub mod sweep;
