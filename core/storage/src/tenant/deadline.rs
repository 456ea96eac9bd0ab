//! The deadlines of records: how each stands, and its days by the calendar that they were counted with.

use sea_orm::ActiveValue::Set;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::OnConflict;
use sea_orm::{Iterable as _, QueryOrder, QuerySelect, QueryTrait as _};
use sunlit_domain::Scope;
use sunlit_domain::calendar::deadline::{Period, Unit};
use sunlit_domain::id::RecordId;
use sunlit_domain::value::Date;
use sunlit_domain::workflow::clock::{Clock, Dates, DeadlineState};

use crate::session::own;
use crate::{Session, StorageError, Work};

/// One deadline of one record.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "deadline")]
pub struct Model {
    /// The tenant.
    #[sea_orm(primary_key, auto_increment = false)]
    pub tenant_id: Uuid,
    /// The collection: `disclosure.notice`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub collection: String,
    /// The record.
    #[sea_orm(primary_key, auto_increment = false)]
    pub record: Uuid,
    /// The deadline's name in the manifest.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// `running`, `paused`, `met`, `overdue`.
    pub state: String,
    /// The day that began it.
    pub starts_on: String,
    /// The last day; none while it is paused.
    pub due_on: Option<String>,
    /// The day of the warning.
    pub warn_on: Option<String>,
    /// Since when it is paused.
    pub paused_on: Option<String>,
    /// The day on which what it is for was done.
    pub ended_on: Option<String>,
    /// How many days were not counted because of pauses that are over.
    pub excluded_days: i64,
    /// By how many days it was extended; 0 when it was not.
    pub extended: i64,
    /// Whether its days may still move: they reach into a year whose notice is not published.
    pub provisional: bool,
    /// The digest of the calendar that its days were counted with.
    pub calendar_digest: String,
    /// Its length when it began, so that a later version of the package leaves it as it is.
    pub days: i64,
    /// `days` or `working_days`.
    pub unit: String,
    /// How many days before the last one the warning comes.
    pub warn: Option<i64>,
    /// Whether the warning was given.
    pub warned: bool,
    /// The pauses that are over: `2025-09-19/2025-10-11`, joined by spaces.
    #[sea_orm(column_type = "Text")]
    pub pauses: String,
}

/// Nothing is related by the ORM.
#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A deadline as the application knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// See [`Model::collection`].
    pub collection: String,
    /// The record.
    pub record: RecordId,
    /// See [`Model::name`].
    pub name: String,
    /// How it runs.
    pub clock: Clock,
    /// Its days.
    pub dates: Dates,
    /// See [`Model::excluded_days`].
    pub excluded_days: i64,
    /// See [`Model::calendar_digest`].
    pub calendar_digest: String,
}

/// Keeps a deadline in the place of what was known of it.
///
/// # Errors
/// The database's.
pub async fn put(scope: &Scope, work: &Work, kept: &Kept) -> Result<(), StorageError> {
    let (period, dates) = (&kept.clock.period, kept.dates);
    let text = |date: Option<Date>| date.map(|date| date.to_string());
    let pauses: Vec<String> = period.pauses.iter().map(ToString::to_string).collect();
    let row = ActiveModel {
        tenant_id: Set(work.guard(scope)?.0),
        collection: Set(kept.collection.clone()),
        record: Set(kept.record.0),
        name: Set(kept.name.clone()),
        state: Set(kept.clock.state().name().to_owned()),
        starts_on: Set(period.starts_on.to_string()),
        due_on: Set(text(dates.due_on)),
        warn_on: Set(text(dates.warn_on)),
        paused_on: Set(text(period.paused_on)),
        ended_on: Set(text(kept.clock.ended_on)),
        excluded_days: Set(kept.excluded_days),
        extended: Set(period.extension.into()),
        provisional: Set(dates.provisional),
        calendar_digest: Set(kept.calendar_digest.clone()),
        days: Set(period.days.into()),
        unit: Set(period.unit.name().to_owned()),
        warn: Set(kept.clock.warn.map(i64::from)),
        warned: Set(kept.clock.warned),
        pauses: Set(pauses.join(" ")),
    };
    let keys = [Column::TenantId, Column::Collection, Column::Record, Column::Name];
    let others = Column::iter().filter(|column| !keys.iter().any(|key| key.as_column_ref() == column.as_column_ref()));
    let conflict = OnConflict::columns(keys).update_columns(others).to_owned();
    work.execute(&Entity::insert(row).on_conflict(conflict).into_query()).await?;
    Ok(())
}

