//! PostgreSQL ends connections in the middle of things: what was begun is gone, what was acknowledged is there, and
//! requests are answered again at once.
#![expect(clippy::unwrap_used, reason = "tests")]

mod on_postgres {
    use std::time::Duration;

    use futures_util::future::{join, join_all};
    use serde_json::json;
    use sunlit_domain::Role;
    use sunlit_storage::tenant::outbox::{self, Job};
    use sunlit_storage::testing;
    use sunlit_test_support::{TestApp, consistency};

    const TENANT: &str = "900001";
    const END_ALL: &str = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
        WHERE datname = current_database() AND usename = 'sunlit_test_app'";

    async fn end_all(app: &TestApp) -> usize {
        testing::run::<String>(&app.app().stores, &[END_ALL]).await.unwrap().len()
    }

    #[actix_web::test]
    async fn what_was_begun_when_a_connection_ends_is_gone() {
        let app = TestApp::start().await;
        let tenant = app.probe_tenant(TENANT).await;
        let (scope, token) = (app.administrator(tenant), app.token(tenant, Role::Editor));
        let stores = &app.app().stores;
        let work = stores.open(&scope).await.unwrap().work(&scope).await.unwrap();
        let (id, now) = (app.app().environment.new_id(), app.app().environment.now());
        let job = Job { id, kind: "nonsense", key: "half".to_owned(), due_at: now, payload: json!({}) };
        outbox::schedule(&scope, &work, job).await.unwrap();
        assert!(end_all(&app).await > 0);
        assert!(work.commit().await.unwrap_err().is_disconnected());
        // The first to meet a dead connection may fail with it; from then on each is looked at before it is used.
        let first = app.create_item(TENANT, &token, "甲").await;
        assert!(["", "UNAVAILABLE"].contains(&first.code()), "{}", first.body);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(app.create_item(TENANT, &token, "乙").await.is_acknowledged());
        let half = "SELECT count(*)::text FROM outbox WHERE key = 'half'";
        assert_eq!(testing::run::<String>(stores, &[half]).await.unwrap(), ["0"]);
    }

    #[actix_web::test]
    async fn nothing_acknowledged_is_lost_while_connections_end_under_load() {
        let app = TestApp::start().await;
        let tenant = app.probe_tenant(TENANT).await;
        let token = app.token(tenant, Role::Editor);
        let writer = |writer: usize| {
            let (app, token) = (&app, &token);
            async move {
                let (mut acknowledged, mut in_doubt) = (0, 0);
                for number in 0..40 {
                    let answer = app.create_item(TENANT, token, &format!("{writer}-{number}")).await;
                    if answer.is_acknowledged() {
                        acknowledged += 1;
                    } else {
                        assert_eq!(answer.code(), "UNAVAILABLE", "{}", answer.body);
                        in_doubt += 1;
                    }
                }
                (acknowledged, in_doubt)
            }
        };
        let ending = async {
            let mut ended = 0;
            for _ in 0..15 {
                tokio::time::sleep(Duration::from_millis(40)).await;
                ended += end_all(&app).await;
            }
            ended
        };
        let (written, ended) = join(join_all((0..6).map(writer)), ending).await;
        let acknowledged: usize = written.iter().map(|(acknowledged, _)| acknowledged).sum();
        let in_doubt: usize = written.iter().map(|(_, in_doubt)| in_doubt).sum();
        assert!(app.create_item(TENANT, &token, "最后").await.is_acknowledged());
        let scope = app.scope(tenant);
        let context = app.app().context(&scope).await.unwrap();
        let story = consistency::check(app.app(), &scope, &context.package("probe").unwrap().package).await;
        let found = story.records.len() - 1;
        println!("{ended} connections ended: {acknowledged} acknowledged, {in_doubt} in doubt, {found} are there");
        assert!(ended >= 15 && acknowledged > 0, "{ended}, {acknowledged}");
        assert!((acknowledged..=acknowledged + in_doubt).contains(&found), "{acknowledged}, {in_doubt}, {found}");
    }
}
