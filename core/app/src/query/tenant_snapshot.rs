//! Everything that a tenant has, as it is at one instant: what an archive is made of.
//!
//! One snapshot that lasts, beside those that serve; the writer goes on meanwhile. What is in it is read page by page, twice if need
//! be, and is the same each time.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, TryStreamExt as _};
use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::id::{RecordId, TenantSlug};
use sunlit_domain::identity::key_scope::KeyScope;
use sunlit_domain::manifest::{Slot, Version};
use sunlit_domain::{Manifest, Scope};
use sunlit_storage::platform::package as package_table;
use sunlit_storage::platform::tenant::{self, Tenant, code, host};
use sunlit_storage::tenant::audit::{self, Chain};
use sunlit_storage::tenant::catalogue::{self, Fate, FixedTable};
use sunlit_storage::tenant::{file, installation, migration, rows};
use sunlit_storage::{Session, Table, record};

use crate::command::only_administrators;
use crate::{App, AppError};

/// Rows of one page, and characters after which the next one is smaller.
const PAGE: u64 = 500;
const MAX_PAGE_CHARS: usize = 2 * 1024 * 1024;

/// A tenant at one instant.
#[derive(Debug)]
pub struct TenantSnapshot {
    app: Arc<App>,
    scope: Scope,
    session: Session,
    /// Who it is, as the platform knows it.
    pub tenant: Tenant,
    /// The slug of the authority above it.
    pub parent: Option<TenantSlug>,
    /// Its host names.
    pub hosts: Vec<String>,
    /// Its codes of all times.
    pub codes: Vec<DivisionCode>,
    /// The package versions without which it cannot be read.
    pub packages: Vec<(String, Version)>,
    /// Its tables, in the order in which they are carried.
    pub sources: Vec<Source>,
}

/// A table whose rows are carried.
#[derive(Debug, Clone)]
pub enum Source {
    /// One that every tenant has.
    Fixed(FixedTable),
    /// A collection's, with the slots that the database has columns for; none where it has no table.
    Records(Table, Vec<Slot>),
}

/// How far a table was read.
#[derive(Debug, Clone)]
pub struct Reader {
    after: After,
    first: u64,
}

#[derive(Debug, Clone)]
enum After {
    Nothing,
    Row(rows::Place),
    Record(RecordId),
    Everything,
}

impl Default for Reader {
    fn default() -> Self {
        Self { after: After::Nothing, first: PAGE }
    }
}

/// A page of rows, a line each.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The lines with their ends.
    pub text: String,
    /// How many.
    pub rows: u64,
}

/// Refuses everybody who may not take everything along: whoever is no administrator, and keys that are kept within bounds.
///
/// # Errors
/// [`AppError::Denied`], [`AppError::Unauthenticated`].
pub fn may_take(scope: &Scope) -> Result<(), AppError> {
    only_administrators(scope)?;
    if *scope.actor().key_scope() == KeyScope::default() { Ok(()) } else { Err(AppError::Denied) }
}

impl TenantSnapshot {
    /// Takes the snapshot. Only for administrators.
    ///
    /// # Errors
    /// [`AppError::Denied`], [`AppError::Unauthenticated`], [`AppError::Life`] when a version that the tenant has is not published.
    pub async fn begin(app: &Arc<App>, scope: &Scope) -> Result<Self, AppError> {
        may_take(scope)?;
        let tenant = tenant::by_id(&app.platform, scope.tenant()).await?.ok_or(AppError::NotFound)?;
        let parent = match tenant.parent {
            Some(parent) => tenant::by_id(&app.platform, parent).await?.map(|parent| parent.slug),
            None => None,
        };
        let hosts = host::of(&app.platform, tenant.id).await?;
        let codes = code::of(&app.platform, tenant.id).await?;
        let session = app.stores.open(scope).await?.lasting_snapshot(scope).await?;
        let (packages, manifests) = packages(app, scope, &session).await?;
        let fixed = catalogue::all().into_iter().filter(|table| !matches!(table.fate, Fate::Left(_)));
        let mut sources: Vec<Source> = fixed.map(Source::Fixed).collect();
        for manifest in &manifests {
            let names = manifest.collections.iter().map(|collection| collection.name.as_str());
            for table in names.filter_map(|name| Table::of(manifest, name)) {
                let slots = record::slots_there(scope, &session, &table).await?.unwrap_or_default();
                sources.push(Source::Records(table, slots));
            }
        }
        let (app, scope) = (Arc::clone(app), scope.clone());
        Ok(Self { app, scope, session, tenant, parent, hosts, codes, packages, sources })
    }

    /// How its audit trail stands.
    ///
    /// # Errors
    /// The database's. A broken chain is an answer, not an error.
    pub async fn audit(&self) -> Result<Chain, AppError> {
        Ok(audit::verify(&self.scope, &self.session, None).await?)
    }

