//! Configuration: defaults, then `sunlit.toml`, then `SUNLIT_*` in the environment.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Serialized};
use serde::{Deserialize, Serialize};
use sunlit_app::AppConfig;
use sunlit_app::mail::MailConfig;
use sunlit_domain::toml_source::{SourceErrors, TomlSource};
use sunlit_plugin_host::HostConfig;
use sunlit_storage::postgres::shown;
use sunlit_storage::vault::VARIABLE;
use sunlit_storage::{MasterKeySource, MasterKeys, PostgresConfig, VaultError};

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line, for collectors.
    Json,
}

/// The address of a PostgreSQL database. What is shown of it has no password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DatabaseUrl(pub String);

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

/// The address of a mail server. What is shown of it has no password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MailServer(pub String);

impl fmt::Debug for MailServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.rsplit('@').next().unwrap_or_default())
    }
}

/// What an operator sets. Each key can be set as `SUNLIT_<KEY>` too.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The data folder.
    pub data: PathBuf,
    /// The PostgreSQL database, with the role that serves: `postgres://sunlit_app:…@host/sunlit`. Without it everything is
    /// in files of the data folder.
    pub database: Option<DatabaseUrl>,
    /// The same database with the role that makes tables; for `sunlit migrate`, and where packages are published.
    pub migrator_database: Option<DatabaseUrl>,
    /// Connections of this process to the database at most.
    pub database_connections: u32,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Whether developers' tools are on: GraphiQL, details in errors.
    pub development: bool,
    /// A `tracing` filter, such as `info,sunlit_app=debug`.
    pub log: String,
    /// How log lines are written.
    pub log_format: LogFormat,
    /// Threads that serve requests; none means one a core.
    pub threads: Option<usize>,
    /// Workers that run jobs in this process; with 0 there must be a `sunlit worker` elsewhere.
    pub workers: usize,
    /// Plugin calls that run at the same time.
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
        }
    }
}

/// The keys, so that other variables that begin with `SUNLIT_` are nobody's business.
const KEYS: [&str; 16] = [
    "data",
    "database",
    "migrator_database",
    "database_connections",
    "listen",
    "development",
    "log",
    "log_format",
    "threads",
    "workers",
    "plugin_slots",
    "public_url",
    "smtp",
    "mail_from",
    "local_identity_providers",
    "master_key_file",
];

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
    #[error("configuration: {0}: mend sunlit.toml or the SUNLIT_* variable")]
    Value(#[from] Box<figment::Error>),
}

impl Config {
    /// Reads the configuration; `file` may be missing.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let from_file = match std::fs::read_to_string(file) {
            Ok(text) => TomlSource::new(&file.display().to_string(), &text).read()?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default(),
            Err(source) => return Err(ConfigError::Unreadable { path: file.display().to_string(), source }),
        };
        let figment = Figment::from(Serialized::defaults(from_file)).merge(Env::prefixed("SUNLIT_").only(&KEYS));
        let mut config: Self = figment.extract().map_err(|error| ConfigError::Value(Box::new(error)))?;
        if let Some(text) = std::env::var_os(VARIABLE) {
            config.master_keys = Some(MasterKeys::parse(VARIABLE, &text.to_string_lossy())?);
        }
        Ok(config)
    }

    /// Puts everything into files of `folder`, whatever database is configured.
    pub(crate) fn keep_in(&mut self, folder: PathBuf) {
        self.data = folder;
        self.database = None;
        self.migrator_database = None;
        self.master_key_file = None;
        self.master_keys = None;
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
        })
    }

    /// The sandbox.
    #[must_use]
    pub fn host(&self) -> HostConfig {
        HostConfig { slots: self.plugin_slots, ..HostConfig::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_means_defaults_and_a_wrong_key_is_told_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sunlit.toml");
        assert!(!Config::read(&file).unwrap().development);
        std::fs::write(&file, "listen = \"0.0.0.0:80\"\nlisten_to = 1\n").unwrap();
        assert!(Config::read(&file).unwrap_err().to_string().contains("sunlit.toml:2"));
        std::fs::write(&file, "plugin_slots = 8\n").unwrap();
        assert_eq!(Config::read(&file).unwrap().plugin_slots, 8);
    }

    #[test]
    fn nodes_on_a_database_are_given_their_master_key() {
        let url = DatabaseUrl("postgres://sunlit_app@db.example/sunlit".to_owned());
        let mut config = Config { database: Some(url), ..Config::default() };
        let told = config.master_keys().unwrap_err().to_string();
        assert!(told.contains("SUNLIT_MASTER_KEY") && told.contains("master_key_file"), "{told}");
        config.master_key_file = Some(PathBuf::from("here"));
        assert!(matches!(config.master_keys(), Ok(MasterKeySource::File(file)) if file == Path::new("here")));
        let text = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
        config.master_keys = Some(MasterKeys::parse("the test", text).unwrap());
        assert!(matches!(config.master_keys(), Ok(MasterKeySource::Given(_))));
        assert!(!format!("{config:?}").contains(text));
        // The demo is on files, and makes its own.
        config.keep_in(PathBuf::from("demo"));
        assert!(matches!(config.master_keys(), Ok(MasterKeySource::Own(file)) if file.starts_with("demo")));
    }

    #[test]
    fn no_master_key_stands_in_a_configuration_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sunlit.toml");
        std::fs::write(&file, "master_keys = [\"hush\"]\n").unwrap();
        let told = Config::read(&file).unwrap_err().to_string();
        assert!(told.contains("sunlit.toml:1") && !told.contains("hush"), "{told}");
    }

    #[test]
    fn a_configuration_is_shown_without_passwords() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sunlit.toml");
        let url = "postgres://sunlit_app:hush@db.example/sunlit";
        std::fs::write(&file, format!("database = \"{url}\"\nmigrator_database = \"{url}\"\n")).unwrap();
        let config = Config::read(&file).unwrap();
        assert_eq!(config.database().unwrap().url, url);
        let told = format!("{config:?} {:?}", config.database());
        assert!(!told.contains("hush") && told.matches("postgres://sunlit_app@db.example:5432/sunlit").count() == 4);
    }
}
