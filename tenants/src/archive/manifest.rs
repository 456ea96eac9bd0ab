//! What an archive says of itself, and what it must say to be read at all.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sunlit_domain::LocalText;
use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::file::MAX_FILE_BYTES;
use sunlit_domain::id::{CollectionName, PackageId, TenantId, TenantSlug};
use sunlit_domain::manifest::Version;
use sunlit_domain::value::Date;

use super::{ArchiveError, digest};

/// The name of the first entry.
pub const NAME: &str = "manifest.json";
/// What it begins with saying.
const FORMAT: &str = "sunlit-archive";
/// The version of the form that is written here.
const VERSION: u32 = 1;
/// Bytes of a manifest at most.
pub const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// How many entries an archive may have.
const MAX_ENTRIES: usize = 500_000;
/// Bytes of a `plugin.toml` and of a component.
const MAX_PLUGIN_TOML: u64 = 1024 * 1024;
const MAX_COMPONENT: u64 = 4 * 1024 * 1024;
/// Package versions that one archive carries.
const MAX_PACKAGES: usize = 2_000;

/// The manifest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `sunlit-archive`.
    pub format: String,
    /// Of the form.
    pub version: u32,
    /// The version of Sunlit that wrote it.
    pub sunlit: String,
    /// When.
    pub created_at: String,
    /// The tenant; none in an archive of the platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<Identity>,
    /// How its audit trail stood.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditHead>,
    /// The package versions that it carries, of each package the least first.
    pub packages: Vec<PackageEntry>,
    /// Everything that follows, in its order.
    pub entries: Vec<Entry>,
    /// SHA-256 over the entries: the same for the same content, whenever and wherever it was exported.
    pub root: String,
    /// SHA-256 over this manifest without it.
    pub seal: String,
}

/// Who a tenant is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// Its id.
    pub id: TenantId,
    /// Its slug.
    pub slug: TenantSlug,
    /// What kind of authority it is.
    pub kind: String,
    /// GB/T 2260 code.
    pub code: String,
    /// Its name.
    pub name: LocalText,
    /// Its short name.
    pub short_name: LocalText,
    /// The slug of the authority above it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<TenantSlug>,
    /// Its host names.
    pub hosts: Vec<String>,
    /// Its codes of all times.
    pub codes: Vec<Code>,
    /// The outline of its area, GeoJSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outline: Option<String>,
}

/// A code with the days on which it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The digits.
    pub code: String,
    /// The first day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// The first day on which it no longer held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
}

impl From<&DivisionCode> for Code {
    fn from(code: &DivisionCode) -> Self {
        let day = |day: Option<Date>| day.map(|day| day.to_string());
        Self { code: code.code.clone(), valid_from: day(code.valid_from), valid_to: day(code.valid_to) }
    }
}

impl Code {
    /// As the platform keeps it.
    ///
    /// # Errors
    /// [`ArchiveError::Refused`] for a day that is none.
    pub fn read(&self) -> Result<DivisionCode, ArchiveError> {
        let day = |day: &Option<String>| {
            let read = |day: &String| day.parse::<Date>().map_err(|error| refused(format!("a code's day: {error}")));
            day.as_ref().map(read).transpose()
        };
        Ok(DivisionCode { code: self.code.clone(), valid_from: day(&self.valid_from)?, valid_to: day(&self.valid_to)? })
    }
}

/// How an audit trail stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditHead {
    /// Its sound rows.
    pub rows: i64,
    /// The hash of the last of them.
    pub head: String,
    /// What is wrong behind them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

/// A package version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageEntry {
    /// The package.
    pub id: PackageId,
    /// `major.minor.patch`.
    pub version: String,
    /// SHA-256 over manifest and component, as it is published.
    pub digest: String,
    /// Whether it has a component.
    pub component: bool,
}

impl PackageEntry {
    /// Where its `plugin.toml` stands.
    #[must_use]
    pub fn plugin_toml(&self) -> String {
        format!("packages/{}/{}/plugin.toml", self.id, self.version)
    }

    /// Where its component stands.
    #[must_use]
    pub fn component_wasm(&self) -> String {
        format!("packages/{}/{}/component.wasm", self.id, self.version)
    }
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its path in the tar file.
    pub path: String,
    /// Its bytes.
    pub bytes: u64,
    /// Its lines; none of what has no rows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// SHA-256 of its bytes.
    pub sha256: String,
}

/// What an entry holds, as its path says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// A part of a package version.
    Package,
    /// The bytes of a file, by their digest.
    File(String),
    /// Rows of a table that every tenant has.
    Rows(String),
    /// Records of a collection in a major version.
    Records {
        /// The package.
        package: PackageId,
        /// Its major version.
        major: u16,
        /// The collection.
        collection: CollectionName,
    },
    /// Rows of a table of the platform.
    Platform(String),
}

