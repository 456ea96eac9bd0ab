//! Who may make a scope, who may write, and that storage asks for a scope first (invariants 2, 4 and 5).

use sunlit_test_architecture::{Findings, RustSource, Workspace, has_word, is_test_file};

/// Code of the product without tests: each file with its lines.
fn lines_of(workspace: &Workspace, wanted: impl Fn(&str) -> bool) -> Vec<(String, Vec<String>)> {
    let product = workspace.with_extension(&["rs"]).filter(|file| !is_test_file(file) && wanted(file));
    product
        .map(|file| {
            let source = RustSource::new(&workspace.text(file).unwrap_or_default());
            (file.to_owned(), source.code().lines().map(str::to_owned).collect())
        })
        .collect()
}

#[test]
fn only_the_binary_establishes_the_authority_over_scopes() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    let elsewhere = |file: &str| !file.starts_with("graphql/server/src/") && file != "core/domain/src/scope.rs";
    for (file, lines) in lines_of(&workspace, elsewhere) {
        for (index, line) in lines.iter().enumerate() {
            if has_word(line, "establish") {
                findings.at(&file, index + 1, "calls ScopeAuthority::establish");
            }
        }
    }
    findings
        .none("Take the `&ScopeAuthority` that main has made as a parameter, or better the `&Scope` that came of it.");
}

#[test]
fn every_storage_function_takes_a_scope_first() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    let of_tenants = |file: &str| {
        ["record/", "tenant/", "record.rs", "tenant.rs", "table.rs"]
            .iter()
            .any(|part| file.strip_prefix("core/storage/src/").is_some_and(|inside| inside.starts_with(part)))
    };
    let mut seen = 0;
    for (file, lines) in lines_of(&workspace, of_tenants) {
        for (index, line) in lines.iter().enumerate() {
            let Some(rest) = line.strip_prefix("pub async fn ") else { continue };
            seen += 1;
            let (name, parameters) = rest.split_once('(').unwrap_or((rest, ""));
            let next = lines.get(index + 1).map_or("", String::as_str);
            let first = if parameters.trim().is_empty() { next.trim() } else { parameters };
            if !first.starts_with("scope: &Scope") {
                findings.at(&file, index + 1, format_args!("`{name}` does not take `scope: &Scope` first"));
            }
        }
    }
    assert!(seen >= 10, "only {seen} functions found: mend the places that this test looks at");
    findings.none(
        "Take `scope: &Scope` as the first parameter and hand it to the session, which adds the tenant's predicate.",
    );
}

/// Bytes of files have no session that guards them: the scope's tenant is the folder.
#[test]
fn every_function_of_blobs_takes_a_scope_first() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    let files = lines_of(&workspace, |file| file == "core/storage/src/blobs.rs");
    let lines: Vec<&str> = files.iter().flat_map(|(_, lines)| lines).map(String::as_str).collect();
    let begin = lines.iter().position(|line| line.starts_with("impl Blobs")).unwrap_or(0);
    let mut seen = 0;
    for (index, line) in lines.iter().enumerate().skip(begin).take_while(|(_, line)| **line != "}") {
        let is_public = line.starts_with("    pub async fn ") || line.starts_with("    pub fn ");
        // Those that open the folder or bucket have no tenant yet.
        if is_public && !line.contains("fn open") {
            seen += 1;
            let signature: String = lines.iter().skip(index).take(3).map(|line| line.trim()).collect();
            if !signature.replace(", ", ",").contains("(&self,scope: &Scope") {
                findings.at("core/storage/src/blobs.rs", index + 1, "does not take `scope: &Scope` first");
            }
        }
    }
    assert!(seen >= 5, "only {seen} functions found: mend the place that this test looks at");
    findings.none("Take `scope: &Scope` as the first parameter and make the key of its tenant.");
}

#[test]
fn only_commands_begin_a_writing_transaction() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    let elsewhere = |file: &str| !file.starts_with("core/app/src/command/") && !file.starts_with("core/storage/src/");
    for (file, lines) in lines_of(&workspace, elsewhere) {
        for (index, line) in lines.iter().enumerate() {
            if has_word(line, ".work(") {
                findings.at(&file, index + 1, "begins a writing transaction");
            }
        }
    }
    findings.none(
        "Write a command in core/app/src/command/<noun>/<verb>.rs: it writes records, audit and outbox together.",
    );
}

/// A commit that does not tell the workers leaves its jobs waiting for the next tidying.
#[test]
fn a_command_commits_in_one_place() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    let of_commands =
        |file: &str| file.starts_with("core/app/src/command/") && file != "core/app/src/command/commit.rs";
    for (file, lines) in lines_of(&workspace, of_commands) {
        for (index, line) in lines.iter().enumerate() {
            if has_word(line, ".commit(") {
                findings.at(&file, index + 1, "commits by itself");
            }
        }
    }
    findings.none("Call `commit(app, scope, work)` of core/app/src/command/commit.rs.");
}

#[test]
fn no_command_calls_a_plugin() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    for (file, lines) in lines_of(&workspace, |file| file.starts_with("core/app/src/command/")) {
        for (index, line) in lines.iter().enumerate() {
            for word in ["plugin_resolve", ".resolve(", ".act(", "action::run", "LoadedPlugin"] {
                if has_word(line, word) {
                    findings.at(&file, index + 1, format_args!("`{word}` asks a plugin"));
                }
            }
        }
    }
    findings.none("Ask the plugin before the transaction begins and hand its answer to the command.");
}
