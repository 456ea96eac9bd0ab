//! Takes everything that a tenant has along, while it serves: one snapshot, read twice. The first pass counts and digests, so that
//! the manifest comes first and nothing has to be kept meanwhile; the second one writes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use sunlit_app::command::tenant::note_export;
use sunlit_app::query::tenant_snapshot::{Reader, Source, TenantSnapshot};
use sunlit_app::{App, AppError};
use sunlit_domain::Scope;
use sunlit_domain::manifest::Version;
use tokio::sync::OwnedSemaphorePermit;

use crate::archive::manifest::{AuditHead, Code, Content, Identity, PackageEntry};
use crate::archive::write::ArchiveWriter;
use crate::archive::{ArchiveError, Entry, Manifest, Sealing, digest, hex};

/// An export of which the manifest is known.
#[derive(Debug)]
pub struct Export {
    snapshot: TenantSnapshot,
    manifest: Manifest,
    _place: OwnedSemaphorePermit,
}

impl Export {
    /// Takes the snapshot of the scope's tenant, counts and digests what is in it, and writes the audit entry. Only for
    /// administrators.
    ///
    /// # Errors
    /// [`AppError::Overloaded`] while as many exports run as a node bears, and those of the use cases.
    pub async fn begin(app: &Arc<App>, scope: &Scope) -> Result<Self, ArchiveError> {
        let place = Arc::clone(&app.exports).try_acquire_owned().map_err(|_| {
            AppError::Overloaded("other tenants are being exported: try again when that has ended".to_owned())
        })?;
        let snapshot = TenantSnapshot::begin(app, scope).await?;
        let manifest = survey(&snapshot, app.environment.now().to_string()).await?;
        note_export::run(app, scope, &manifest.root).await?;
        Ok(Self { snapshot, manifest, _place: place })
    }

    /// What the archive says of itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Writes the archive.
    ///
    /// # Errors
    /// [`ArchiveError::Write`], and [`AppError::Life`] when the bytes of a file are not there. What was written is no archive then.
    pub async fn write(self, out: impl Write + Send + 'static, sealing: Sealing) -> Result<Manifest, ArchiveError> {
        let writer = ArchiveWriter::begin(out, sealing, &self.manifest)?;
        let written = self.pieces(&writer).await;
        writer.finish(written).await?;
        Ok(self.manifest)
    }

    async fn pieces(&self, writer: &ArchiveWriter) -> Result<(), ArchiveError> {
        for (id, version) in &self.snapshot.packages {
            for (path, bytes) in parts_of_package(&self.snapshot, id, *version).await?.1 {
                writer.entry(&path, length(&bytes)).await?;
                writer.write(bytes).await?;
            }
        }
        for entry in &self.manifest.entries {
            if let Some(Content::File(sha256)) = entry.content() {
                self.file(writer, entry, &sha256).await?;
            }
        }
        for source in &self.snapshot.sources {
            let path = path_of(source);
            let bytes = self.manifest.entries.iter().find(|entry| entry.path == path).map_or(0, |entry| entry.bytes);
            writer.entry(&path, bytes).await?;
            let mut reader = Reader::default();
            while let Some(page) = self.snapshot.page(source, &mut reader).await? {
                writer.write(page.text).await?;
            }
        }
        Ok(())
    }

    async fn file(&self, writer: &ArchiveWriter, entry: &Entry, sha256: &str) -> Result<(), ArchiveError> {
        let mut content = std::pin::pin!(self.snapshot.bytes(sha256).await?);
        writer.entry(&entry.path, entry.bytes).await?;
        let mut found = Sha256::new();
        while let Some(piece) = content.try_next().await? {
            found.update(&piece);
            writer.write(piece).await?;
        }
        if hex(&found.finalize()) == sha256 {
            return Ok(());
        }
        let mend = "restore the folder `files` from a backup";
        Err(AppError::Life(format!(
            "the bytes of the file with the digest {sha256} are no longer what they were: {mend}"
        ))
        .into())
    }
}

/// Exports into a file that is not there yet. A killed or failed export leaves none under this name.
///
/// # Errors
/// As [`Export`], [`ArchiveError::Taken`] when the file is there, [`ArchiveError::File`].
pub async fn export_to_file(
    app: &Arc<App>,
    scope: &Scope,
    path: &Path,
    sealing: Sealing,
) -> Result<Manifest, ArchiveError> {
    let file = NewFile::create(path)?;
    let export = Export::begin(app, scope).await?;
    let manifest = export.write(file.handle()?, sealing).await?;
    file.keep()?;
    Ok(manifest)
}

/// A file that gets its name when it is complete, and is removed otherwise.
#[derive(Debug)]
pub(crate) struct NewFile {
    path: PathBuf,
    partial: PathBuf,
    file: std::fs::File,
    kept: bool,
}

