//! The life of a job: claimed, finished, failed, given up, put back.
//!
//! Leasing and giving back are the workers' own bookkeeping and leave no audit entry; what changes a tenant's data, and the
//! giving up and putting back of a job, do.

pub mod claim;
pub mod fail;
pub mod finish;
pub mod put_off;
pub mod replay;
pub mod tidy;

/// How often a job is tried before it is given up.
pub const MAX_ATTEMPTS: i64 = 10;
