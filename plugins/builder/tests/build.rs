//! Builds real plugins and broken ones.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};

use sunlit_plugin_builder::{BuildError, BuildOptions, build, encode};

fn workspace(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

/// A plugin folder of these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("src")).unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

const PACKAGE: &str = "[package]\nname = \"a-b\"\nedition = \"2024\"\n[lib]\ncrate-type = [\"cdylib\"]\n[workspace]\n";

fn broken(files: &[(&str, &str)]) -> BuildError {
    let dir = folder(files);
    let options = BuildOptions { target_dir: Some(dir.path().join("target")) };
    build(dir.path(), &options).unwrap_err()
}

#[test]
fn the_probe_becomes_a_component_that_imports_what_it_uses() {
    let plugin = build(&workspace("tests/plugins/probe"), &BuildOptions::default()).unwrap();
    let imports = ["clock", "log", "records", "settings", "storage"].map(|name| format!("sunlit:host/{name}@0.1.0"));
    assert_eq!(plugin.imports[..5], imports);
    assert_eq!(plugin.imports[5..], ["sunlit:types/common@0.1.0"]);
    assert_eq!(plugin.exports, ["sunlit:plugin/actions@0.1.0", "sunlit:plugin/graphql@0.1.0"]);
    assert!(plugin.world.contains("export sunlit:plugin/graphql@0.1.0;"), "{}", plugin.world);
    assert!(plugin.manifest_toml.contains("id = \"probe\""));
    assert!(plugin.inputs.iter().any(|path| path.ends_with("probe/src/lib.rs")), "{:?}", plugin.inputs);
    assert!(plugin.inputs.iter().any(|path| path.ends_with("sdk/wit/plugin.wit")), "{:?}", plugin.inputs);
    assert!(plugin.component.len() < 256 * 1024, "{} bytes", plugin.component.len());
}

#[test]
fn a_folder_without_a_manifest_is_refused() {
    let error = broken(&[("Cargo.toml", PACKAGE)]);
    assert!(matches!(error, BuildError::Manifest { .. }), "{error}");
}

#[test]
fn a_package_without_a_cdylib_is_refused() {
    let package = "[package]\nname = \"a\"\n[workspace]\n";
    let error = broken(&[("plugin.toml", ""), ("Cargo.toml", package), ("src/lib.rs", "")]);
    assert!(error.to_string().contains("crate-type = [\"cdylib\", \"rlib\"]"), "{error}");
}

#[test]
fn a_package_that_does_not_compile_tells_what_cargo_said() {
    let error = broken(&[("plugin.toml", ""), ("Cargo.toml", PACKAGE), ("src/lib.rs", "fn broken( {")]);
    assert!(error.to_string().contains("unclosed delimiter"), "{error}");
}

#[test]
fn a_library_that_declares_no_field_is_refused() {
    let error = broken(&[("plugin.toml", ""), ("Cargo.toml", PACKAGE), ("src/lib.rs", "")]);
    assert!(matches!(error, BuildError::NoExport), "{error}");
}

#[test]
fn a_module_made_for_a_browser_names_the_usual_culprits() {
    let module =
        wat::parse_str(r#"(module (import "__wbindgen_placeholder__" "__wbindgen_describe" (func (param i32))))"#);
    let error = encode(&module.unwrap()).unwrap_err();
    assert!(matches!(error, BuildError::WasmBindgen { .. }), "{error}");
    assert!(error.to_string().contains("chrono with default-features = false"), "{error}");
}

#[test]
fn a_module_that_wants_an_operating_system_is_refused() {
    let module = wat::parse_str(r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#);
    let error = encode(&module.unwrap()).unwrap_err();
    assert!(matches!(error, BuildError::Encode(_)), "{error}");
}
