//! The codes that the tenant's division has, and had.

use sunlit_domain::division_code::DivisionCode;
use sunlit_storage::platform::tenant::code;

use crate::{AppError, Reading};

/// The codes in the order in which they ended, today's last.
///
/// # Errors
/// The database's.
pub async fn run(reading: &Reading) -> Result<Vec<DivisionCode>, AppError> {
    Ok(code::of(&reading.app().platform, reading.scope().tenant()).await?)
}
