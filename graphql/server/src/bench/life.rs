//! A large tenant as a whole: taken along into one archive, and made of it again under another slug. On the configured engine: files
//! in a throw-away folder, or the database, which has to be without tenants.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use futures_util::stream;
use sunlit_app::command::file::upload::{self, Said};
use sunlit_app::command::package::{enable, publish};
use sunlit_app::command::tenant::create::{self, NewTenant};
use sunlit_app::{App, Package};
use sunlit_domain::id::ActorId;
use sunlit_domain::{Actor, Role, Scope, ScopeAuthority};
use sunlit_tenants::archive::{Opening, Sealing};
use sunlit_tenants::export::export_to_file;
use sunlit_tenants::import::{Wanted, import};
use uuid::Uuid;

use super::measure::{TemporaryFolder, kib_of, line, reset_peak};
use super::records::bring_in;
use super::tenants::{must_have_no_tenant, open};
use crate::command::Failed;
use crate::config::Config;

const MANIFEST: &str = r#"
[plugin]
id = "bench-life"
version = "1.0.0"
api = "0.1"
title = { zh = "测量" }
vendor = "sunlit"
[[collection]]
name = "item"
title = { zh = "条目" }
field = [
  { name = "code", type = "string", required = true, unique = true, filter = true, sort = true },
  { name = "name", type = "string", search = true },
  { name = "rent", type = "decimal", scale = 2, filter = true },
  { name = "opened_on", type = "date", filter = true },
  { name = "tags", type = "list", of = "string", filter = true },
  { name = "text", type = "text" },
  { name = "scan", type = "file" },
]
[collection.access]
read = [{ role = "public" }]
create = [{ role = "editor" }]
"#;
/// Bytes of each file.
const FILE_BYTES: usize = 512 * 1024;

/// Makes a tenant with so many records and files, takes it along, and makes another of it.
///
/// # Errors
/// When something cannot be made, written or read.
pub(crate) async fn run(
    mut config: Config,
    authority: ScopeAuthority,
    rows: usize,
    files: usize,
) -> Result<(), Failed> {
    let folder = TemporaryFolder::new("life")?;
    config.data = folder.path().to_path_buf();
    let app = open(&config).await?;
    must_have_no_tenant(&app).await?;
    let package = publish::run(&app, MANIFEST.to_owned(), None, publish::Existing::Keep).await?;
    let tenant = create::run(&app, &authority, NewTenant::district("900000".parse()?, "测量")).await?;
    let roles = vec![Role::Editor, Role::Administrator];
    let operator = Actor::known(ActorId(Uuid::from_u128(7)), roles);
    let scope = authority.scope(tenant.id, operator.clone());
    enable::run(&app, &scope, &package, &[], &BTreeMap::new()).await?;
    fill(&app, &scope, &package, rows).await?;
    for number in 0..files {
        put_up(&app, &scope, number).await?;
    }
    let path = folder.path().join("archive.sunlit");
    let (before, began) = (reset_peak()?, Instant::now());
    let manifest = export_to_file(&app, &scope, &path, Sealing::Plain).await?;
    tell("export", began, (before, manifest.rows()))?;
    line("life.archive.size", std::fs::metadata(&path)?.len() as f64 / 1_048_576.0, "MiB");
    line("life.archive.content", manifest.bytes() as f64 / 1_048_576.0, "MiB");
    let wanted = Wanted { slug: Some("900001".parse()?), ..Wanted::default() };
    let (before, began) = (reset_peak()?, Instant::now());
    let imported = import(&app, &authority, &operator, (&path, &Opening::Plain), &wanted).await?;
    tell("import", began, (before, imported.manifest.rows()))?;
    app.stores.close().await;
    Ok(())
}

fn tell(what: &str, began: Instant, (before, rows): (f64, u64)) -> Result<(), Failed> {
    let seconds = began.elapsed().as_secs_f64();
    line(&format!("life.{what}.seconds"), seconds, "s");
    line(&format!("life.{what}.rows"), rows as f64 / seconds, "rows/s");
    line(&format!("life.{what}.peak_growth"), (kib_of("self", "status", "VmHWM")? - before) / 1_024.0, "MiB");
    Ok(())
}

async fn fill(app: &App, scope: &Scope, package: &Package, rows: usize) -> Result<(), Failed> {
    let mut csv = "code,name,rent,opened_on,tags,text\n".to_owned();
    for row in 0..rows {
        let day = row % 28 + 1;
        let text = "办理地点在街道便民服务中心".repeat(row % 9);
        writeln!(csv, "c{row:06},条目 {row},{row}.25,2026-01-{day:02},\"[\"\"甲\"\",\"\"{row}\"\"]\",{text}")?;
    }
    bring_in(app, scope, package, "item", &csv).await
}

/// A file of bytes that do not pack.
async fn put_up(app: &Arc<App>, scope: &Scope, number: usize) -> Result<(), Failed> {
    let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    let mut state = number as u64 + 1;
    while bytes.len() < FILE_BYTES {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&state.to_be_bytes()[..4]);
    }
    let name = format!("{number}.png");
    let said = Said { name: &name, content_type: None, size: None };
    upload::run(app, scope, said, stream::iter([Ok::<_, String>(Bytes::from(bytes))])).await?;
    Ok(())
}
