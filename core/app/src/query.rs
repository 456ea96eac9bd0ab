//! Questions: each a file.

pub mod account_list;
pub mod api_key_list;
pub mod audit_trail;
pub mod audit_verify;
pub mod calendar_find;
pub mod change_read;
pub mod division_codes;
pub mod document_find;
pub mod file_get;
pub mod file_thumbnail;
pub mod job_dead;
pub mod key_status;
pub mod package_enabled;
pub mod plugin_resolve;
pub mod provider_find;
pub mod record_aggregate;
pub mod record_export;
pub mod record_get;
pub mod record_list;
pub mod record_nested;
pub mod record_workflow;
pub mod search;
pub mod session_find;
pub mod session_list;
pub mod tenant_find;
pub mod tenant_snapshot;
