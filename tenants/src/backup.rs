//! Backups: a folder with an archive of each tenant and one of the platform, made while everything serves. A backup gets its name
//! when it is complete; the older ones beyond a number go then.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sunlit_app::{App, AppError};
use sunlit_domain::id::{PlanId, TenantId, TenantSlug};
use sunlit_domain::{Actor, ScopeAuthority};
use sunlit_storage::platform::package as package_table;
use sunlit_storage::platform::tenant::plan::Subscribed;
use sunlit_storage::platform::tenant::{self, Tenant, code, host, tombstone};

use crate::archive::manifest::{Code, PackageEntry};
use crate::archive::write::ArchiveWriter;
use crate::archive::{ArchiveError, Entry, Manifest, Sealing, digest};
use crate::export::{NewFile, export_to_file, length, of_package};

/// What a backup says of itself.
const NAME: &str = "backup.json";
const FORMAT: &str = "sunlit-backup";
const VERSION: u32 = 1;
/// The archive of the platform.
pub(crate) const PLATFORM: &str = "platform.sunlit";
/// What a backup is called before it is complete.
const PARTIAL: &str = ".partial";
/// Bytes of a `backup.json` that is read.
const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What is to be kept safe, and where.
#[derive(Debug)]
pub struct Wanted {
    /// The folder of all backups.
    pub to: PathBuf,
    /// One tenant only.
    pub only: Option<TenantSlug>,
    /// How many backups of this kind stay; all when nobody says.
    pub keep: Option<usize>,
    /// How the archives are sealed.
    pub sealing: Sealing,
}

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    format: String,
    version: u32,
    /// The version of Sunlit that made it.
    pub sunlit: String,
    /// When it was begun.
    pub created_at: String,
    /// The one tenant that it is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<TenantSlug>,
    /// The root hash of the platform's archive; none in a backup of one tenant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The tenants.
    pub tenants: Vec<Kept>,
    /// Those that could not be exported, and why.
    pub failed: Vec<Failed>,
}

/// A tenant in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Its slug.
    pub slug: TenantSlug,
    /// Its id.
    pub id: TenantId,
    /// The root hash of its archive.
    pub root: String,
    /// The rows in it.
    pub rows: u64,
}

/// A tenant that is in no backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// Its slug.
    pub slug: TenantSlug,
    /// Why.
    pub why: String,
}

/// What the platform's archive says of a tenant beside its own archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlatformTenant {
    pub(crate) id: TenantId,
    pub(crate) slug: TenantSlug,
    pub(crate) state: String,
    pub(crate) parent: Option<TenantSlug>,
    hosts: Vec<String>,
    codes: Vec<Code>,
    /// None in archives from before there were plans.
    #[serde(default)]
    plan: Option<PlanId>,
    #[serde(default)]
    ends_at: Option<String>,
}

impl PlatformTenant {
    /// What it has subscribed to.
    pub(crate) fn subscribed(&self) -> Result<Subscribed, ArchiveError> {
        let refused = |_| ArchiveError::Refused(format!("{}: its end is no instant", self.slug));
        let ends_at = self.ends_at.as_deref().map(str::parse).transpose().map_err(refused)?;
        Ok(Subscribed { plan: self.plan.clone(), ends_at })
    }
}

impl Kept {
    /// Where its archive stands in the backup.
    pub(crate) fn file(&self) -> PathBuf {
        Path::new("tenants").join(format!("{}.sunlit", self.slug))
    }
}

/// Makes a backup; answers it with its folder. A tenant that cannot be exported is told of and holds up no other.
///
/// # Errors
/// [`ArchiveError::Taken`] while another process makes one in the same folder, and those of the platform's archive. Then there is no
/// new backup, and no old one went.
pub async fn backup(
    app: &Arc<App>,
    authority: &ScopeAuthority,
    by: &Actor,
    wanted: &Wanted,
) -> Result<(Backup, PathBuf), ArchiveError> {
    let _lock = lock(&wanted.to)?;
    sweep(&wanted.to)?;
    let created_at = app.environment.now().to_string();
    let name: String = created_at.chars().filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    let folder = wanted.to.join(format!("{name}Z"));
    let partial = wanted.to.join(format!("{name}Z{PARTIAL}"));
    let tenants_folder = partial.join("tenants");
    std::fs::create_dir_all(&tenants_folder).map_err(|error| ArchiveError::file(&tenants_folder, error))?;
    let mut backup = Backup {
        format: FORMAT.to_owned(),
        version: VERSION,
        sunlit: env!("CARGO_PKG_VERSION").to_owned(),
        created_at,
        only: wanted.only.clone(),
        platform: None,
        tenants: Vec::new(),
        failed: Vec::new(),
    };
    if wanted.only.is_none() {
        let path = partial.join(PLATFORM);
        backup.platform = Some(platform_to_file(app, &path, wanted.sealing.clone()).await?.root);
    }
    for tenant in tenants(app, wanted.only.as_ref()).await? {
        let scope = authority.scope(tenant.id, by.clone());
        let mut kept = Kept { slug: tenant.slug.clone(), id: tenant.id, root: String::new(), rows: 0 };
        match export_to_file(app, &scope, &partial.join(kept.file()), wanted.sealing.clone()).await {
            Ok(manifest) => {
                (kept.rows, kept.root) = (manifest.rows(), manifest.root);
                backup.tenants.push(kept);
            }
            Err(error) => {
                tracing::error!(tenant.id = %tenant.id, %error, "a tenant is in no backup");
                backup.failed.push(Failed { slug: tenant.slug, why: error.to_string() });
            }
        }
        // Exports wait for nobody's sockets, yet each holds the files of its store open.
        app.stores.settle().await;
    }
    write(&partial, &backup)?;
    sync(&tenants_folder)?;
    sync(&partial)?;
    std::fs::rename(&partial, &folder).map_err(|error| ArchiveError::file(&folder, error))?;
    sync(&wanted.to)?;
    if let Some(keep) = wanted.keep.filter(|_| backup.failed.is_empty()) {
        retire(&wanted.to, backup.only.as_ref(), keep.max(1))?;
    }
    Ok((backup, folder))
}

