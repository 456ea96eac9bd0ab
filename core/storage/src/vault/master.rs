//! Master keys: what an operator keeps apart from the data. They wrap the keys of tenants and of the platform and seal
//! nothing else.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hkdf::Hkdf;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::cipher::{Binding, Cipher, KEY_BYTES, KeyBytes, Sealed};
use super::{Source, VaultError};
use crate::StorageError;

/// The variable that holds master keys; errors name it.
pub const VARIABLE: &str = "SUNLIT_MASTER_KEY";
/// How many there may be: one, and those of rotations that are not over.
const MOST: usize = 16;
/// Bytes that a file of master keys may have.
const MAX_FILE_BYTES: u64 = 16 * 1024;

/// One master key.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    wrapping: Cipher,
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    pub(crate) fn new(key: &KeyBytes) -> Self {
        let digest = Sha256::new().chain_update(b"sunlit master key id").chain_update(**key).finalize();
        let id = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        let mut derived = KeyBytes::new([0; KEY_BYTES]);
        // 32 bytes are never too many: HKDF gives up to 8,160.
        let _ = Hkdf::<Sha256>::new(None, &**key).expand(b"sunlit wrapping key v1", &mut *derived);
        Self { id, wrapping: Cipher::new(&derived) }
    }

    /// Its id: 16 hexadecimal digits of a digest, which tell nothing of the key.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Wraps a key of `owner`.
    pub(crate) fn wrap(&self, source: &dyn Source, whose: Owner<'_>, key: &KeyBytes) -> Result<String, VaultError> {
        self.wrapping.seal(source, whose.binding(), &**key)
    }

    pub(crate) fn unwrap(&self, whose: Owner<'_>, wrapped: &str) -> Result<KeyBytes, VaultError> {
        let opened = Zeroizing::new(self.wrapping.open(&Sealed::read(wrapped)?, whose.binding())?);
        let mut key = KeyBytes::new([0; KEY_BYTES]);
        if opened.len() != KEY_BYTES {
            return Err(VaultError::NotOpened);
        }
        key.copy_from_slice(&opened);
        Ok(key)
    }
}

/// Whose a wrapped key is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Owner<'a> {
    /// The tenant's id as bytes; none for the platform.
    pub(crate) tenant: &'a [u8],
    pub(crate) number: i64,
}

impl<'a> Owner<'a> {
    fn binding(self) -> Binding<'a> {
        Binding { kind: "wrapped key", owner: self.tenant, number: self.number, context: "" }
    }
}

/// The master keys that this process was given.
#[derive(Debug, Clone)]
pub struct MasterKeys(Vec<MasterKey>);

impl MasterKeys {
    /// Reads keys in base64, separated by commas or lines; the first is the one that `sunlit key rewrap` goes over to. Lines
    /// that begin with `#` are notes. `place` is where they were found.
    ///
    /// # Errors
    /// [`VaultError::Malformed`].
    pub fn parse(place: &str, text: &str) -> Result<Self, VaultError> {
        let malformed = |why| VaultError::Malformed { place: place.to_owned(), why };
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let mut keys: Vec<MasterKey> = Vec::new();
        for word in lines.flat_map(|line| line.split(',')).map(str::trim).filter(|word| !word.is_empty()) {
            let bytes = Zeroizing::new(STANDARD.decode(word).map_err(|_| malformed("it is not base64"))?);
            if bytes.len() != KEY_BYTES {
                return Err(malformed("it has another length"));
            }
            if bytes.iter().all(|byte| *byte == bytes[0]) {
                return Err(malformed("it is one byte again and again"));
            }
            let mut key = KeyBytes::new([0; KEY_BYTES]);
            key.copy_from_slice(&bytes);
            let key = MasterKey::new(&key);
            if keys.iter().any(|known| known.id == key.id) {
                return Err(malformed("one key stands there twice"));
            }
            keys.push(key);
        }
        match keys.len() {
            0 => Err(malformed("it is empty")),
            1..=MOST => Ok(Self(keys)),
            _ => Err(malformed("it has more than 16 keys")),
        }
    }

    /// The one that stands first.
    #[must_use]
    pub fn first(&self) -> &MasterKey {
        // `parse` lets no empty list pass.
        &self.0[0]
    }

    /// All, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, MasterKey> {
        self.0.iter()
    }

    /// The one of that id.
    pub(crate) fn find(&self, id: &str) -> Result<&MasterKey, VaultError> {
        self.0.iter().find(|key| key.id == id).ok_or_else(|| {
            let given: Vec<&str> = self.0.iter().map(MasterKey::id).collect();
            VaultError::Wrong { needed: id.to_owned(), given: given.join(", ") }
        })
    }
}

