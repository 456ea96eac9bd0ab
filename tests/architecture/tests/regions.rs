//! Tenants are data (invariant 11): no division code, no place name and no slug stands in code.

use std::collections::BTreeSet;

use sunlit_test_architecture::{Findings, RustSource, Workspace, has_word, is_test_file};

/// The first two digits of division codes: the 34 provinces of GB/T 2260.
const PROVINCES: [&str; 34] = [
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44",
    "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82",
];

/// The lengths of division codes: county, street, village.
const LENGTHS: [usize; 3] = [6, 9, 12];

#[test]
fn no_place_stands_in_code() {
    let workspace = Workspace::open();
    let names = names(&workspace);
    assert!(names.len() >= 6, "only {names:?} found in tenants/regions: mend the place that this test looks at");
    let mut findings = Findings::default();
    // What others wrote and we carry stands in folders called `vendor`.
    let is_ours = |file: &&str| !file.split('/').any(|folder| folder == "vendor");
    let product = |file: &&str| !file.starts_with("tenants/regions/") && !is_test_file(file) && is_ours(file);
    for file in workspace.with_extension(&["rs", "ts", "tsx", "js", "html", "css"]).filter(product) {
        let text = workspace.text(file).unwrap_or_default();
        let text = if file.ends_with(".rs") { RustSource::new(&text).text().to_owned() } else { text };
        for (index, line) in text.lines().enumerate() {
            for name in names.iter().filter(|name| has_word(line, name)) {
                findings.at(file, index + 1, format_args!("names `{name}`, a tenant"));
            }
            for code in division_codes(line).filter(|code| !names.contains(*code)) {
                findings.at(file, index + 1, format_args!("`{code}` looks like a division code"));
            }
        }
    }
    findings.none(
        "Read it from the region's file in tenants/regions, or move it into a test. A plain number is written with \
         underscores, and a comment writes <code> or 000000.",
    );
}

/// Every name, short name and slug of the regions.
fn names(workspace: &Workspace) -> BTreeSet<String> {
    let of_regions = |file: &&str| file.rsplit_once('/').is_some_and(|(folder, _)| folder == "tenants/regions");
    let mut names = BTreeSet::new();
    for file in workspace.with_extension(&["toml"]).filter(of_regions) {
        let text = workspace.text(file).unwrap_or_default();
        let region: toml::Table = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        let tenant = &region["tenant"];
        for texts in ["name", "short_name"] {
            let texts = tenant.get(texts).and_then(toml::Value::as_table).into_iter().flatten();
            names.extend(texts.filter_map(|(_, text)| text.as_str()).map(str::to_owned));
        }
        names.extend(tenant.get("slug").and_then(toml::Value::as_str).map(str::to_owned));
    }
    names
}

/// Numbers of a division code's length that begin with a province. A colour (`#112233`) and a part of a longer word are none.
fn division_codes(line: &str) -> impl Iterator<Item = &str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '#' | '.');
    line.split(move |c| !is_part(c)).filter(|word| {
        let word = word.trim_end_matches('.');
        LENGTHS.contains(&word.len())
            && word.chars().all(|c| c.is_ascii_digit())
            && PROVINCES.iter().any(|province| word.starts_with(province))
    })
}

#[test]
fn division_codes_are_told_from_other_numbers() {
    let check = |line: &str, expect: &[&str]| assert_eq!(division_codes(line).collect::<Vec<_>>(), expect, "{line}");
    check("/t/610112/", &["610112"]);
    check("\"610112001\"", &["610112001"]);
    check("#612345 1_000_000 612_345 100000 0.612345 x610112 610112x 6101123", &[]);
}
