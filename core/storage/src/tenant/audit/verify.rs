//! Walks a chain from its first row to its last.

use sea_orm::entity::prelude::*;
use sea_orm::{QueryOrder, QuerySelect};
use sunlit_domain::Scope;

use super::super::origin;
use super::{Column, Entity, Model, NO_ROW};
use crate::session::own;
use crate::{Session, StorageError};

/// How many rows are in memory at once.
const PAGE: u64 = 1_000;

/// What is wrong at the first place where something is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A row's content is not what was written.
    #[error("row {seq} ({id}) was changed")]
    Changed {
        /// Its place.
        seq: i64,
        /// Its id.
        id: Uuid,
    },
    /// Places are empty.
    #[error("rows {from} to {to} were removed")]
    Removed {
        /// The first that is missing.
        from: i64,
        /// The last that is missing.
        to: i64,
    },
    /// A row, sound in itself, does not continue the row before it.
    #[error("row {seq} ({id}) does not follow the row before it: it was inserted or moved, or that row was replaced")]
    Misplaced {
        /// Its place.
        seq: i64,
        /// Its id.
        id: Uuid,
    },
    /// The head that was noted down is no row of the chain.
    #[error("no row has the hash {0}: rows were cut off at the end, or the chain was written anew")]
    HeadMissing(String),
}

/// A chain that was walked to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chain {
    /// How many rows it has, up to the fault if there is one.
    pub rows: i64,
    /// The hash of its last sound row: what to note down elsewhere.
    pub head: String,
    /// The first fault.
    pub fault: Option<Fault>,
}

/// Walks the tenant's chain, page by page, to its end or to its first fault; rows that a copy took over count under the id that
/// they were written for ([`origin`]). `head` is a hash that was noted down earlier: one
/// of the rows must have it.
///
/// # Errors
/// The database's.
pub async fn verify(scope: &Scope, session: &Session, head: Option<&str>) -> Result<Chain, StorageError> {
    let mut chain = Chain { rows: 0, head: NO_ROW.to_owned(), fault: None };
    let mut met = head.is_none_or(|head| head == NO_ROW);
    let origins = origin::all(scope, session).await?;
    loop {
        let mut page = page(scope, session, chain.rows).await?;
        for row in &mut page {
            row.tenant_id = origin::of(&origins, row.seq).unwrap_or(row.tenant_id);
            if let Some(fault) = fault(&chain, row) {
                return Ok(Chain { fault: Some(fault), ..chain });
            }
            chain.rows = row.seq;
            chain.head.clone_from(&row.hash);
            met = met || head == Some(row.hash.as_str());
        }
        if page.is_empty() {
            break;
        }
    }
    if let Some(head) = head.filter(|_| !met) {
        chain.fault = Some(Fault::HeadMissing(head.to_owned()));
    }
    Ok(chain)
}

/// Walks the last `rows` of the chain, taking what is before them for sound.
///
/// # Errors
/// The database's.
pub async fn verify_end(scope: &Scope, session: &Session, rows: u64) -> Result<Chain, StorageError> {
    let mut latest = super::latest(scope, session, rows).await?;
    latest.reverse();
    let origins = origin::all(scope, session).await?;
    for row in &mut latest {
        row.tenant_id = origin::of(&origins, row.seq).unwrap_or(row.tenant_id);
    }
    let sound = |first: &Model| Chain { rows: first.seq - 1, head: first.previous.clone(), fault: None };
    let mut chain = latest.first().map_or_else(|| Chain { rows: 0, head: NO_ROW.to_owned(), fault: None }, sound);
    if chain.rows == 0 {
        NO_ROW.clone_into(&mut chain.head);
    }
    for row in &latest {
        if let Some(fault) = fault(&chain, row) {
            return Ok(Chain { fault: Some(fault), ..chain });
        }
        chain.rows = row.seq;
        chain.head.clone_from(&row.hash);
    }
    Ok(chain)
}

fn fault(chain: &Chain, row: &Model) -> Option<Fault> {
    let (seq, id) = (row.seq, row.id);
    if seq > chain.rows + 1 {
        Some(Fault::Removed { from: chain.rows + 1, to: seq - 1 })
    } else if row.hash != row.digest() {
        Some(Fault::Changed { seq, id })
    } else if seq != chain.rows + 1 || row.previous != chain.head {
        Some(Fault::Misplaced { seq, id })
    } else {
        None
    }
}

/// The rows after place `seq`. Those at places below the first would never be met, so the first page takes them too.
async fn page(scope: &Scope, session: &Session, seq: i64) -> Result<Vec<Model>, StorageError> {
    let tenant = session.guard(scope)?;
    let mut found = Entity::find().filter(own(Column::TenantId, tenant.0)).order_by_asc(Column::Seq).limit(PAGE);
    if seq > 0 {
        found = found.filter(Column::Seq.gt(seq));
    }
    Ok(found.all(&session.transaction).await?)
}
