//! `sunlit-domain` is pure (invariant 1).

use sunlit_test_architecture::{Findings, RustSource, Workspace, has_word, is_test_file};

/// What reaches outside, and the mend.
const IMPURE: [(&str, &str); 16] = [
    ("async", "return a value; whoever waits calls it"),
    (".await", "return a value; whoever waits calls it"),
    ("std::fs", "take the text as a parameter"),
    ("std::io", "take the text as a parameter"),
    ("std::net", "belongs into graphql/server"),
    ("std::env", "take the value as a parameter"),
    ("std::process", "belongs outside core"),
    ("std::thread", "belongs outside core"),
    ("std::time::SystemTime", "take a Timestamp as a parameter"),
    ("SystemTime", "take a Timestamp as a parameter"),
    ("Instant", "take a Timestamp as a parameter"),
    ("::now", "take a Timestamp as a parameter"),
    ("now_v7", "take the id as a parameter"),
    ("new_v4", "take the id as a parameter"),
    ("rand", "take the number as a parameter"),
    ("tokio", "belongs outside core/domain"),
];

/// Modules of the standard library that may not come in by `use std::{…}` either.
const MODULES: [&str; 6] = ["fs", "io", "net", "env", "process", "thread"];

#[test]
fn the_domain_has_no_io_no_async_no_clock_no_randomness_and_no_environment() {
    let workspace = Workspace::open();
    let mut findings = Findings::default();
    let sources = workspace.rust_sources().filter(|file| file.starts_with("core/domain/src/") && !is_test_file(file));
    for file in sources {
        let source = RustSource::new(&workspace.text(file).unwrap_or_default());
        for (index, line) in source.code().lines().enumerate() {
            for (word, mend) in IMPURE {
                if has_word(line, word) {
                    findings.at(file, index + 1, format_args!("`{word}`: {mend}"));
                }
            }
            let grouped = line.split_once("use std::{").map(|(_, group)| group);
            if let Some(module) = MODULES.iter().find(|module| grouped.is_some_and(|group| has_word(group, module))) {
                findings.at(file, index + 1, format_args!("`std::{module}`: take what is needed as a parameter"));
            }
        }
    }
    findings.none("The domain only computes: what it needs from outside comes in as a parameter.");
}
