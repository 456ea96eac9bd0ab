//! What a configuration may say, and that nothing shows its secrets.

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

fn read(file: &str, variables: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sunlit.toml");
    std::fs::write(&path, file).unwrap();
    let known = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
    Config::read_with(&path, known).map_err(|error| error.to_string())
}

#[test]
fn variables_come_last_and_say_their_names_when_they_are_wrong() {
    let config = read(
        "threads = 3\nworkers = 2\n",
        &[
            ("SUNLIT_THREADS", "5"),
            ("SUNLIT_LOG", "2"),
            ("SUNLIT_TRUSTED_PROXIES", "[10.0.0.0/8, ::1/128]"),
            ("SUNLIT_METRICS_LISTEN", "127.0.0.1:9464"),
            ("SUNLIT_OTLP_SAMPLE_RATIO", "0.25"),
            ("SUNLIT_DEVELOPMENT", "true"),
            ("SUNLIT_TEST_POSTGRES", "nobody's business"),
        ],
    );
    let config = config.unwrap();
    assert_eq!((config.threads, config.workers, config.log.as_str()), (Some(5), 2, "2"));
    assert_eq!(config.trusted_proxies.len(), 2);
    assert!(config.development && config.metrics_listen.is_some());
    assert!((config.otlp_sample_ratio - 0.25).abs() < 1e-9);
    for (variable, text, expect) in [
        ("SUNLIT_THREADS", "many", "SUNLIT_THREADS"),
        ("SUNLIT_WORKERS", "-1", "SUNLIT_WORKERS"),
        ("SUNLIT_LISTEN", "here", "SUNLIT_LISTEN"),
        ("SUNLIT_TRUSTED_PROXIES", "10.0.0.0/8", "SUNLIT_TRUSTED_PROXIES"),
        ("SUNLIT_LOG_FORMAT", "xml", "SUNLIT_LOG_FORMAT"),
        ("SUNLIT_DATABASE_FILE", "/nowhere/at/all", "/nowhere/at/all"),
    ] {
        let told = read("", &[(variable, text)]).unwrap_err();
        assert!(told.contains(expect) && told.contains(": "), "{told}");
    }
}

#[test]
fn a_secret_comes_from_a_file_and_is_in_no_message() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("url");
    std::fs::write(&secret, "postgres://sunlit_app:hush@db.example/sunlit\n").unwrap();
    let secret = secret.display().to_string();
    let config = read("", &[("SUNLIT_DATABASE_FILE", &secret)]).unwrap();
    assert_eq!(config.database().unwrap().url, "postgres://sunlit_app:hush@db.example/sunlit");
    let told = read("", &[("SUNLIT_DATABASE_FILE", &secret), ("SUNLIT_DATABASE", "x")]).unwrap_err();
    assert!(told.contains("SUNLIT_DATABASE_FILE") && !told.contains("hush"), "{told}");
    let told = read("", &[("SUNLIT_THREADS_FILE", &secret)]).unwrap_err();
    assert!(told.contains("SUNLIT_THREADS_FILE") && !told.contains("hush"), "{told}");
}

#[test]
fn what_is_beyond_its_bounds_is_refused_with_key_and_mend() {
    let check = |file: &str, expect: &[&str]| {
        let told = read(file, &[]).unwrap_err();
        assert!(expect.iter().all(|part| told.contains(part)), "{told}");
    };
    check("threads = 0\n", &["threads = 0", "choose 1 to 1024", "SUNLIT_THREADS"]);
    check("plugin_slots = 5000\n", &["plugin_slots = 5000", "SUNLIT_PLUGIN_SLOTS"]);
    check("database_connections = 3\n", &["database_connections = 3", "choose 4 to 1000"]);
    check("otlp_sample_ratio = 1.5\n", &["otlp_sample_ratio", "choose 0 to 1"]);
    check("otlp_endpoint = \"collector:4318\"\n", &["otlp_endpoint", "http://"]);
    check("otlp_endpoint = \"http://a:b@collector:4318\"\n", &["otlp_endpoint", "without a password"]);
    check("metrics_listen = \"127.0.0.1:8080\"\n", &["metrics_listen", "another port"]);
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

#[test]
fn a_bucket_is_described_wholly_or_not_at_all_and_its_key_is_never_shown() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sunlit.toml");
    let read = |text: &str| {
        std::fs::write(&file, text).unwrap();
        Config::read(&file).map_err(|error| error.to_string())
    };
    assert!(read("").unwrap().bucket().is_none());
    for part in ["files_s3_bucket = \"files\"", "files_s3_secret_key = \"hush\"", "files_s3_access_key = \"a\""] {
        let told = read(part).unwrap_err();
        assert!(told.contains("together") && !told.contains("hush"), "{told}");
    }
    let whole = "files_s3_bucket = \"files\"\nfiles_s3_endpoint = \"https://s3.example\"\n\
                 files_s3_access_key = \"sunlit\"\nfiles_s3_secret_key = \"hush\"\n";
    let config = read(whole).unwrap();
    let bucket = config.bucket().unwrap();
    assert_eq!((bucket.bucket.as_str(), bucket.secret_key.0.as_str()), ("files", "hush"));
    let told = format!("{config:?} {bucket:?}");
    assert!(!told.contains("hush") && told.contains("s3.example"), "{told}");
    // A key that looks like something else is not told in the error either.
    let told = read("files_s3_secret_key = [1234567890]\n").unwrap_err();
    assert!(told.contains("sunlit.toml:1") && told.contains("put it in quotes") && !told.contains("12345"), "{told}");
}
