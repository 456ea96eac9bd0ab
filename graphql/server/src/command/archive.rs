//! How the command line says what seals an archive, and what opens it.

use std::path::{Path, PathBuf};

use clap::Args;
use sunlit_tenants::archive::{ArchiveError, Opening, Sealing};

use super::Failed;

/// Bytes of a file with a passphrase or keys.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// What seals an archive. One of them has to be chosen.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct SealingArgs {
    /// Encrypt for whoever holds the key to this (age1…, as `age-keygen` prints it); may be given several times.
    #[arg(long)]
    recipient: Vec<String>,
    /// Encrypt with the passphrase in this file, at least 12 characters.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
    /// Do not encrypt: whoever gets the file reads everything in it, personal data too.
    #[arg(long)]
    plain: bool,
}

impl SealingArgs {
    pub(super) fn sealing(&self) -> Result<Sealing, Failed> {
        Ok(match (&self.passphrase_file, self.plain) {
            (Some(path), _) => Sealing::passphrase(&text_of(path)?)?,
            (None, true) => Sealing::Plain,
            (None, false) => Sealing::recipients(self.recipient.iter().map(String::as_str))?,
        })
    }
}

/// What opens an archive.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct OpeningArgs {
    /// The file that `age-keygen` wrote, for an archive that was encrypted for its recipient.
    #[arg(long)]
    key_file: Option<PathBuf>,
    /// A file with the passphrase, for an archive that was encrypted with it.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
}

impl OpeningArgs {
    pub(super) fn opening(&self) -> Result<Opening, Failed> {
        Ok(match (&self.key_file, &self.passphrase_file) {
            (Some(path), _) => Opening::keys(&text_of(path)?)?,
            (None, Some(path)) => Opening::passphrase(&text_of(path)?),
            (None, None) => Opening::Plain,
        })
    }
}

fn text_of(path: &Path) -> Result<String, ArchiveError> {
    use std::io::Read as _;
    let told = |source| ArchiveError::File { path: path.display().to_string(), source };
    let mut text = String::new();
    std::fs::File::open(path).map_err(told)?.take(MAX_KEY_BYTES).read_to_string(&mut text).map_err(told)?;
    Ok(text)
}
