//! Sensitive values: sealed when a record is written, opened when it is read, here and nowhere else. Above this nothing
//! knows of it, but that nothing can be looked up by what is sealed (`Collection::is_sealed`).
//!
//! A value is bound to its table, field and record. Null stays null: that there is no value is no secret, and its length is
//! about that of its text.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sea_orm::sea_query::{Alias, Condition, Expr, ExprTrait, Order, Value as Sql};
use sha2::{Digest as _, Sha256};
use sunlit_domain::Scope;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::Slot;
use sunlit_domain::record::Record;
use sunlit_domain::value::{Kind, Value};

use super::encoding::columns_of;
use crate::vault::{Sealer, VaultError, is_sealed_with};
use crate::{Session, StorageError, Table, Work};

/// What writes the values of one table in one transaction.
pub(super) struct Seal<'a> {
    table: &'a Table,
    /// None for a table without sensitive fields.
    sealer: Option<Sealer>,
}

impl<'a> Seal<'a> {
    pub(super) async fn of(scope: &Scope, work: &Work, table: &'a Table) -> Result<Self, StorageError> {
        let sealer = match table.collection().has_sealed() {
            true => Some(work.vault().sealer(scope, work).await?),
            false => None,
        };
        Ok(Self { table, sealer })
    }

    pub(super) fn table(&self) -> &'a Table {
        self.table
    }

    /// What goes into the columns of `slot`.
    pub(super) fn columns_of(&self, slot: Slot, id: RecordId, value: &Value) -> Result<Vec<Sql>, StorageError> {
        let collection = self.table.collection();
        match &self.sealer {
            Some(sealer) if collection.is_sealed(slot) && !value.is_null() => {
                let context = context(self.table.name(), collection.slot_name(slot), id);
                let text = match value {
                    Value::Text(text) => sealer.seal(&context, text.as_bytes()),
                    Value::Date(date) => sealer.seal(&context, date.to_string().as_bytes()),
                    // A manifest declares no other type of value sensitive.
                    _ => Err(StorageError::Corrupt(collection.slot_name(slot).to_owned())),
                };
                Ok(vec![Sql::String(Some(text?))])
            }
            _ => Ok(columns_of(collection.kind_of(slot), value)),
        }
    }
}

/// The place of a value.
fn context(table: &str, field: &str, id: RecordId) -> String {
    format!("{table}/{field}/{id}")
}

/// Opens what is sealed of records that were just read.
pub(super) async fn open(
    scope: &Scope,
    session: &Session,
    table: &Table,
    records: &mut [Record],
) -> Result<(), StorageError> {
    let collection = table.collection();
    let slots = collection.slots().filter(|slot| collection.is_sealed(*slot));
    for slot in slots {
        let field = collection.slot_name(slot);
        for record in &mut *records {
            let Value::Text(text) = record.get(slot) else { continue };
            let plain = session.vault().open(scope, session, &context(table.name(), field, record.id), text).await?;
            let read = String::from_utf8(plain).ok().and_then(|text| match collection.kind_of(slot) {
                Kind::Date => text.parse().map(Value::Date).ok(),
                _ => Some(Value::Text(text)),
            });
            record.set(slot, read.ok_or_else(|| StorageError::Corrupt(field.to_owned()))?);
        }
    }
    Ok(())
}

/// The digest of a record for the audit trail, in hexadecimal: SHA-256, or where something of it is sealed HMAC-SHA256 with a
/// key of the tenant. Whoever reads the trail alone could try out what few values a telephone number has.
///
/// # Errors
/// [`VaultError`], or the database's.
pub async fn digest(scope: &Scope, session: &Session, table: &Table, record: &Record) -> Result<String, StorageError> {
    digest_of(scope, session, table, record.canonical(table.collection()).as_bytes()).await
}

