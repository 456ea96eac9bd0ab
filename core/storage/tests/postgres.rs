//! What only PostgreSQL has: its roles, what is refused at the start, and making tables beside those who use them.
#![expect(clippy::unwrap_used, reason = "tests")]

mod on_postgres {
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use sea_orm::{
        ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbBackend, Statement,
        TransactionTrait as _,
    };
    use sunlit_domain::Manifest;
    use sunlit_storage::testing::{self, Cluster};
    use sunlit_storage::{Engine, Postgres, PostgresConfig, StorageError};
    use tempfile::TempDir;

    /// A cluster of the test's own, for its roles are everybody's.
    fn cluster() -> (TempDir, Cluster) {
        let folder = tempfile::tempdir().unwrap();
        Command::new("chmod").arg("755").arg(folder.path()).status().unwrap();
        let cluster = Cluster::start(folder.path().join("cluster"));
        (folder, cluster)
    }

    async fn connect(url: &str) -> DatabaseConnection {
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        Database::connect(options).await.unwrap()
    }

    /// As a superuser inside the database of `config`.
    async fn superuser(admin: &str, config: &PostgresConfig) -> DatabaseConnection {
        let (server, _) = admin.rsplit_once('/').unwrap();
        let (_, name) = config.url.rsplit_once('/').unwrap();
        connect(&format!("{server}/{name}")).await
    }

    /// Why nothing is served from this database; nothing where all is well.
    async fn refusal(config: &PostgresConfig) -> String {
        match Postgres::connect(config.clone()).await {
            Ok(_) => String::new(),
            Err(StorageError::Unsafe(told)) => told,
            Err(other) => panic!("{other}"),
        }
    }

    #[tokio::test]
    async fn a_database_that_shows_rows_to_whoever_asks_is_refused() {
        let (_folder, cluster) = cluster();
        let config = testing::database_of(&cluster.url()).await;
        let database = superuser(&cluster.url(), &config).await;
        assert_eq!(refusal(&config).await, "");
        let view = |option: &str| format!("CREATE OR REPLACE VIEW seen {option} AS SELECT * FROM audit");
        let definer = "CREATE FUNCTION seen() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint'";
        let app = "sunlit_test_app";
        for (sql, told) in [
            (view(""), "the views seen"),
            (view("WITH (security_invoker = off)"), "the views seen"),
            (view("WITH (security_invoker = on)"), ""),
            (view("WITH (security_invoker = 0)"), "the views seen"),
            (view("WITH (security_invoker = 1)"), ""),
            (view("WITH (security_invoker = no)"), "the views seen"),
            (view("WITH (security_invoker = yes)"), ""),
            (view("WITH (security_invoker)"), ""),
            ("DROP VIEW seen; CREATE MATERIALIZED VIEW seen AS SELECT * FROM audit".to_owned(), "the views seen"),
            // What an extension brings is its own affair.
            ("DROP MATERIALIZED VIEW seen; CREATE EXTENSION pg_stat_statements".to_owned(), ""),
            (definer.to_owned(), "the functions seen() run with their owner's rights"),
            ("REVOKE EXECUTE ON FUNCTION seen() FROM PUBLIC".to_owned(), ""),
            (format!("GRANT EXECUTE ON FUNCTION seen() TO {app}"), "revoke EXECUTE from PUBLIC and sunlit_test_app"),
            ("ALTER FUNCTION seen() SECURITY INVOKER".to_owned(), ""),
            (format!("CREATE ROLE passing BYPASSRLS; GRANT passing TO {app}"), "a member of passing"),
            ("ALTER ROLE passing NOBYPASSRLS".to_owned(), ""),
            ("CREATE ROLE almighty SUPERUSER; GRANT almighty TO passing".to_owned(), "a member of almighty"),
            (format!("REVOKE passing FROM {app}"), ""),
            (format!("GRANT TRUNCATE ON audit TO {app}"), "may TRUNCATE audit"),
            (
                format!("REVOKE TRUNCATE ON audit FROM {app}; ALTER ROLE {app} BYPASSRLS"),
                "passes by row-level security",
            ),
            (
                format!("ALTER ROLE {app} NOBYPASSRLS; ALTER TABLE audit NO FORCE ROW LEVEL SECURITY"),
                "the tables audit",
            ),
        ] {
            database.execute_unprepared(&sql).await.unwrap();
            let found = refusal(&config).await;
            assert!(if told.is_empty() { found.is_empty() } else { found.contains(told) }, "{sql}: `{found}`");
        }
    }

