//! Questions: each a file.

pub mod calendar_find;
pub mod plugin_resolve;
pub mod record_get;
pub mod record_list;
pub mod record_workflow;
pub mod tenant_find;
