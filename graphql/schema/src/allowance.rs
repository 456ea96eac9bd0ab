//! What a caller may spend: a document is charged what its execution costs at most, before it is executed.

use std::fmt;

use sunlit_app::AppError;

/// What is left to a caller.
pub trait Allowance: fmt::Debug + Send + Sync {
    /// Takes `cost` off.
    ///
    /// # Errors
    /// [`AppError::RateLimited`] while too little is left, [`AppError::Limit`] where there is never enough.
    fn spend(&self, cost: u64) -> Result<(), AppError>;
}

/// Everything that is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Unbounded;

impl Allowance for Unbounded {
    fn spend(&self, _: u64) -> Result<(), AppError> {
        Ok(())
    }
}
