//! A bucket of an S3-compatible store: how it is reached, what its failures mean, and what broken-off uploads leave in it.
//!
//! An upload in parts is no object before it is complete, and no listing that every store understands shows it. So a marker
//! stands beside it that holds its number, `incoming/<name>.upload`, and the sweep ends what it names. A rule of the bucket that
//! ends incomplete uploads after some days is a second net.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::multipart::MultipartStore as _;
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectMeta, ObjectStore as _, ObjectStoreExt as _, RetryConfig};

use crate::StorageError;

/// What a marker's name ends with.
const MARKER: &str = ".upload";
/// How long a connection may take to stand.
const CONNECT_TIME: Duration = Duration::from_secs(5);
/// How long the store may be silent. Nothing bounds a whole answer: whoever downloads may be slow.
const SILENCE: Duration = Duration::from_secs(30);
/// How often and how long a request is tried again that the store did not take.
const RETRIES: usize = 3;
const RETRY_TIME: Duration = Duration::from_secs(15);
/// Characters of what the store says that are kept for the log.
const MAX_DETAIL: usize = 600;

/// A text that is shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A bucket, and who reads and writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketConfig {
    /// Its name.
    pub bucket: String,
    /// The address of the store, such as `https://s3.example.gov.cn`; none for Amazon's own.
    pub endpoint: Option<String>,
    /// The region; stores that have none take any.
    pub region: String,
    /// The name of the key.
    pub access_key: String,
    /// The key.
    pub secret_key: Secret,
}

/// What is wrong with a bucket. Each says what an operator does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ObjectFault {
    /// The store does not take the key, or the key may not do it.
    #[error(
        "it refuses the key: check `files_s3_access_key` and `files_s3_secret_key`, the clock of this machine, and that the key may \
         read, write, list and delete in the bucket"
    )]
    Refused,
    /// There is no such bucket.
    #[error("there is no such bucket: make it, or mend `files_s3_bucket`")]
    NoBucket,
    /// It cannot be reached, or answers with failures of its own.
    #[error("it does not answer: check that it runs and that `files_s3_endpoint` leads to it from here")]
    Unreachable,
    /// Its description cannot be used.
    #[error("it cannot be used as it is described: mend the `files_s3_` keys")]
    Unsound,
}

/// The store of the bucket.
pub(super) fn open(config: &BucketConfig) -> Result<AmazonS3, StorageError> {
    let unsound = |detail: &str| StorageError::Bucket { fault: ObjectFault::Unsound, detail: detail.to_owned() };
    for (name, text) in
        [("bucket", &config.bucket), ("access_key", &config.access_key), ("secret_key", &config.secret_key.0)]
    {
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            return Err(unsound(&format!("`files_s3_{name}` is empty or not readable")));
        }
    }
    let is_plain = config.endpoint.as_deref().is_some_and(|endpoint| endpoint.starts_with("http://"));
    let options = ClientOptions::new()
        .with_allow_http(is_plain)
        .with_connect_timeout(CONNECT_TIME)
        .with_timeout_disabled()
        .with_read_timeout(SILENCE);
    let retry = RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIME, backoff: BackoffConfig::default() };
    let builder = AmazonS3Builder::new()
        .with_bucket_name(&config.bucket)
        .with_region(&config.region)
        .with_access_key_id(&config.access_key)
        .with_secret_access_key(&config.secret_key.0)
        .with_client_options(options)
        // Deleting several at once is not understood everywhere.
        .with_disable_bulk_delete(true)
        .with_retry(retry);
    let builder = match &config.endpoint {
        Some(endpoint) if is_plain || endpoint.starts_with("https://") => {
            builder.with_endpoint(endpoint.trim_end_matches('/'))
        }
        Some(_) => return Err(unsound("`files_s3_endpoint` has to begin with https:// or http://")),
        None => builder,
    };
    builder.build().map_err(|error| unsound(&error.to_string()))
}

