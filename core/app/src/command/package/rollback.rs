//! Moves a tenant back to an earlier version of a package. Columns and tables stay: within a major version the records are
//! the same, in an earlier one they are as they were when it was left.

use std::sync::Arc;

use sunlit_domain::filter::{Filter, Test};
use sunlit_domain::manifest::{Attribute, Collection, FieldType, Slot, Spelling, Standard, Version};
use sunlit_domain::value::{Kind, Value};
use sunlit_domain::{Manifest, Scope};
use sunlit_storage::record::{self, ListQuery};
use sunlit_storage::tenant::migration::{self, SWITCHED};
use sunlit_storage::{Table, Work, table};

use super::upgrade::{Options, Switch, VersionChange, enabled, reset};
use super::{admission, rename};
use crate::unfit::{MAX_TOLD, UnfitRecord, UnfitRecords};
use crate::{App, AppError};

/// Moves the package back to `version`, which comes before the enabled one. What was written into the tables of a later
/// major version stays there, and only there.
///
/// # Errors
/// [`AppError::NotFound`] when the version is not published; [`AppError::Package`] when the tenant never had that major
/// version, or other packages need the later one; [`AppError::Unfit`] with records whose enum values or states the earlier
/// version does not know. Nothing changed then.
pub async fn run(
    app: &App,
    scope: &Scope,
    (id, version): (&str, Version),
    options: &Options,
) -> Result<VersionChange, AppError> {
    let (from, held) = enabled(app, scope, id).await?;
    if version >= from {
        let mend = if version == from { "there is nothing to roll back" } else { "use `sunlit plugin upgrade`" };
        return Err(AppError::Package(format!("{id} is enabled in version {from}: {mend}")));
    }
    let current = app.manifest(id, from).await?;
    let earlier = app.package(id, &version.to_string()).await?;
    let grants = admission::granted(&held, &current, &earlier, options)?;
    admission::neighbours(app, scope, &earlier.manifest).await?;
    let switch = Switch { id: id.to_owned(), from, to: version, grants };
    // The version of that major that knows every value there may be.
    let versions = app.versions(id).await?;
    let greatest = versions.into_iter().rev().find(|other| other.major == version.major).unwrap_or(version);
    let widest = app.manifest(id, greatest).await?;
    let work = switch.begin(app, scope).await?;
    if from.major != version.major {
        was_left(scope, &work, &switch).await?;
    }
    table::create(scope, &work, &earlier.manifest).await?;
    let unfit = unknown_values(scope, &work, &widest, &earlier.manifest).await?;
    if unfit.total > 0 {
        return Err(AppError::Unfit(unfit));
    }
    let change = switch.change(reset(scope, &work, &earlier.manifest).await?);
    if !options.check {
        if from.major != version.major {
            rename::run(app, scope, &work, &current, rename::Way::Back).await?;
        }
        switch.end(app, scope, work, ("rollback", &earlier.manifest)).await?;
    }
    Ok(change)
}

/// Checks that the tenant came to its major version from the one that it goes back to.
async fn was_left(scope: &Scope, work: &Work, switch: &Switch) -> Result<(), AppError> {
    let row = migration::find(scope, work, &switch.id, switch.from.major.into()).await?;
    let before = row.filter(|row| row.state == SWITCHED).and_then(|row| row.from_version.parse::<Version>().ok());
    match before {
        Some(before) if before.major == switch.to.major => Ok(()),
        Some(before) => Err(AppError::Package(format!(
            "{} came to {} from {before}: roll back to a version {}.x",
            switch.id, switch.from, before.major
        ))),
        None => Err(AppError::Package(format!(
            "{} was enabled here in {}.x, so that there is no earlier one to go back to",
            switch.id, switch.from.major
        ))),
    }
}

/// Records with enum values, or in states, that only later versions know.
async fn unknown_values(
    scope: &Scope,
    work: &Work,
    widest: &Arc<Manifest>,
    earlier: &Manifest,
) -> Result<UnfitRecords, AppError> {
    let mut unfit = UnfitRecords::default();
    let first = u32::try_from(MAX_TOLD).unwrap_or(u32::MAX);
    for collection in &earlier.collections {
        let Some(table) = Table::of(widest, collection.name.as_str()) else { continue };
        for (attribute, values) in later_values(table.collection(), collection) {
            let test = if let Kind::List(_) = attribute.kind { Test::HasAny(values) } else { Test::In(values) };
            let filter = Some(Filter::Test(attribute, test));
            let query = ListQuery { filter, first, slots: Some(vec![attribute.slot]), ..ListQuery::default() };
            for record in record::list(scope, work, &table, &query).await?.records {
                let value = record.get(attribute.slot).to_json();
                unfit.add(UnfitRecord {
                    collection: collection.name.to_string(),
                    id: record.id,
                    field: table.collection().slot_name(attribute.slot).to_owned(),
                    reason: format!("{value} is not known to {}", earlier.plugin.version),
                });
            }
        }
    }
    Ok(unfit)
}

/// What `wide` knows and `earlier` does not: states, and the values of enums that both have. An earlier version's own later
/// columns are not there where the tenant never had a later version.
fn later_values(wide: &Collection, earlier: &Collection) -> Vec<(Attribute, Vec<Value>)> {
    let text = |value: &str| Value::Text(value.to_owned());
    let state = Attribute { slot: Slot::Standard(Standard::State), kind: Standard::State.kind() };
    let known = earlier.states();
    let mut later =
        vec![(state, wide.states().into_iter().filter(|state| !known.contains(state)).map(text).collect::<Vec<_>>())];
    for (index, field) in wide.fields.iter().enumerate().filter(|(_, field)| field.item_type() == FieldType::Enum) {
        let Some((_, known)) = earlier.field(field.name.as_str(), Spelling::Manifest) else { continue };
        let values = field.values.iter().map(|option| option.value.as_str());
        let values = values.filter(|value| known.enum_title(value).is_none()).map(text).collect();
        later.push((Attribute { slot: Slot::Field(index), kind: field.kind() }, values));
    }
    later.retain(|(_, values)| !values.is_empty());
    later
}
