//! What the builder has to know of a plugin's `Cargo.toml`.

use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::BuildError;

/// A package that makes a Wasm module.
pub(crate) struct Package {
    /// The stem of the module's file.
    pub(crate) module: String,
}

#[derive(Deserialize)]
struct CargoToml {
    package: Section,
    #[serde(default)]
    lib: Lib,
}

#[derive(Deserialize)]
struct Section {
    name: String,
}

#[derive(Default, Deserialize)]
struct Lib {
    name: Option<String>,
    #[serde(rename = "crate-type", alias = "crate_type", default)]
    crate_type: Vec<String>,
}

pub(crate) fn read(dir: &Path) -> Result<Package, BuildError> {
    let path = dir.join("Cargo.toml");
    let wrong = |message: String| BuildError::Package { path: path.clone(), message };
    let text = fs::read_to_string(&path).map_err(|error| wrong(error.to_string()))?;
    let CargoToml { package, lib } = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    if lib.crate_type.iter().all(|kind| kind != "cdylib") {
        return Err(BuildError::NoCdylib { path });
    }
    Ok(Package { module: lib.name.unwrap_or(package.name).replace('-', "_") })
}
