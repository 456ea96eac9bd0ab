//! One connection for everybody: whoever leaves in the middle of something leaves nothing on it.

mod on_postgres {
    use std::sync::Arc;
    use std::time::Duration;

    use serde_json::json;
    use sunlit_app::SystemEnvironment;
    use sunlit_domain::manifest::Spelling;
    use sunlit_storage::record::{self, ListQuery};
    use sunlit_storage::{Postgres, PostgresConfig, testing};

    use crate::kit::{Kit, fall, scope};

    /// Requests that are given up, each a little later than the one before.
    const GIVEN_UP: u32 = 200;

    #[actix_web::test]
    async fn requests_that_are_given_up_leave_no_tenant_on_the_connection() {
        let kit = Kit::behind_walls(Arc::new(SystemEnvironment)).await;
        let database = kit.app.app().stores.database().unwrap();
        let config = PostgresConfig { connections: 1, ..database.config().clone() };
        let stores = testing::shared(Postgres::connect(config).await.unwrap()).await;
        // Nothing is connected once they are down.
        fall(&kit.app).await;
        let (own, other) = (scope(&kit.app, kit.own.tenant), scope(&kit.app, kit.other.tenant));
        let context = kit.app.app().context(&own).await.unwrap();
        let table = context.package("vault").unwrap().package.table("room").unwrap().clone();
        let query = ListQuery { first: 10, ..ListQuery::default() };
        let code = table.collection().field("code", Spelling::Manifest).unwrap().0;
        for delay in 0..GIVEN_UP {
            let (foreign, writes) = (&other, delay % 2 == 0);
            let left = async {
                let store = stores.open(foreign).await.unwrap();
                if writes {
                    let work = store.work(foreign).await.unwrap();
                    record::list(foreign, &work, &table, &query).await.unwrap();
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    work.commit().await.unwrap();
                } else {
                    let session = store.snapshot(foreign).await.unwrap();
                    record::list(foreign, &session, &table, &query).await.unwrap();
                }
            };
            let _ = tokio::time::timeout(Duration::from_micros(u64::from(delay) * 20), left).await;
            let session = stores.open(&own).await.unwrap().snapshot(&own).await.unwrap();
            let page = record::list(&own, &session, &table, &query).await.unwrap();
            let codes: Vec<_> = page.records.iter().map(|record| record.values[code].to_json()).collect();
            assert_eq!(codes, [json!(kit.own.canary)], "after {delay}");
        }
        stores.close().await;
    }
}
