//! How rows, audit entries and events are written by hand.

use sea_orm::sqlx::sqlite::{SqliteArguments, SqliteConnection};
use sea_orm::sqlx::{self, Arguments as _, AssertSqlSafe, Error};
use sunlit_app::Environment;
use uuid::Uuid;

use super::bed::{House, Owner, PACKAGE, ROW};
use super::rows::Row;
use crate::command::Failed;

const COLUMNS: &str = "tenant_id, id, state, version, owner, created_at, created_by, updated_at, updated_by, \
                       published_at, code, name, kind, amount, day, note";
const WIDTH: usize = 16;

/// The statements of one owner's tables.
#[derive(Debug, Clone)]
pub(super) struct Statements {
    tenant: Uuid,
    row: String,
    audit: String,
    event: String,
}

impl Statements {
    pub(super) fn new(house: &House, owner: Owner) -> Result<Self, Failed> {
        Ok(Self {
            tenant: house.tenant.0,
            row: format!("INSERT INTO \"{}\" ({COLUMNS}) VALUES ", owner.table(&house.table(ROW)?)),
            audit: format!(
                "INSERT INTO \"{}\" (tenant_id, id, seq, at, actor, action, subject, subject_id, after_digest, \
                 previous, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, '', '')",
                owner.table("audit")
            ),
            event: format!(
                "INSERT INTO \"{}\" (tenant_id, id, kind, name, subject_id, version, at, state, attempts, ended_at) \
                 VALUES (?, ?, 'event', ?, ?, 1, ?, 'done', 0, ?)",
                owner.table("outbox")
            ),
        })
    }

    /// Inserts these rows in one statement; answers the id of the last.
    pub(super) async fn rows(
        &self,
        connection: &mut SqliteConnection,
        environment: &dyn Environment,
        actor: Uuid,
        rows: &[Row],
    ) -> Result<Uuid, Error> {
        let (at, mut last) = (environment.now().to_string(), Uuid::nil());
        let mut values = SqliteArguments::default();
        for row in rows {
            last = environment.new_id();
            self.add(&mut values, (last, actor, &at), row).map_err(Error::Encode)?;
        }
        let one = format!("({})", ["?"; WIDTH].join(", "));
        let sql = format!("{}{}", self.row, vec![one.as_str(); rows.len()].join(", "));
        sqlx::query_with(AssertSqlSafe(sql), values).execute(connection).await?;
        Ok(last)
    }

    fn add(
        &self,
        values: &mut SqliteArguments,
        (id, actor, at): (Uuid, Uuid, &str),
        row: &Row,
    ) -> Result<(), sqlx::error::BoxDynError> {
        values.add(self.tenant)?;
        values.add(id)?;
        values.add("published")?;
        values.add(1_i64)?;
        values.add(actor)?;
        for _ in 0..2 {
            values.add(at.to_owned())?;
            values.add(actor)?;
        }
        values.add(at.to_owned())?;
        values.add(row.code.clone())?;
        values.add(row.name.clone())?;
        values.add(row.kind)?;
        values.add(row.cents)?;
        values.add(row.day.clone())?;
        values.add(row.note.clone())
    }

    /// An audit entry: not chained to others, and with `after` as it is in place of a digest.
    pub(super) async fn audit(
        &self,
        connection: &mut SqliteConnection,
        environment: &dyn Environment,
        (actor, seq): (Uuid, i64),
        (action, subject_id, after): (&str, Uuid, &str),
    ) -> Result<(), Error> {
        sqlx::query(AssertSqlSafe(self.audit.as_str()))
            .bind(self.tenant)
            .bind(environment.new_id())
            .bind(seq)
            .bind(environment.now().to_string())
            .bind(actor)
            .bind(action)
            .bind(format!("{PACKAGE}.{ROW}"))
            .bind(subject_id.to_string())
            .bind(after)
            .execute(connection)
            .await
            .map(drop)
    }

    /// An event of the outbox.
    pub(super) async fn event(
        &self,
        connection: &mut SqliteConnection,
        environment: &dyn Environment,
        subject_id: Uuid,
    ) -> Result<(), Error> {
        let at = environment.now().to_string();
        sqlx::query(AssertSqlSafe(self.event.as_str()))
            .bind(self.tenant)
            .bind(environment.new_id())
            .bind(format!("{PACKAGE}.{ROW}.created"))
            .bind(subject_id)
            .bind(at.as_str())
            .bind(at.as_str())
            .execute(connection)
            .await
            .map(drop)
    }
}
