//! Imports between crates go one way, and each large dependency has one owner.

use sunlit_test_architecture::{Crate, Dependency, Findings, RustSource, Workspace, has_word};

const DOMAIN: &str = "core/domain";
const SHEET: &str = "core/sheet";
const STORAGE: &str = "core/storage";
const PLUGIN_HOST: &str = "core/plugin-host";
const APP: &str = "core/app";
const TENANTS: &str = "tenants";
const SCHEMA: &str = "graphql/schema";
const PAGES: &str = "graphql/pages";
const SERVER: &str = "graphql/server";
const SDK: &str = "plugins/sdk";
const BUILDER: &str = "plugins/builder";
const SUPPORT: &str = "tests/support";
const CONFORMANCE: &str = "tests/conformance";
const ISOLATION: &str = "tests/isolation";

/// Each crate's folder and the folders that it may import. A plugin's folder needs no row: see [`is_plugin`].
const MAY_IMPORT: [(&str, &[&str]); 15] = [
    (DOMAIN, &[]),
    (SHEET, &[]),
    (STORAGE, &[DOMAIN]),
    (PLUGIN_HOST, &[DOMAIN]),
    (APP, &[STORAGE, PLUGIN_HOST, SHEET, DOMAIN]),
    (TENANTS, &[APP, STORAGE, DOMAIN]),
    (SCHEMA, &[TENANTS, APP, DOMAIN]),
    (PAGES, &[DOMAIN]),
    (SERVER, &[PAGES, SCHEMA, TENANTS, APP, STORAGE, PLUGIN_HOST, SHEET, DOMAIN, BUILDER]),
    (SDK, &[]),
    (BUILDER, &[]),
    (SUPPORT, &[SERVER, PAGES, SCHEMA, TENANTS, APP, STORAGE, PLUGIN_HOST, SHEET, DOMAIN, BUILDER]),
    (CONFORMANCE, &[SUPPORT, SERVER, PAGES, SCHEMA, TENANTS, APP, STORAGE, PLUGIN_HOST, SHEET, DOMAIN, BUILDER]),
    (ISOLATION, &[SUPPORT, SERVER, PAGES, SCHEMA, TENANTS, APP, STORAGE, PLUGIN_HOST, SHEET, DOMAIN, BUILDER]),
    ("tests/architecture", &[]),
];

/// Large dependencies (each with what belongs to its family: `sqlx` and `sqlx-core`) and the crates that may name them.
const OWNERS: [(&str, &[&str]); 25] = [
    ("croner", &[DOMAIN]),
    ("image", &[APP, CONFORMANCE]),
    ("sea-orm", &[STORAGE, SERVER]),
    ("sea-query", &[STORAGE]),
    ("sqlx", &[STORAGE]),
    ("object_store", &[STORAGE, CONFORMANCE]),
    ("wasmtime", &[PLUGIN_HOST]),
    ("async-graphql", &[SCHEMA, SERVER]),
    ("actix-web", &[SERVER, SUPPORT, CONFORMANCE, ISOLATION]),
    ("actix-ws", &[SERVER]),
    ("minijinja", &[PAGES]),
    ("jsonwebtoken", &[SERVER]),
    ("csv", &[SHEET]),
    ("calamine", &[SHEET]),
    ("rust_xlsxwriter", &[SHEET]),
    ("zip", &[SHEET, APP, CONFORMANCE]),
    ("wit-component", &[BUILDER]),
    ("wit-bindgen", &[SDK]),
    ("metrics-exporter-prometheus", &[SERVER]),
    ("metrics", &[APP, SCHEMA, SERVER]),
    ("opentelemetry", &[SERVER]),
    ("tracing-opentelemetry", &[SERVER]),
    ("age", &[TENANTS]),
    ("tar", &[TENANTS]),
    ("flate2", &[TENANTS]),
];

const TABLE: &str = "tests/architecture/tests/imports.rs";

/// A folder in `plugins` or `tests/plugins` that has no row of its own.
fn is_plugin(folder: &str) -> bool {
    let parent = folder.rsplit_once('/').map(|(parent, _)| parent);
    matches!(parent, Some("plugins" | "tests/plugins")) && row(folder).is_none()
}

fn row(folder: &str) -> Option<&'static [&'static str]> {
    MAY_IMPORT.iter().find(|(known, _)| *known == folder).map(|(_, allowed)| *allowed)
}

#[test]
fn imports_between_crates_go_one_way() {
    let mut findings = Findings::default();
    let workspace = Workspace::open();
    for krate in workspace.crates() {
        match row(&krate.folder) {
            Some(allowed) => check(&workspace, &krate, allowed, &mut findings),
            None if is_plugin(&krate.folder) => check(&workspace, &krate, &[SDK], &mut findings),
            None => findings.add(
                &format!("{}/Cargo.toml", krate.folder),
                format_args!("{} has no row in the table: add one to MAY_IMPORT in {TABLE}", krate.name),
            ),
        }
    }
    findings.none(
        "Move what is shared into the crate that both may import (ARCHITECTURE.md, Code map), or pass it in as a parameter. \
         Tests alone may import otherwise: then it is a dev-dependency.",
    );
}

