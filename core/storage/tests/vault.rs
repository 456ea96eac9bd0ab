//! What is sealed opens for its tenant, in its place, under its master key, and for nobody else.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use sunlit_domain::id::TenantId;
use sunlit_domain::{Actor, Scope, ScopeAuthority};
use sunlit_storage::platform::{Platform, master_key, secret};
use sunlit_storage::tenant::data_key;
use sunlit_storage::testing::Counting;
use sunlit_storage::{MasterKeySource, MasterKeys, Postgres, StorageError, Stores, Vault, VaultError, testing};
use tempfile::TempDir;
use uuid::Uuid;

const FIRST: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const SECOND: &str = "IAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const THIRD: &str = "QAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

struct Kit {
    platform: Platform,
    stores: Stores,
    source: Arc<Counting>,
    one: Scope,
    two: Scope,
    folder: TempDir,
}

fn keys(text: &str) -> MasterKeySource {
    MasterKeySource::Given(MasterKeys::parse("the test", text).unwrap())
}

impl Kit {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        // The stores' own vault is of another installation: the tests bring theirs.
        let aside = testing::vault(&Platform::open(&folder.path().join("aside")).await.unwrap()).await;
        let (platform, stores) = match testing::database().await {
            Some(config) => {
                let database = Postgres::connect(config).await.unwrap();
                (Platform::shared(&database), Stores::shared(database, aside))
            }
            None => {
                let platform = Platform::open(folder.path()).await.unwrap();
                (platform, Stores::new(folder.path().join("tenants"), aside).unwrap())
            }
        };
        let authority = ScopeAuthority::establish();
        let scope = |n| authority.scope(TenantId(Uuid::from_u128(n)), Actor::anonymous());
        let kit = Self { platform, stores, source: Arc::default(), one: scope(1), two: scope(2), folder };
        for scope in [&kit.one, &kit.two] {
            kit.stores.create(scope).await.unwrap();
        }
        kit
    }

    async fn unlock(&self, masters: &MasterKeySource) -> Result<Vault, StorageError> {
        let source = Arc::clone(&self.source) as Arc<dyn sunlit_storage::vault::Source>;
        Vault::unlock(&self.platform, masters, source).await
    }

    async fn vault(&self, text: &str) -> Vault {
        self.unlock(&keys(text)).await.unwrap()
    }

    async fn seal(&self, vault: &Vault, scope: &Scope, context: &str, plain: &str) -> Result<String, StorageError> {
        let work = self.stores.open(scope).await.unwrap().work(scope).await.unwrap();
        let sealed = vault.seal(scope, &work, context, plain.as_bytes()).await?;
        work.commit().await.unwrap();
        Ok(sealed)
    }

    async fn open(&self, vault: &Vault, scope: &Scope, context: &str, text: &str) -> Result<String, VaultError> {
        let session = self.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        match vault.open(scope, &session, context, text).await {
            Ok(plain) => Ok(String::from_utf8(plain).unwrap()),
            Err(StorageError::Vault(error)) => Err(error),
            Err(other) => panic!("{other}"),
        }
    }

    async fn rows(&self, scope: &Scope) -> Vec<data_key::Model> {
        let session = self.stores.open(scope).await.unwrap().snapshot(scope).await.unwrap();
        data_key::all(scope, &session).await.unwrap()
    }

    async fn rewrap(&self, vault: &Vault, scope: &Scope) -> usize {
        let work = self.stores.open(scope).await.unwrap().work(scope).await.unwrap();
        let wrapped = vault.rewrap(scope, &work).await.unwrap();
        work.commit().await.unwrap();
        wrapped
    }
}

