//! Compiled components on disk, so that a start costs microseconds a plugin and not hundreds of milliseconds.
//!
//! A compiled artefact is machine code: whoever can put one here runs code in the server. So each file carries an
//! HMAC-SHA256 under a key that the caller keeps elsewhere, over the component's digest, the engine's fingerprint and the
//! code; a file that is not exactly what this cache wrote for this component and this engine is ignored and rebuilt, never
//! loaded. Artefacts are never taken from outside. Start at [`ArtefactCache::get`].

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::component::hex;
use crate::errors::PluginError;

/// Raised when the layout of the file changes; part of the fingerprint, so that old files are simply not found.
const FORMAT: &[u8] = b"sunlit artefact 1";

const TAG_BYTES: usize = 32;
const KEY_BYTES: usize = 32;

/// A folder of compiled artefacts.
#[derive(Debug)]
pub struct ArtefactCache {
    folder: PathBuf,
    key: Key,
}

struct Key(Hmac<Sha256>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

impl ArtefactCache {
    /// Uses the folder, made if it is missing, with a key of at least 32 random bytes that stays the same between starts
    /// (with another key every file is rebuilt). Several processes may share a folder and a key.
    ///
    /// # Errors
    /// [`PluginError::WeakCacheKey`], [`PluginError::Cache`] when the folder cannot be made.
    pub fn open(folder: impl Into<PathBuf>, key: &[u8]) -> Result<Self, PluginError> {
        let weak = PluginError::WeakCacheKey { bytes: key.len() };
        if key.len() < KEY_BYTES {
            return Err(weak);
        }
        let key = Hmac::new_from_slice(key).map_err(|_| weak)?;
        let folder = folder.into();
        fs::create_dir_all(&folder).map_err(|source| PluginError::Cache { path: folder.clone(), source })?;
        Ok(Self { folder, key: Key(key) })
    }

    /// The compiled component, if a file that this cache wrote for this engine is there.
    pub(crate) fn get(&self, engine: &Engine, digest: &[u8; 32]) -> Option<Component> {
        let fingerprint = fingerprint(engine);
        let path = self.path(digest, &fingerprint);
        let file = match fs::read(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => return ignore(&path, &error),
        };
        let Some((tag, code)) = file.split_at_checked(TAG_BYTES) else {
            return ignore(&path, &"the file is truncated");
        };
        if self.mac(digest, &fingerprint, code).verify_slice(tag).is_err() {
            return ignore(&path, &"the file was changed, or written under another key");
        }
        deserialize(engine, code).map_or_else(|error| ignore(&path, &error), Some)
    }

    /// Writes the compiled component; a failure costs the next start time and is only a warning.
    pub(crate) fn put(&self, engine: &Engine, digest: &[u8; 32], component: &Component) {
        let fingerprint = fingerprint(engine);
        let path = self.path(digest, &fingerprint);
        let written = component.serialize().map_err(io::Error::other).and_then(|code| {
            write_at_once(&path, &self.mac(digest, &fingerprint, &code).finalize().into_bytes(), &code)
        });
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "compiled plugin not cached: check the folder's owner and free space");
        }
    }

    fn path(&self, digest: &[u8; 32], fingerprint: &[u8; 32]) -> PathBuf {
        self.folder.join(format!("{}-{}.cwasm", hex(digest), hex(&fingerprint[..8])))
    }

    fn mac(&self, digest: &[u8; 32], fingerprint: &[u8; 32], code: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.key.0.clone();
        mac.update(digest);
        mac.update(fingerprint);
        mac.update(code);
        mac
    }
}

fn ignore(path: &Path, reason: &dyn std::fmt::Display) -> Option<Component> {
    tracing::warn!(path = %path.display(), %reason, "cached plugin ignored, it will be compiled again: delete the file if this repeats");
    None
}

/// Readers see the whole file or none: written beside, then renamed. Not synced to disk, since a torn file fails its HMAC.
fn write_at_once(path: &Path, tag: &[u8], code: &[u8]) -> io::Result<()> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let unique = COUNTER.fetch_add(1, Ordering::Relaxed);
    let temporary = path.with_extension(format!("{}-{unique}.part", std::process::id()));
    let written = fs::File::create_new(&temporary)
        .and_then(|mut file| file.write_all(tag).and_then(|()| file.write_all(code)))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // Best effort: the error that is told is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// What compiled code depends on beside the component: wasmtime's version and settings, target and processor features