fn check(workspace: &Workspace, krate: &Crate, allowed: &[&str], findings: &mut Findings) {
    for dependency in krate.dependencies.iter().filter(|dependency| !dependency.dev) {
        let Some(folder) = &dependency.folder else { continue };
        if !allowed.contains(&folder.as_str()) {
            let may = if allowed.is_empty() { "nothing of ours".to_owned() } else { allowed.join(", ") };
            let (file, line) = place(workspace, krate, &dependency.name);
            findings.at(&file, line, format_args!("{} imports {}: it may import {may}", krate.name, dependency.name));
        }
    }
}

/// Where a crate's manifest names a dependency.
fn place(workspace: &Workspace, krate: &Crate, dependency: &str) -> (String, usize) {
    let file = format!("{}/Cargo.toml", krate.folder);
    let text = workspace.text(&file).unwrap_or_default();
    let line =
        text.lines().position(|line| line.starts_with(dependency) || line.contains(&format!("\"{dependency}\"")));
    (file, line.map_or(1, |index| index + 1))
}

#[test]
fn every_row_of_the_table_is_a_crate() {
    let crates = Workspace::open().crates();
    let mut findings = Findings::default();
    for (folder, _) in MAY_IMPORT {
        if !crates.iter().any(|krate| krate.folder == folder) {
            findings.add(TABLE, format_args!("`{folder}` is no crate"));
        }
    }
    findings.none("Take the row out of MAY_IMPORT.");
}

#[test]
fn each_large_dependency_has_one_owner() {
    let mut findings = Findings::default();
    let workspace = Workspace::open();
    for krate in workspace.crates() {
        for dependency in &krate.dependencies {
            let family = OWNERS.iter().find(|(family, _)| is_of(&dependency.name, family));
            let Some((family, owners)) = family else { continue };
            if !owners.contains(&krate.folder.as_str()) {
                let (file, line) = place(&workspace, &krate, &dependency.name);
                let owners = owners.join(", ");
                let what = format!("{} names {}, but {family} is owned by {owners}", krate.name, dependency.name);
                findings.at(&file, line, what);
            }
        }
    }
    findings.none("Ask the owner for what is needed: it offers it in its own words, without a type of the dependency.");
}

fn is_of(name: &str, family: &str) -> bool {
    name.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The server names `sea-orm` for its benchmark of a bare query, and for nothing else.
#[test]
fn the_server_speaks_sql_in_its_benchmark_only() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    let of_server = workspace.with_extension(&["rs"]).filter(|file| file.starts_with("graphql/server/"));
    for file in of_server.filter(|file| !file.starts_with("graphql/server/src/bench")) {
        let source = RustSource::new(&workspace.text(file).unwrap_or_default());
        for (index, line) in source.code().lines().enumerate() {
            if has_word(line, "sea_orm") {
                findings.at(file, index + 1, "names sea_orm");
            }
        }
    }
    findings.none(
        "Put the query into core/storage and call it through core/app; only graphql/server/src/bench may name sea_orm.",
    );
}

/// What takes walls down, and makes throw-away databases, is in no build that is released.
#[test]
fn nothing_that_is_released_has_the_switches_of_tests() {
    let mut findings = Findings::default();
    for krate in Workspace::open().crates().iter().filter(|krate| !krate.folder.starts_with("tests/")) {
        for what in switches(krate) {
            findings.add(&format!("{}/Cargo.toml", krate.folder), what);
        }
    }
    findings.none("Only tests ask for it: move it below [dev-dependencies].");
}

/// Where a crate asks for the feature `testing` outside of its tests.
fn switches(krate: &Crate) -> Vec<String> {
    let asks = |name: &String| name == "testing" || name.ends_with("/testing");
    let released = krate.dependencies.iter().filter(|dependency| !dependency.dev);
    let asked = released.filter(|dependency| dependency.features.iter().any(asks));
    let turned_on = krate.features.iter().filter(|(_, turns_on)| turns_on.iter().any(asks));
    let asked = asked.map(|dependency| format!("asks {} for the feature `testing`", dependency.name));
    asked.chain(turned_on.map(|(name, _)| format!("its feature `{name}` turns on `testing`"))).collect()
}

#[test]
fn the_switches_of_tests_are_found_wherever_a_manifest_asks_for_them() {
    let storage = |dev, features: &[&str]| Dependency {
        name: "sunlit-storage".to_owned(),
        dev,
        folder: Some(STORAGE.to_owned()),
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
    };
    let check = |dependencies: Vec<Dependency>, features: &[(&str, &str)], expect: usize| {
        let features = features.iter().map(|(name, on)| ((*name).to_owned(), vec![(*on).to_owned()])).collect();
        let krate = Crate { name: "sunlit-app".to_owned(), folder: APP.to_owned(), dependencies, features };
        assert_eq!(switches(&krate).len(), expect, "{krate:?}");
    };
    check(vec![storage(false, &[]), storage(true, &["testing"])], &[], 0);
    check(vec![storage(true, &["testing"]), storage(false, &["other", "testing"])], &[], 1);
    check(vec![storage(false, &[])], &[("default", "sunlit-storage/testing")], 1);
    check(Vec::new(), &[("default", "testing")], 1);
    check(Vec::new(), &[("testing", "other")], 0);
}
