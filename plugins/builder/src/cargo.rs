//! Runs cargo for the Wasm target.
//!
//! It may run inside another cargo, from a build script or under clippy, so what that one has set in the environment is
//! taken away: two ways to build must give one result, and none must rebuild what the other has built.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::package::Package;
use crate::{BuildError, BuildOptions};

const TARGET: &str = "wasm32-unknown-unknown";

/// How plugins are compiled, as settings of cargo's release profile. Small, because every instance maps the code; names
/// are kept, because a trap's backtrace needs them.
pub const PROFILE: [&str; 6] =
    [r#"opt-level="s""#, "lto=true", "codegen-units=1", r#"panic="abort""#, "debug=false", r#"strip="debuginfo""#];

/// Variables that cargo or clippy set for those whom they start.
const FOREIGN: [&str; 17] = [
    "CARGO_CRATE_NAME",
    "CARGO_BIN_NAME",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_PRIMARY_PACKAGE",
    "CLIPPY_ARGS",
    "DEBUG",
    "HOST",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTFLAGS",
    "TARGET",
];

const FOREIGN_PREFIXES: [&str; 8] = [
    "CARGO_BUILD_RUST",
    "CARGO_BUILD_TARGET",
    "CARGO_CFG_",
    "CARGO_FEATURE_",
    "CARGO_MANIFEST_",
    "CARGO_PKG_",
    "CARGO_PROFILE_",
    "CARGO_TARGET_",
];

/// What cargo made.
pub(crate) struct Built {
    pub(crate) module: Vec<u8>,
    pub(crate) inputs: Vec<PathBuf>,
}

pub(crate) fn target_dir(dir: &Path, options: &BuildOptions) -> PathBuf {
    let chosen = options.target_dir.clone().unwrap_or_else(|| match env::var_os("CARGO_TARGET_DIR") {
        Some(target) => PathBuf::from(target).join("plugins"),
        None => workspace_root(dir).join("target").join("plugins"),
    });
    absolute(&chosen)
}

pub(crate) fn build(dir: &Path, target_dir: &Path, package: &Package) -> Result<Built, BuildError> {
    let output = run(&mut build_command(dir, target_dir))?;
    if !output.status.success() {
        return Err(failure(&output));
    }
    let stem = target_dir.join(TARGET).join("release").join(&package.module);
    let path = stem.with_extension("wasm");
    let module = fs::read(&path).map_err(|source| BuildError::NoModule { path, source })?;
    // Without the list of inputs a caller rebuilds too seldom, but what was built is right.
    let inputs = fs::read_to_string(stem.with_extension("d")).map(|text| dependencies(&text)).unwrap_or_default();
    Ok(Built { module, inputs })
}

/// The packages that lead to wasm-bindgen, or nothing when cargo cannot tell.
pub(crate) fn who_needs_wasm_bindgen(dir: &Path) -> String {
    let mut command = cargo(dir);
    command.args(["tree", "--invert", "wasm-bindgen", "--target", TARGET, "--edges", "normal"]);
    run(&mut command).map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

fn build_command(dir: &Path, target_dir: &Path) -> Command {
    let mut command = cargo(dir);
    command.args(["build", "--release", "--lib", "--target", TARGET]);
    command.arg("--manifest-path").arg(absolute(dir).join("Cargo.toml"));
    command.arg("--target-dir").arg(target_dir);
    for setting in PROFILE {
        command.arg("--config").arg(format!("profile.release.{setting}"));
    }
    if let Some(home) = cargo_home() {
        // A panic's place names its file: where this machine keeps its crates is nobody's business.
        let flag = format!("--remap-path-prefix={}=/cargo", home.display());
        command.arg("--config").arg(format!("target.{TARGET}.rustflags=[{flag:?}]"));
    }
    command
}

fn cargo(dir: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir).stdin(Stdio::null());
    for name in env::vars_os().map(|(name, _)| name).filter(is_foreign) {
        command.env_remove(name);
    }
    command
}

fn is_foreign(name: &OsString) -> bool {
    name.to_str()
        .is_some_and(|name| FOREIGN.contains(&name) || FOREIGN_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

fn run(command: &mut Command) -> Result<Output, BuildError> {
    command.output().map_err(BuildError::NoCargo)
}

fn failure(output: &Output) -> BuildError {
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if stderr.contains("target may not be installed") { BuildError::NoTarget } else { BuildError::Compile { stderr } }
}

/// The nearest folder around `dir` whose `Cargo.toml` is a workspace, or `dir` itself.
fn workspace_root(dir: &Path) -> PathBuf {
    let dir = absolute(dir);
    let is_workspace = |folder: &&Path| {
        fs::read_to_string(folder.join("Cargo.toml"))
            .ok()
            .and_then(|text| text.parse::<toml::Table>().ok())
            .is_some_and(|table| table.contains_key("workspace"))
    };
    dir.ancestors().find(is_workspace).unwrap_or(&dir).to_path_buf()
}

fn cargo_home() -> Option<PathBuf> {
    env::var_os("CARGO_HOME").map(PathBuf::from).or_else(|| env::home_dir().map(|home| home.join(".cargo")))
}

fn absolute(path: &Path) -> PathBuf {
    let whole: io::Result<PathBuf> = std::path::absolute(path);
    whole.unwrap_or_else(|_| path.to_path_buf())
}

/// Reads cargo's `.d` file: a line of make, with spaces in names written `\ `.
fn dependencies(text: &str) -> Vec<PathBuf> {
    let Some((_, list)) = text.lines().next().and_then(|line| line.split_once(": ")) else {
        return Vec::new();
    };
    let kept = list.replace("\\ ", "\0");
    kept.split(' ').filter(|name| !name.is_empty()).map(|name| PathBuf::from(name.replace('\0', " "))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_list_of_inputs() {
        let check = |text, expect: &[&str]| {
            assert_eq!(dependencies(text), expect.iter().map(PathBuf::from).collect::<Vec<_>>());
        };
        check("/t/a.wasm: /p/Cargo.toml /p/my\\ src/lib.rs\n", &["/p/Cargo.toml", "/p/my src/lib.rs"]);
        check("/t/a.wasm:\n", &[]);
        check("", &[]);
    }

    #[test]
    fn takes_away_what_an_outer_cargo_set_and_leaves_the_rest() {
        let check = |name: &str, expect| assert_eq!(is_foreign(&name.into()), expect, "{name}");
        for name in ["RUSTFLAGS", "RUSTC_WORKSPACE_WRAPPER", "CARGO_PKG_NAME", "CARGO_CFG_UNIX", "CARGO_TARGET_DIR"] {
            check(name, true);
        }
        for name in ["PATH", "HOME", "CARGO_HOME", "CARGO_MAKEFLAGS", "CARGO_NET_OFFLINE", "RUSTUP_TOOLCHAIN"] {
            check(name, false);
        }
    }

    #[test]
    fn finds_the_workspace_around_a_plugin() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(Some(workspace_root(here).as_path()), here.ancestors().nth(2));
    }
}
