//! The working days of the tenant.

use sunlit_domain::calendar::Calendar;
use sunlit_storage::tenant::calendar_day;

use crate::{AppError, Reading};

/// The calendar that the tenant's deadlines are counted with.
///
/// # Errors
/// The database's.
pub async fn run(reading: &Reading) -> Result<Calendar, AppError> {
    Ok(calendar_day::calendar(reading.scope(), &*reading.session().await?).await?)
}