/// What a failure of the store means.
pub(super) fn failed(error: &object_store::Error) -> StorageError {
    use object_store::Error;
    let fault = match error {
        Error::NotFound { source, .. } if source.to_string().contains("NoSuchBucket") => ObjectFault::NoBucket,
        Error::NotFound { .. } => return StorageError::NotFound,
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => ObjectFault::Refused,
        Error::Generic { .. } | Error::JoinError { .. } => ObjectFault::Unreachable,
        _ => ObjectFault::Unsound,
    };
    StorageError::Bucket { fault, detail: error.to_string().chars().take(MAX_DETAIL).collect() }
}

/// Where the marker of an upload in parts stands.
pub(super) fn marker(temporary: &Path) -> Path {
    Path::from(format!("{temporary}{MARKER}"))
}

/// The name of the upload that an object below `incoming` belongs to.
fn upload_of(found: &ObjectMeta) -> Option<String> {
    let name = found.location.filename()?;
    Some(name.strip_suffix(MARKER).unwrap_or(name).to_owned())
}

/// Ends the uploads below `prefix` of which everything is old; answers how many.
pub(super) async fn sweep(
    store: &AmazonS3,
    prefix: &Path,
    is_old: impl Fn(&ObjectMeta) -> bool,
) -> object_store::Result<usize> {
    let found: Vec<ObjectMeta> = store.list(Some(prefix)).try_collect().await?;
    let young: BTreeSet<String> = found.iter().filter(|found| !is_old(found)).filter_map(upload_of).collect();
    let names: BTreeSet<String> = found.iter().filter_map(upload_of).filter(|name| !young.contains(name)).collect();
    let is_there = |path: &Path| found.iter().any(|found| found.location == *path);
    for name in &names {
        let temporary = prefix.clone().join(name.as_str());
        let marker = marker(&temporary);
        if is_there(&marker) {
            // Where the object is there the upload is complete, and has no parts any more.
            if !is_there(&temporary) {
                let id = store.get(&marker).await?.bytes().await?;
                gone(store.abort_multipart(&temporary, &String::from_utf8_lossy(&id).into_owned()).await)?;
            }
            gone(store.delete(&marker).await)?;
        }
        if is_there(&temporary) {
            gone(store.delete(&temporary).await)?;
        }
    }
    Ok(names.len())
}

/// What is not there is gone already.
fn gone(deleted: object_store::Result<()>) -> object_store::Result<()> {
    match deleted {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> BucketConfig {
        BucketConfig {
            bucket: "files".to_owned(),
            endpoint: Some("https://s3.example".to_owned()),
            region: "us-east-1".to_owned(),
            access_key: "sunlit".to_owned(),
            secret_key: Secret("hush-hush".to_owned()),
        }
    }

    #[test]
    fn a_description_that_is_unsound_is_refused_with_the_key_to_mend() {
        let check = |change: fn(&mut BucketConfig), expect: &str| {
            let mut config = config();
            change(&mut config);
            let told = open(&config).map(drop).unwrap_err().to_string();
            assert!(told.contains(expect) && told.contains("mend") && !told.contains("hush-hush"), "{told}");
        };
        check(|config| config.bucket.clear(), "files_s3_bucket");
        check(|config| config.access_key = " ".to_owned(), "files_s3_access_key");
        check(|config| config.secret_key = Secret("hush-hush\n".to_owned()), "files_s3_secret_key");
        check(|config| config.endpoint = Some("s3.example".to_owned()), "files_s3_endpoint");
        check(|config| config.endpoint = Some("ftp://s3.example".to_owned()), "files_s3_endpoint");
        assert!(open(&config()).is_ok());
    }

    #[test]
    fn nothing_that_is_shown_of_a_bucket_has_its_key() {
        let blobs = super::super::Blobs::open_bucket(&config()).unwrap();
        let told = format!("{:?} {blobs:?}", config());
        assert!(!told.contains("hush") && told.contains("files"), "{told}");
    }
}