    /// The file that operators run, as they run it.
    fn roles() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../infra/postgres/roles.sql")
    }

    #[tokio::test]
    async fn the_roles_of_operators_are_enough_to_serve_and_to_nothing_more() {
        let (_folder, cluster) = cluster();
        let passwords = ["migrator_password=one", "app_password=it's two", "console_password=three"];
        let passwords = passwords.map(|set| format!("--set={set}"));
        let made = Command::new("psql")
            .args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", &cluster.url()])
            .args(&passwords)
            .arg(format!("--file={}", roles().display()))
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let url = cluster.url();
        let (host, _) = url.rsplit_once('@').unwrap().1.split_once('/').unwrap();
        let config = PostgresConfig {
            url: format!("postgres://sunlit_app:it's%20two@{host}/sunlit"),
            migrator_url: Some(format!("postgres://sunlit_migrator:one@{host}/sunlit")),
            connections: 4,
        };
        assert!(refusal(&config).await.contains("run `sunlit migrate`"));
        Postgres::migrate(&config).await.unwrap();
        Postgres::migrate(&config).await.unwrap();
        assert_eq!(refusal(&config).await, "");
        let app = connect(&config.url).await;
        let tenant = "SET LOCAL sunlit.tenant = '00000000-0000-0000-0000-000000000001'; ";
        let may = |sql: &str| {
            let (app, sql) = (app.clone(), format!("BEGIN; {sql}; ROLLBACK"));
            async move {
                let done = app.execute_unprepared(&sql).await;
                app.execute_unprepared("ROLLBACK").await.unwrap();
                done.map(drop).map_err(|error| error.to_string())
            }
        };
        assert!(may("SELECT * FROM audit").await.unwrap_err().contains("sunlit.tenant"));
        may(&format!("{tenant} SELECT * FROM audit; DELETE FROM setting")).await.unwrap();
        for sql in [
            "SET LOCAL row_security = off; SELECT * FROM audit",
            "CREATE TABLE own (id bigint)",
            "CREATE SCHEMA own",
            "CREATE TEMPORARY TABLE own (id bigint)",
            "TRUNCATE audit",
            "DROP TABLE audit",
            "ALTER TABLE audit DISABLE ROW LEVEL SECURITY",
            "DROP POLICY tenant ON audit",
            "SET ROLE sunlit_owner",
            "SET ROLE sunlit_migrator",
            "ALTER ROLE sunlit_app BYPASSRLS",
            "INSERT INTO schema_version VALUES (99)",
        ] {
            assert!(may(&format!("{tenant} {sql}")).await.is_err(), "{sql}");
        }
        let console = connect(&format!("postgres://sunlit_console:three@{host}/sunlit")).await;
        console.execute_unprepared(&tenant.replace("SET LOCAL", "SET")).await.unwrap();
        let tables = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'";
        let tables = app.query_all_raw(Statement::from_string(DbBackend::Postgres, tables)).await.unwrap();
        assert!(tables.len() > 10);
        for table in tables {
            let table: String = table.try_get_by_index(0).unwrap();
            let told = console.execute_unprepared(&format!("SELECT * FROM \"{table}\"")).await.unwrap_err().to_string();
            assert!(told.contains("permission denied"), "{table}: {told}");
        }
    }

    const MANIFEST: &str = r#"
[plugin]
id = "busy"
version = "1.0.0"
api = "0.1"
title = { zh = "测试" }
vendor = "sunlit"
[[collection]]
name = "item"
title = { zh = "条目" }
field = [
  { name = "code", type = "string", unique = true },
  { name = "tags", type = "list", of = "string", filter = true },
]
[collection.access]
read = [{ role = "public" }]
"#;

    fn manifest(text: &str) -> Arc<Manifest> {
        Arc::new(Manifest::parse("plugin.toml", text).map_err(|errors| errors.to_string()).unwrap())
    }

    /// What somebody holds who writes into the table.
    async fn writing(database: &DatabaseConnection, tables: &str) -> DatabaseTransaction {
        let work = database.begin().await.unwrap();
        work.execute_unprepared(&format!("LOCK TABLE {tables} IN ROW EXCLUSIVE MODE")).await.unwrap();
        work
    }

    #[tokio::test]
    async fn making_tables_that_are_there_waits_for_nobody() {
        let config = testing::database().await.unwrap();
        let stores = testing::shared(Postgres::connect(config.clone()).await.unwrap()).await;
        stores.publish(&manifest(MANIFEST)).await.unwrap();
        let database = superuser(&std::env::var(testing::VARIABLE).unwrap(), &config).await;
        let work = writing(&database, "audit, outbox, file, c_busy__v1__item, c_busy__v1__item__tags").await;
        let began = Instant::now();
        stores.publish(&manifest(MANIFEST)).await.unwrap();
        Postgres::migrate(&config).await.unwrap();
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        work.rollback().await.unwrap();
    }

    #[tokio::test]
    async fn a_table_that_does_not_come_free_is_told_and_nothing_is_changed() {
        let config = testing::database().await.unwrap();
        let stores = testing::shared(Postgres::connect(config.clone()).await.unwrap()).await;
        stores.publish(&manifest(MANIFEST)).await.unwrap();
        let database = superuser(&std::env::var(testing::VARIABLE).unwrap(), &config).await;
        let work = writing(&database, "c_busy__v1__item").await;
        let later = MANIFEST
            .replace("1.0.0", "1.1.0")
            .replace("field = [", "field = [\n  { name = \"name\", type = \"string\" },");
        let told = stores.publish(&manifest(&later)).await.unwrap_err().to_string();
        assert!(told.contains("in use for more than 5 s") && told.contains("pg_stat_activity"), "{told}");
        work.rollback().await.unwrap();
        stores.publish(&manifest(&later)).await.unwrap();
        let columns =
            "SELECT attname::text FROM pg_attribute WHERE attrelid = 'c_busy__v1__item'::regclass AND attname = 'name'";
        let rows = database.query_all_raw(Statement::from_string(sea_orm::DbBackend::Postgres, columns)).await.unwrap();
        assert_eq!((rows.len(), stores.engine()), (1, Engine::Postgres));
    }
}
