//! Taking away what no published version names: only PostgreSQL has tables that outlive a version.
#![expect(clippy::unwrap_used, reason = "tests")]

mod on_postgres {
    use std::sync::Arc;

    use sunlit_domain::id::TenantId;
    use sunlit_domain::tenant_state::TenantState;
    use sunlit_domain::value::Timestamp;
    use sunlit_domain::{Actor, LocalText, Manifest, Scope, ScopeAuthority};
    use sunlit_storage::platform::Platform;
    use sunlit_storage::platform::package::{self, Model};
    use sunlit_storage::platform::tenant::{self, Tenant};
    use sunlit_storage::postgres::Contraction;
    use sunlit_storage::tenant::installation;
    use sunlit_storage::{Postgres, PostgresConfig, StorageError, Stores, testing};
    use uuid::Uuid;

    const ALL: &str = "{ name = \"name\", type = \"string\" }, { name = \"old\", type = \"string\", filter = true }, \
                       { name = \"at\", type = \"point\" }, { name = \"tags\", type = \"list\", of = \"string\" }";
    const FEW: &str = "{ name = \"name\", type = \"string\" }";

    /// The text of a package with these collections, each with its fields.
    fn text(version: &str, collections: &[(&str, &str)]) -> String {
        let collections = collections.iter().map(|(name, fields)| {
            format!("[[collection]]\nname = \"{name}\"\ntitle = {{ zh = \"表\" }}\nfield = [{fields}]\n")
        });
        format!(
            "[plugin]\nid = \"test-kit\"\nversion = \"{version}\"\napi = \"0.1\"\ntitle = {{ zh = \"测试\" }}\nvendor = \"sunlit\"\n{}",
            collections.collect::<String>()
        )
    }

    struct Kit {
        config: PostgresConfig,
        platform: Platform,
        stores: Stores,
        scope: Scope,
    }

    impl Kit {
        /// A database with one tenant.
        async fn new() -> Self {
            let config = testing::database().await.unwrap();
            let database = Postgres::connect(config.clone()).await.unwrap();
            let (platform, stores) = (Platform::shared(&database), testing::shared(database).await);
            let name = LocalText { zh: "测试区".to_owned(), en: None };
            let tenant = Tenant {
                id: TenantId(Uuid::from_u128(1)),
                slug: "000001".parse().unwrap(),
                kind: "district".to_owned(),
                code: "000001".to_owned(),
                name: name.clone(),
                short_name: name,
                parent: None,
                outline: None,
                state: TenantState::Active,
                plan: None,
                ends_at: None,
            };
            let done = async { Ok::<_, StorageError>(()) };
            tenant::put(&platform, &tenant, &[], &[], at(), done).await.unwrap();
            let scope = ScopeAuthority::establish().scope(tenant.id, Actor::anonymous());
            Self { config, platform, stores, scope }
        }

        /// Publishes a version, in place of what it was before.
        async fn publish(&self, text: &str) {
            let manifest = Arc::new(Manifest::parse("plugin.toml", text).map_err(|told| told.to_string()).unwrap());
            self.stores.publish(&manifest).await.unwrap();
            package::replace(&self.platform, row(&manifest.plugin.version, text)).await.unwrap();
        }

        async fn enable(&self, version: &str) {
            let work = self.stores.create(&self.scope).await.unwrap().work(&self.scope).await.unwrap();
            installation::put(&self.scope, &work, "test-kit", version, &[], at()).await.unwrap();
            work.commit().await.unwrap();
        }

        async fn contract(&self, only_told: bool) -> Result<Contraction, String> {
            Postgres::contract(&self.config, only_told).await.map_err(|error| error.to_string())
        }

        async fn sql(&self, statements: &[&str]) -> Vec<String> {
            testing::run(&self.stores, statements).await.unwrap()
        }

        /// The tables of the package with their own columns.
        async fn there(&self) -> Vec<String> {
            let sql = "SELECT c.relname || '.' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 \
                       AND NOT a.attisdropped WHERE c.relname LIKE 'c\\_test%' AND c.relkind = 'r' AND a.attname NOT IN \
                       ('tenant_id', 'id', 'state', 'version', 'created_at', 'created_by', 'owner', 'updated_at', 'updated_by', 'published_at') \
                       ORDER BY 1";
            self.sql(&[sql]).await
        }
    }

    fn at() -> Timestamp {
        Timestamp::from_micros(1_700_000_000_000_000).unwrap()
    }