fn refusal(result: Result<Vault, StorageError>) -> String {
    result.err().map(|error| error.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn what_is_sealed_opens_for_its_tenant_in_its_place() {
    let kit = Kit::new().await;
    let vault = kit.vault(FIRST).await;
    let sealed = kit.seal(&vault, &kit.one, "a/phone/1", "13812345678").await.unwrap();
    assert!(sealed.starts_with("v1.1.") && !sealed.contains("138123"), "{sealed}");
    // The same value again is another text: nothing tells that two are equal.
    assert_ne!(kit.seal(&vault, &kit.one, "a/phone/1", "13812345678").await.unwrap(), sealed);
    // With keys in memory, and by another process.
    for vault in [&vault, &kit.vault(FIRST).await] {
        assert_eq!(kit.open(vault, &kit.one, "a/phone/1", &sealed).await.unwrap(), "13812345678");
        assert_eq!(kit.open(vault, &kit.one, "a/phone/2", &sealed).await, Err(VaultError::NotOpened));
        assert_eq!(kit.open(vault, &kit.one, "a/name/1", &sealed).await, Err(VaultError::NotOpened));
        assert_eq!(kit.open(vault, &kit.one, "a/phone/1", "13812345678").await, Err(VaultError::NotSealed));
    }
    // The other tenant has no key, then its own.
    assert_eq!(kit.open(&vault, &kit.two, "a/phone/1", &sealed).await, Err(VaultError::NoDataKey(1)));
    kit.seal(&vault, &kit.two, "a/phone/1", "x").await.unwrap();
    assert_eq!(kit.open(&vault, &kit.two, "a/phone/1", &sealed).await, Err(VaultError::NotOpened));
    vault.forget(&kit.one);
    assert_eq!(kit.open(&vault, &kit.one, "a/phone/1", &sealed).await.unwrap(), "13812345678");
}

#[tokio::test]
async fn a_scope_seals_and_opens_in_its_own_session_only() {
    let kit = Kit::new().await;
    let vault = kit.vault(FIRST).await;
    let sealed = kit.seal(&vault, &kit.one, "c", "x").await.unwrap();
    let work = kit.stores.open(&kit.two).await.unwrap().work(&kit.two).await.unwrap();
    let foreign = |told: StorageError| assert!(matches!(told, StorageError::ForeignScope), "{told}");
    foreign(vault.seal(&kit.one, &work, "c", b"x").await.unwrap_err());
    foreign(vault.open(&kit.one, &work, "c", &sealed).await.unwrap_err());
    foreign(vault.rotate(&kit.one, &work).await.unwrap_err());
    foreign(vault.rewrap(&kit.one, &work).await.unwrap_err());
    foreign(data_key::all(&kit.one, &work).await.unwrap_err());
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    foreign(data_key::retire_before(&kit.one, &work, 9, at).await.unwrap_err());
}

/// A data key that a transaction made and did not keep is nobody's: neither memory nor texts remember it.
#[tokio::test]
async fn a_key_of_a_transaction_that_came_to_nothing_is_forgotten() {
    let kit = Kit::new().await;
    let vault = kit.vault(FIRST).await;
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    let lost = vault.seal(&kit.one, &work, "c", b"lost").await.unwrap();
    assert_eq!(vault.open(&kit.one, &work, "c", &lost).await.unwrap(), b"lost");
    drop(work);
    assert!(kit.rows(&kit.one).await.is_empty());
    let sealed = kit.seal(&vault, &kit.one, "c", "kept").await.unwrap();
    assert_eq!(kit.open(&vault, &kit.one, "c", &sealed).await.unwrap(), "kept");
    assert_eq!(kit.open(&kit.vault(FIRST).await, &kit.one, "c", &sealed).await.unwrap(), "kept");
    assert_eq!(kit.open(&vault, &kit.one, "c", &lost).await, Err(VaultError::NotOpened));
}

#[tokio::test]
async fn after_a_rotation_the_new_key_seals_and_the_former_opens() {
    let kit = Kit::new().await;
    let (vault, other) = (kit.vault(FIRST).await, kit.vault(FIRST).await);
    let old = kit.seal(&vault, &kit.one, "c", "old").await.unwrap();
    assert_eq!(kit.open(&other, &kit.one, "c", &old).await.unwrap(), "old");
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    assert_eq!(vault.rotate(&kit.one, &work).await.unwrap(), 2);
    work.commit().await.unwrap();
    // A process that knows nothing of it seals with the new one too.
    for vault in [&other, &vault] {
        let new = kit.seal(vault, &kit.one, "c", "new").await.unwrap();
        assert!(new.starts_with("v1.2."), "{new}");
        assert_eq!(kit.open(&vault.clone(), &kit.one, "c", &new).await.unwrap(), "new");
        assert_eq!(kit.open(vault, &kit.one, "c", &old).await.unwrap(), "old");
        // The number is bound too.
        let swapped = old.replacen("v1.1.", "v1.2.", 1);
        assert_eq!(kit.open(vault, &kit.one, "c", &swapped).await, Err(VaultError::NotOpened));
    }
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    data_key::retire_before(&kit.one, &work, 2, "2026-02-01T00:00:00Z".parse().unwrap()).await.unwrap();
    work.commit().await.unwrap();
    let retired: Vec<bool> = kit.rows(&kit.one).await.iter().map(|row| row.retired_at.is_some()).collect();
    assert_eq!(retired, [true, false]);
}

#[tokio::test]
async fn a_master_key_that_is_missing_or_wrong_is_found_at_the_start() {
    let kit = Kit::new().await;
    let file = kit.folder.path().join("keys/master.key");
    let told = refusal(kit.unlock(&MasterKeySource::File(file.clone())).await);
    assert!(told.contains("is not there") && told.contains("SUNLIT_MASTER_KEY"), "{told}");
    assert!(!file.exists() && master_key::all(&kit.platform).await.unwrap().is_empty());
    // An installation that has sealed nothing makes its own.
    let own = MasterKeySource::Own(file.clone());
    let vault = kit.unlock(&own).await.unwrap();
    let sealed = kit.seal(&vault, &kit.one, "c", "x").await.unwrap();
    let again = kit.unlock(&own).await.unwrap();
    assert_eq!(kit.open(&again, &kit.one, "c", &sealed).await.unwrap(), "x");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let left: Vec<_> = std::fs::read_dir(file.parent().unwrap()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    // One that has does not.
    let kept = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let told = refusal(kit.unlock(&own).await);
    assert!(told.contains("is not there") && !file.exists(), "{told}");
    let told = refusal(kit.unlock(&keys(FIRST)).await);
    let id = vault.masters().first().id();
    assert!(told.contains(id) && told.contains("give the right one"), "{told}");
    for damaged in ["", "hush", &FIRST[1..], "# gone\n"] {
        std::fs::write(&file, damaged).unwrap();
        let told = refusal(kit.unlock(&own).await);
        assert!(told.contains("holds no master key") && told.contains("master.key"), "{damaged}: {told}");
        assert!(!told.contains("hush"), "{told}");
    }
    std::fs::write(&file, vec![b'A'; 17 * 1024]).unwrap();
    assert!(refusal(kit.unlock(&own).await).contains("too large"));
    std::fs::write(&file, kept).unwrap();
    assert!(kit.unlock(&own).await.is_ok());
}

#[tokio::test]
async fn many_that_start_at_once_agree() {
    let kit = Kit::new().await;
    let own = MasterKeySource::Own(kit.folder.path().join("keys/master.key"));
    let vaults = futures_util::future::join_all((0..8).map(|_| kit.unlock(&own))).await;
    let vaults: Vec<Vault> = vaults.into_iter().map(Result::unwrap).collect();
    let sealed = vaults[0].seal_platform("c", b"x").unwrap();
    for vault in &vaults {
        assert_eq!(vault.open_platform("c", &sealed).unwrap(), b"x");
    }
    assert_eq!(master_key::all(&kit.platform).await.unwrap().len(), 1);
}

#[tokio::test]
async fn of_two_first_starts_with_other_master_keys_one_is_refused() {
    let kit = Kit::new().await;
    let (one, two) = (keys(FIRST), keys(SECOND));
    let started = futures_util::future::join(kit.unlock(&one), kit.unlock(&two)).await;
    let told = match started {
        (Ok(_), Err(error)) | (Err(error), Ok(_)) => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(told.contains("give the right one"), "{told}");
}

#[tokio::test]
async fn secrets_of_the_installation_open_under_their_name_alone() {
    let kit = Kit::new().await;
    let vault = kit.vault(FIRST).await;
    let sealed = vault.seal_platform("secret/tokens", b"seed").unwrap();
    assert_eq!(vault.open_platform("secret/tokens", &sealed).unwrap(), b"seed");
    assert!(vault.open_platform("secret/files", &sealed).is_err());
    assert!(vault.open_platform("secret/tokens", &sealed.replacen("v1.1.", "v1.2.", 1)).is_err());
    // A tenant's text is none of the platform's, in whatever context.
    let of_tenant = kit.seal(&vault, &kit.one, "secret/tokens", "seed").await.unwrap();
    assert!(vault.open_platform("secret/tokens", &of_tenant).is_err());
    assert!(kit.open(&vault, &kit.one, "secret/tokens", &sealed).await.is_err());
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(secret::keep(&kit.platform, "tokens", &sealed, at).await.unwrap(), sealed);
    assert_eq!(secret::keep(&kit.platform, "tokens", "later", at).await.unwrap(), sealed);
    assert_eq!(secret::find(&kit.platform, "tokens").await.unwrap(), Some(sealed));
    assert_eq!(secret::find(&kit.platform, "files").await.unwrap(), None);
}

#[tokio::test]
async fn a_new_master_key_takes_over_and_the_former_can_go() {
    let kit = Kit::new().await;
    let former = kit.vault(FIRST).await;
    let sealed = kit.seal(&former, &kit.one, "c", "x").await.unwrap();
    let secret = former.seal_platform("s", b"seed").unwrap();
    // It is put first, and decides nothing until it is made the current one.
    let both = kit.vault(&format!("{SECOND},{FIRST}")).await;
    kit.seal(&both, &kit.two, "c", "y").await.unwrap();
    assert_eq!(kit.rows(&kit.two).await[0].master_key, former.masters().first().id());
    assert!(both.advance().await.unwrap());
    assert!(!both.advance().await.unwrap());
    assert_eq!((kit.rewrap(&both, &kit.one).await, kit.rewrap(&both, &kit.two).await), (1, 1));
    assert_eq!((kit.rewrap(&both, &kit.one).await, kit.rewrap(&both, &kit.two).await), (0, 0));
    // Both are needed until somebody says that nothing is wrapped by the former any more.
    assert!(refusal(kit.unlock(&keys(SECOND)).await).contains(former.masters().first().id()));
    master_key::forget_former(&kit.platform, both.masters().first().id()).await.unwrap();
    let new = kit.vault(SECOND).await;
    assert_eq!(kit.open(&new, &kit.one, "c", &sealed).await.unwrap(), "x");
    assert_eq!(new.open_platform("s", &secret).unwrap(), b"seed");
    let told = refusal(kit.unlock(&keys(FIRST)).await);
    assert!(told.contains(new.masters().first().id()), "{told}");
    // A process that was left with the former reads on from memory, and wraps nothing.
    let work = kit.stores.open(&kit.one).await.unwrap().work(&kit.one).await.unwrap();
    let told = former.rotate(&kit.one, &work).await.unwrap_err();
    assert!(matches!(told, StorageError::Vault(VaultError::Wrong { .. })), "{told}");
    drop(work);
    // And on to a third, and back to the first.
    for (text, before) in [(THIRD, SECOND), (FIRST, THIRD)] {
        let vault = kit.vault(&format!("{text},{before}")).await;
        assert!(vault.advance().await.unwrap());
        assert_eq!(kit.rewrap(&vault, &kit.one).await, 1);
        kit.rewrap(&vault, &kit.two).await;
        master_key::forget_former(&kit.platform, vault.masters().first().id()).await.unwrap();
        assert_eq!(kit.open(&kit.vault(text).await, &kit.one, "c", &sealed).await.unwrap(), "x");
    }
}

mod on_sqlite {
    use super::*;

    #[tokio::test]
    async fn neither_key_nor_value_stands_in_a_file() {
        if std::env::var_os(testing::VARIABLE).is_some_and(|set| !set.is_empty()) {
            return;
        }
        let kit = Kit::new().await;
        let vault = kit.vault(FIRST).await;
        kit.seal(&vault, &kit.one, "c", "planted-value").await.unwrap();
        kit.stores.close().await;
        let mut read = 0;
        for folder in [kit.folder.path(), &kit.folder.path().join("tenants")] {
            for file in
                std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file())
            {
                assert_holds_not(&file, &[b"planted-value", FIRST.as_bytes(), &(0..32).collect::<Vec<u8>>()]);
                read += 1;
            }
        }
        assert!(read >= 3, "{read}");
    }

    fn assert_holds_not(file: &Path, words: &[&[u8]]) {
        let bytes = std::fs::read(file).unwrap();
        for word in words {
            assert!(!bytes.windows(word.len()).any(|window| window == *word), "{}", file.display());
        }
    }
}
