//! A transaction on one tenant's store. Every statement is begun here, with the tenant's predicate, and nowhere else.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sea_orm::prelude::Uuid;
use sea_orm::sea_query::{
    Alias, DeleteStatement, Expr, ExprTrait, InsertStatement, Query, SelectStatement, UpdateStatement,
};
use sea_orm::{ColumnTrait, ConnectionTrait, DatabaseTransaction, ExecResult, QueryResult, StatementBuilder};
use sunlit_domain::Scope;
use sunlit_domain::id::TenantId;
use sunlit_domain::value::Timestamp;
use tokio::sync::OwnedSemaphorePermit;

use crate::postgres;
use crate::walls::Wall;
use crate::{Engine, StorageError, TenantStore, Vault, table};

/// The column that leads every key of a tenant's table.
pub(crate) const TENANT: &str = "tenant_id";

/// One transaction of one tenant: for reading, one snapshot.
#[derive(Debug)]
pub struct Session {
    tenant: TenantId,
    engine: Engine,
    pub(crate) transaction: DatabaseTransaction,
    /// Keeps the store open, and its place taken, while the transaction runs. After it, so that they are dropped later.
    kept: Kept,
}

/// What a session holds until its end.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) store: Arc<TenantStore>,
    pub(crate) _place: Option<OwnedSemaphorePermit>,
    pub(crate) _counted: Arc<()>,
}

impl Session {
    pub(crate) fn new(tenant: TenantId, engine: Engine, transaction: DatabaseTransaction, kept: Kept) -> Self {
        Self { tenant, engine, transaction, kept }
    }

    /// Lifts the bounds that PostgreSQL may have for statements and for transactions at rest: for what is about a tenant as a
    /// whole, and takes as long as the tenant is large.
    ///
    /// # Errors
    /// The database's.
    pub async fn take_time(&self) -> Result<(), StorageError> {
        if self.engine == Engine::Postgres {
            let lifted = "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
            self.transaction.execute_unprepared(lifted).await?;
        }
        Ok(())
    }

    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    /// What seals and opens values of its tenant.
    pub(crate) fn vault(&self) -> &Vault {
        self.kept.store.vault()
    }

    /// Fails closed when the scope is another tenant's.
    pub(crate) fn guard(&self, scope: &Scope) -> Result<TenantId, StorageError> {
        if scope.tenant() == self.tenant { Ok(self.tenant) } else { Err(StorageError::ForeignScope) }
    }

    pub(crate) fn select(&self, scope: &Scope, table: &str) -> Result<SelectStatement, StorageError> {
        let tenant = self.guard(scope)?;
        let mut select = Query::select();
        select.from(Alias::new(table)).and_where(is_tenant(tenant));
        Ok(select)
    }

    /// A select among the rows of another, which has the tenant's predicate.
    pub(crate) fn among(&self, inner: SelectStatement) -> SelectStatement {
        let mut select = Query::select();
        select.from_subquery(inner, Alias::new("inner_"));
        select
    }

    pub(crate) fn update(&self, scope: &Scope, table: &str) -> Result<UpdateStatement, StorageError> {
        let tenant = self.guard(scope)?;
        let mut update = Query::update();
        update.table(Alias::new(table)).and_where(is_tenant(tenant));
        Ok(update)
    }

    pub(crate) fn delete(&self, scope: &Scope, table: &str) -> Result<DeleteStatement, StorageError> {
        let tenant = self.guard(scope)?;
        let mut delete = Query::delete();
        delete.from_table(Alias::new(table)).and_where(is_tenant(tenant));
        Ok(delete)
    }

    /// An insert of rows of `columns`, each with the tenant before it.
    pub(crate) fn insert_rows(
        &self,
        scope: &Scope,
        table: &str,
        columns: &[String],
        rows: Vec<Vec<Expr>>,
    ) -> Result<InsertStatement, StorageError> {
        let tenant = self.guard(scope)?;
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new(table))
            .columns([TENANT].into_iter().chain(columns.iter().map(String::as_str)).map(Alias::new));
        for row in rows {
            insert.values_panic([Expr::val(tenant.0)].into_iter().chain(row));
        }
        Ok(insert)
    }

    /// An insert of one row.
    pub(crate) fn insert(
        &self,
        scope: &Scope,
        table: &str,
        values: Vec<(String, Expr)>,
    ) -> Result<InsertStatement, StorageError> {
        let (columns, values): (Vec<_>, Vec<_>) = values.into_iter().unzip();
        self.insert_rows(scope, table, &columns, vec![values])
    }

    /// The names of the columns that the database has for a table; none when it is not there.
    pub(crate) async fn columns_of(&self, table: &str) -> Result<Vec<String>, StorageError> {
        table::columns_of(&self.transaction, self.engine, table).await
    }

    pub(crate) async fn all<S: StatementBuilder>(&self, statement: &S) -> Result<Vec<QueryResult>, StorageError> {
        Ok(self.transaction.query_all(statement).await?)
    }

    /// The first rows. The limit is written out, not bound: with a bound one SQLite plans the same statement a quarter
    /// slower (`sunlit bench graphql` prints both).
    pub(crate) async fn first<S: StatementBuilder>(
        &self,
        statement: &S,
        rows: u64,
    ) -> Result<Vec<QueryResult>, StorageError> {
        let mut statement = self.engine.backend().build(statement);
        statement.sql.push_str(" LIMIT ");
        statement.sql.push_str(&rows.to_string());
        Ok(self.transaction.query_all_raw(statement).await?)
    }

    pub(crate) async fn one<S: StatementBuilder>(&self, statement: &S) -> Result<Option<QueryResult>, StorageError> {
        Ok(self.transaction.query_one(statement).await?)
    }

    pub(crate) async fn execute<S: StatementBuilder>(&self, statement: &S) -> Result<ExecResult, StorageError> {
        Ok(self.transaction.execute(statement).await?)
    }
}

