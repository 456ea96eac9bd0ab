//! The disk of a SQLite installation is full: writes are refused, what was acknowledged is there, and with space it goes on.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "tests")]

mod on_sqlite {
    use std::fs::File;
    use std::io::Write as _;
    use std::path::Path;
    use std::process::Command;

    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;
    use serde_json::json;
    use sunlit_app::command::package::publish::{self, Existing};
    use sunlit_domain::Role;
    use sunlit_test_support::{PROBE_GRANTS, TestApp, consistency};

    const TENANTS: [&str; 2] = ["900001", "900002"];
    /// What is left on the disk when it is nearly full.
    const LEFT: u64 = 512 * 1024;

    const MOUNT: &str = "mount -t tmpfs -o size=256m small \"$1\"";
    /// Set where the test runs on a small disk already.
    const IS_SMALL: &str = "SUNLIT_DISK_IS_SMALL";

    /// Runs itself again on a file system of its own, which ends with it. Where nobody may mount one it says so.
    #[test]
    fn a_full_disk_refuses_writes_and_loses_nothing() {
        if std::env::var(IS_SMALL).is_ok() {
            return actix_web::rt::System::new().block_on(on_a_small_disk());
        }
        let folder = tempfile::tempdir().unwrap();
        let shell = |rights: &[&str], script: &str| {
            let mut run = Command::new("unshare");
            run.args(rights).args(["sh", "-c", script]).arg(std::env::current_exe().unwrap()).arg(folder.path());
            run.status().is_ok_and(|status| status.success())
        };
        let rights: [&[&str]; 2] = [&["--mount"], &["--user", "--map-root-user", "--mount"]];
        let Some(rights) = rights.into_iter().find(|rights| shell(rights, MOUNT)) else {
            println!("nothing is shown: this machine lets nobody mount a small file system");
            return;
        };
        let name = "on_sqlite::a_full_disk_refuses_writes_and_loses_nothing";
        let run = format!("{MOUNT} && TMPDIR=$1 {IS_SMALL}=yes exec \"$0\" --exact {name} --nocapture");
        assert!(shell(rights, &run));
    }

    async fn count(app: &TestApp, slug: &str) -> usize {
        let answer = app.graphql(slug, None, "{ probe { items { totalCount } } }", json!({})).await;
        usize::try_from(answer.data()["probe"]["items"]["totalCount"].as_u64().unwrap()).unwrap()
    }

    /// A file that leaves [`LEFT`] bytes.
    fn fill(path: &Path) {
        let mut ballast = File::create(path).unwrap();
        let mut size = 0;
        while ballast.write_all(&[1; 64 * 1024]).is_ok() {
            size += 64 * 1024;
        }
        ballast.set_len(size - LEFT).unwrap();
    }

    async fn on_a_small_disk() {
        let app = TestApp::start().await;
        publish::run(app.app(), include_str!("files/desk.toml").to_owned(), None, Existing::Keep).await.unwrap();
        let mut tokens = Vec::new();
        for slug in TENANTS {
            let tenant = app.tenant(slug, &[("probe", &PROBE_GRANTS), ("desk", &[])]).await;
            tokens.push(app.token(tenant, Role::Editor));
            assert!(app.create_item(slug, &tokens[tokens.len() - 1], "甲").await.is_acknowledged());
        }
        let ballast = app.folder().join("ballast");
        fill(&ballast);
        let (mut acknowledged, mut refused) = ([1, 1], 0);
        for attempt in 0..5_000 {
            if refused >= 100 {
                break;
            }
            for (tenant, slug) in TENANTS.into_iter().enumerate() {
                let name = format!("{attempt}{}", "乙".repeat(50));
                let answer = app.create_item(slug, &tokens[tenant], &name).await;
                if answer.is_acknowledged() {
                    acknowledged[tenant] += 1;
                } else {
                    assert_eq!(answer.code(), "UNAVAILABLE", "{}", answer.body);
                    refused += 1;
                }
            }
        }
        println!("{acknowledged:?} acknowledged, {refused} refused");
        assert!(refused >= 100, "the disk was never full");
        let upload = TestRequest::post()
            .uri(&format!("/t/{}/files?name=a.csv", TENANTS[0]))
            .insert_header(("authorization", format!("Bearer {}", tokens[0])))
            .insert_header(("content-type", "text/csv"))
            .set_payload(vec![b'a'; usize::try_from(LEFT).unwrap()]);
        assert_eq!(app.call(upload).await.0, StatusCode::SERVICE_UNAVAILABLE);
        for (slug, acknowledged) in TENANTS.into_iter().zip(acknowledged) {
            assert_eq!(count(&app, slug).await, acknowledged, "reading goes on, of what was acknowledged");
        }
        std::fs::remove_file(ballast).unwrap();
        for ((slug, token), acknowledged) in TENANTS.into_iter().zip(&tokens).zip(acknowledged) {
            assert!(app.create_item(slug, token, "丙").await.is_acknowledged());
            assert_eq!(count(&app, slug).await, acknowledged + 1);
            let scope = app.scope(app.tenant_id(slug).await);
            let context = app.app().context(&scope).await.unwrap();
            let story = consistency::check(app.app(), &scope, &context.package("probe").unwrap().package).await;
            assert_eq!(story.records.len(), acknowledged + 1);
        }
    }
}