impl Entry {
    /// What it holds; none of a path that no archive has.
    #[must_use]
    pub fn content(&self) -> Option<Content> {
        let is_table =
            |name: &&str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let parts: Vec<&str> = self.path.split('/').collect();
        match parts.as_slice() {
            ["packages", id, version, "plugin.toml" | "component.wasm"] => {
                id.parse::<PackageId>().ok()?;
                version.parse::<Version>().ok().map(|_| Content::Package)
            }
            ["files", name] => is_digest(name).then(|| Content::File((*name).to_owned())),
            ["tenant", name] => {
                name.strip_suffix(".ndjson").filter(is_table).map(|name| Content::Rows(name.to_owned()))
            }
            ["platform", name] => {
                name.strip_suffix(".ndjson").filter(is_table).map(|name| Content::Platform(name.to_owned()))
            }
            ["collections", package, major, name] => {
                let number = major.strip_prefix('v')?;
                let major = number.parse::<u16>().ok().filter(|parsed| parsed.to_string() == number)?;
                let collection = name.strip_suffix(".ndjson")?.parse().ok()?;
                Some(Content::Records { package: package.parse().ok()?, major, collection })
            }
            _ => None,
        }
    }
}

impl Manifest {
    /// A manifest of these entries; seal and root are reckoned here.
    #[must_use]
    pub fn of(
        created_at: String,
        about: Option<(Identity, AuditHead)>,
        packages: Vec<PackageEntry>,
        entries: Vec<Entry>,
    ) -> Self {
        let (tenant, audit) = about.unzip();
        let mut manifest = Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            sunlit: env!("CARGO_PKG_VERSION").to_owned(),
            created_at,
            tenant,
            audit,
            packages,
            root: root(&entries),
            entries,
            seal: String::new(),
        };
        manifest.seal = manifest.seal();
        manifest
    }

    /// The rows of all its entries.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.entries.iter().filter_map(|entry| entry.rows).sum()
    }

    /// The bytes of all its entries.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.entries.iter().fold(0, |sum, entry| sum.saturating_add(entry.bytes))
    }

    /// How many of its entries are files.
    #[must_use]
    pub fn files(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry.content(), Some(Content::File(_)))).count()
    }

    fn seal(&self) -> String {
        let unsealed = Self { seal: String::new(), ..self.clone() };
        digest(serde_json::to_string(&unsealed).unwrap_or_default())
    }

    /// Its text.
    ///
    /// # Errors
    /// [`ArchiveError::Argument`] when there is more than an archive can carry.
    pub fn text(&self) -> Result<String, ArchiveError> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let is_small = u64::try_from(text.len()).is_ok_and(|bytes| bytes <= MAX_BYTES);
        if is_small && self.entries.len() <= MAX_ENTRIES {
            return Ok(text);
        }
        Err(ArchiveError::Argument(format!("{} entries are more than one archive can carry", self.entries.len())))
    }

    /// Reads one, and checks what it says against itself; `total` is what its entries may have at most.
    ///
    /// # Errors
    /// [`ArchiveError::Refused`] saying what is wrong.
    pub fn read(text: &[u8], total: u64) -> Result<Self, ArchiveError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let unreadable = |error: serde_json::Error| refused(format!("its manifest cannot be read: {error}"));
        let head: Head = serde_json::from_slice(text).map_err(unreadable)?;
        if head.format != FORMAT {
            return Err(refused("it is no archive of Sunlit".to_owned()));
        }
        if head.version != VERSION {
            let found = head.version;
            return Err(refused(format!(
                "it is of form {found}, this version of Sunlit reads form {VERSION}: use another"
            )));
        }
        let manifest: Self = serde_json::from_slice(text).map_err(unreadable)?;
        manifest.check(total)?;
        Ok(manifest)
    }

    fn check(&self, total: u64) -> Result<(), ArchiveError> {
        if self.seal != self.seal() {
            return Err(refused("its manifest was changed: the seal does not fit it".to_owned()));
        }
        if self.root != root(&self.entries) {
            return Err(refused("its manifest was changed: the root does not fit the entries".to_owned()));
        }
        if self.tenant.is_some() != self.audit.is_some() {
            return Err(refused("it has a tenant without an audit trail, or the other way round".to_owned()));
        }
        if self.entries.len() > MAX_ENTRIES || self.packages.len() > MAX_PACKAGES {
            return Err(refused(format!("it has more than {MAX_ENTRIES} entries or {MAX_PACKAGES} packages")));
        }
        if self.bytes() > total {
            let mend = "take it if you know where it comes from, with a greater --max-bytes";
            return Err(refused(format!("its entries have {} bytes, more than {total}: {mend}", self.bytes())));
        }
        let mut paths = BTreeSet::new();
        for entry in &self.entries {
            check_entry(entry, self.tenant.is_some())?;
            if !paths.insert(entry.path.as_str()) {
                return Err(refused(format!("its manifest names `{}` twice", told(&entry.path))));
            }
        }
        self.check_packages(&paths)
    }

    /// The packages are those whose parts are among the entries, and no others.
    fn check_packages(&self, paths: &BTreeSet<&str>) -> Result<(), ArchiveError> {
        let mut parts = BTreeSet::new();
        for package in &self.packages {
            parts.insert(package.plugin_toml());
            if package.component {
                parts.insert(package.component_wasm());
            }
        }
        let named: BTreeSet<&str> = parts.iter().map(String::as_str).collect();
        let there: BTreeSet<&str> = paths.iter().copied().filter(|path| path.starts_with("packages/")).collect();
        if named == there {
            Ok(())
        } else {
            Err(refused("its packages are not those that its manifest names".to_owned()))
        }
    }
}

