//! Why a plugin could not be built, and the mend.

use std::io;
use std::path::PathBuf;

/// Why a plugin could not be built. Every message names the mend.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no manifest.
    #[error("cannot read {path}: a plugin's folder holds its manifest plugin.toml ({source})", path = path.display())]
    Manifest {
        /// Where it was looked for.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// There is no readable `Cargo.toml`.
    #[error("cannot read {path}: a plugin's folder holds a Rust package ({message})", path = path.display())]
    Package {
        /// Where it was looked for.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The package makes no Wasm module.
    #[error("{path} makes no cdylib: add `[lib]` with `crate-type = [\"cdylib\", \"rlib\"]`", path = path.display())]
    NoCdylib {
        /// The package's `Cargo.toml`.
        path: PathBuf,
    },
    /// Cargo could not be started.
    #[error("cannot start cargo: install Rust from https://rustup.rs ({0})")]
    NoCargo(#[source] io::Error),
    /// The Wasm target is not installed.
    #[error("the Wasm target is not installed: run: rustup target add wasm32-unknown-unknown")]
    NoTarget,
    /// The package does not compile.
    #[error("the plugin does not compile: mend what cargo says\n{stderr}")]
    Compile {
        /// All that cargo wrote.
        stderr: String,
    },
    /// Cargo wrote no module where it was expected.
    #[error("cargo wrote no {path}: check `[lib] name` in Cargo.toml ({source})", path = path.display())]
    NoModule {
        /// Where it was looked for.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A dependency was compiled for a browser.
    #[error(
        "the crate was built for wasm-bindgen, which needs a browser: use chrono with default-features = false, \
         getrandom with a custom backend, uuid without `js`\n{culprit}"
    )]
    WasmBindgen {
        /// The chain of packages that leads to wasm-bindgen, as `cargo tree` prints it; may be empty.
        culprit: String,
    },
    /// The module cannot be wrapped into a component.
    #[error("the module cannot become a component: use nothing that needs an operating system\n{0}")]
    Encode(String),
    /// The component answers nothing.
    #[error("the plugin exports nothing: declare its fields with `sunlit_plugin_sdk::plugin!` in src/lib.rs")]
    NoExport,
    /// The component wants something that no plugin gets.
    #[error("the plugin imports {0}: a plugin may import from sunlit:host and sunlit:types only")]
    Imports(String),
}
