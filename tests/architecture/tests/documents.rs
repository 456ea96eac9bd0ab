//! Documents name what is there: paths, crates and names of the code.

use std::collections::BTreeSet;

use sunlit_test_architecture::{Findings, RustSource, Workspace, code_spans, section};

/// The documents, and whether a path in them may begin anywhere (one that speaks of every plugin's folder).
const DOCUMENTS: [(&str, bool); 4] =
    [("README.md", false), ("ARCHITECTURE.md", false), ("DECISIONS.md", false), ("plugins/README.md", true)];

/// Endings by which a name without folders is a file's.
const EXTENSIONS: [&str; 12] =
    ["rs", "toml", "md", "json", "wit", "html", "css", "ts", "geojson", "yaml", "yml", "svg"];

#[test]
fn every_path_that_a_document_names_is_there() {
    let workspace = Workspace::open();
    let paths: BTreeSet<&str> = workspace.files().iter().map(String::as_str).chain(workspace.folders()).collect();
    let made = workspace.made_at_run_time();
    let mut findings = Findings::default();
    for (document, anywhere) in DOCUMENTS {
        let text = workspace.text(document).unwrap_or_default();
        for (line, span) in code_spans(&text) {
            let Some(pattern) = as_path(&span) else { continue };
            let first = pattern.split('/').next().unwrap_or_default();
            let is_there = made.iter().any(|folder| folder == first)
                || paths.iter().any(|path| is_match(&pattern, path, anywhere || !pattern.contains('/')));
            if !is_there {
                findings.at(document, line, format_args!("`{span}` is not there"));
            }
        }
    }
    findings.none("Name the path as it is now, from the root of the repository, or make what is missing.");
}

/// The path that a span names, `<name>` as `*`; none for commands, addresses and names of another kind.
fn as_path(span: &str) -> Option<String> {
    let is_odd = |c: char| c.is_whitespace() || ":{}()[]=$\"'@,|+~".contains(c);
    if span.contains(is_odd) || span.starts_with(['/', '-', '.']) && !span.starts_with(".ci") {
        return None;
    }
    let mut pattern = String::new();
    let mut rest = span;
    while let Some((before, after)) = rest.split_once('<') {
        pattern.push_str(before);
        pattern.push('*');
        rest = after.split_once('>').map(|(_, after)| after)?;
    }
    pattern.push_str(rest);
    let has_extension =
        |name: &str| name.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension));
    let is_path = pattern.contains('/') || has_extension(&pattern);
    is_path.then(|| pattern.trim_end_matches('/').to_owned())
}

/// Whether the pattern, in which `*` stands for a part of a name, means the path; `anywhere`: or its last parts.
fn is_match(pattern: &str, path: &str, anywhere: bool) -> bool {
    let (wanted, parts): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    let skipped = match parts.len().checked_sub(wanted.len()) {
        Some(0) => 0,
        Some(more) if anywhere => more,
        _ => return false,
    };
    wanted.iter().zip(&parts[skipped..]).all(|(wanted, part)| is_name(wanted, part))
}

fn is_name(wanted: &str, name: &str) -> bool {
    match wanted.split_once('*') {
        None => wanted == name,
        Some((start, end)) => name.len() >= start.len() + end.len() && name.starts_with(start) && name.ends_with(end),
    }
}

#[test]
fn paths_are_told_from_commands_addresses_and_names() {
    for (span, expect) in [
        ("core/app/src/lib.rs", Some("core/app/src/lib.rs")),
        ("plugins/<name>/", Some("plugins/*")),
        ("plugin.toml", Some("plugin.toml")),
        ("cargo build -p x", None),
        ("/graphql", None),
        ("sunlit:host/*", None),
        ("https://a/b", None),
        ("Reading::begin", None),
        ("fuel", None),
    ] {
        assert_eq!(as_path(span).as_deref(), expect, "{span}");
    }
    assert!(is_match("core/*/src", "core/app/src", false));
    assert!(is_match("lib.rs", "core/app/src/lib.rs", true));
    assert!(!is_match("app/src", "core/app/src", false));
}

#[test]
fn every_crate_that_a_document_names_is_there() {
    let workspace = Workspace::open();
    let crates: BTreeSet<String> = workspace.crates().into_iter().map(|krate| krate.name).collect();
    let mut findings = Findings::default();
    for (document, _) in DOCUMENTS {
        for (line, span) in code_spans(&workspace.text(document).unwrap_or_default()) {
            let is_crate = span.starts_with("sunlit-") && span.chars().all(|c| c.is_ascii_lowercase() || c == '-');
            if is_crate && !crates.contains(&span) {
                findings.at(document, line, format_args!("there is no crate `{span}`"));
            }
        }
    }
    findings.none("Name the crate as its Cargo.toml does.");
}

#[test]
fn every_crate_stands_in_the_code_map() {
    let workspace = Workspace::open();
    let text = workspace.text("ARCHITECTURE.md").unwrap_or_default();
    let map = section(&text, "Code map").unwrap_or_default();
    let named: BTreeSet<String> = code_spans(&map).into_iter().map(|(_, span)| span).collect();
    let mut findings = Findings::default();
    for krate in workspace.crates() {
        if !named.contains(&krate.name) {
            findings.add(
                &krate.folder,
                format_args!("`{}` does not stand in ARCHITECTURE.md, section Code map", krate.name),
            );
        }
    }
    findings.none("Add it: what it is for, what it must not know, where to start reading.");
}

/// `Reading::begin` names a function: each of its words must be a word of the code.
#[test]
fn every_name_of_the_code_that_a_document_uses_is_there() {
    let workspace = Workspace::open();
    let ours = |file: &&str| !file.starts_with("tests/architecture/");
    let words: BTreeSet<String> = workspace
        .with_extension(&["rs"])
        .filter(ours)
        .filter_map(|file| workspace.text(file))
        .flat_map(|text| identifiers(RustSource::new(&text).code()).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let tests: BTreeSet<String> = workspace
        .with_extension(&["rs"])
        .filter_map(|file| workspace.text(file))
        .flat_map(|text| text.lines().filter_map(|line| Some(line.split_once("fn ")?.1.to_owned())).collect::<Vec<_>>())
        .filter_map(|rest| identifiers(&rest).next().map(str::to_owned))
        .collect();
    let mut findings = Findings::default();
    for (document, _) in DOCUMENTS {
        for (line, span) in code_spans(&workspace.text(document).unwrap_or_default()) {
            let is_word = |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !part.is_empty();
            let parts: Vec<&str> = span.split("::").collect();
            let is_path = parts.len() > 1 && parts.iter().all(|part| is_word(part));
            // A test's name is a sentence.
            let has_words = span.matches('_').count() >= 3 && !span.contains("__");
            let is_sentence = is_word(&span) && has_words && !span.contains(char::is_uppercase);
            if is_path && let Some(missing) = parts.iter().find(|part| !words.contains(**part)) {
                findings.at(document, line, format_args!("`{span}`: there is no `{missing}` in the code"));
            }
            if is_sentence && !tests.contains(&span) && !words.contains(&span) {
                findings.at(document, line, format_args!("there is no function `{span}`"));
            }
        }
    }
    findings.none("Name it as the code does now.");
}

fn identifiers(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}