impl<'a> IntoIterator for &'a MasterKeys {
    type Item = &'a MasterKey;
    type IntoIter = std::slice::Iter<'a, MasterKey>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// A fresh master key as an operator writes it down.
#[must_use]
pub fn new_master_key(source: &dyn Source) -> Zeroizing<String> {
    let mut key = KeyBytes::new([0; KEY_BYTES]);
    source.fill(&mut *key);
    Zeroizing::new(STANDARD.encode(*key))
}

/// Where the master keys come from.
#[derive(Debug, Clone)]
pub enum MasterKeySource {
    /// They were given in the environment.
    Given(MasterKeys),
    /// They stand in a file.
    File(PathBuf),
    /// They stand in a file of the data folder, which is made for an installation that has sealed nothing yet.
    Own(PathBuf),
}

impl MasterKeySource {
    /// Reads them; makes the file where that may be. `is_new` says that nothing is sealed yet.
    pub(crate) fn read(&self, source: &dyn Source, is_new: bool) -> Result<MasterKeys, StorageError> {
        let path = match self {
            Self::Given(keys) => return Ok(keys.clone()),
            Self::File(path) | Self::Own(path) => path,
        };
        let place = path.display().to_string();
        let may_make = matches!(self, Self::Own(_)) && is_new;
        let text = match read_file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_make => {
                make_file(path, &new_master_key(source)).and_then(|()| read_file(path))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(VaultError::Missing(format!("{place} is not there")).into());
            }
            read => read,
        };
        let text = text.map_err(|source| StorageError::File { path: place.clone(), source })?;
        Ok(MasterKeys::parse(&place, &text)?)
    }
}

fn read_file(path: &Path) -> io::Result<Zeroizing<String>> {
    use io::Read as _;
    let file = std::fs::File::open(path)?;
    let mut text = Zeroizing::new(String::with_capacity(1024));
    let read = file.take(MAX_FILE_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MAX_FILE_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is too large for a file of master keys"));
    }
    Ok(text)
}

/// Makes the file, readable by its owner alone. It gets its name when it is whole; where another process was first, its file
/// stays.
fn make_file(path: &Path, key: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let part = folder.join(format!(".master.{}", std::process::id()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&part)?;
    file.write_all(
        b"# The master key of this installation: keep a copy apart from the data (infra/keys/README.md).\n",
    )?;
    file.write_all(key.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    let linked = match std::fs::hard_link(&part, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        linked => linked,
    };
    std::fs::remove_file(&part)?;
    linked?;
    // Its name lasts when the folder is written.
    std::fs::File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> String {
        let mut key = [byte; KEY_BYTES];
        key[0] = 0;
        STANDARD.encode(key)
    }

    #[test]
    fn keys_are_read_and_anything_else_is_refused_without_being_repeated() {
        let two = MasterKeys::parse("X", &format!(" {},{}\n", key(1), key(2))).unwrap();
        assert_eq!(two.iter().count(), 2);
        let lines = MasterKeys::parse("X", &format!("# a note\n{}\n\n{}\n", key(1), key(2))).unwrap();
        assert_eq!(lines.first().id(), two.first().id());
        assert!(two.find(lines.0[1].id()).is_ok());
        let many: Vec<String> = (1..=17).map(key).collect();
        let cases = [
            (String::new(), "empty"),
            ("# only a note".to_owned(), "empty"),
            ("hush".to_owned(), "another length"),
            ("hush!".to_owned(), "not base64"),
            (key(1).trim_end_matches('=').to_owned(), "not base64"),
            (STANDARD.encode([7; 31]), "another length"),
            (STANDARD.encode([7; 32]), "again and again"),
            (format!("{},{}", key(1), key(1)), "twice"),
            (format!("{},hush", key(1)), "another length"),
            (many.join(","), "more than 16"),
        ];
        for (text, expect) in cases {
            let told = MasterKeys::parse("SUNLIT_MASTER_KEY", &text).unwrap_err().to_string();
            assert!(told.contains(expect) && told.contains("SUNLIT_MASTER_KEY holds no master key"), "{told}");
            assert!(!told.contains("hush") && !told.contains(&key(1)), "{told}");
            assert!(told.contains("sunlit key new"), "{told}");
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_named_by_its_id() {
        let keys = MasterKeys::parse("X", &key(1)).unwrap();
        let told = keys.find("0123456789abcdef").unwrap_err().to_string();
        assert!(told.contains("0123456789abcdef") && told.contains(keys.first().id()), "{told}");
        assert!(!format!("{keys:?}").contains(&key(1)));
    }
}
