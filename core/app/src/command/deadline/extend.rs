//! Extends the deadlines that a transition grants an extension of (政府信息公开条例 Art. 33: once, with approval).

use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::value::Timestamp;
use sunlit_domain::workflow::WhyNot;
use sunlit_storage::tenant::{calendar_day, deadline};
use sunlit_storage::{Table, Work};

use super::{Place, keep, subject};
use crate::{App, AppError};

/// Extends every deadline that `transition` grants an extension of.
///
/// # Errors
/// [`AppError::Refused`]; then the transition is not made either.
pub(in crate::command) async fn grant(
    app: &App,
    scope: &Scope,
    work: &Work,
    table: &Table,
    record: RecordId,
    (transition, days): (&str, Option<u32>),
    at: Timestamp,
) -> Result<(), AppError> {
    let Some(workflow) = &table.collection().workflow else { return Ok(()) };
    let granted: Vec<_> = workflow.extended_by(transition).collect();
    if granted.is_empty() {
        return if days.is_none() { Ok(()) } else { Err(AppError::Refused(WhyNot::NoDeadline)) };
    }
    let subject = subject(table);
    let calendar = calendar_day::calendar(scope, work).await?;
    let known = deadline::of(scope, work, &subject, &[record]).await?;
    for (rule, extension) in granted {
        let found = known.iter().find(|known| rule.name == *known.name).map(|known| known.clock.clone());
        let mut clock = found.ok_or(AppError::Refused(WhyNot::NoDeadline))?;
        clock.extend(extension.days, days, &calendar, at.date_in_china()).map_err(AppError::Refused)?;
        let place = Place { collection: &subject, record, name: rule.name.as_str() };
        keep(app, scope, work, place, clock, (&calendar, at)).await?;
    }
    Ok(())
}