impl NewFile {
    /// # Errors
    /// [`ArchiveError::Taken`], [`ArchiveError::File`].
    pub(crate) fn create(path: &Path) -> Result<Self, ArchiveError> {
        use std::os::unix::fs::OpenOptionsExt as _;
        if path.exists() {
            return Err(ArchiveError::Taken(format!("{} is there already: choose another name", path.display())));
        }
        let mut partial = path.as_os_str().to_owned();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        // Nobody else on the machine reads it.
        let opened = std::fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial);
        let file = opened.map_err(|error| ArchiveError::file(&partial, error))?;
        Ok(Self { path: path.to_owned(), partial, file, kept: false })
    }

    pub(crate) fn handle(&self) -> Result<std::fs::File, ArchiveError> {
        self.file.try_clone().map_err(|error| ArchiveError::file(&self.partial, error))
    }

    /// Gives it its name, once its bytes are on the disk.
    pub(crate) fn keep(mut self) -> Result<(), ArchiveError> {
        let told = |error| ArchiveError::file(&self.path, error);
        self.file.sync_all().map_err(told)?;
        std::fs::rename(&self.partial, &self.path).map_err(told)?;
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(told)?;
        }
        self.kept = true;
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if !self.kept {
            let _ = std::fs::remove_file(&self.partial);
        }
    }
}

/// The first pass.
async fn survey(snapshot: &TenantSnapshot, created_at: String) -> Result<Manifest, ArchiveError> {
    let (mut packages, mut entries) = (Vec::new(), Vec::new());
    for (id, version) in &snapshot.packages {
        let (package, parts) = parts_of_package(snapshot, id, *version).await?;
        packages.push(package);
        entries.extend(parts.into_iter().map(|(path, bytes)| Entry {
            path,
            bytes: length(&bytes),
            rows: None,
            sha256: digest(&bytes),
        }));
    }
    let mut last: Option<String> = None;
    loop {
        let contents = snapshot.contents(last.as_deref()).await?;
        let Some((end, _)) = contents.last() else { break };
        last = Some(end.clone());
        let entry = |(sha256, bytes)| Entry { path: format!("files/{sha256}"), bytes, rows: None, sha256 };
        entries.extend(contents.into_iter().map(entry));
    }
    for source in &snapshot.sources {
        entries.push(digested(snapshot, source).await?);
    }
    let chain = snapshot.audit().await?;
    let audit = AuditHead { rows: chain.rows, head: chain.head, fault: chain.fault.map(|fault| fault.to_string()) };
    Ok(Manifest::of(created_at, Some((identity(snapshot), audit)), packages, entries))
}

fn identity(snapshot: &TenantSnapshot) -> Identity {
    let tenant = &snapshot.tenant;
    Identity {
        id: tenant.id,
        slug: tenant.slug.clone(),
        kind: tenant.kind.clone(),
        code: tenant.code.clone(),
        name: tenant.name.clone(),
        short_name: tenant.short_name.clone(),
        parent: snapshot.parent.clone(),
        hosts: snapshot.hosts.clone(),
        codes: snapshot.codes.iter().map(Code::from).collect(),
        outline: tenant.outline.clone(),
    }
}

async fn digested(snapshot: &TenantSnapshot, source: &Source) -> Result<Entry, ArchiveError> {
    let (mut reader, mut found) = (Reader::default(), Sha256::new());
    let (mut bytes, mut rows) = (0_u64, 0_u64);
    while let Some(page) = snapshot.page(source, &mut reader).await? {
        found.update(&page.text);
        bytes += u64::try_from(page.text.len()).unwrap_or(u64::MAX);
        rows += page.rows;
    }
    Ok(Entry { path: path_of(source), bytes, rows: Some(rows), sha256: hex(&found.finalize()) })
}

fn path_of(source: &Source) -> String {
    match source {
        Source::Fixed(table) => format!("tenant/{}.ndjson", table.name),
        Source::Records(table, _) => {
            let plugin = &table.manifest().plugin;
            format!("collections/{}/v{}/{}.ndjson", plugin.id, plugin.number().major, table.collection().name)
        }
    }
}

/// A package version with the entries that it is made of.
async fn parts_of_package(
    snapshot: &TenantSnapshot,
    id: &str,
    version: Version,
) -> Result<(PackageEntry, Vec<(String, Bytes)>), ArchiveError> {
    let row = snapshot.package(id, version).await?;
    of_package(&row.package, row.version, row.digest, row.manifest, row.component)
}

pub(crate) fn of_package(
    id: &str,
    version: String,
    digest: String,
    manifest: String,
    component: Option<Vec<u8>>,
) -> Result<(PackageEntry, Vec<(String, Bytes)>), ArchiveError> {
    let id = id.parse().map_err(|_| ArchiveError::Argument(format!("`{id}` is no package")))?;
    let entry = PackageEntry { id, version, digest, component: component.is_some() };
    let mut parts = vec![(entry.plugin_toml(), Bytes::from(manifest))];
    parts.extend(component.map(|component| (entry.component_wasm(), Bytes::from(component))));
    Ok((entry, parts))
}

pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
