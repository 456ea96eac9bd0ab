//! Rebuilds the crate when a template, a style sheet or a word list is added, not only when one is changed.

fn main() {
    println!("cargo::rerun-if-changed=../../frontend/ui");
    println!("cargo::rerun-if-changed=../../frontend/portal");
}
