//! A package in several versions, and a tenant that has it.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};
use sunlit_app::AppError;
use sunlit_app::command::package::publish::{self, Existing};
use sunlit_app::command::package::rollback;
use sunlit_app::command::package::upgrade::{self, Options, VersionChange};
use sunlit_domain::Role;
use sunlit_domain::id::TenantId;
use sunlit_storage::tenant::audit;
use sunlit_storage::{Table, record};
use sunlit_test_support::{TestApp, region};

pub(crate) const SLUG: &str = "900001";

/// The first version. `site` stands before what it refers to, and refers to itself.
pub(crate) const V1: &str = r#"
[plugin]
id = "parks"
version = "1.0.0"
api = "0.1"
title = { zh = "园区" }
vendor = "sunlit"
[[setting]]
name = "note"
type = "string"
default = "无"
[[collection]]
name = "site"
title = { zh = "载体" }
[[collection.field]]
name = "code"
type = "string"
unique = true
filter = true
sort = true
[[collection.field]]
name = "price"
type = "decimal"
scale = 2
[[collection.field]]
name = "floors"
type = "int"
[[collection.field]]
name = "use_kind"
type = "enum"
values = [{ value = "office", title = { zh = "办公" } }, { value = "works", title = { zh = "工厂" } }]
[[collection.field]]
name = "tags"
type = "list"
of = "string"
[[collection.field]]
name = "held_by"
type = "ref"
to = "firm"
[[collection.field]]
name = "sister"
type = "ref"
to = "site"
[[collection.field]]
name = "fax"
type = "string"
[collection.access]
read = [{ role = "public" }, { role = "editor" }]
create = [{ role = "editor" }]
update = [{ role = "editor" }]
delete = [{ role = "editor" }]
[[collection]]
name = "firm"
title = { zh = "企业" }
[[collection.field]]
name = "code"
type = "string"
unique = true
sort = true
[collection.access]
read = [{ role = "public" }, { role = "editor" }]
create = [{ role = "public" }, { role = "editor" }]
delete = [{ role = "editor" }]
"#;

/// The first version with more: a field, a filter on one that was there, a reference, an enum value, a collection.
pub(crate) fn v1_1() -> String {
    V1.replace("version = \"1.0.0\"", "version = \"1.1.0\"")
        .replace("name = \"floors\"\n", "name = \"floors\"\nfilter = true\nsort = true\n")
        .replace("name = \"tags\"\n", "name = \"tags\"\nfilter = true\n")
        .replace("values = [", "values = [{ value = \"shop\", title = { zh = \"商铺\" } }, ")
        .replace(
            "[collection.access]\nread = [{ role = \"public\" }, { role = \"editor\" }]\ncreate = [{ role = \"editor\" }]\nupdate",
            "[[collection.field]]\nname = \"grade\"\ntype = \"string\"\nfilter = true\nunique = true\n\
             [[collection.field]]\nname = \"tenant_of\"\ntype = \"ref\"\nto = \"firm\"\n\
             [[collection.field]]\nname = \"years\"\ntype = \"list\"\nof = \"int\"\nfilter = true\n\
             [collection.access]\nread = [{ role = \"public\" }, { role = \"editor\" }]\ncreate = [{ role = \"editor\" }]\nupdate",
        )
        + "[[collection]]\nname = \"visit\"\ntitle = { zh = \"参观\" }\nfield = [{ name = \"day\", type = \"date\" }]\n\
           access = { read = [{ role = \"public\" }] }\n"
}

/// The second major: renamed collection and fields, another enum value, a stricter code, something left behind.
pub(crate) const V2: &str = r#"
[plugin]
id = "parks"
version = "2.0.0"
api = "0.1"
title = { zh = "园区" }
vendor = "sunlit"
[[setting]]
name = "note"
type = "string"
default = "无"
[[collection]]
name = "site"
title = { zh = "载体" }
[[collection.field]]
name = "code"
type = "string"
unique = true
filter = true
sort = true
pattern = "[A-Z]-[0-9]{4}"
[[collection.field]]
name = "rent"
type = "decimal"
scale = 2
filter = true
[[collection.field]]
name = "floors"
type = "int"
[[collection.field]]
name = "use_kind"
type = "enum"
filter = true
values = [{ value = "office", title = { zh = "办公" } }, { value = "plant", title = { zh = "厂房" } }]
[[collection.field]]
name = "tags"
type = "list"
of = "string"
filter = true
[[collection.field]]
name = "held_by"
type = "ref"
to = "company"
filter = true
[[collection.field]]
name = "sister"
type = "ref"
to = "site"
[[collection.field]]
name = "grade"
type = "string"
required = true
[collection.access]
read = [{ role = "public" }, { role = "editor" }]
create = [{ role = "editor" }]
update = [{ role = "editor" }]
delete = [{ role = "editor" }]
[[collection]]
name = "company"
plural = "companies"
title = { zh = "企业" }
[[collection.field]]
name = "number"
type = "string"
unique = true
sort = true
[collection.access]
read = [{ role = "public" }, { role = "editor" }]
create = [{ role = "editor" }]
delete = [{ role = "editor" }]
[[migrate]]
from = "firm"
collection = "company"
fields = { number = "code" }
[[migrate]]
from = "site"
collection = "site"
fields = { rent = "price" }
values = { use_kind = { works = "plant" } }
defaults = { grade = "C" }
drop = ["fax"]
"#;

pub(crate) const OLD_PAGE: &str = "query($after: String) { parks { sites(first: 100, after: $after, order: [CODE_ASC]) { totalCount \
    pageInfo { hasNextPage endCursor } nodes { id version createdAt updatedAt state code price floors useKind tags \
    heldBy { id code } sister { id code } } } } }";