/// (all in its compatibility hash), and our file format.
fn fingerprint(engine: &Engine) -> [u8; 32] {
    let mut hasher = Fingerprint(Sha256::new());
    hasher.write(FORMAT);
    engine.precompile_compatibility_hash().hash(&mut hasher);
    hasher.0.finalize().into()
}

/// The standard library's hashers may change between compilers and have 64 bits.
struct Fingerprint(Sha256);

impl Hasher for Fingerprint {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Nothing asks: the digest is taken from the inside.
    fn finish(&self) -> u64 {
        0
    }
}

#[expect(unsafe_code, reason = "the only way to load compiled code; guarded by an HMAC over exactly these bytes")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `Component::deserialize` needs bytes that `Component::serialize` wrote and nobody altered. `get` is the only
    // caller and has just verified an HMAC over these very bytes in memory (not a file that could change meanwhile), which
    // only `put` can have made, under a key that plugins and uploaders never see. Engine settings, wasmtime's version and
    // processor features are part of what the HMAC covers, and wasmtime checks them again.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{HostConfig, build};

    const KEY: &[u8] = &[7; 32];
    const DIGEST: [u8; 32] = [1; 32];

    struct Case {
        engine: Engine,
        folder: tempfile::TempDir,
        file: PathBuf,
    }

    /// A cache that holds one component.
    fn filled() -> Case {
        let engine = build(&HostConfig { slots: 1, ..HostConfig::default() }).unwrap().0;
        let folder = tempfile::tempdir().unwrap();
        let cache = ArtefactCache::open(folder.path(), KEY).unwrap();
        let component = Component::new(&engine, wat::parse_str("(component)").unwrap()).unwrap();
        cache.put(&engine, &DIGEST, &component);
        let file = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
        Case { engine, folder, file }
    }

    impl Case {
        fn found(&self, key: &[u8], digest: [u8; 32]) -> bool {
            ArtefactCache::open(self.folder.path(), key).unwrap().get(&self.engine, &digest).is_some()
        }

        fn edit(&self, edit: impl FnOnce(&mut Vec<u8>)) {
            let mut bytes = fs::read(&self.file).unwrap();
            edit(&mut bytes);
            fs::write(&self.file, bytes).unwrap();
        }
    }

    #[test]
    fn what_was_written_is_found_by_another_process_with_the_key() {
        assert!(filled().found(KEY, DIGEST));
    }

    #[test]
    fn nothing_but_the_artefact_is_left_in_the_folder() {
        let case = filled();
        assert_eq!(fs::read_dir(case.folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_edited_file_is_ignored() {
        for place in [0, TAG_BYTES - 1, TAG_BYTES, TAG_BYTES + 100] {
            let case = filled();
            case.edit(|bytes| bytes[place] ^= 1);
            assert!(!case.found(KEY, DIGEST), "byte {place}");
        }
        let case = filled();
        case.edit(|bytes| *bytes.last_mut().unwrap() ^= 1);
        assert!(!case.found(KEY, DIGEST));
    }

    #[test]
    fn a_truncated_or_lengthened_file_is_ignored() {
        for length in [0, TAG_BYTES - 1, TAG_BYTES, TAG_BYTES + 10] {
            let case = filled();
            case.edit(|bytes| bytes.truncate(length));
            assert!(!case.found(KEY, DIGEST), "{length} bytes");
        }
        let case = filled();
        case.edit(|bytes| bytes.push(0));
        assert!(!case.found(KEY, DIGEST));
    }

    #[test]
    fn a_file_under_another_key_is_ignored() {
        assert!(!filled().found(&[8; 32], DIGEST));
    }

    #[test]
    fn a_file_renamed_to_another_component_is_ignored() {
        let case = filled();
        let other = [2; 32];
        let name = case.file.file_name().unwrap().to_str().unwrap().replace(&hex(&DIGEST), &hex(&other));
        fs::rename(&case.file, case.folder.path().join(name)).unwrap();
        assert!(!case.found(KEY, other));
    }

    #[test]
    fn a_file_of_another_engine_is_not_found() {
        let case = filled();
        let other = Engine::default();
        let cache = ArtefactCache::open(case.folder.path(), KEY).unwrap();
        assert!(cache.get(&other, &DIGEST).is_none());
        assert_ne!(fingerprint(&case.engine), fingerprint(&other));
    }

    #[test]
    fn a_short_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = ArtefactCache::open(folder.path(), &[7; 31]).unwrap_err();
        assert!(matches!(refused, PluginError::WeakCacheKey { bytes: 31 }));
    }
}