    /// The manifest and component of one of its packages.
    ///
    /// # Errors
    /// [`AppError::NotFound`] when it is no longer published.
    pub async fn package(&self, id: &str, version: Version) -> Result<package_table::Model, AppError> {
        let found = package_table::find(&self.app.platform, id, &version.to_string()).await?;
        found.ok_or(AppError::NotFound)
    }

    /// The next page of a table; none after the last.
    ///
    /// # Errors
    /// The database's.
    pub async fn page(&self, source: &Source, reader: &mut Reader) -> Result<Option<Page>, AppError> {
        let lines = match (source, &reader.after) {
            (_, After::Everything) => return Ok(None),
            (Source::Fixed(table), after) => {
                let place = if let After::Row(place) = after { Some(place) } else { None };
                let page = rows::page(&self.scope, &self.session, table, place, reader.first).await?;
                reader.after = page.next.map_or(After::Everything, After::Row);
                page.lines
            }
            (Source::Records(_, slots), _) if slots.is_empty() => Vec::new(),
            (Source::Records(table, slots), after) => {
                let after = if let After::Record(id) = after { Some(*id) } else { None };
                let place = (after, reader.first);
                let records = record::dump(&self.scope, &self.session, table, slots, place).await?;
                reader.after = records.last().map_or(After::Everything, |last| After::Record(last.id));
                records.iter().map(|record| record.to_line(table.collection())).collect()
            }
        };
        if lines.is_empty() {
            reader.after = After::Everything;
            return Ok(None);
        }
        let mut page = Page { text: String::new(), rows: u64::try_from(lines.len()).unwrap_or(u64::MAX) };
        for line in lines {
            page.text.push_str(&line);
            page.text.push('\n');
        }
        // Long rows come fewer at once, so that a page is no matter of memory.
        if page.text.len() > MAX_PAGE_CHARS {
            reader.first = (reader.first / 4).max(1);
        }
        Ok(Some(page))
    }

    /// The contents of its files, each once with its bytes, after the digest `after`; none after the last.
    ///
    /// # Errors
    /// The database's.
    pub async fn contents(&self, after: Option<&str>) -> Result<Vec<(String, u64)>, AppError> {
        Ok(file::contents(&self.scope, &self.session, after, PAGE).await?)
    }

    /// The bytes of a content.
    ///
    /// # Errors
    /// [`AppError::Life`] when they are not there.
    pub async fn bytes(
        &self,
        sha256: &str,
    ) -> Result<impl Stream<Item = Result<Bytes, AppError>> + Send + use<>, AppError> {
        let found = self.app.blobs.get(&self.scope, sha256, None).await.map_err(|error| match AppError::from(error) {
            AppError::NotFound => AppError::Life(format!(
                "the bytes of the file with the digest {sha256} are not there: if it was swept just now, export again, else \
                 restore the folder `files` from a backup"
            )),
            other => other,
        })?;
        Ok(found.map_err(AppError::from))
    }
}

/// The versions that the tenant has, those that it left and may go back to, and the greatest of each of their majors, which knows
/// every column of its tables; and the manifests of the latter.
async fn packages(
    app: &App,
    scope: &Scope,
    session: &Session,
) -> Result<(Vec<(String, Version)>, Vec<Arc<Manifest>>), AppError> {
    let (mut versions, mut majors) = (BTreeSet::new(), BTreeSet::new());
    let read = |package: &str, version: &str| {
        let told =
            || AppError::Life(format!("`{version}` of {package} is no version: the store was changed by other hands"));
        version.parse::<Version>().map_err(|_| told())
    };
    for row in installation::all(scope, session).await? {
        let version = read(&row.package, &row.version)?;
        majors.insert((row.package.clone(), version.major));
        versions.insert((row.package, version));
    }
    for row in migration::all(scope, session).await? {
        let from = read(&row.package, &row.from_version)?;
        majors.insert((row.package.clone(), from.major));
        majors.extend(u16::try_from(row.major).map(|major| (row.package.clone(), major)));
        versions.insert((row.package, from));
    }
    let mut manifests = Vec::new();
    for (package, major) in majors {
        let published = app.versions(&package).await?;
        let greatest = published.into_iter().rev().find(|version| version.major == major).ok_or_else(|| {
            AppError::Life(format!(
                "{package} {major}.x is not published, and its tables cannot be read: publish it again"
            ))
        })?;
        manifests.push(app.manifest(&package, greatest).await?);
        versions.insert((package, greatest));
    }
    for (package, version) in &versions {
        if package_table::manifest(&app.platform, package, &version.to_string()).await?.is_none() {
            let mend = format!(
                "{package} {version} is not published: publish it again, or move the tenant to another version"
            );
            return Err(AppError::Life(mend));
        }
    }
    Ok((versions.into_iter().collect(), manifests))
}
