//! Configuration: defaults, then `sunlit.toml`, then `SUNLIT_*` in the environment.
//!
//! The type [`Config`] is the one list: the names of variables, the bounds of values and the reference for operators
//! (`infra/configuration.md`) come from its fields, their types and what is written above them.

mod keys;
pub mod reference;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::Serialized;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sunlit_app::AppConfig;
use sunlit_app::mail::MailConfig;
use sunlit_domain::format::Format;
use sunlit_domain::id::PlanId;
use sunlit_domain::toml_source::{SourceErrors, TomlSource};
use sunlit_plugin_host::HostConfig;
use sunlit_storage::blobs::{BucketConfig, Secret};
use sunlit_storage::postgres::shown;
use sunlit_storage::vault::VARIABLE;
use sunlit_storage::{MasterKeySource, MasterKeys, PostgresConfig, VaultError};
use sunlit_tenants::plans;

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// The address of a PostgreSQL database. What is shown of it has no password.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct DatabaseUrl(pub String);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

/// The address of a mail server. What is shown of it has no password.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MailServer(pub String);

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.rsplit('@').next().unwrap_or_default())
    }
}

/// A password or key. Nothing shows it.
#[derive(Clone, Serialize, JsonSchema)]
#[serde(transparent)]
#[schemars(with = "String")]
pub struct SecretText(pub String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(…)")
    }
}

impl<'de> Deserialize<'de> for SecretText {
    /// What is no text is refused without being told.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Text(String),
            Other(serde::de::IgnoredAny),
        }
        match Given::deserialize(deserializer)? {
            Given::Text(text) => Ok(Self(text)),
            Given::Other(_) => Err(serde::de::Error::custom("a secret is a text: put it in quotes")),
        }
    }
}

