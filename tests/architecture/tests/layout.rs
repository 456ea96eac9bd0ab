//! How files and folders lie: documented, named for what they hold, small, and free of the machine they were written on.

use sunlit_test_architecture::{Findings, Workspace, is_test_file};

/// Lines that a source file may have.
const MOST_LINES: usize = 500;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 4] = ["utils", "helpers", "manager", "common"];

#[test]
fn every_crate_and_module_says_first_what_it_is_for() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    for file in workspace.rust_sources() {
        let text = workspace.text(file).unwrap_or_default();
        if !text.trim_start().starts_with("//!") {
            findings.at(file, 1, "does not begin with `//!`");
        }
    }
    findings.none("Begin the file with `//!`: what it is for, what it must not know, where to start reading.");
}

#[test]
fn no_file_and_no_folder_has_a_name_that_says_nothing() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    // `common` is the contract's own name for the types that both sides share.
    let files = workspace.files().iter().map(String::as_str).filter(|file| !file.ends_with(".wit"));
    for path in files.chain(workspace.folders()) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.split('.').next().unwrap_or(name);
        if EMPTY_NAMES.contains(&stem) {
            findings.add(path, format_args!("`{stem}` does not say what is inside"));
        }
    }
    findings.none("Name it after the one idea that it holds, or move each thing to where it is used.");
}

#[test]
fn no_source_file_has_more_than_500_lines() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    for file in workspace.rust_sources() {
        let lines = workspace.text(file).unwrap_or_default().lines().count();
        if lines > MOST_LINES {
            findings.add(file, format_args!("{lines} lines"));
        }
    }
    findings.none("Split the file by idea: one file, one idea; tests may move to a module `tests.rs` beside it.");
}

#[test]
fn no_file_names_a_place_of_one_machine() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    // Put together here, so that this file does not name them itself.
    let outside = ["..", "shared"].join("/");
    let homes = ["work", "root"].map(|home| format!("/{home}"));
    for file in workspace.files() {
        let Some(text) = workspace.text(file) else { continue };
        for (index, line) in text.lines().enumerate() {
            if line.contains(&outside) {
                findings.at(file, index + 1, format_args!("names `{outside}`, which is outside the repository"));
            }
            for home in homes.iter().filter(|home| names_folder(line, home)) {
                findings.at(file, index + 1, format_args!("names a folder under `{home}`"));
            }
        }
    }
    findings.none("Name places from the repository's root, or take them from the configuration.");
}

/// Whether the line has `home` as the beginning of an absolute path.
fn names_folder(line: &str, home: &str) -> bool {
    line.match_indices(home).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + home.len()..].chars().next();
        let begins =
            before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '/' | '}' | '>' | '*'));
        begins && after == Some('/')
    })
}

#[test]
fn absolute_paths_are_told_from_parts_of_others() {
    let check = |line: &str, expect| assert_eq!(names_folder(line, "/home"), expect, "{line}");
    check("see /home/a", true);
    check("\"/home/a\"", true);
    check("a/home/b", false);
    check("https://example.org/home/b", false);
    check("{root}/home/b", false);
    check("GET /homepage", false);
}

#[test]
fn every_plugin_is_made_of_the_same_three_files() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    let mut plugins = 0;
    for manifest in workspace.files().iter().filter(|file| file.ends_with("/plugin.toml")) {
        let folder = manifest.trim_end_matches("/plugin.toml");
        let place = folder.rsplit_once('/').map(|(parent, _)| parent);
        if is_test_file(folder) && !folder.starts_with("tests/plugins/") {
            continue;
        }
        plugins += 1;
        if !matches!(place, Some("plugins" | "tests/plugins")) {
            findings.add(manifest, "a plugin's folder stands in `plugins`");
        }
        for file in ["Cargo.toml", "src/lib.rs"] {
            if !workspace.exists(&format!("{folder}/{file}")) {
                findings.add(folder, format_args!("has no {file}"));
            }
        }
    }
    assert!(plugins > 0, "no plugin found: mend the place that this test looks at");
    for krate in workspace.crates() {
        let is_lone =
            krate.folder.starts_with("plugins/") && !matches!(krate.folder.as_str(), "plugins/sdk" | "plugins/builder");
        if is_lone && !workspace.exists(&format!("{}/plugin.toml", krate.folder)) {
            findings.add(&krate.folder, "has no plugin.toml");
        }
    }
    if !workspace.exists("plugins/plugin.schema.json") {
        findings.add("plugins/plugin.schema.json", "is not there, and editors check manifests with it");
    }
    findings.none("A plugin is Cargo.toml, plugin.toml and src/lib.rs: see plugins/README.md.");
}
