//! Creates, changes or deletes several records: all of them or none.

use serde_json::{Map, Value as Json};
use sunlit_domain::Scope;
use sunlit_domain::access::Deed;
use sunlit_domain::id::RecordId;
use sunlit_domain::manifest::{RunsAs, Spelling};
use sunlit_domain::record::{Changes, Record, read_changes};

use super::{Writing, create, delete, update};
use crate::command::commit::commit;
use crate::reading::allowed;
use crate::{App, AppError, Package};

/// How many records one command may write.
pub const MAX_MANY: usize = 100;

/// What becomes of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum One {
    /// It is new, with these values.
    Create(Map<String, Json>),
    /// It was read at this version, and these values change.
    Update(RecordId, i64, Map<String, Json>),
    /// It was read at this version, and goes.
    Delete(RecordId, i64),
}

/// Why nothing was written: which of the records, from 0, and what is wrong with it. Without a place, with the whole.
pub type Refused = Vec<(Option<usize>, AppError)>;

/// Does all that `many` says, in its order and in one transaction; answers the records as they are, deleted ones as they were.
///
/// # Errors
/// Everything that is wrong with the values, or else the first record that could not be written. Nothing is written then.
pub async fn run(
    app: &App,
    scope: &Scope,
    package: &Package,
    collection: &str,
    many: &[One],
    spelling: Spelling,
) -> Result<Vec<Record>, Refused> {
    let whole = |error: AppError| vec![(None, error)];
    if many.len() > MAX_MANY {
        return Err(whole(AppError::Limit(format!("{} records, at most {MAX_MANY} at once", many.len()))));
    }
    let table = package.table(collection).map_err(whole)?;
    for deed in many.iter().map(deed) {
        allowed(scope, table.collection(), deed).map_err(whole)?;
    }
    let changes = read(table.collection(), many, spelling)?;
    let at = app.environment.now();
    let begun = async {
        let context = app.context(scope).await?;
        let work = app.stores.open(scope).await?.work(scope).await?;
        Ok::<_, AppError>((context, work))
    };
    let (context, work) = begun.await.map_err(whole)?;
    let runs_as = RunsAs::Caller;
    let writing = Writing { app, scope, work: &work, context: &context, package, runs_as, spelling, at };
    let (mut records, mut told) = (Vec::with_capacity(many.len()), Vec::new());
    for (index, (one, changes)) in many.iter().zip(&changes).enumerate() {
        let written = match one {
            One::Create(_) => create::within(writing, table, RecordId(app.environment.new_id()), changes).await,
            One::Update(id, version, _) => update::within(writing, table, (*id, *version), changes).await,
            One::Delete(id, version) => delete::within(writing, table, (*id, *version)).await,
        };
        let (record, change) = written.map_err(|error| vec![(Some(index), error)])?;
        records.push(record);
        told.extend(change);
    }
    commit(app, scope, work, told).await.map_err(whole)?;
    Ok(records)
}

fn deed(one: &One) -> Deed {
    match one {
        One::Create(_) => Deed::Create,
        One::Update(..) => Deed::Update,
        One::Delete(..) => Deed::Delete,
    }
}

/// The values of each, or everything that is wrong with any.
fn read(
    collection: &sunlit_domain::manifest::Collection,
    many: &[One],
    spelling: Spelling,
) -> Result<Vec<Changes>, Refused> {
    let (mut changes, mut refused) = (Vec::with_capacity(many.len()), Vec::new());
    for (index, one) in many.iter().enumerate() {
        let read = match one {
            One::Create(input) => read_changes(collection, input, spelling, true),
            One::Update(_, _, input) => read_changes(collection, input, spelling, false),
            One::Delete(..) => Ok(Changes::new()),
        };
        match read {
            Ok(read) => changes.push(read),
            Err(problems) => refused.push((Some(index), AppError::Problems(problems))),
        }
    }
    if refused.is_empty() { Ok(changes) } else { Err(refused) }
}
