//! Reads a component before anything is compiled: is it one, what does it import, what does it export, how many parts has it.
//!
//! Reads the binary, not its promises, and needs no engine, so that a build tool can ask the same question. Validation of
//! the code itself is the compiler's. Start at [`vet`].

use wasmparser::{ComponentExternName, Encoding, Parser, Payload};

use crate::capability::Capability;
use crate::errors::PluginError;
use crate::export;
use crate::limits::{CORE_INSTANCES, MEMORIES, TABLES};

/// Largest component that is taken; the test plugins have 22 kB to 200 kB.
pub const MAX_COMPONENT_BYTES: usize = 4 << 20;

/// What a component was found to be.
#[derive(Debug, Default)]
pub(crate) struct Vetted {
    /// The capabilities that it imports, without repetition, in their fixed order.
    pub(crate) imports: Vec<Capability>,
    /// Whether it exports actions.
    pub(crate) has_actions: bool,
}

/// Refuses everything that is not a component of ours.
pub(crate) fn vet(bytes: &[u8]) -> Result<Vetted, PluginError> {
    if bytes.len() > MAX_COMPONENT_BYTES {
        return Err(PluginError::TooLarge { bytes: bytes.len(), max: MAX_COMPONENT_BYTES });
    }
    refuse_other_formats(bytes)?;
    let found = read(bytes)?;
    found.refuse_too_many_parts()?;
    if !found.has_graphql {
        return Err(PluginError::MissingExport { name: export::GRAPHQL });
    }
    let mut imports = found.imports;
    imports.sort_unstable();
    imports.dedup();
    Ok(Vetted { imports, has_actions: found.has_actions })
}

fn refuse_other_formats(bytes: &[u8]) -> Result<(), PluginError> {
    if bytes.starts_with(b"\0asm") {
        return Ok(());
    }
    match bytes.trim_ascii_start() {
        [b'(', ..] | [b';', b';', ..] => Err(PluginError::Text),
        _ => Err(PluginError::NotWasm),
    }
}

#[derive(Default)]
struct Found {
    imports: Vec<Capability>,
    has_graphql: bool,
    has_actions: bool,
    core_instances: usize,
    memories: usize,
    tables: usize,
}

/// Walks all sections; imports and exports count at the outermost level only, parts at every level.
fn read(bytes: &[u8]) -> Result<Found, PluginError> {
    let mut found = Found::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding == Encoding::Module {
                    return Err(PluginError::CoreModule);
                }
                depth += 1;
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    let import = import.map_err(damaged)?;
                    found.imports.extend(allowed_import(&import.name)?);
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    let name = export.map_err(damaged)?.name.name;
                    found.has_graphql |= is_version_of(name, export::GRAPHQL);
                    found.has_actions |= is_version_of(name, export::ACTIONS);
                }
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    if let wasmparser::Instance::Instantiate { .. } = instance.map_err(damaged)? {
                        found.core_instances += 1;
                    }
                }
            }
            Payload::MemorySection(section) => found.memories += section.count() as usize,
            Payload::TableSection(section) => found.tables += section.count() as usize,
            _ => {}
        }
    }
    Ok(found)
}

impl Found {
    fn refuse_too_many_parts(&self) -> Result<(), PluginError> {
        for (what, count, max) in [
            ("core instances", self.core_instances, CORE_INSTANCES),
            ("memories", self.memories, MEMORIES),
            ("tables", self.tables, TABLES),
        ] {
            if count > max {
                return Err(PluginError::TooManyParts { what, count, max });
            }
        }
        Ok(())
    }
}

/// The capability behind an import, none for types, an error for everything else.
fn allowed_import(name: &ComponentExternName<'_>) -> Result<Option<Capability>, PluginError> {
    let name = name.name;
    if name.starts_with("sunlit:types/") {
        return Ok(None);
    }
    if !name.starts_with("sunlit:host/") {
        return Err(PluginError::ForeignImport { name: name.to_owned() });
    }
    match Capability::ALL.into_iter().find(|capability| is_version_of(name, crate::capability::interface(*capability)))
    {
        Some(capability) => Ok(Some(capability)),
        None => Err(PluginError::UnknownInterface { name: name.to_owned() }),
    }
}

/// Whether `name` is `ours` or a later 0.1: `sunlit:host/log@0.1.3` is a version of `sunlit:host/log@0.1.0`. A component
/// that uses a function added later than this host fails at load, where the linker names the function.
fn is_version_of(name: &str, ours: &str) -> bool {
    let (Some((name, version)), Some((ours, _))) = (name.split_once('@'), ours.split_once('@')) else {
        return false;
    };
    let patch = version.strip_prefix("0.1.");
    name == ours && patch.is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|digit| digit.is_ascii_digit()))
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn damaged(error: wasmparser::BinaryReaderError) -> PluginError {
    PluginError::Damaged { reason: format!("{} at byte {:#x}", error.message(), error.offset()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_patch_of_0_1_is_ours() {
        let check = |name, expect| assert_eq!(is_version_of(name, "sunlit:host/log@0.1.0"), expect, "{name}");
        check("sunlit:host/log@0.1.0", true);
        check("sunlit:host/log@0.1.17", true);
        check("sunlit:host/log@0.2.0", false);
        check("sunlit:host/log@0.1.0-rc", false);
        check("sunlit:host/log@0.1.", false);
        check("sunlit:host/log", false);
        check("sunlit:host/clock@0.1.0", false);
    }
}
