//! Records to be measured with, brought in as a file is.

use sunlit_app::command::record::import::{self, File, Outcome};
use sunlit_app::{App, Package};
use sunlit_domain::{Locale, Scope};
use sunlit_sheet::Form;

use crate::command::Failed;

/// Imports rows of CSV, with a line of names before them.
pub(super) async fn bring_in(
    app: &App,
    scope: &Scope,
    package: &Package,
    collection: &str,
    csv: &str,
) -> Result<(), Failed> {
    let file = File {
        form: Form::Csv,
        bytes: csv.as_bytes().to_vec(),
        sheet: None,
        key: None,
        keep_ids: false,
        dry_run: false,
        locale: Locale::Zh,
    };
    match import::run(app, scope, package, collection, file).await? {
        Outcome::Done(_) => Ok(()),
        Outcome::Refused { problems, .. } => Err(format!("the rows are refused: {:?}", problems.first()).into()),
    }
}
