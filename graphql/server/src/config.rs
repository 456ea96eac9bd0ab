//! Configuration: defaults, then `sunlit.toml`, then `SUNLIT_*` in the environment.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Env, Serialized};
use serde::{Deserialize, Serialize};
use sunlit_domain::toml_source::{SourceErrors, TomlSource};
use sunlit_plugin_host::HostConfig;
use sunlit_storage::PostgresConfig;
use sunlit_storage::postgres::shown;

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
        }
    }
}

/// The keys, so that other variables that begin with `SUNLIT_` are nobody's business.
const KEYS: [&str; 11] = [
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
        figment.extract().map_err(|error| ConfigError::Value(Box::new(error)))
    }

    /// Puts everything into files of `folder`, whatever database is configured.
    pub(crate) fn keep_in(&mut self, folder: PathBuf) {
        self.data = folder;
        self.database = None;
        self.migrator_database = None;
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
