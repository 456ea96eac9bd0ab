//! Gives a tenant another data key, and seals anew with it whatever its records hold sealed.
//!
//! The new key is one transaction; then records are sealed anew in batches, each a transaction, so that the tenant writes on
//! meanwhile. What was cut off goes on when it is run again: a former key is retired only when nothing is left under it. It
//! stays then, for what a backup brings back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sunlit_domain::{Manifest, Scope};
use sunlit_storage::platform::package as package_table;
use sunlit_storage::record::{self, SealedColumns};
use sunlit_storage::tenant::data_key;
use sunlit_storage::{StorageError, Table};

use crate::command::begin;
use crate::command::commit::commit;
use crate::command::{only_administrators, trail};
use crate::{App, AppError};

/// Records of one transaction.
const BATCH: u64 = 200;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// The number of the key that seals now; 0 for a tenant that has sealed nothing yet.
    pub number: i64,
    /// Whether it was made now; else a rotation went on that had been cut off.
    pub is_new: bool,
    /// How many records were sealed anew.
    pub records: u64,
}

/// Rotates the data key of the scope's tenant, or ends a rotation that was cut off.
///
/// # Errors
/// [`AppError::Denied`] or [`AppError::Unauthenticated`] for anybody but an administrator; the vault's, for a value that does
/// not open: then no key is retired.
pub async fn run(app: &App, scope: &Scope) -> Result<Rotated, AppError> {
    only_administrators(scope)?;
    let at = app.environment.now();
    let work = begin::administer(app, scope).await?;
    let keys = data_key::all(scope, &work).await?;
    let Some((latest, former)) = keys.split_last() else {
        return Ok(Rotated { number: 0, is_new: false, records: 0 });
    };
    let was_cut_off = former.iter().any(|key| key.retired_at.is_none());
    let number = if was_cut_off { latest.number } else { app.vault.rotate(scope, &work).await? };
    let places = record::there(scope, &work, places(app).await?).await?;
    if !was_cut_off {
        trail::of_change(app, scope, &work, ("rotate", "data_key", &number.to_string()), at).await?;
        commit(app, scope, work, None).await?;
    } else {
        drop(work);
    }
    let mut records = 0;
    for place in &places {
        records += reseal(app, scope, place).await?;
    }
    let work = begin::administer(app, scope).await?;
    data_key::retire_before(scope, &work, number, app.environment.now()).await?;
    commit(app, scope, work, None).await?;
    Ok(Rotated { number, is_new: !was_cut_off, records })
}

async fn reseal(app: &App, scope: &Scope, place: &SealedColumns) -> Result<u64, AppError> {
    let (mut records, mut after) = (0, None);
    loop {
        let work = begin::administer(app, scope).await?;
        let done = record::reseal(scope, &work, place, after, BATCH).await?;
        commit(app, scope, work, None).await?;
        records += done.records;
        match done.last {
            Some(last) => after = Some(last),
            None => return Ok(records),
        }
    }
}

/// Where anything may be sealed: the tables of every published version, for those of an old major are kept for a way back.
async fn places(app: &App) -> Result<Vec<SealedColumns>, AppError> {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for text in package_table::manifests(&app.platform).await? {
        let manifest = Arc::new(Manifest::parse("plugin.toml", &text)?);
        for collection in &manifest.collections {
            let table = Table::of(&manifest, collection.name.as_str()).ok_or(StorageError::Interrupted)?;
            if let Some(sealed) = SealedColumns::of(&table) {
                places.entry(sealed.table).or_default().extend(sealed.fields);
            }
        }
    }
    let place =
        |(table, fields): (String, BTreeSet<String>)| SealedColumns { table, fields: fields.into_iter().collect() };
    Ok(places.into_iter().map(place).collect())
}
