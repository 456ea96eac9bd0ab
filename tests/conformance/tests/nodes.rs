//! Two processes on one PostgreSQL database are one Sunlit: what one does, the other knows at once.
#![expect(clippy::unwrap_used, reason = "tests")]

mod on_postgres {
    use std::time::Duration;

    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;
    use serde_json::{Value as Json, json};
    use sunlit_app::changes::Feed;
    use sunlit_app::command::package::publish::{self, Existing};
    use sunlit_app::{AppError, ChangeKind};
    use sunlit_domain::Role;
    use sunlit_domain::id::TenantId;
    use sunlit_test_support::TestApp;

    const TENANT: &str = "900001";
    /// Words between nodes take a moment; what they would learn without takes half a minute.
    const SOON: Duration = Duration::from_secs(10);

    struct Kit {
        one: TestApp,
        two: TestApp,
        tenant: TenantId,
    }

    impl Kit {
        async fn new() -> Self {
            let one = TestApp::start().await;
            assert!(one.app().stores.database().is_some(), "an installation on files is one process");
            let two = one.another_node().await;
            let tenant = one.probe_tenant(TENANT).await;
            Self { one, two, tenant }
        }

        async fn write(&self, mutation: &str) -> Json {
            let token = self.one.token(self.tenant, Role::Editor);
            let answer = self.one.graphql(TENANT, Some(&token), &format!("mutation {{ {mutation} }}"), json!({})).await;
            answer.data().as_object().unwrap().values().next().unwrap()["record"].clone()
        }
    }

    /// Asks until it is so.
    async fn until(mut is_so: impl AsyncFnMut() -> bool) {
        let waited = async {
            while !is_so().await {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        assert!(tokio::time::timeout(SOON, waited).await.is_ok(), "the other node does not learn of it");
    }

    async fn heard(feed: &mut Feed) -> (ChangeKind, i64) {
        let change = tokio::time::timeout(SOON, feed.next()).await.unwrap().unwrap();
        (change.kind, change.version)
    }

    #[actix_web::test]
    async fn followers_on_one_node_hear_what_another_has_changed() {
        let kit = Kit::new().await;
        let mut feed = kit.two.app().changes.follow(&kit.two.scope(kit.tenant));
        let made =
            kit.write("probeCreateItem(input: { name: \"甲\" }) { record { id version } errors { code } }").await;
        let (id, version) = (&made["id"], &made["version"]);
        let update = format!("probeUpdateItem(id: {id}, version: {version}, input: {{ name: \"乙\" }})");
        kit.write(&format!("{update} {{ record {{ id }} errors {{ code }} }}")).await;
        kit.write(&format!("probeDeleteItem(id: {id}, version: 2) {{ record {{ id }} errors {{ code }} }}")).await;
        assert_eq!(heard(&mut feed).await, (ChangeKind::Created, 1));
        assert_eq!(heard(&mut feed).await, (ChangeKind::Updated, 2));
        assert_eq!(heard(&mut feed).await, (ChangeKind::Deleted, 2));
    }

    #[actix_web::test]
    async fn what_one_node_sets_enables_or_creates_the_other_knows() {
        let kit = Kit::new().await;
        let list = "{ probe { items { totalCount } } }";
        assert_eq!(kit.two.graphql(TENANT, None, list, json!({})).await.status, StatusCode::OK);
        // A name that was asked for before, in vain, is no tenant's only until it is.
        assert_eq!(kit.two.graphql("900002", None, "{ apiVersion }", json!({})).await.status, StatusCode::NOT_FOUND);
        kit.one.probe_tenant("900002").await;
        until(async || kit.two.graphql("900002", None, list, json!({})).await.status == StatusCode::OK).await;
        let asked = || {
            let path = format!("/t/{TENANT}/graphql?query={{apiVersion}}");
            TestRequest::get().uri(&path).insert_header(("origin", "https://app.example"))
        };
        assert_eq!(kit.two.call(asked()).await.0, StatusCode::FORBIDDEN);
        kit.one.set(kit.tenant, "allowed_origins", &json!(["https://app.example"])).await;
        until(async || kit.two.call(asked()).await.0 == StatusCode::OK).await;
    }

    #[actix_web::test]
    async fn a_job_that_one_node_has_scheduled_another_does() {
        let kit = Kit::new().await;
        let working = kit.two.worker().start();
        let token = kit.one.token(kit.tenant, Role::Administrator);
        let run = "mutation { runSchedule(package: \"probe\", schedule: \"chime\") { id errors { code } } }";
        let answer = kit.one.graphql(TENANT, Some(&token), run, json!({})).await;
        assert_eq!(answer.data()["runSchedule"]["errors"], json!([]), "{}", answer.body);
        let scope = kit.one.scope(kit.tenant);
        until(async || {
            let session = kit.one.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
            let events = sunlit_storage::tenant::outbox::latest(&scope, &session, 10).await.unwrap();
            events.iter().any(|event| event.name == "probe.schedule.chime")
        })
        .await;
        working.stop().await;
    }

    fn manifest(id: &str, title: &str) -> String {
        format!(
            "[plugin]\nid = \"{id}\"\nversion = \"1.0.0\"\napi = \"0.1\"\ntitle = {{ zh = \"{title}\" }}\nvendor = \"sunlit\"\n\
         [[collection]]\nname = \"item\"\ntitle = {{ zh = \"条目\" }}\nfield = [{{ name = \"name\", type = \"string\" }}]\n\
         [collection.access]\nread = [{{ role = \"public\" }}]\n"
        )
    }

    /// On both engines: whichever comes second sees what the first has published.
    #[actix_web::test]
    async fn two_nodes_may_publish_a_version_at_once_when_it_is_the_same() {
        let one = TestApp::start().await;
        let two = one.another_node().await;
        let publish = |node: &TestApp, id: &str, title: &str| {
            let (app, manifest) = (node.app().clone(), manifest(id, title));
            async move { publish::run(&app, manifest, None, Existing::Keep).await.map(drop) }
        };
        for round in 0..8 {
            let same = format!("same-{round}");
            let (first, second) = futures_util::join!(publish(&one, &same, "甲"), publish(&two, &same, "甲"));
            assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
            let other = format!("other-{round}");
            let (first, second) = futures_util::join!(publish(&one, &other, "甲"), publish(&two, &other, "乙"));
            assert!(
                matches!(
                    (&first, &second),
                    (Ok(()), Err(AppError::VersionTaken(_))) | (Err(AppError::VersionTaken(_)), Ok(()))
                ),
                "{first:?} {second:?}"
            );
        }
    }
}
