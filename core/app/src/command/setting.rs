//! What a tenant sets: for a package, checked against what the manifest declares; for the platform, see [`set`].

pub mod set;

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sunlit_domain::value::Value;

use crate::{AppError, Package};

/// The settings as they are stored.
///
/// # Errors
/// [`AppError::Argument`] for a name that is not declared or a value that is not acceptable.
pub(super) fn checked(
    package: &Package,
    settings: &BTreeMap<String, Json>,
) -> Result<BTreeMap<String, String>, AppError> {
    let mut stored = BTreeMap::new();
    for (name, json) in settings {
        let refuse = |why: String| AppError::Argument(format!("setting `{name}` of {}: {why}", package.id()));
        let field =
            package.manifest.setting(name).ok_or_else(|| refuse("the manifest does not declare it".to_owned()))?;
        let value = Value::from_json(field.kind(), json).map_err(|error| refuse(error.0))?;
        field.check(&value).map_err(|broken| refuse(format!("{} {}", broken.rule, broken.bound)))?;
        stored.insert(name.clone(), value.to_json().to_string());
    }
    Ok(stored)
}