async fn tenants(app: &App, only: Option<&TenantSlug>) -> Result<Vec<Tenant>, ArchiveError> {
    match only {
        None => Ok(tenant::all(&app.platform).await?),
        Some(slug) => Ok(vec![tenant::by_slug(&app.platform, slug.as_str()).await?.ok_or(AppError::NotFound)?]),
    }
}

/// One process at a time makes backups in a folder. The lock ends with its holder.
fn lock(folder: &Path) -> Result<File, ArchiveError> {
    std::fs::create_dir_all(folder).map_err(|error| ArchiveError::file(folder, error))?;
    let path = folder.join(".lock");
    let file =
        File::options().create(true).append(true).open(&path).map_err(|error| ArchiveError::file(&path, error))?;
    file.try_lock().map_err(|_| {
        ArchiveError::Taken(format!("another process makes a backup in {}: wait until it has ended", folder.display()))
    })?;
    Ok(file)
}

/// Removes what backups have left that broke off; whoever calls it holds the lock.
fn sweep(folder: &Path) -> Result<(), ArchiveError> {
    for path in folders(folder)? {
        if path.to_string_lossy().ends_with(PARTIAL) {
            std::fs::remove_dir_all(&path).map_err(|error| ArchiveError::file(&path, error))?;
        }
    }
    Ok(())
}

fn folders(folder: &Path) -> Result<Vec<PathBuf>, ArchiveError> {
    let told = |error| ArchiveError::file(folder, error);
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(told)? {
        let path = entry.map_err(told)?.path();
        if path.is_dir() {
            folders.push(path);
        }
    }
    folders.sort();
    Ok(folders)
}

/// The complete backups in a folder, the oldest first.
pub(crate) fn all(folder: &Path) -> Result<Vec<(PathBuf, Backup)>, ArchiveError> {
    let complete = folders(folder)?.into_iter().filter(|path| !path.to_string_lossy().ends_with(PARTIAL));
    let mut found: Vec<(PathBuf, Backup)> = complete
        .filter(|path| path.join(NAME).is_file())
        .map(|path| Ok((path.clone(), open(&path)?)))
        .collect::<Result<_, ArchiveError>>()?;
    found.sort_by(|(_, one), (_, other)| one.created_at.cmp(&other.created_at));
    Ok(found)
}

/// Removes the oldest complete backups of the same kind but for `keep`.
fn retire(folder: &Path, only: Option<&TenantSlug>, keep: usize) -> Result<(), ArchiveError> {
    let mut same: Vec<PathBuf> =
        all(folder)?.into_iter().filter(|(_, backup)| backup.only.as_ref() == only).map(|(path, _)| path).collect();
    same.truncate(same.len().saturating_sub(keep));
    for path in same {
        // Half removed it would still look complete.
        std::fs::remove_file(path.join(NAME)).map_err(|error| ArchiveError::file(&path, error))?;
        std::fs::remove_dir_all(&path).map_err(|error| ArchiveError::file(&path, error))?;
    }
    Ok(())
}

fn write(folder: &Path, backup: &Backup) -> Result<(), ArchiveError> {
    use std::io::Write as _;
    let path = folder.join(NAME);
    let text = serde_json::to_string_pretty(backup).unwrap_or_default();
    let file = NewFile::create(&path)?;
    file.handle()?.write_all(text.as_bytes()).map_err(|error| ArchiveError::file(&path, error))?;
    file.keep()
}

fn sync(folder: &Path) -> Result<(), ArchiveError> {
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(|error| ArchiveError::file(folder, error))
}