/// As [`digest`], of bytes that hold values of the table's records, such as an imported file.
///
/// # Errors
/// As [`digest`].
pub async fn digest_of(scope: &Scope, session: &Session, table: &Table, bytes: &[u8]) -> Result<String, StorageError> {
    let digest = if table.collection().has_sealed() {
        let key = session.vault().digest_key(scope, session).await?;
        let mac = Hmac::<Sha256>::new_from_slice(&*key).map_err(|_| VaultError::NotOpened)?;
        mac.chain_update(bytes).finalize().into_bytes()
    } else {
        Sha256::digest(bytes)
    };
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A table with columns that hold sealed texts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SealedColumns {
    /// The table's name.
    pub table: String,
    /// Its sealed columns, which have the names of their fields.
    pub fields: Vec<String>,
}

impl SealedColumns {
    /// Those of a collection; none when nothing of it is sensitive.
    #[must_use]
    pub fn of(table: &Table) -> Option<Self> {
        let fields = table.collection().fields.iter().filter(|field| field.sensitive);
        let fields: Vec<String> = fields.map(|field| field.name.to_string()).collect();
        (!fields.is_empty()).then(|| Self { table: table.name().to_owned(), fields })
    }
}

/// What one step of [`reseal`] did.
#[derive(Debug, Clone, Copy, Default)]
pub struct Resealed {
    /// How many records were sealed anew.
    pub records: u64,
    /// The last of them; none when there are no more.
    pub last: Option<RecordId>,
}

/// Seals anew, with the tenant's latest data key, what is sealed under former ones: of at most `first` records after the id
/// `after`. What the records say stays the same, so that their versions do. Doing it again changes nothing.
///
/// # Errors
/// [`VaultError`] for a value that does not open, or the database's.
pub async fn reseal(
    scope: &Scope,
    work: &Work,
    place: &SealedColumns,
    after: Option<RecordId>,
    first: u64,
) -> Result<Resealed, StorageError> {
    let vault = work.vault().clone();
    let sealer = vault.sealer(scope, work).await?;
    let mut select = work.select(scope, &place.table)?;
    select.column(Alias::new("id"));
    let mut outdated = Condition::any();
    for field in &place.fields {
        select.column(Alias::new(field));
        let is_current = work.engine().starts_with(Alias::new(field), &sealer.beginning());
        outdated = outdated.add(Expr::col(Alias::new(field)).is_not_null().and(is_current.not()));
    }
    select.cond_where(outdated).order_by(Alias::new("id"), Order::Asc);
    if let Some(after) = after {
        select.and_where(Expr::col(Alias::new("id")).gt(after.0));
    }
    let mut done = Resealed::default();
    for row in work.first(&select, first).await? {
        let id = RecordId(row.try_get_by_index(0)?);
        let mut update = work.update(scope, &place.table)?;
        for (at, field) in place.fields.iter().enumerate() {
            let Some(text) = row.try_get_by_index::<Option<String>>(at + 1)? else { continue };
            if is_sealed_with(&text, &sealer) {
                continue;
            }
            let context = context(&place.table, field, id);
            let plain = vault.open(scope, work, &context, &text).await?;
            update.value(Alias::new(field), sealer.seal(&context, &plain)?);
        }
        update.and_where(Expr::col(Alias::new("id")).eq(id.0));
        work.execute(&update).await?;
        done = Resealed { records: done.records + 1, last: Some(id) };
    }
    Ok(done)
}

/// Of the given places those whose tables are there.
///
/// # Errors
/// The database's.
pub async fn there(
    scope: &Scope,
    session: &Session,
    places: Vec<SealedColumns>,
) -> Result<Vec<SealedColumns>, StorageError> {
    session.guard(scope)?;
    let mut found = Vec::new();
    for mut place in places {
        let columns = session.columns_of(&place.table).await?;
        place.fields.retain(|field| columns.contains(field));
        if !place.fields.is_empty() {
            found.push(place);
        }
    }
    Ok(found)
}
