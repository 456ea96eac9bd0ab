//! What the catalogue of PostgreSQL says of every table of tenants: the tenant leads every key, and a policy guards every row.

use crate::kit::Kit;
use sunlit_storage::testing;

/// Each rule as a question for those that break it.
const RULES: [(&str, &str); 8] = [
    (
        "row-level security is enabled and forced",
        "SELECT c.relname FROM tenants c WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)",
    ),
    (
        "one policy for everybody and every command compares with the transaction's tenant, and never by default",
        "SELECT c.relname FROM tenants c WHERE (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*' \
         AND p.polroles = '{0}' AND pg_get_expr(p.polqual, c.oid) = '(tenant_id = (current_setting(''sunlit.tenant''::text))::uuid)' \
         AND pg_get_expr(p.polwithcheck, c.oid) = pg_get_expr(p.polqual, c.oid)) <> 1 \
         OR (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid) <> 1",
    ),
    (
        "the tenant leads the primary key and every index",
        "SELECT c.relname || '.' || i.relname FROM tenants c JOIN pg_index x ON x.indrelid = c.oid \
         JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = x.indkey[0] \
         WHERE a.attname <> 'tenant_id'",
    ),
    (
        "every table has a primary key",
        "SELECT c.relname FROM tenants c WHERE NOT EXISTS (SELECT 1 FROM pg_index x WHERE x.indrelid = c.oid AND x.indisprimary)",
    ),
    (
        "a foreign key pairs the tenants of both sides",
        "SELECT k.conname FROM tenants c JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'f' \
         JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
         JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1] \
         WHERE a.attname <> 'tenant_id' OR b.attname <> 'tenant_id'",
    ),
    (
        "the tenant is never missing",
        "SELECT c.relname FROM tenants c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' WHERE NOT a.attnotnull",
    ),
    (
        "every table is a tenant's or one of the platform's few",
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' \
         AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relname NOT IN (SELECT relname FROM tenants) \
         AND c.relname NOT IN ('tenant', 'host_name', 'division_code', 'package_version', 'tenant_due', 'tenant_state', \
         'tenant_staging', 'tenant_tombstone', 'tenant_export', 'tenant_plan', 'tenant_usage', 'master_key', 'secret', 'schema_version')",
    ),
    (
        "nobody may empty a table, and nothing runs with another's rights",
        "SELECT g.table_name FROM information_schema.role_table_grants g WHERE g.table_schema = 'public' AND g.grantee = 'sunlit_test_app' \
         AND g.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE') \
         UNION SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'public' AND p.prosecdef",
    ),
];

/// The tables that hold rows of tenants: those with their column, but for those of the platform.
pub(crate) const TENANTS: &str = "WITH tenants AS (SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped \
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND c.relname NOT IN ('host_name', 'division_code', 'tenant_due', \
    'tenant_state', 'tenant_staging', 'tenant_tombstone', 'tenant_export', 'tenant_plan', 'tenant_usage'))";

mod on_postgres {
    use super::*;

    #[actix_web::test]
    async fn the_tenant_leads_every_key_and_a_policy_guards_every_row() {
        let kit = Kit::new().await;
        let stores = &kit.app.app().stores;
        let tables: Vec<String> =
            testing::run(stores, &[&format!("{TENANTS} SELECT relname::text FROM tenants")]).await.unwrap();
        assert!(tables.len() >= 20, "{tables:?}");
        for (rule, broken) in RULES {
            let (head, rest) = broken.split_once(' ').unwrap();
            let broken: Vec<String> =
                testing::run(stores, &[&format!("{TENANTS} SELECT x::text FROM ({head} {rest}) AS found(x)")])
                    .await
                    .unwrap();
            assert_eq!(broken, Vec::<String>::new(), "{rule}");
        }
        println!("{} tables of tenants follow {} rules", tables.len(), RULES.len());
    }
}