/// Whether a folder is a backup itself.
pub(crate) fn is_one(folder: &Path) -> bool {
    folder.join(NAME).is_file()
}

/// What a backup says of itself.
///
/// # Errors
/// [`ArchiveError::File`], [`ArchiveError::Refused`].
pub fn open(folder: &Path) -> Result<Backup, ArchiveError> {
    use std::io::Read as _;
    let path = folder.join(NAME);
    let told = |error| ArchiveError::file(&path, error);
    let mut text = String::new();
    File::open(&path).map_err(told)?.take(MAX_BYTES).read_to_string(&mut text).map_err(told)?;
    let refused = |why: String| ArchiveError::Refused(format!("{}: {why}", path.display()));
    let backup: Backup = serde_json::from_str(&text).map_err(|error| refused(error.to_string()))?;
    if backup.format != FORMAT || backup.version != VERSION {
        return Err(refused("it is no backup that this version of Sunlit reads".to_owned()));
    }
    Ok(backup)
}

/// The platform's own archive: every published package, and who the tenants are and were.
async fn platform_to_file(app: &Arc<App>, path: &Path, sealing: Sealing) -> Result<Manifest, ArchiveError> {
    let file = NewFile::create(path)?;
    let mut published = package_table::all(&app.platform).await?;
    // Each version is held against those before it when it is published again.
    published.sort_by_key(|(package, version, _)| {
        (package.clone(), version.parse::<sunlit_domain::manifest::Version>().ok())
    });
    let (mut packages, mut entries): (Vec<PackageEntry>, Vec<Entry>) = Default::default();
    for (package, version, _) in &published {
        let (entry, parts) = parts(app, package, version).await?;
        packages.push(entry);
        entries.extend(parts.into_iter().map(|(path, bytes)| Entry {
            path,
            bytes: length(&bytes),
            rows: None,
            sha256: digest(&bytes),
        }));
    }
    let rows = [("tenant", tenant_rows(app).await?), ("tenant_tombstone", tombstone_rows(app).await?)];
    for (table, lines) in &rows {
        entries.push(Entry {
            path: format!("platform/{table}.ndjson"),
            bytes: length(lines.as_bytes()),
            rows: Some(u64::try_from(lines.lines().count()).unwrap_or(u64::MAX)),
            sha256: digest(lines),
        });
    }
    let manifest = Manifest::of(app.environment.now().to_string(), None, packages, entries);
    let writer = ArchiveWriter::begin(file.handle()?, sealing, &manifest)?;
    let written = async {
        for (package, version, _) in &published {
            for (path, bytes) in parts(app, package, version).await?.1 {
                writer.entry(&path, length(&bytes)).await?;
                writer.write(bytes).await?;
            }
        }
        for (table, lines) in rows {
            writer.entry(&format!("platform/{table}.ndjson"), length(lines.as_bytes())).await?;
            writer.write(lines).await?;
        }
        Ok(())
    };
    let written = written.await;
    writer.finish(written).await?;
    file.keep()?;
    Ok(manifest)
}

async fn parts(
    app: &App,
    package: &str,
    version: &str,
) -> Result<(PackageEntry, Vec<(String, bytes::Bytes)>), ArchiveError> {
    let row = package_table::find(&app.platform, package, version).await?.ok_or(AppError::NotFound)?;
    of_package(&row.package, row.version, row.digest, row.manifest, row.component)
}

async fn tenant_rows(app: &App) -> Result<String, ArchiveError> {
    let tenants = tenant::all(&app.platform).await?;
    let mut lines = String::new();
    for tenant in &tenants {
        let parent = tenants.iter().find(|other| Some(other.id) == tenant.parent);
        let row = PlatformTenant {
            id: tenant.id,
            slug: tenant.slug.clone(),
            state: tenant.state.name().to_owned(),
            parent: parent.map(|parent| parent.slug.clone()),
            hosts: host::of(&app.platform, tenant.id).await?,
            codes: code::of(&app.platform, tenant.id).await?.iter().map(Code::from).collect(),
            plan: tenant.plan.clone(),
            ends_at: tenant.ends_at.map(|at| at.to_string()),
        };
        lines.push_str(&serde_json::to_string(&row).unwrap_or_default());
        lines.push('\n');
    }
    Ok(lines)
}

async fn tombstone_rows(app: &App) -> Result<String, ArchiveError> {
    let mut lines = String::new();
    for row in tombstone::all(&app.platform).await? {
        let by = row.erased_by.map(|by| by.to_string());
        let line = serde_json::json!({
            "tenant_id": row.tenant_id.to_string(), "slug": row.slug, "erased_at": row.erased_at, "erased_by": by,
            "last_export": row.last_export,
        });
        lines.push_str(&line.to_string());
        lines.push('\n');
    }
    Ok(lines)
}
