//! Questions: each a file.

pub mod change_read;
pub mod document_find;
pub mod plugin_resolve;
pub mod record_get;
pub mod record_list;
pub mod tenant_find;
