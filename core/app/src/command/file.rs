//! Uploading files, and sweeping those that no record refers to.

pub mod sweep;
pub mod upload;