    fn row(version: &str, text: &str) -> Model {
        Model {
            package: "test-kit".to_owned(),
            version: version.to_owned(),
            digest: String::new(),
            manifest: text.to_owned(),
            component: None,
            published_at: at().to_string(),
        }
    }

    fn columns(names: &[&str]) -> Vec<(String, String)> {
        names.iter().map(|name| ("c_test_kit__v1__item".to_owned(), (*name).to_owned())).collect()
    }

    #[tokio::test]
    async fn columns_go_when_no_published_version_names_them_and_not_before() {
        let kit = Kit::new().await;
        kit.publish(&text("1.0.0", &[("item", FEW)])).await;
        kit.publish(&text("1.1.0", &[("item", ALL)])).await;
        kit.enable("1.0.0").await;
        let before = kit.there().await;
        // A version that nobody is on may yet be enabled: its columns stay.
        assert_eq!(kit.contract(false).await.unwrap(), Contraction::default());
        assert_eq!(kit.there().await, before);
        kit.publish(&text("1.1.0", &[("item", FEW)])).await;
        let expect = Contraction {
            columns: columns(&["at_lat", "at_lng", "old", "tags"]),
            tables: vec!["c_test_kit__v1__item__tags".to_owned()],
            kept: Vec::new(),
        };
        assert_eq!(kit.contract(true).await.unwrap(), expect);
        assert_eq!(kit.there().await, before, "only told");
        assert_eq!(kit.contract(false).await.unwrap(), expect);
        assert_eq!(kit.there().await, ["c_test_kit__v1__item.name"]);
        assert_eq!(kit.contract(false).await.unwrap(), Contraction::default());
        // What comes back is made anew, and the database is served as before.
        kit.publish(&text("1.2.0", &[("item", ALL)])).await;
        assert_eq!(kit.there().await, before);
        Postgres::connect(kit.config.clone()).await.unwrap();
    }

    #[tokio::test]
    async fn a_table_goes_when_it_is_not_named_and_holds_no_rows() {
        let kit = Kit::new().await;
        kit.publish(&text("1.0.0", &[("item", FEW), ("spare", FEW), ("used", FEW)])).await;
        kit.enable("1.0.0").await;
        kit.sql(&["INSERT INTO c_test_kit__v1__used (tenant_id, id, state, version, created_at, updated_at) \
                 SELECT id, id, 'published', 1, '', '' FROM tenant RETURNING ''"])
            .await;
        kit.publish(&text("1.0.0", &[("item", FEW)])).await;
        let (spare, used) = ("c_test_kit__v1__spare".to_owned(), "c_test_kit__v1__used".to_owned());
        let expect = Contraction { columns: Vec::new(), tables: vec![spare], kept: vec![used] };
        for only_told in [true, false] {
            assert_eq!(kit.contract(only_told).await.unwrap(), expect);
            // The table that stays is as protected as it was.
            Postgres::connect(kit.config.clone()).await.unwrap();
        }
        assert_eq!(kit.there().await, ["c_test_kit__v1__item.name", "c_test_kit__v1__used.name"]);
        assert_eq!(kit.sql(&["SELECT state FROM c_test_kit__v1__used"]).await, ["published"]);
    }

    #[tokio::test]
    async fn nothing_goes_while_nobody_knows_what_is_named() {
        let kit = Kit::new().await;
        kit.publish(&text("1.0.0", &[("item", ALL)])).await;
        kit.publish(&text("1.0.0", &[("item", FEW)])).await;
        let before = kit.there().await;
        kit.enable("1.1.0").await;
        let told = kit.contract(false).await.unwrap_err();
        assert!(told.contains("000001 has test-kit 1.1.0, which is not published"), "{told}");
        kit.enable("1.0.0").await;
        package::replace(&kit.platform, row("0.9.0", "[plugin]\n")).await.unwrap();
        let told = kit.contract(false).await.unwrap_err();
        assert!(told.contains("cannot read test-kit 0.9.0"), "{told}");
        assert_eq!(kit.there().await, before);
    }

    #[tokio::test]
    async fn only_tables_of_collections_are_looked_at() {
        let kit = Kit::new().await;
        let own = ["CREATE TABLE c_own (tenant_id uuid)", "CREATE TABLE c_test__v1__mine (id uuid)", "SELECT ''"];
        kit.sql(&own).await;
        assert_eq!(kit.contract(false).await.unwrap(), Contraction::default());
    }
}
