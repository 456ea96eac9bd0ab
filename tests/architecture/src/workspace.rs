//! The files and crates of the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

/// Folders that hold no source, wherever they are.
const MADE: [&str; 3] = ["target", ".git", "node_modules"];

/// The workspace as it lies on disk.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    files: Vec<String>,
}

/// A crate of the workspace.
#[derive(Debug, Clone)]
pub struct Crate {
    /// Its name.
    pub name: String,
    /// Its folder, from the root.
    pub folder: String,
    /// What its `Cargo.toml` names.
    pub dependencies: Vec<Dependency>,
    /// Its features, each with what it turns on.
    pub features: BTreeMap<String, Vec<String>>,
}

/// A dependency as a `Cargo.toml` names it.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// The crate's own name.
    pub name: String,
    /// Only for tests, examples and benchmarks.
    pub dev: bool,
    /// Its folder from the root, when it is a crate of the workspace.
    pub folder: Option<String>,
    /// The features that are asked for.
    pub features: Vec<String>,
}

impl Workspace {
    /// Lists the files of the workspace around this crate.
    ///
    /// # Panics
    /// When the folder cannot be read.
    #[must_use]
    pub fn open() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let root = root.canonicalize().unwrap_or_else(|error| panic!("{}: {error}", root.display()));
        let mut files = Vec::new();
        let ignored = ignored_at_root(&root);
        collect(&root, &root, &ignored, &mut files);
        files.sort();
        Self { root, files }
    }

    /// All files, from the root, with `/` between folders, sorted.
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// Files with one of these extensions.
    pub fn with_extension<'a>(&'a self, extensions: &'a [&str]) -> impl Iterator<Item = &'a str> {
        let has = |file: &&String| file.rsplit_once('.').is_some_and(|(_, extension)| extensions.contains(&extension));
        self.files.iter().filter(has).map(String::as_str)
    }

    /// Rust files of crates: those below a folder `src`.
    pub fn rust_sources(&self) -> impl Iterator<Item = &str> {
        self.with_extension(&["rs"]).filter(|file| file.split('/').any(|folder| folder == "src"))
    }

    /// The text of a file; none when it is no text, or went away since it was listed.
    #[must_use]
    pub fn text(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.root.join(file)).ok()
    }

    /// Whether a file or folder of that path is there.
    #[must_use]
    pub fn exists(&self, path: &str) -> bool {
        self.root.join(path).exists()
    }

    /// All folders that hold files, from the root.
    #[must_use]
    pub fn folders(&self) -> BTreeSet<&str> {
        let above = |file: &'_ str| -> Vec<usize> { file.match_indices('/').map(|(at, _)| at).collect() };
        self.files.iter().flat_map(|file| above(file).into_iter().map(|at| &file[..at])).collect()
    }

    /// Folders at the root that `.gitignore` names: they are made at run time.
    #[must_use]
    pub fn made_at_run_time(&self) -> Vec<String> {
        ignored_at_root(&self.root)
    }

    /// The crates, as cargo sees them.
    ///
    /// # Panics
    /// When cargo cannot read the workspace.
    #[must_use]
    pub fn crates(&self) -> Vec<Crate> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]).current_dir(&self.root);
        let output = command.output().unwrap_or_else(|error| panic!("cargo metadata does not start: {error}"));
        assert!(output.status.success(), "cargo metadata failed:\n{}", String::from_utf8_lossy(&output.stderr));
        let json: Json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("metadata: {error}"));
        let packages = json["packages"].as_array().cloned().unwrap_or_default();
        packages.iter().map(|package| self.read_crate(package)).collect()
    }

    fn read_crate(&self, package: &Json) -> Crate {
        let manifest = Path::new(text(&package["manifest_path"]));
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        Crate {
            name: text(&package["name"]).to_owned(),
            folder: self.relative(manifest.parent().unwrap_or(manifest)).unwrap_or_default(),
            dependencies: dependencies
                .map(|dependency| Dependency {
                    name: text(&dependency["name"]).to_owned(),
                    dev: dependency["kind"] == "dev",
                    folder: dependency["path"].as_str().and_then(|path| self.relative(Path::new(path))),
                    features: texts(&dependency["features"]),
                })
                .collect(),
            features: package["features"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(name, turns_on)| (name.clone(), texts(turns_on)))
                .collect(),
        }
    }

    fn relative(&self, path: &Path) -> Option<String> {
        let path = path.canonicalize().ok()?;
        Some(path.strip_prefix(&self.root).ok()?.to_string_lossy().replace('\\', "/"))
    }
}

fn text(json: &Json) -> &str {
    json.as_str().unwrap_or_default()
}

fn texts(json: &Json) -> Vec<String> {
    json.as_array().into_iter().flatten().map(|one| text(one).to_owned()).collect()
}

fn ignored_at_root(root: &Path) -> Vec<String> {
    let ignore = fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
    let folder = |line: &str| Some(line.trim().strip_prefix('/')?.strip_suffix('/')?.to_owned());
    ignore.lines().filter_map(folder).collect()
}

fn collect(root: &Path, folder: &Path, ignored: &[String], files: &mut Vec<String>) {
    // Others may build or write here: what is gone when it is looked at is not there.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(inside) = path.strip_prefix(root) else { continue };
        let inside = inside.to_string_lossy().replace('\\', "/");
        let name = entry.file_name();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                let made = MADE.iter().any(|made| name == *made) || ignored.contains(&inside);
                if !made {
                    collect(root, &path, ignored, files);
                }
            }
            Ok(kind) if kind.is_file() => files.push(inside),
            _ => {}
        }
    }
}

/// Whether a file holds tests, examples or test data: below `tests`, `examples` or `benches`, or a module `tests.rs`.
#[must_use]
pub fn is_test_file(file: &str) -> bool {
    file.split('/').any(|part| matches!(part, "tests" | "examples" | "benches" | "tests.rs"))
}

/// Whether the line has the text as words of its own: nothing that could continue a name stands before or after it.
#[must_use]
pub fn has_word(line: &str, word: &str) -> bool {
    let continues = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    let [first, last] = [word.chars().next(), word.chars().next_back()].map(continues);
    line.match_indices(word).any(|(at, _)| {
        let before = first && continues(line[..at].chars().next_back());
        let after = last && continues(line[at + word.len()..].chars().next());
        !before && !after
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_do_not_continue() {
        let check = |line, word, expect| assert_eq!(has_word(line, word), expect, "{line} {word}");
        check("a tokio::spawn b", "tokio", true);
        check("tokio_util", "tokio", false);
        check("operand", "rand", false);
        check("x.work(scope)", ".work(", true);
        check("在甲区的", "甲区", true);
    }
}
