//! The records that a region begins with: read from TOML, references found by unique fields, records that are there
//! already left as they are.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sunlit_app::query::record_get;
use sunlit_app::{App, AppError, Package, Reading, command};
use sunlit_domain::access::Root;
use sunlit_domain::id::FieldName;
use sunlit_domain::manifest::{Collection, FieldType, Spelling};
use sunlit_domain::record::Record;
use sunlit_domain::toml_source::TomlSource;
use sunlit_domain::{Locale, Scope};

use crate::provision::ProvisionError;
use crate::region::DataEntry;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Records {
    #[serde(default, rename = "record")]
    records: Vec<Map<String, Json>>,
}

/// How many records were created and how many were there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Loaded {
    pub(crate) created: usize,
    pub(crate) kept: usize,
}

impl AddAssign for Loaded {
    fn add_assign(&mut self, other: Self) {
        self.created += other.created;
        self.kept += other.kept;
    }
}

/// Loads the records of one entry.
pub(crate) async fn load(
    app: &Arc<App>,
    scope: &Scope,
    package: &Package,
    entry: &DataEntry,
    text: &str,
) -> Result<Loaded, ProvisionError> {
    let records: Records = TomlSource::new(&entry.file, text).read()?;
    let collection = package.table(entry.collection.as_str())?.collection();
    let mut known = BTreeMap::new();
    let mut loaded = Loaded::default();
    for (index, mut record) in records.records.into_iter().enumerate() {
        let failed = |source: AppError| ProvisionError::Record { file: entry.file.clone(), number: index + 1, source };
        let key = record.get(entry.key.as_str()).and_then(Json::as_str).unwrap_or_default().to_owned();
        if find(app, scope, package, collection, &entry.key, &key).await.map_err(failed)?.is_some() {
            loaded.kept += 1;
            continue;
        }
        references(app, scope, package, collection, &mut record, &mut known).await.map_err(failed)?;
        command::record::create::run(app, scope, package, collection.name.as_str(), &record, Spelling::Manifest)
            .await
            .map_err(failed)?;
        loaded.created += 1;
    }
    Ok(loaded)
}

async fn find(
    app: &Arc<App>,
    scope: &Scope,
    package: &Package,
    collection: &Collection,
    key: &FieldName,
    value: &str,
) -> Result<Option<Record>, AppError> {
    let reading = Reading::begin(app, scope.clone(), Locale::Zh).await?.through(Root::Workspace);
    match record_get::by_field(&reading, package, collection.name.as_str(), key.as_str(), value).await {
        Ok(record) => Ok(Some(record)),
        Err(AppError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Replaces references written as `{ code = "…" }` by the ids of the records that they mean, in any package.
async fn references(
    app: &Arc<App>,
    scope: &Scope,
    package: &Package,
    collection: &Collection,
    record: &mut Map<String, Json>,
    known: &mut BTreeMap<String, String>,
) -> Result<(), AppError> {
    for field in collection.fields.iter().filter(|field| field.field_type == FieldType::Ref) {
        let Some(Json::Object(by)) = record.get(field.name.as_str()) else { continue };
        let (Some(to), Some((name, Json::String(value)))) = (&field.to, by.iter().next()) else { continue };
        let (owner, to) = (to.package_or(package.id()), to.collection());
        let place = format!("{owner}.{to} with {name} = \"{value}\"");
        if !known.contains_key(&place) {
            let context = app.context(scope).await?;
            let target = &context.package(owner)?.package;
            let name: FieldName = name.parse().map_err(|_| AppError::NotFound)?;
            let found = find(app, scope, target, target.table(to.as_str())?.collection(), &name, value).await?;
            let missing = || AppError::Argument(format!("there is no {place}"));
            known.insert(place.clone(), found.ok_or_else(missing)?.id.to_string());
        }
        record.insert(field.name.to_string(), Json::from(known[&place].as_str()));
    }
    Ok(())
}
