//! Makes a tenant of what an archive carries. All its rows are one transaction, and the platform learns of the tenant last: until
//! then nobody is served by it, and what a failure leaves is swept ([`super::sweep`]).

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use sunlit_domain::division_code::DivisionCode;
use sunlit_domain::id::{TenantId, TenantSlug};
use sunlit_domain::record::Record;
use sunlit_domain::{Manifest, Scope};
use sunlit_storage::platform::package as package_table;
use sunlit_storage::platform::tenant::life::{self, Admission, Replaced};
use sunlit_storage::platform::tenant::{self, Tenant, staging};
use sunlit_storage::tenant::catalogue::{self, FixedTable};
use sunlit_storage::tenant::{audit, file, installation, origin, outbox, rows};
use sunlit_storage::{Claim, StorageError, Table, Work, record, table};

use super::sweep;
use crate::command::commit::commit;
use crate::command::{begin, trail};
use crate::nodes::Said;
use crate::{App, AppError};

/// An import that has begun. Dropped before [`Importing::finish`], it leaves what is swept.
#[derive(Debug)]
pub struct Importing<'a> {
    app: &'a App,
    scope: Scope,
    claim: Claim,
    work: Option<Work>,
    fixed: Vec<FixedTable>,
}

/// What the import comes to.
#[derive(Debug)]
pub struct Ending<'a> {
    /// Who the tenant is.
    pub tenant: Tenant,
    /// Its host names.
    pub hosts: Vec<String>,
    /// Its codes.
    pub codes: Vec<DivisionCode>,
    /// The digests of the files that were kept.
    pub files: BTreeSet<String>,
    /// The id that the tenant had where the archive was made.
    pub original: TenantId,
    /// Rows and head of its audit trail, as the archive says.
    pub audit: (i64, &'a str),
    /// What is written at the end of that trail, with the archive's root hash; nothing for a tenant that is exactly what it was.
    pub entry: Option<(&'static str, &'a str)>,
    /// The tenant whose place it takes, and the slug that this one is then kept under.
    pub instead_of: Option<(TenantId, TenantSlug)>,
}

impl<'a> Importing<'a> {
    /// Begins, in the name of the scope's actor, with an empty store under the id of the scope's tenant.
    ///
    /// # Errors
    /// [`AppError::Life`] when slug or id are taken, [`StorageError::Claimed`] while another process imports the same.
    pub async fn begin(app: &'a App, scope: &Scope, slug: &TenantSlug) -> Result<Self, AppError> {
        let claim = app.stores.claim(scope).await?;
        if tenant::by_id(&app.platform, scope.tenant()).await?.is_some() {
            return Err(AppError::Life(format!(
                "a tenant with the id {} is there: name another slug with --as",
                scope.tenant()
            )));
        }
        sweep::leavings(app, scope).await?;
        let at = app.environment.now();
        staging::begin(&app.platform, scope.tenant(), slug.as_str(), staging::IMPORT, at).await?;
        Ok(Self { app, scope: scope.clone(), claim, work: None, fixed: catalogue::all() })
    }

    /// Keeps the bytes of a file.
    ///
    /// # Errors
    /// [`AppError::Life`] when they are not those of this digest and length, [`StorageError::Full`].
    pub async fn file(&self, (sha256, size): (&str, u64), content: impl Stream<Item = Bytes>) -> Result<(), AppError> {
        let mut incoming = self.app.blobs.begin(&self.scope, self.app.environment.new_id(), size).await?;
        let mut content = std::pin::pin!(content);
        while let Some(piece) = content.next().await {
            if let Err(error) = incoming.write(piece).await {
                incoming.abort().await;
                return Err(error.into());
            }
        }
        let whole = incoming.seal().await?;
        if whole.blob().sha256 == sha256 && whole.blob().size == size {
            whole.keep().await?;
            return Ok(());
        }
        whole.discard().await;
        Err(AppError::Life(format!("a file of the archive is not the one with the digest {sha256}: it was changed")))
    }

    /// Begins the one transaction of all rows, with the tables of these manifests. Files have to be kept by then.
    ///
    /// # Errors
    /// The database's.
    pub async fn tables(&mut self, manifests: &[Arc<Manifest>]) -> Result<(), AppError> {
        self.app.stores.create(&self.scope).await?;
        let work = begin::administer(self.app, &self.scope).await?;
        work.defer_references().await?;
        work.take_time().await?;
        for manifest in manifests {
            table::create(&self.scope, &work, manifest).await?;
        }
        self.work = Some(work);
        Ok(())
    }

    /// Writes rows of a fixed table.
    ///
    /// # Errors
    /// [`AppError::Life`] for what is no row of it, or the database's.
    pub async fn rows(&self, name: &str, lines: &[String]) -> Result<(), AppError> {
        let table = self.fixed.iter().find(|table| table.name == name);
        let table =
            table.ok_or_else(|| AppError::Life(format!("there is no table {name}: use a later version of Sunlit")))?;
        rows::put(&self.scope, self.begun()?, table, lines).await.map_err(|error| told(error, name))
    }

