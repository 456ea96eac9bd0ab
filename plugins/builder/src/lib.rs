//! Builds a plugin folder into a component: compile for Wasm, wrap, look inside.
//!
//! The server's build script and `sunlit plugin build` both call [`build`]. It knows cargo and the component format; what
//! a manifest may say and what a host grants is not its affair, beyond this: a plugin imports from `sunlit:host` and
//! `sunlit:types` and from nothing else.

mod cargo;
mod component;
mod error;
mod package;

use std::fs;
use std::path::{Path, PathBuf};

pub use cargo::PROFILE;
pub use component::{Component, encode};
pub use error::BuildError;

/// How to build.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// Where cargo puts its work. Without one it is `plugins` in `CARGO_TARGET_DIR`, or in the `target` of the workspace
    /// around the plugin. It must not be the directory of a cargo that is waiting for this build.
    pub target_dir: Option<PathBuf>,
}

/// A plugin that is ready to be packed or loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuiltPlugin {
    /// The component's binary.
    pub component: Vec<u8>,
    /// The interfaces that it imports (`sunlit:host/log@0.1.0`), sorted.
    pub imports: Vec<String>,
    /// The interfaces that it exports, sorted.
    pub exports: Vec<String>,
    /// Its world, printed as WIT.
    pub world: String,
    /// The text of `plugin.toml`.
    pub manifest_toml: String,
    /// The files that it was made of, for `cargo::rerun-if-changed`.
    pub inputs: Vec<PathBuf>,
}

/// Builds the plugin in `dir`, which holds `plugin.toml` and `Cargo.toml`.
///
/// # Errors
/// Each says what to mend: see [`BuildError`].
pub fn build(dir: &Path, options: &BuildOptions) -> Result<BuiltPlugin, BuildError> {
    let manifest_path = dir.join("plugin.toml");
    let manifest_toml = fs::read_to_string(&manifest_path)
        .map_err(|source| BuildError::Manifest { path: manifest_path.clone(), source })?;
    let package = package::read(dir)?;
    let target_dir = cargo::target_dir(dir, options);
    let built = cargo::build(dir, &target_dir, &package)?;
    let Component { component, imports, exports, world } =
        encode(&built.module).map_err(|error| with_culprit(error, dir))?;
    let mut inputs = built.inputs;
    inputs.extend([manifest_path, dir.join("Cargo.toml")]);
    Ok(BuiltPlugin { component, imports, exports, world, manifest_toml, inputs })
}

/// Says which dependency brought wasm-bindgen in.
fn with_culprit(error: BuildError, dir: &Path) -> BuildError {
    match error {
        BuildError::WasmBindgen { .. } => BuildError::WasmBindgen { culprit: cargo::who_needs_wasm_bindgen(dir) },
        other => other,
    }
}
