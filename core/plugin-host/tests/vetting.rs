//! What the host refuses to load, and what it says.
#![expect(clippy::unwrap_used, reason = "tests")]

mod kit;

use kit::{host, resolver};
use sunlit_plugin_host::{Grants, MAX_COMPONENT_BYTES, PluginError};

/// Compiles text as a component and gives the refusal.
fn refused(text: &str) -> PluginError {
    host().compile(&wat::parse_str(text).unwrap()).unwrap_err()
}

#[test]
fn a_foreign_import_is_refused_by_name() {
    for name in ["wasi:clocks/monotonic-clock@0.2.0", "wasi:cli/environment@0.2.3", "sunlit:host-evil/log@0.1.0", "env"]
    {
        let error = refused(&format!("(component (import \"{name}\" (instance)))"));
        assert!(matches!(&error, PluginError::ForeignImport { name: found } if found == name), "{error}");
        assert!(error.to_string().contains(name) && error.to_string().contains("wasm32-unknown-unknown"), "{error}");
    }
}

#[test]
fn an_interface_of_a_later_host_is_refused_by_name() {
    for name in ["sunlit:host/http@0.1.0", "sunlit:host/log@0.2.0", "sunlit:host/log@1.0.0"] {
        let error = refused(&format!("(component (import \"{name}\" (instance)))"));
        assert!(matches!(&error, PluginError::UnknownInterface { name: found } if found == name), "{error}");
    }
}

#[test]
fn what_is_no_component_is_refused() {
    let host = host();
    assert!(matches!(refused("(module)"), PluginError::CoreModule));
    assert!(matches!(host.compile(b"(component)").unwrap_err(), PluginError::Text));
    assert!(matches!(host.compile(b"  ;; text\n(component)").unwrap_err(), PluginError::Text));
    assert!(matches!(host.compile(b"").unwrap_err(), PluginError::NotWasm));
    assert!(matches!(host.compile(b"\x7fELF").unwrap_err(), PluginError::NotWasm));
    assert!(matches!(host.compile(b"\0asm\x0d\0\x01").unwrap_err(), PluginError::Damaged { .. }));
    let large = vec![0; MAX_COMPONENT_BYTES + 1];
    assert!(matches!(host.compile(&large).unwrap_err(), PluginError::TooLarge { .. }));
}

#[test]
fn a_component_cut_short_anywhere_is_refused() {
    let host = host();
    let whole = resolver("(global.get $answer)", "");
    for length in (0..whole.len()).step_by(17) {
        host.compile(&whole[..length]).unwrap_err();
    }
}

#[test]
fn a_component_without_the_export_is_refused() {
    let error = refused("(component)");
    assert!(error.to_string().contains("sunlit:plugin/graphql@0.1.0"), "{error}");
}

#[test]
fn a_component_of_too_many_parts_is_refused() {
    let memories = "(component (core module (memory 1)) (core module (memory 1)))";
    let tables = "(component (core module (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref) (table 1 funcref)))";
    let instances = format!("(component (core module $m) {})", "(core instance (instantiate $m))".repeat(11));
    for (text, expect) in [(memories, "memories"), (tables, "tables"), (&instances, "core instances")] {
        let error = refused(text);
        assert!(matches!(&error, PluginError::TooManyParts { what, .. } if *what == expect), "{error}");
    }
}

#[test]
fn disabled_proposals_do_not_compile() {
    for module in [
        "(memory $second i64 1)",
        "(func (param i32 i32) (drop (i64.add128 (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0))) drop)",
        "(tag)",
        "(type (struct))",
        "(func (result v128) (i32x4.relaxed_trunc_f32x4_s (v128.const i64x2 0 0)))",
    ] {
        let error = host().compile(&resolver("(global.get $answer)", module)).unwrap_err();
        assert!(matches!(error, PluginError::Compile { .. } | PluginError::TooManyParts { .. }), "{module}: {error}");
    }
}

#[test]
fn an_export_of_another_type_is_refused_at_load() {
    let text = r#"(component
      (core module $m (func (export "f") (result i32) (i32.const 1)))
      (core instance $i (instantiate $m))
      (func $f (result u32) (canon lift (core func $i "f")))
      (instance $g (export "resolve" (func $f)))
      (export "sunlit:plugin/graphql@0.1.0" (instance $g)))"#;
    let host = host();
    let artefact = host.compile(&wat::parse_str(text).unwrap()).unwrap();
    assert!(matches!(host.load(&artefact, &Grants::all()), Err(PluginError::Link { .. })));
}
