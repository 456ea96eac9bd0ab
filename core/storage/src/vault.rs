//! The vault: seals what must not be read in the database, its backups or its logs.
//!
//! Each tenant has data keys of its own, random and wrapped by a master key, which the operator keeps apart from the data
//! (`infra/keys/README.md`). What is sealed is bound to its tenant and to its *context*, the place where it stands: a text
//! that is carried to another tenant, record or field does not open. What belongs to no tenant is sealed with the platform's
//! own key, which the master key wraps too.
//!
//! The platform's table `master_key` decides by which master key new data keys are wrapped, not the order in which a process
//! was given them: so nodes that are started one after the other agree.

mod cipher;
mod error;
mod master;

use std::sync::Arc;

use hkdf::Hkdf;
use moka::sync::Cache;
use sha2::Sha256;
use sunlit_domain::Scope;
use sunlit_domain::id::TenantId;
use sunlit_domain::value::Timestamp;

use self::cipher::{Binding, Cipher, KeyBytes, Sealed};
use self::master::Owner;
use crate::platform::{Platform, master_key};
use crate::tenant::data_key;
use crate::{Session, StorageError, Work};

pub use cipher::KEY_BYTES;
pub use error::VaultError;
pub use master::{MasterKey, MasterKeySource, MasterKeys, VARIABLE, new_master_key};

/// How many tenants' keys stay in memory.
const MAX_TENANTS: u64 = 10_000;
/// The number of the platform's own key.
const PLATFORM_KEY: i64 = 1;
/// The number of a tenant's first data key.
const FIRST_DATA_KEY: i64 = 1;
/// How often a start is tried where other nodes start too.
const ATTEMPTS: usize = 5;

/// What a vault takes from outside (invariant 13).
pub trait Source: Send + Sync + std::fmt::Debug {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Random bytes that nobody can guess.
    fn fill(&self, bytes: &mut [u8]);
}

/// Seals and opens. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    source: Arc<dyn Source>,
    platform: Platform,
    masters: MasterKeys,
    platform_key: Cipher,
    /// Data keys, unwrapped. A process may hold outdated ones: what does not open with them is tried with fresh ones, and what
    /// is sealed is sealed with the key that the transaction sees.
    tenants: Cache<TenantId, Arc<Vec<Arc<DataKey>>>>,
}

/// A data key, unwrapped.
struct DataKey {
    number: i64,
    wrapped: String,
    cipher: Cipher,
    /// For digests that nobody else can try values against.
    digests: KeyBytes,
}

impl DataKey {
    fn new(number: i64, wrapped: String, key: &KeyBytes) -> Self {
        let mut digests = KeyBytes::new([0; KEY_BYTES]);
        // 32 bytes are never too many.
        let _ = Hkdf::<Sha256>::new(None, &**key).expand(b"sunlit digests v1", &mut *digests);
        Self { number, wrapped, cipher: Cipher::new(key), digests }
    }
}

impl Vault {
    /// Reads the master keys and holds them against the database; makes both for an installation that has sealed nothing yet.
    ///
    /// # Errors
    /// [`VaultError`] when a master key is missing, malformed or not the one that was used, or the database's.
    pub async fn unlock(
        platform: &Platform,
        masters: &MasterKeySource,
        source: Arc<dyn Source>,
    ) -> Result<Self, StorageError> {
        for _ in 0..ATTEMPTS {
            let needed = master_key::all(platform).await?;
            let masters = masters.read(&*source, needed.is_empty())?;
            let mut keys = Vec::new();
            for row in &needed {
                keys.push(masters.find(&row.id)?.unwrap(OF_PLATFORM, &row.platform_key)?);
            }
            if let Some(key) = keys.first() {
                let platform_key = Cipher::new(key);
                let tenants = Cache::new(MAX_TENANTS);
                return Ok(Self(Arc::new(Inner {
                    source,
                    platform: platform.clone(),
                    masters,
                    platform_key,
                    tenants,
                })));
            }
            let wrapped = masters.first().wrap(&*source, OF_PLATFORM, &fresh_key(&*source))?;
            // Whoever was first decides; everybody reads it again.
            master_key::advance(platform, 1, (masters.first().id(), &wrapped), source.now()).await?;
        }
        Err(StorageError::Interrupted)
    }