pub(crate) const NEW_PAGE: &str = "query($after: String) { parks { sites(first: 100, after: $after, order: [CODE_ASC]) { totalCount \
    pageInfo { hasNextPage endCursor } nodes { id version createdAt updatedAt state code price: rent floors useKind tags \
    heldBy { id code: number } sister { id code } grade } } } }";

pub(crate) struct Kit {
    pub(crate) app: TestApp,
    pub(crate) tenant: TenantId,
}

impl Kit {
    /// A tenant with version 1.0.0 and this many sites of ten firms.
    pub(crate) async fn new(sites: usize) -> Self {
        let app = TestApp::start().await;
        publish(&app, V1).await.unwrap();
        let tenant = tenant(&app, SLUG, "1.0.0", sites).await;
        Self { app, tenant }
    }

    pub(crate) async fn upgrade(&self, version: &str, options: Options) -> Result<VersionChange, AppError> {
        let scope = self.app.scope(self.tenant);
        upgrade::run(self.app.app(), &scope, ("parks", version.parse().unwrap()), &options).await
    }

    pub(crate) async fn rollback(&self, version: &str) -> Result<VersionChange, AppError> {
        let scope = self.app.scope(self.tenant);
        rollback::run(self.app.app(), &scope, ("parks", version.parse().unwrap()), &Options::default()).await
    }

    pub(crate) async fn ask(&self, query: &str) -> Json {
        self.app.graphql(SLUG, None, query, json!({})).await.data().clone()
    }

    pub(crate) async fn edit(&self, mutation: &str, variables: Json) -> Json {
        let token = self.app.token(self.tenant, Role::Editor);
        let answer = self.app.graphql(SLUG, Some(&token), mutation, variables).await;
        assert!(answer.body.get("errors").is_none(), "{}", answer.body);
        answer.data().clone()
    }

    /// Every site, page by page.
    pub(crate) async fn sites(&self, page: &str) -> Vec<Json> {
        let (mut all, mut after) = (Vec::new(), Json::Null);
        loop {
            let answer = self.app.graphql(SLUG, None, page, json!({ "after": after })).await;
            let sites = &answer.data()["parks"]["sites"];
            all.extend(sites["nodes"].as_array().unwrap().iter().cloned());
            if sites["pageInfo"]["hasNextPage"] == json!(false) {
                assert_eq!(json!(all.len()), sites["totalCount"]);
                return all;
            }
            after = sites["pageInfo"]["endCursor"].clone();
        }
    }

    /// What the trail says of moves, the latest first.
    pub(crate) async fn moves(&self) -> Vec<String> {
        let scope = self.app.scope(self.tenant);
        let session = self.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        let rows = audit::latest(&scope, &session, 100).await.unwrap();
        let moves = rows.into_iter().filter(|row| ["upgrade", "rollback"].contains(&row.action.as_str()));
        moves.map(|row| format!("{} {}", row.action, row.subject_id)).collect()
    }

    /// How many rows a table of a published version has.
    pub(crate) async fn rows(&self, version: &str, collection: &str) -> i64 {
        let scope = self.app.scope(self.tenant);
        let package = self.app.app().package("parks", version).await.unwrap();
        let table = Table::of(&package.manifest, collection).unwrap();
        let session = self.app.app().stores.open(&scope).await.unwrap().snapshot(&scope).await.unwrap();
        record::count(&scope, &session, &table, None).await.unwrap()
    }
}

pub(crate) async fn publish(app: &TestApp, manifest: &str) -> Result<(), String> {
    let done = publish::run(app.app(), manifest.to_owned(), None, Existing::Keep).await;
    done.map(drop).map_err(|error| error.to_string())
}

/// A tenant that has `parks` in that version, with sites `A-0000`, `A-0001` …, each the sister of the one before.
pub(crate) async fn tenant(app: &TestApp, slug: &str, version: &str, sites: usize) -> TenantId {
    let (mut firms, mut records) = (String::new(), String::new());
    for index in 0..10 {
        writeln!(firms, "[[record]]\ncode = \"F-{index}\"").unwrap();
    }
    for index in 0..sites {
        let kind = if index % 2 == 0 { "office" } else { "works" };
        writeln!(
            records,
            "[[record]]\ncode = \"A-{index:04}\"\nprice = \"{index}.50\"\nfloors = {index}\nuse_kind = \"{kind}\"\nfax = \"1\"\n\
             tags = [\"t{}\", \"all\"]\nheld_by = {{ code = \"F-{}\" }}",
            index % 7,
            index % 10
        )
        .unwrap();
        if index > 0 {
            writeln!(records, "sister = {{ code = \"A-{:04}\" }}", index - 1).unwrap();
        }
    }
    let packages = format!(
        "[[package]]\nid = \"parks\"\nversion = \"{version}\"\nsettings = {{ note = \"试\" }}\n\
         [[package.data]]\ncollection = \"firm\"\nkey = \"code\"\nfile = \"{slug}/firm.toml\"\n\
         [[package.data]]\ncollection = \"site\"\nkey = \"code\"\nfile = \"{slug}/site.toml\"\n"
    );
    let data = [(format!("{slug}/firm.toml"), firms), (format!("{slug}/site.toml"), records)];
    let data: Vec<_> = data.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    app.provision_text(slug, &region(slug, &packages), &data).await
}

/// A site of the old shape as the new version has to answer it.
pub(crate) fn moved(mut old: Json) -> Json {
    if old["useKind"] == json!("WORKS") {
        old["useKind"] = json!("PLANT");
    }
    old["grade"] = json!("C");
    old
}