/// Forgets a deadline.
///
/// # Errors
/// The database's.
pub async fn remove(
    scope: &Scope,
    work: &Work,
    collection: &str,
    record: RecordId,
    name: &str,
) -> Result<(), StorageError> {
    let key = (work.guard(scope)?.0, collection.to_owned(), record.0, name.to_owned());
    Entity::delete_by_id(key).exec(&work.transaction).await?;
    Ok(())
}

/// The deadlines of these records.
///
/// # Errors
/// [`StorageError::Corrupt`], or the database's.
pub async fn of(
    scope: &Scope,
    session: &Session,
    collection: &str,
    records: &[RecordId],
) -> Result<Vec<Kept>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::Collection.eq(collection))
        .filter(Column::Record.is_in(records.iter().map(|record| record.0)));
    found.all(&session.transaction).await?.into_iter().map(read).collect()
}

/// Keeps the deadlines of a collection's records under another name of the collection. They are outdated then: their timers
/// still wait under the old one.
///
/// # Errors
/// The database's.
pub async fn rename(scope: &Scope, work: &Work, from: &str, to: &str) -> Result<(), StorageError> {
    let tenant = work.guard(scope)?;
    let rows = Entity::update_many().filter(own(Column::TenantId, tenant.0)).filter(Column::Collection.eq(from));
    let rows = rows.col_expr(Column::Collection, Expr::value(to)).col_expr(Column::CalendarDigest, Expr::value(""));
    rows.exec(&work.transaction).await?;
    Ok(())
}

/// Deadlines that have not ended and were counted with another calendar than the one of this digest, at most `first`.
///
/// # Errors
/// [`StorageError::Corrupt`], or the database's.
pub async fn outdated(scope: &Scope, session: &Session, digest: &str, first: u64) -> Result<Vec<Kept>, StorageError> {
    let tenant = session.guard(scope)?;
    let found = Entity::find()
        .filter(own(Column::TenantId, tenant.0))
        .filter(Column::EndedOn.is_null())
        .filter(Column::CalendarDigest.ne(digest))
        .order_by_asc(Column::Collection)
        .order_by_asc(Column::Record)
        .order_by_asc(Column::Name)
        .limit(first);
    found.all(&session.transaction).await?.into_iter().map(read).collect()
}

fn read(row: Model) -> Result<Kept, StorageError> {
    let name = row.name.clone();
    parse(row).ok_or_else(|| StorageError::Corrupt(format!("deadline {name}")))
}

fn parse(row: Model) -> Option<Kept> {
    let date = |text: Option<String>| text.map(|text| text.parse::<Date>()).transpose().ok();
    let number = |number: i64| u32::try_from(number).ok();
    let state = DeadlineState::ALL.into_iter().find(|state| state.name() == row.state)?;
    let pauses = row.pauses.split_whitespace().map(|pause| pause.parse().ok());
    let period = Period {
        starts_on: row.starts_on.parse().ok()?,
        days: number(row.days)?,
        unit: Unit::named(&row.unit)?,
        extension: number(row.extended)?,
        pauses: pauses.collect::<Option<_>>()?,
        paused_on: date(row.paused_on)?,
    };
    let clock = Clock {
        period,
        warn: row.warn.map(u32::try_from).transpose().ok()?,
        ended_on: date(row.ended_on)?,
        warned: row.warned,
        overdue: state == DeadlineState::Overdue,
    };
    // What the columns say together has to be what the state says.
    if clock.state() != state {
        return None;
    }
    Some(Kept {
        collection: row.collection,
        record: RecordId(row.record),
        name: row.name,
        clock,
        dates: Dates { due_on: date(row.due_on)?, warn_on: date(row.warn_on)?, provisional: row.provisional },
        excluded_days: row.excluded_days,
        calendar_digest: row.calendar_digest,
    })
}