fn is_tenant(tenant: TenantId) -> Expr {
    predicate(Expr::col(Alias::new(TENANT)), tenant.0)
}

/// The tenant's predicate of a statement that an entity begins, on the entity's own column.
pub(crate) fn own(column: impl ColumnTrait, tenant: Uuid) -> Expr {
    predicate(Expr::col(column.as_column_ref()), tenant)
}

/// The first of the two walls (see [`crate::postgres`]): every statement passes here.
fn predicate(column: Expr, tenant: Uuid) -> Expr {
    if Wall::Predicate.is_down() { Expr::val(1_i64).eq(1_i64) } else { column.eq(tenant) }
}

/// A writing transaction. Dropped without [`Work::commit`], nothing of it remains.
#[derive(Debug)]
pub struct Work {
    session: Session,
    /// The earliest instant at which a job of this transaction is due, in microseconds; [`NO_JOB`] when it wrote none.
    due: AtomicI64,
    /// The last row of the audit trail, once this transaction has written one: nobody else writes meanwhile.
    last_audit: Mutex<Option<AuditPlace>>,
}

/// A place in the audit trail: its number and the row's hash.
pub(crate) type AuditPlace = (i64, String);

const NO_JOB: i64 = i64::MAX;

impl Work {
    pub(crate) fn new(session: Session) -> Self {
        Self { session, due: AtomicI64::new(NO_JOB), last_audit: Mutex::new(None) }
    }

    pub(crate) fn last_audit(&self) -> MutexGuard<'_, Option<AuditPlace>> {
        self.last_audit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn note_due(&self, at: Timestamp) {
        self.due.fetch_min(at.micros(), Ordering::Relaxed);
    }

    /// Lets references lead to records that are written later in this transaction; what still leads nowhere at its end is
    /// refused then.
    ///
    /// # Errors
    /// The database's.
    pub async fn defer_references(&self) -> Result<(), StorageError> {
        self.session.transaction.execute_unprepared(self.engine().defer_references()).await?;
        Ok(())
    }

    /// When the first job is due that this transaction has scheduled: what the workers are to be told after the commit.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        Timestamp::from_micros(self.due.load(Ordering::Relaxed))
    }

    /// Runs `step` so that its failure undoes what it did and nothing more: PostgreSQL gives up the whole transaction at the
    /// first statement that fails.
    ///
    /// # Errors
    /// Those of `step`, and the database's.
    pub async fn attempt<T, E: From<StorageError>>(&self, step: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let (due, last_audit) = (self.due.load(Ordering::Relaxed), self.last_audit().clone());
        self.savepoint("SAVEPOINT attempt").await?;
        let done = step.await;
        if done.is_ok() {
            self.savepoint("RELEASE SAVEPOINT attempt").await?;
        } else {
            self.savepoint("ROLLBACK TO SAVEPOINT attempt").await?;
            self.due.store(due, Ordering::Relaxed);
            *self.last_audit() = last_audit;
        }
        done
    }

    async fn savepoint(&self, sql: &str) -> Result<(), StorageError> {
        self.session.transaction.execute_unprepared(sql).await?;
        Ok(())
    }

    /// Says a word to the other nodes when this transaction is committed; on SQLite there are none.
    ///
    /// # Errors
    /// [`StorageError::PayloadTooLarge`] for a word of more than [`postgres::MAX_WORD_BYTES`], or the database's.
    pub async fn say(&self, word: &str) -> Result<(), StorageError> {
        if self.engine() != Engine::Postgres {
            return Ok(());
        }
        postgres::notify(&self.session.transaction, word).await
    }

    /// Makes everything of this transaction last.
    ///
    /// # Errors
    /// When the database refuses; then nothing of it remains.
    pub async fn commit(self) -> Result<(), StorageError> {
        if self.engine() == Engine::Postgres {
            // A transaction in which a statement has failed would end without a word, and nothing of it would remain.
            self.session.transaction.execute_unprepared("SELECT 1").await?;
        }
        Ok(self.session.transaction.commit().await?)
    }
}

impl std::ops::Deref for Work {
    type Target = Session;
    fn deref(&self) -> &Session {
        &self.session
    }
}