/// What an operator sets. Each key can be set as `SUNLIT_<KEY>` too, or as `SUNLIT_<KEY>_FILE` with the name of a file that holds
/// the value. What stands above a field is what operators read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The data folder: keys, files and compiled components; without `database` the tenants too.
    pub data: PathBuf,
    /// The PostgreSQL database, with the role that serves: `postgres://sunlit_app:…@host/sunlit`. Without it everything is
    /// in files of the data folder.
    pub database: Option<DatabaseUrl>,
    /// The same database with the role that makes tables; for `sunlit migrate`, and where packages are published.
    pub migrator_database: Option<DatabaseUrl>,
    /// Connections of this process to the database at most.
    #[schemars(range(min = 4, max = 1_000))]
    pub database_connections: u32,
    /// Where to listen: the address that people and their programs reach, or the reverse proxy.
    pub listen: SocketAddr,
    /// Whether developers' tools are on: GraphiQL, details in errors.
    pub development: bool,
    /// A `tracing` filter, such as `info,sunlit_app=debug`.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Threads that serve requests; none means one a core.
    #[schemars(range(min = 1, max = 1_024))]
    pub threads: Option<usize>,
    /// Workers that run jobs in this process; with 0 there must be a `sunlit worker` elsewhere.
    #[schemars(range(min = 0, max = 64))]
    pub workers: usize,
    /// Plugin calls that run at the same time.
    #[schemars(range(min = 1, max = 4_096))]
    pub plugin_slots: u32,
    /// What links in mails and addresses that others come back to begin with, such as `https://gov.example`; without it the
    /// address that is listened on.
    pub public_url: Option<String>,
    /// Where mail is handed in: `smtps://user:password@host`, `smtp://host:587?tls=required`, or `smtp://127.0.0.1:25`.
    pub smtp: Option<MailServer>,
    /// Whom mail is from.
    pub mail_from: String,
    /// Whether identity providers on this machine, over plain HTTP, are spoken with: for tests and development.
    pub local_identity_providers: bool,
    /// The file of the master keys, one a line, the first the one to go over to; `keys/master.key` in the data folder where
    /// there is no database. `SUNLIT_MASTER_KEY` holds the keys themselves, and goes before it.
    pub master_key_file: Option<PathBuf>,
    /// The master keys from the environment: none stands in a configuration file.
    #[serde(skip)]
    pub master_keys: Option<MasterKeys>,
    /// Where Prometheus asks for `/metrics`: an address of its own that the public cannot reach, such as `127.0.0.1:9464`. Without
    /// it nothing is counted. Each process on a machine needs another port.
    pub metrics_listen: Option<SocketAddr>,
    /// The OpenTelemetry collector that takes spans, by OTLP over HTTP on this machine or a private network, such as
    /// `http://127.0.0.1:4318`. Without it none are sent.
    pub otlp_endpoint: Option<String>,
    /// The share of traces that are sent, of 1. Traces that begin at a trusted proxy are sent when it says so.
    #[schemars(range(min = 0.0, max = 1.0))]
    pub otlp_sample_ratio: f64,
    /// The networks of reverse proxies, such as `10.0.0.0/8`: what they say of a request's trace (`traceparent`) is taken.
    #[schemars(with = "Vec<String>")]
    pub trusted_proxies: Vec<IpNet>,
    /// The bucket of an S3-compatible store that keeps the tenants' files. Without it they are in the data folder.
    pub files_s3_bucket: Option<String>,
    /// The address of that store, such as `https://s3.example.gov.cn`; without it Amazon's own.
    pub files_s3_endpoint: Option<String>,
    /// Its region; a store that has none takes any.
    pub files_s3_region: String,
    /// The name of the key that reads and writes the bucket.
    pub files_s3_access_key: Option<String>,
    /// That key: better in the environment, as `SUNLIT_FILES_S3_SECRET_KEY`, than in a file.
    pub files_s3_secret_key: Option<SecretText>,
    /// A folder of the operator's own plans, which add to and replace those that Sunlit carries; `sunlit plan list` tells them.
    pub plans: Option<PathBuf>,
    /// The plan of tenants that were given none.
    pub default_plan: PlanId,
    /// The mail domains whose holders may subscribe by themselves, such as `gov.cn`, and those below them; without one nobody
    /// may. Wants `smtp` too.
    pub subscription_domains: Vec<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: PathBuf::from("data"),
            database: None,
            migrator_database: None,
            database_connections: 16,
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            development: false,
            log: "info".to_owned(),
            log_format: LogFormat::Text,
            threads: None,
            workers: 1,
            plugin_slots: 128,
            public_url: None,
            smtp: None,
            mail_from: "noreply@localhost".to_owned(),
            local_identity_providers: false,
            master_key_file: None,
            master_keys: None,
            metrics_listen: None,
            otlp_endpoint: None,
            otlp_sample_ratio: 1.0,
            trusted_proxies: Vec::new(),
            files_s3_bucket: None,
            files_s3_endpoint: None,
            files_s3_region: "us-east-1".to_owned(),
            files_s3_access_key: None,
            files_s3_secret_key: None,
            plans: None,
            default_plan: PlanId::standard(),
            subscription_domains: Vec::new(),
        }
    }
}

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is malformed.
    #[error(transparent)]
    File(#[from] SourceErrors),
    /// The file cannot be read.
    #[error("{path} cannot be read: {source}")]
    Unreadable {
        /// Which file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The variable of the master keys holds none.
    #[error(transparent)]
    MasterKey(#[from] VaultError),
    /// A variable has a value that does not fit.
    #[error("configuration: {variable}: {reason}: `sunlit config reference` says what it can be")]
    Variable {
        /// Which variable.
        variable: String,
        /// What is wrong.
        reason: String,
    },
    /// A value beyond its bounds, or one that goes with no other.
    #[error("configuration: {key} = {value}: {mend}, in sunlit.toml or as {}", keys::variable(.key))]
    Value {
        /// Which key.
        key: &'static str,
        /// What it is set to.
        value: String,
        /// What to write.
        mend: String,
    },
}

impl Config {
    /// Reads the configuration; `file` may be missing.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        Self::read_with(file, |name| std::env::var(name).ok())
    }

    /// The keys, in their order.
    #[must_use]
    pub fn keys() -> &'static [&'static str] {
        keys::all()
    }

    /// The variable that sets a key.
    #[must_use]
    pub fn variable(key: &str) -> String {
        keys::variable(key)
    }

    /// As [`Config::read`], with other variables than those of the process.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read_with(file: &Path, variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let from_file = match std::fs::read_to_string(file) {
            Ok(text) => TomlSource::new(&file.display().to_string(), &text).read()?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(source) => return Err(ConfigError::Unreadable { path: file.display().to_string(), source }),
        };
        let mut config: Self = from_file;
        for key in keys::all() {
            let Some(given) = keys::given(key, &variable)? else { continue };
            let value = reference::schema_of(key).value(&given.text);
            let one = Figment::from(Serialized::defaults(&config)).merge(Serialized::global(key, value));
            // What does not fit is not shown: it may be half of a secret.
            config = one.extract().map_err(|error| ConfigError::Variable {
                variable: given.variable,
                reason: error.kind.to_string().replace(&given.text, "the value"),
            })?;
        }
        if let Some(text) = variable(VARIABLE) {
            config.master_keys = Some(MasterKeys::parse(VARIABLE, &text)?);
        }
        config.check()?;
        Ok(config)
    }

    /// Refuses values beyond the bounds that stand above the fields, and those that do not go together.
    fn check(&self) -> Result<(), ConfigError> {
        let values = serde_json::to_value(self).unwrap_or_default();
        for key in keys::all() {
            let (schema, value) = (reference::schema_of(key), &values[key]);
            if let Some(bounds) = schema.bounds()
                && value.as_f64().is_some_and(|number| !bounds.contains(&number))
            {
                let mend = format!("choose {} to {}", bounds.start(), bounds.end());
                return Err(ConfigError::Value { key, value: value.to_string(), mend });
            }
        }
        let wrong = |key: &'static str, mend: &str| {
            // What is behind an @ may come after a password.
            let shown = values.get(key).map_or_else(String::new, Json::to_string);
            let value = if shown.contains('@') { "…".to_owned() } else { shown };
            Err(ConfigError::Value { key, value, mend: mend.to_owned() })
        };
        let is_http =
            |url: &String| url.strip_prefix("http://").is_some_and(|rest| !rest.is_empty() && !rest.contains('@'));
        if self.otlp_endpoint.as_ref().is_some_and(|url| !is_http(url)) {
            return wrong(
                "otlp_endpoint",
                "write an address that begins with http://, without a password, of a collector near by",
            );
        }
        if self.metrics_listen.is_some_and(|address| address == self.listen && address.port() != 0) {
            return wrong("metrics_listen", "choose another port than that of `listen`, which the public reaches");
        }
        let described = [&self.files_s3_bucket, &self.files_s3_access_key].iter().filter(|key| key.is_some()).count()
            + usize::from(self.files_s3_secret_key.is_some());
        if !(described == 0 && self.files_s3_endpoint.is_none() || described == 3) {
            return wrong(
                "files_s3_bucket",
                "set files_s3_bucket, files_s3_access_key and files_s3_secret_key together, the latter as \
                 SUNLIT_FILES_S3_SECRET_KEY or SUNLIT_FILES_S3_SECRET_KEY_FILE",
            );
        }
        if let Err(error) = plans(self.plans.as_deref(), &self.default_plan) {
            return wrong("plans", &error.to_string());
        }
        let is_domain = |domain: &String| {
            Format::Email.check(&format!("a@{domain}")).is_ok() && !domain.chars().any(|c| c.is_ascii_uppercase())
        };
        if !self.subscription_domains.iter().all(is_domain) {
            return wrong("subscription_domains", "write mail domains in lower case, such as [\"gov.cn\"]");
        }
        Ok(())
    }

    /// Puts everything into files of `folder`, whatever database is configured.
    pub(crate) fn keep_in(&mut self, folder: PathBuf) {
        self.data = folder;
        self.database = None;
        self.migrator_database = None;
        self.master_key_file = None;
        self.master_keys = None;
        self.files_s3_bucket = None;
        self.files_s3_endpoint = None;
        self.files_s3_access_key = None;
        self.files_s3_secret_key = None;
    }

    /// The PostgreSQL database, where one is configured.
    #[must_use]
    pub fn database(&self) -> Option<PostgresConfig> {
        Some(PostgresConfig {
            url: self.database.clone()?.0,
            migrator_url: self.migrator_database.clone().map(|url| url.0),
            connections: self.database_connections,
        })
    }

    /// Where the master keys are.
    ///
    /// # Errors
    /// [`VaultError::Missing`] where nodes share a database and none was given: one that this node made would not be the
    /// others'.
    pub fn master_keys(&self) -> Result<MasterKeySource, VaultError> {
        match (&self.master_keys, &self.master_key_file) {
            (Some(keys), _) => Ok(MasterKeySource::Given(keys.clone())),
            (None, Some(file)) => Ok(MasterKeySource::File(file.clone())),
            (None, None) if self.database.is_none() => Ok(MasterKeySource::Own(self.data.join("keys/master.key"))),
            (None, None) => Err(VaultError::Missing(
                "nodes that share a database share their master key, so that none is made here; `sunlit key new` prints one"
                    .to_owned(),
            )),
        }
    }

    /// What the application is opened with.
    ///
    /// # Errors
    /// [`VaultError`] when no master key is named where one has to be.
    pub fn app(&self) -> Result<AppConfig, VaultError> {
        let mail = self.smtp.clone().map(|server| MailConfig { server: server.0, from: self.mail_from.clone() });
        Ok(AppConfig {
            data: self.data.clone(),
            host: self.host(),
            database: self.database(),
            mail,
            public_url: self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen)),
            master_keys: self.master_keys()?,
            files: self.bucket(),
            // They were read when the configuration was checked.
            plans: plans(self.plans.as_deref(), &self.default_plan).unwrap_or_default(),
            subscription_domains: self.subscription_domains.clone(),
        })
    }

    /// The bucket of files; none keeps them in the data folder.
    fn bucket(&self) -> Option<BucketConfig> {
        Some(BucketConfig {
            bucket: self.files_s3_bucket.clone()?,
            endpoint: self.files_s3_endpoint.clone(),
            region: self.files_s3_region.clone(),
            access_key: self.files_s3_access_key.clone()?,
            secret_key: Secret(self.files_s3_secret_key.clone()?.0),
        })
    }

    /// The sandbox.
    #[must_use]
    pub fn host(&self) -> HostConfig {
        HostConfig { slots: self.plugin_slots, ..HostConfig::default() }
    }
}

#[cfg(test)]
mod tests;
