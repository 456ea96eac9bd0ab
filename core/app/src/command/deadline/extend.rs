//! Extends a deadline by so many days: the transition that grants the extension, with fewer days than it may grant.

use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::record::Record;
use sunlit_domain::value::Timestamp;
use sunlit_domain::workflow::WhyNot;
use sunlit_storage::tenant::{calendar_day, deadline};
use sunlit_storage::{Table, Work};

use super::{Place, keep, subject};
use crate::command::record::transition::{self, Asked};
use crate::{App, AppError, Package};

/// Extends the deadline `name` of the record by `days` (政府信息公开条例 Art. 33: once, with approval).
///
/// # Errors
/// [`AppError::NotFound`] for a deadline that is not declared or cannot be extended, and as [`transition::run`].
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    collection: &str,
    target: (RecordId, i64),
    (name, days): (&str, u32),
    comment: Option<&str>,
) -> Result<Record, AppError> {
    let workflow = package.table(collection)?.collection().workflow.as_ref().ok_or(AppError::NotFound)?;
    let extension = workflow.deadline(name).and_then(|rule| rule.extension.as_ref()).ok_or(AppError::NotFound)?;
    let asked = Asked { transition: extension.transition.as_str(), comment, days: Some(days) };
    transition::run(app, scope, package, collection, target, asked).await
}

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