    /// Writes records of a collection.
    ///
    /// # Errors
    /// [`AppError::Life`] for what is no record of it, or the database's.
    pub async fn records(&self, table: &Table, lines: &[String]) -> Result<(), AppError> {
        let read = |line: &String| {
            let record = Record::from_line(table.collection(), line);
            record.map_err(|error| AppError::Life(format!("a record of {}: {error}", table.name())))
        };
        let records = lines.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let written = record::restore_many(&self.scope, self.begun()?, table, &records).await;
        written.map_err(|error| told(error, table.name()))
    }

    fn begun(&self) -> Result<&Work, AppError> {
        self.work.as_ref().ok_or_else(|| AppError::Life("rows of the archive come before its tables".to_owned()))
    }

    /// Looks at what was written as a whole, makes it last, and tells the platform: from then on the tenant is there.
    ///
    /// # Errors
    /// [`AppError::Life`] when the audit trail is not the archive's, a package is missing, or a name is taken; or the database's.
    /// Nothing of the tenant is there then.
    pub async fn finish(self, ending: Ending<'_>) -> Result<Tenant, AppError> {
        let Self { app, scope, claim, work, .. } = self;
        let finished = finish(app, &scope, work, ending).await;
        claim.release().await;
        finished
    }

    /// Gives up: when this returns, nothing of the import remains.
    ///
    /// # Errors
    /// The stores'; what is left then is swept.
    pub async fn discard(mut self) -> Result<(), AppError> {
        drop(self.work.take());
        sweep::leavings(self.app, &self.scope).await?;
        staging::end(&self.app.platform, self.scope.tenant()).await?;
        self.claim.release().await;
        Ok(())
    }
}

async fn finish(app: &App, scope: &Scope, work: Option<Work>, ending: Ending<'_>) -> Result<Tenant, AppError> {
    let work = work.ok_or_else(|| AppError::Life("the archive has no tables".to_owned()))?;
    if ending.original != scope.tenant() {
        origin::note(scope, &work, ending.original, ending.audit.0).await?;
    }
    is_whole(app, scope, &work, &ending).await?;
    let at = app.environment.now();
    if let Some((action, root)) = ending.entry {
        trail::of_change(app, scope, &work, (action, "tenant", root), at).await?;
    }
    let due = outbox::next_due(scope, &work).await?;
    let Ending { tenant, hosts, codes, instead_of, .. } = ending;
    let replaced = instead_of.as_ref().map(|(tenant, aside)| Replaced { tenant: *tenant, aside });
    let admission = Admission { tenant: &tenant, hosts: &hosts, codes: &codes, instead_of: replaced };
    let committed = commit(app, scope, work, None);
    life::admit(&app.platform, &admission, at, committed).await.map_err(|error| match error {
        AppError::Storage(StorageError::NotUnique { .. }) => AppError::Life(format!(
            "the slug {} or one of its host names is another tenant's by now: name another slug with --as",
            tenant.slug
        )),
        other => other,
    })?;
    app.directory.forget();
    app.packages_changed().await;
    app.say(Said::Tenants).await;
    if let Some((old, _)) = instead_of {
        app.changes.end(old);
        app.say(Said::State(old)).await;
    }
    // Workers pass it by until it serves.
    if let Some(at) = due {
        app.announce(scope, at).await;
    }
    Ok(tenant)
}

/// Whether the audit trail is the one that was exported, and packages and files are all there.
async fn is_whole(app: &App, scope: &Scope, work: &Work, ending: &Ending<'_>) -> Result<(), AppError> {
    let chain = audit::verify(scope, work, None).await?;
    if (chain.rows, chain.head.as_str()) != ending.audit {
        let why = chain.fault.map_or_else(|| "it ends elsewhere".to_owned(), |fault| fault.to_string());
        return Err(AppError::Life(format!("the audit trail is not the one that was exported: {why}")));
    }
    for row in installation::all(scope, work).await? {
        if package_table::manifest(&app.platform, &row.package, &row.version).await?.is_none() {
            let (package, version) = (row.package, row.version);
            return Err(AppError::Life(format!(
                "the tenant has {package} {version}, which the archive does not carry"
            )));
        }
    }
    has_its_files(scope, work, &ending.files).await
}

/// Every file has its bytes.
async fn has_its_files(scope: &Scope, work: &Work, kept: &BTreeSet<String>) -> Result<(), AppError> {
    let mut after: Option<String> = None;
    loop {
        let contents = file::contents(scope, work, after.as_deref(), 1_000).await?;
        let Some((last, _)) = contents.last() else { return Ok(()) };
        after = Some(last.clone());
        if let Some((missing, _)) = contents.iter().find(|(sha256, _)| !kept.contains(sha256)) {
            return Err(AppError::Life(format!("the archive has no bytes of the file with the digest {missing}")));
        }
    }
}

/// What the database says of rows that no export wrote.
fn told(error: StorageError, table: &str) -> AppError {
    match error {
        StorageError::BadRow(what) => AppError::Life(what),
        StorageError::NotUnique { detail, .. } => {
            AppError::Life(format!("rows of {table} that the archive carries are there twice: {detail}"))
        }
        StorageError::BrokenReference => {
            AppError::Life(format!("a row of {table} refers to one that the archive does not carry"))
        }
        other => other.into(),
    }
}
