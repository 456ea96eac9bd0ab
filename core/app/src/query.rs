//! Questions: each a file.

pub mod file_get;
pub mod plugin_resolve;
pub mod record_get;
pub mod record_list;
pub mod tenant_find;
