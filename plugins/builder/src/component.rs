//! Wraps a core module into a component and reads what it imports and exports.

use wit_component::{ComponentEncoder, DecodedWasm, WitPrinter, decode};

use crate::BuildError;

const ALLOWED: [&str; 2] = ["sunlit:host/", "sunlit:types/"];

/// A component and what it says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The binary.
    pub component: Vec<u8>,
    /// The interfaces that it imports, sorted.
    pub imports: Vec<String>,
    /// The interfaces that it exports, sorted.
    pub exports: Vec<String>,
    /// Its world, printed as WIT.
    pub world: String,
}

/// Wraps a module that cargo built for `wasm32-unknown-unknown`.
///
/// # Errors
/// When the module was made for a browser, is no plugin, or imports what no plugin may.
pub fn encode(module: &[u8]) -> Result<Component, BuildError> {
    let component = wrap(module)?;
    let described = describe(component)?;
    let foreign: Vec<_> =
        described.imports.iter().filter(|name| !ALLOWED.iter().any(|allowed| name.starts_with(allowed))).collect();
    if !foreign.is_empty() {
        return Err(BuildError::Imports(format!("{foreign:?}")));
    }
    if described.exports.is_empty() { Err(BuildError::NoExport) } else { Ok(described) }
}

fn wrap(module: &[u8]) -> Result<Vec<u8>, BuildError> {
    let encoder = ComponentEncoder::default().validate(true).module(module);
    encoder.and_then(|mut encoder| encoder.encode()).map_err(|error| {
        let reason = format!("{error:#}");
        if reason.contains("__wbindgen") {
            BuildError::WasmBindgen { culprit: String::new() }
        } else {
            BuildError::Encode(reason)
        }
    })
}

fn describe(component: Vec<u8>) -> Result<Component, BuildError> {
    let unreadable = |reason: String| BuildError::Encode(reason);
    let decoded = decode(&component).map_err(|error| unreadable(format!("{error:#}")))?;
    let DecodedWasm::Component(resolve, world) = &decoded else {
        return Err(unreadable("it is a WIT package, not a component".to_owned()));
    };
    let Some(interface) = resolve.worlds.get(*world) else {
        return Err(unreadable("it has no world".to_owned()));
    };
    let names = |keys: Vec<_>| {
        let mut names: Vec<String> = keys.into_iter().map(|key| resolve.name_world_key(key)).collect();
        names.sort();
        names
    };
    let imports = names(interface.imports.keys().collect());
    let exports = names(interface.exports.keys().collect());
    let mut printer = WitPrinter::default();
    let printed = printer.print(resolve, decoded.package(), &[]);
    printed.map_err(|error| unreadable(format!("{error:#}")))?;
    let world = printer.output.to_string();
    Ok(Component { component, imports, exports, world })
}
