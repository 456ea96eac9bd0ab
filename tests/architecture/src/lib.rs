//! What the tests of the structure stand on: the files and crates of the workspace, Rust source without its comments, and
//! a list of findings that says file, line and mend.
//!
//! It reads files and `cargo metadata`, and knows no crate of ours: a structure that cannot be checked from outside is not
//! one. Start reading at [`Workspace`]; the rules themselves are in `tests/`, one file an idea.

mod findings;
mod markdown;
mod rust_source;
mod workspace;

pub use findings::Findings;
pub use markdown::{code_spans, section};
pub use rust_source::RustSource;
pub use workspace::{Crate, Dependency, Workspace, has_word, is_test_file};
