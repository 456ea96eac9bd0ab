//! What Citus needs of every statement, and what keeps one tenant's work from growing with the others': the tenant is a
//! condition of each index that is read. Statements are those that PostgreSQL has run for the whole API, planned without
//! row-level security, so that the predicate alone is seen.

mod on_postgres {
    use actix_web::test::TestRequest;
    use serde_json::{Value as Json, json};
    use sunlit_storage::{Stores, testing};

    use crate::catalogue::TENANTS;
    use crate::kit::Kit;
    use crate::schema::Schema;

    /// Where the extension stands: views in our own schema are refused.
    const STATISTICS: &str = "CREATE SCHEMA statistics; CREATE EXTENSION pg_stat_statements SCHEMA statistics";
    /// The statements of this database, as they were prepared.
    const STATEMENTS: &str = "SELECT s.query FROM statistics.pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid \
        WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND r.rolname = 'sunlit_test_app' \
        AND s.query ~* '^\\s*(SELECT|INSERT|UPDATE|DELETE|WITH)' GROUP BY s.query ORDER BY s.query";

    /// Tables are small here: PostgreSQL would rather read them whole.
    const SETTINGS: &str = "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan";
    /// Gives a plan as text.
    const PLAN: &str = "CREATE FUNCTION pg_temp.plan(explain text) RETURNS text LANGUAGE plpgsql AS \
        'DECLARE plan json; BEGIN EXECUTE explain INTO plan; RETURN plan::text; END'";

    #[actix_web::test]
    async fn every_statement_of_the_api_finds_its_tenant_by_an_index() {
        let kit = Kit::new().await;
        let stores = &kit.app.app().stores;
        testing::run::<String>(stores, &[STATISTICS, "SELECT ''"]).await.unwrap();
        use_everything(&kit).await;
        let tables: Vec<String> =
            testing::run(stores, &[&format!("{TENANTS} SELECT relname::text FROM tenants")]).await.unwrap();
        let statements: Vec<String> = testing::run(stores, &[STATEMENTS]).await.unwrap();
        assert!(statements.len() > 100, "only {} statements were seen", statements.len());
        let mut scans = 0;
        for statement in &statements {
            let plan = plan(stores, statement).await;
            look(&plan[0]["Plan"], &mut |node| {
                let Some(table) = node["Relation Name"].as_str() else { return };
                if node["Node Type"] == json!("ModifyTable") || !tables.iter().any(|known| known == table) {
                    return;
                }
                let condition = [&node["Index Cond"], &node["Recheck Cond"]].into_iter().find_map(Json::as_str);
                let has_tenant = condition.is_some_and(|condition| condition.contains("tenant_id = "));
                assert!(has_tenant, "{table} is read without its tenant: {node:#}\n{statement}");
                scans += 1;
            });
        }
        println!("{} statements read tenants' tables {scans} times, each time by the tenant", statements.len());
        assert!(scans > 100, "{scans}");
    }

    /// Every case of the schema with one's own ids, the routes of records, and the workers.
    async fn use_everything(kit: &Kit) {
        let schema = Schema::of(kit).await;
        for query in schema.everything() {
            kit.ask(&kit.own, &query, json!({})).await;
        }
        for case in schema.cases(&kit.own) {
            for own in kit.own.ids.values() {
                kit.ask(&kit.own, &case.query, case.variables(own, own)).await;
            }
        }
        for order in ["CODE_DESC", "PAGES_ASC", "COST_DESC", "SIGNED_ON_ASC", "CREATED_AT_DESC"] {
            let page = format!(
                "query($after: String) {{ workspace {{ vault {{ it: papers(first: 1, after: $after, order: [{order}], \
                 search: \"canary\") {{ nodes {{ id }} pageInfo {{ endCursor }} }} }} }} }}"
            );
            let first = kit.ask(&kit.own, &page, json!({})).await;
            let after = &first.data()["workspace"]["vault"]["it"]["pageInfo"]["endCursor"];
            let _ = kit.ask(&kit.own, &page, json!({ "after": after })).await.data();
        }
        for path in ["records/vault/paper.csv", "records/vault/room.xlsx", "p/vault", "", "p/vault/papers/x"] {
            let request = TestRequest::get().uri(&format!("/t/{}/{path}", kit.own.slug));
            kit.app.call(request.insert_header(("authorization", format!("Bearer {}", kit.own.token)))).await;
        }
        let import = TestRequest::post().uri(&format!("/t/{}/records/vault/paper?format=csv&key=code", kit.own.slug));
        let import = import.insert_header(("authorization", format!("Bearer {}", kit.own.token)));
        kit.app.call(import.insert_header(("content-type", "text/csv")).set_payload("code,pages\r\nnew,9\r\n")).await;
        kit.app.worker().once().await.unwrap();
    }

    /// How PostgreSQL would run the statement, whatever its parameters.
    async fn plan(stores: &Stores, statement: &str) -> Json {
        let most = (1..100).rev().find(|number| statement.contains(&format!("${number}"))).unwrap_or(0);
        let nulls = vec!["NULL"; most].join(", ");
        let arguments = if most == 0 { String::new() } else { format!("({nulls})") };
        let explain = format!("SELECT pg_temp.plan('EXPLAIN (FORMAT JSON, COSTS OFF) EXECUTE asked{arguments}')");
        let prepare = format!("PREPARE asked AS {statement}");
        let planned = testing::run::<String>(stores, &[SETTINGS, PLAN, &prepare, &explain]).await;
        let planned = planned.unwrap_or_else(|error| panic!("{statement}: {error}"));
        serde_json::from_str(&planned[0]).unwrap()
    }

    fn look(node: &Json, seen: &mut impl FnMut(&Json)) {
        seen(node);
        for inner in node["Plans"].as_array().into_iter().flatten() {
            look(inner, seen);
        }
    }
}