    /// Seals a value of the scope's tenant, in its transaction, with the tenant's latest data key; the first value makes one.
    /// `context` is the place of the value, such as table, field and record: it must be given again to open it.
    ///
    /// # Errors
    /// [`VaultError`] when the master key of this process is outdated, or the database's.
    pub async fn seal(&self, scope: &Scope, work: &Work, context: &str, plain: &[u8]) -> Result<String, StorageError> {
        self.sealer(scope, work).await?.seal(context, plain)
    }

    /// What seals many values in one transaction.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn sealer(&self, scope: &Scope, work: &Work) -> Result<Sealer, StorageError> {
        let key = match data_key::find(scope, work, None).await? {
            Some(row) => self.held(scope, work, &row).await?,
            None => self.new_data_key(scope, work, FIRST_DATA_KEY).await?,
        };
        Ok(Sealer { source: Arc::clone(&self.0.source), tenant: scope.tenant(), key })
    }

    /// Opens a value of the scope's tenant.
    ///
    /// # Errors
    /// [`VaultError`] when the text was changed or does not belong there, or the database's.
    pub async fn open(
        &self,
        scope: &Scope,
        session: &Session,
        context: &str,
        text: &str,
    ) -> Result<Vec<u8>, StorageError> {
        let tenant = session.guard(scope)?;
        let sealed = Sealed::read(text)?;
        let open = |keys: &[Arc<DataKey>]| {
            let key = keys.iter().find(|key| key.number == sealed.number);
            let key = key.ok_or(VaultError::NoDataKey(sealed.number))?;
            key.cipher.open(&sealed, binding(&tenant, sealed.number, context))
        };
        if let Some(keys) = self.0.tenants.get(&tenant)
            && let Ok(plain) = open(&keys)
        {
            return Ok(plain);
        }
        let keys = self.load(scope, session).await?;
        Ok(open(&keys)?)
    }

    /// The key of the tenant's digests. It comes of its first data key, so that digests stay the same whatever is rotated.
    pub(crate) async fn digest_key(&self, scope: &Scope, session: &Session) -> Result<KeyBytes, StorageError> {
        let first = data_key::find(scope, session, Some(FIRST_DATA_KEY)).await?;
        let row = first.ok_or(VaultError::NoDataKey(FIRST_DATA_KEY))?;
        Ok(self.held(scope, session, &row).await?.digests.clone())
    }

    /// Seals a secret of the installation itself. It opens for good: what a change of the master key wraps anew is the
    /// platform's key. It may stand in any table of the platform.
    ///
    /// # Errors
    /// For a text of more than 64 GiB.
    pub fn seal_platform(&self, context: &str, plain: &[u8]) -> Result<String, StorageError> {
        Ok(self.0.platform_key.seal(&*self.0.source, platform_binding(context), plain)?)
    }

    /// Opens a secret of the installation itself.
    ///
    /// # Errors
    /// [`VaultError`] when the text was changed or does not belong there.
    pub fn open_platform(&self, context: &str, text: &str) -> Result<Vec<u8>, StorageError> {
        let sealed = Sealed::read(text)?;
        if sealed.number != PLATFORM_KEY {
            return Err(VaultError::NotOpened.into());
        }
        Ok(self.0.platform_key.open(&sealed, platform_binding(context))?)
    }

    /// Forgets the keys of the scope's tenant, of which nothing may be left in memory.
    pub fn forget(&self, scope: &Scope) {
        self.0.tenants.invalidate(&scope.tenant());
    }

    /// Forgets the keys of all tenants, of which another process has erased one.
    pub fn forget_all(&self) {
        self.0.tenants.invalidate_all();
    }

    /// How the master keys that this process was given stand to those that are needed.
    ///
    /// # Errors
    /// The database's.
    pub async fn standing(&self) -> Result<Standing, StorageError> {
        let needed = master_key::all(&self.0.platform).await?;
        let (current, former) = needed.split_first().ok_or(StorageError::Interrupted)?;
        let first = self.0.masters.first().id();
        let is_idle = |id: &str| id != first && !needed.iter().any(|row| row.id == id);
        let idle = self.0.masters.iter().map(MasterKey::id).filter(|id| is_idle(id)).map(str::to_owned);
        let mut former: Vec<String> = former.iter().map(|row| row.id.clone()).collect();
        former.retain(|id| *id != current.id);
        Ok(Standing {
            current: current.id.clone(),
            former,
            waiting: (current.id != first).then(|| first.to_owned()),
            idle: idle.collect(),
        })
    }

    /// The master keys that this process was given.
    #[must_use]
    pub fn masters(&self) -> &MasterKeys {
        &self.0.masters
    }

    /// Gives the scope's tenant another data key, with which everything is sealed from now on; answers its number. What is
    /// there stays sealed under the former ones, and opens.
    ///
    /// # Errors
    /// As [`Vault::seal`].
    pub async fn rotate(&self, scope: &Scope, work: &Work) -> Result<i64, StorageError> {
        let number = data_key::find(scope, work, None).await?.map_or(0, |row| row.number) + 1;
        self.new_data_key(scope, work, number).await?;
        Ok(number)
    }

    /// Makes the first of the given master keys the current one, which wraps what is new; answers whether it was not before.
    ///
    /// # Errors
    /// The database's.
    pub async fn advance(&self) -> Result<bool, StorageError> {
        let Inner { source, platform, masters, .. } = &*self.0;
        let first = masters.first();
        for _ in 0..ATTEMPTS {
            let needed = master_key::all(platform).await?;
            let current = needed.first().ok_or(StorageError::Interrupted)?;
            if current.id == first.id() {
                return Ok(false);
            }
            let key = masters.find(&current.id)?.unwrap(OF_PLATFORM, &current.platform_key)?;
            let wrapped = first.wrap(&**source, OF_PLATFORM, &key)?;
            if master_key::advance(platform, current.number + 1, (first.id(), &wrapped), source.now()).await? {
                return Ok(true);
            }
        }
        Err(StorageError::Interrupted)
    }

    /// Wraps the data keys of the scope's tenant by the current master key; answers how many were wrapped by another.
    ///
    /// # Errors
    /// [`VaultError`] when a master key of theirs is not there, or the database's.
    pub async fn rewrap(&self, scope: &Scope, work: &Work) -> Result<usize, StorageError> {
        let Inner { source, platform, masters, .. } = &*self.0;
        let tenant = work.guard(scope)?;
        let current = master_key::current(platform).await?.ok_or(StorageError::Interrupted)?;
        let current = masters.find(&current)?;
        let mut rows = data_key::all(scope, work).await?;
        rows.retain(|row| row.master_key != current.id());
        for row in &rows {
            let owner = owner(&tenant, row.number);
            let key = masters.find(&row.master_key)?.unwrap(owner, &row.wrapped)?;
            let wrapped = current.wrap(&**source, owner, &key)?;
            data_key::rewrap(scope, work, row.number, (&wrapped, current.id())).await?;
        }
        Ok(rows.len())
    }

    /// Makes the data key of that number.
    async fn new_data_key(&self, scope: &Scope, work: &Work, number: i64) -> Result<Arc<DataKey>, StorageError> {
        let tenant = work.guard(scope)?;
        // Asked in the tenant's only writing transaction: whoever makes another master key the current one comes to this
        // tenant after that, and finds what is made here.
        let current = master_key::current(&self.0.platform).await?.ok_or(StorageError::Interrupted)?;
        let master = self.0.masters.find(&current)?;
        let key = fresh_key(&*self.0.source);
        let wrapped = master.wrap(&*self.0.source, owner(&tenant, number), &key)?;
        data_key::put(scope, work, number, (&wrapped, master.id()), self.0.source.now()).await?;
        // Not kept in memory yet: the transaction may come to nothing.
        Ok(Arc::new(DataKey::new(number, wrapped, &key)))
    }

    /// The data key of a row that the transaction sees.
    async fn held(
        &self,
        scope: &Scope,
        session: &Session,
        row: &data_key::Model,
    ) -> Result<Arc<DataKey>, StorageError> {
        let same = |key: &&Arc<DataKey>| key.number == row.number && key.wrapped == row.wrapped;
        let known = self.0.tenants.get(&scope.tenant());
        if let Some(key) = known.as_deref().and_then(|keys| keys.iter().find(same)) {
            return Ok(Arc::clone(key));
        }
        let keys = self.load(scope, session).await?;
        let key = keys.iter().find(same).map(Arc::clone);
        key.ok_or_else(|| VaultError::NoDataKey(row.number).into())
    }

    /// Unwraps every data key of the tenant.
    async fn load(&self, scope: &Scope, session: &Session) -> Result<Arc<Vec<Arc<DataKey>>>, StorageError> {
        let tenant = session.guard(scope)?;
        let mut keys = Vec::new();
        for row in data_key::all(scope, session).await? {
            let key = self.0.masters.find(&row.master_key)?.unwrap(owner(&tenant, row.number), &row.wrapped)?;
            keys.push(Arc::new(DataKey::new(row.number, row.wrapped, &key)));
        }
        let keys = Arc::new(keys);
        self.0.tenants.insert(tenant, Arc::clone(&keys));
        Ok(keys)
    }
}