fn check_entry(entry: &Entry, is_of_tenant: bool) -> Result<(), ArchiveError> {
    let path = told(&entry.path);
    let content =
        entry.content().ok_or_else(|| refused(format!("its manifest names `{path}`, which no archive has")))?;
    if !is_digest(&entry.sha256) {
        return Err(refused(format!("`{path}` has no SHA-256")));
    }
    let (may_be_here, most, has_rows) = match &content {
        Content::Package if entry.path.ends_with(".wasm") => (true, MAX_COMPONENT, false),
        Content::Package => (true, MAX_PLUGIN_TOML, false),
        Content::File(_) => (is_of_tenant, MAX_FILE_BYTES, false),
        Content::Rows(_) | Content::Records { .. } => (is_of_tenant, u64::MAX, true),
        Content::Platform(_) => (!is_of_tenant, u64::MAX, true),
    };
    if !may_be_here {
        return Err(refused(format!("`{path}` does not belong into an archive of this kind")));
    }
    if entry.bytes > most {
        return Err(refused(format!("`{path}` has {} bytes, more than {most}", entry.bytes)));
    }
    if entry.rows.is_some() != has_rows {
        return Err(refused(format!("`{path}` says nothing of its rows, or has none")));
    }
    match content {
        Content::File(named) if named != entry.sha256 => {
            Err(refused(format!("`{path}` is named after another content")))
        }
        _ => Ok(()),
    }
}

/// SHA-256 over the entries, a line each: path, bytes, rows, digest.
fn root(entries: &[Entry]) -> String {
    let line = |entry: &Entry| {
        let rows = entry.rows.map(|rows| rows.to_string()).unwrap_or_default();
        format!("{}\t{}\t{rows}\t{}\n", entry.path, entry.bytes, entry.sha256)
    };
    digest(entries.iter().map(line).collect::<String>())
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

/// A path of somebody else's as it may be shown.
pub(super) fn told(path: &str) -> String {
    path.chars().take(120).flat_map(char::escape_default).collect()
}

pub(crate) fn refused(why: String) -> ArchiveError {
    ArchiveError::Refused(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_that_an_archive_has_or_none() {
        let content =
            |path: &str| Entry { path: path.to_owned(), bytes: 0, rows: None, sha256: String::new() }.content();
        assert_eq!(content("tenant/audit.ndjson"), Some(Content::Rows("audit".to_owned())));
        assert!(matches!(
            content("collections/street-cards/v0/street.ndjson"),
            Some(Content::Records { major: 0, .. })
        ));
        assert!(matches!(content("packages/street-cards/0.1.0/plugin.toml"), Some(Content::Package)));
        assert!(matches!(content(&format!("files/{}", "0a".repeat(32))), Some(Content::File(_))));
        for bad in [
            "",
            "manifest.json",
            "/tenant/audit.ndjson",
            "tenant/../audit.ndjson",
            "tenant//audit.ndjson",
            "tenant/audit.ndjson/",
            "./tenant/audit.ndjson",
            "tenant/Audit.ndjson",
            "tenant/audit.ndjson\0",
            "tenant\\audit.ndjson",
            "collections/street-cards/v00/street.ndjson",
            "collections/street-cards/v-1/street.ndjson",
            "collections/street-cards/v70000/street.ndjson",
            "collections/../v1/street.ndjson",
            "packages/street-cards/1.0/plugin.toml",
            "packages/street-cards/1.0.0/other.toml",
            "files/../../etc/passwd",
            "files/0A",
        ] {
            assert_eq!(content(bad), None, "{bad}");
        }
    }
}
