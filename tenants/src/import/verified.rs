//! The first reading: an archive is read to its end and checked, and only its packages are kept.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::{App, Package};
use sunlit_storage::platform::package as package_table;

use crate::archive::manifest::{Content, refused};
use crate::archive::read::{self, Sink};
use crate::archive::{ArchiveError, Entry, Manifest, Opening};

/// Bytes of all packages of an archive.
const MAX_PACKAGES_BYTES: usize = 256 * 1024 * 1024;

/// An archive that was read to its end and found sound.
#[derive(Debug)]
pub struct Verified {
    /// What it says of itself.
    pub manifest: Manifest,
    packages: Vec<PackageFile>,
    rows: BTreeMap<String, Vec<u8>>,
}

#[derive(Debug)]
struct PackageFile {
    manifest: String,
    component: Option<Vec<u8>>,
}

/// Reads an archive to its end and checks everything that can be told without an installation.
///
/// # Errors
/// [`ArchiveError::Refused`], [`ArchiveError::Locked`], [`ArchiveError::File`].
pub async fn verify(path: &Path, opening: &Opening, total: u64) -> Result<Verified, ArchiveError> {
    let total = if total == 0 { read::MAX_TOTAL_BYTES } else { total };
    let (path, opening) = (path.to_owned(), opening.clone());
    let verified = tokio::task::spawn_blocking(move || {
        let mut kept = Kept::default();
        let manifest = read::read(&path, &opening, total, &mut kept)?;
        let packages = kept.packages(&manifest)?;
        Ok(Verified { manifest, packages, rows: kept.parts })
    });
    verified.await.map_err(|_| ArchiveError::Interrupted)?
}

/// Keeps packages and rows of the platform in memory, and lets everything else pass.
#[derive(Default)]
struct Kept {
    parts: BTreeMap<String, Vec<u8>>,
    bytes: usize,
}

impl Sink for Kept {
    fn manifest(&mut self, _: &Manifest) -> Result<(), ArchiveError> {
        Ok(())
    }

    fn piece(&mut self, entry: &Entry, bytes: &[u8]) -> Result<(), ArchiveError> {
        if matches!(entry.content(), Some(Content::Package | Content::Platform(_))) {
            self.bytes += bytes.len();
            if self.bytes > MAX_PACKAGES_BYTES {
                return Err(refused(format!("its packages have more than {MAX_PACKAGES_BYTES} bytes")));
            }
            self.parts.entry(entry.path.clone()).or_default().extend_from_slice(bytes);
        }
        Ok(())
    }

    fn end(&mut self, _: &Entry) -> Result<(), ArchiveError> {
        Ok(())
    }
}

impl Kept {
    fn packages(&mut self, manifest: &Manifest) -> Result<Vec<PackageFile>, ArchiveError> {
        let mut packages = Vec::new();
        for package in &manifest.packages {
            let text = self.parts.remove(&package.plugin_toml()).unwrap_or_default();
            let text = String::from_utf8(text).map_err(|_| refused(format!("{} is no text", package.plugin_toml())))?;
            let component = package.component.then(|| self.parts.remove(&package.component_wasm()).unwrap_or_default());
            packages.push(PackageFile { manifest: text, component });
        }
        Ok(packages)
    }
}

impl Verified {
    /// The lines of a table of the platform.
    pub(crate) fn platform_rows(&self, table: &str) -> impl Iterator<Item = &[u8]> {
        let rows = self.rows.get(&format!("platform/{table}.ndjson")).map(Vec::as_slice).unwrap_or_default();
        rows.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
    }

    /// Reads and vets its packages, and holds them against what is published here. Nothing is written.
    async fn vet(&self, app: &Arc<App>) -> Result<Vec<Arc<Package>>, ArchiveError> {
        let mut vetted = Vec::new();
        for (named, file) in self.manifest.packages.iter().zip(&self.packages) {
            let (host, text, component) = (app.host.clone(), file.manifest.clone(), file.component.clone());
            let read = tokio::task::spawn_blocking(move || Package::read(&host, &text, component.as_deref()));
            let package = read.await.map_err(|_| ArchiveError::Interrupted)?.map_err(|error| {
                refused(format!("its package {} {} is not acceptable here: {error}", named.id, named.version))
            })?;
            let plugin = &package.manifest.plugin;
            if (&plugin.id, plugin.version.as_str()) != (&named.id, named.version.as_str())
                || package.digest != named.digest
            {
                return Err(refused(format!("its package {} {} is another one", named.id, named.version)));
            }
            let known = package_table::find(&app.platform, named.id.as_str(), &named.version).await?;
            if known.is_some_and(|known| known.digest != named.digest) {
                return Err(ArchiveError::Taken(format!(
                    "{} {} is published here with another content than the archive's: the two installations have different \
                     packages of one version, and the tenant cannot be moved between them",
                    named.id, named.version
                )));
            }
            vetted.push(Arc::new(package));
        }
        Ok(vetted)
    }

    /// Publishes those of its packages that are not published here yet; answers which.
    ///
    /// # Errors
    /// As a publication, and [`ArchiveError::Taken`] for another content.
    pub async fn publish(&self, app: &Arc<App>) -> Result<Vec<Arc<Package>>, ArchiveError> {
        let vetted = self.vet(app).await?;
        for file in &self.packages {
            publish::run(app, file.manifest.clone(), file.component.clone(), Existing::Keep).await?;
        }
        Ok(vetted)
    }
}