/// How master keys stand, by their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The one that wraps what is new.
    pub current: String,
    /// Those that still wrap something.
    pub former: Vec<String>,
    /// The first that was given, when it is not the current one: what is to be gone over to.
    pub waiting: Option<String>,
    /// Those that were given and wrap nothing.
    pub idle: Vec<String>,
}

/// Seals values of one tenant in one transaction.
#[derive(Debug)]
pub struct Sealer {
    source: Arc<dyn Source>,
    tenant: TenantId,
    key: Arc<DataKey>,
}

impl Sealer {
    /// How every text begins that it seals, and no other key of the tenant.
    #[must_use]
    pub fn beginning(&self) -> String {
        cipher::beginning(self.key.number)
    }

    /// Seals a value.
    ///
    /// # Errors
    /// For a text of more than 64 GiB.
    pub fn seal(&self, context: &str, plain: &[u8]) -> Result<String, StorageError> {
        let binding = binding(&self.tenant, self.key.number, context);
        Ok(self.key.cipher.seal(&*self.source, binding, plain)?)
    }
}

/// Whether the text was sealed under the key that seals now.
pub(crate) fn is_sealed_with(text: &str, sealer: &Sealer) -> bool {
    text.starts_with(&sealer.beginning())
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({})", self.number)
    }
}

const OF_PLATFORM: Owner<'static> = Owner { tenant: b"", number: PLATFORM_KEY };

fn owner(tenant: &TenantId, number: i64) -> Owner<'_> {
    Owner { tenant: tenant.0.as_bytes(), number }
}

fn binding<'a>(tenant: &'a TenantId, number: i64, context: &'a str) -> Binding<'a> {
    Binding { kind: "tenant", owner: tenant.0.as_bytes(), number, context }
}

fn platform_binding(context: &str) -> Binding<'_> {
    Binding { kind: "platform", owner: b"", number: PLATFORM_KEY, context }
}

fn fresh_key(source: &dyn Source) -> KeyBytes {
    let mut key = KeyBytes::new([0; KEY_BYTES]);
    source.fill(&mut *key);
    key
}
