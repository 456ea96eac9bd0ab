//! Builds the first-party plugins, so that the binary carries them: every folder of `plugins/` with a `plugin.toml`.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use sunlit_plugin_builder::{BuildOptions, build};

fn main() -> Result<(), Box<dyn Error>> {
    let plugins = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../plugins").canonicalize()?;
    let out = env::var("OUT_DIR")?;
    println!("cargo::rerun-if-changed={}", plugins.display());
    let mut folders: Vec<_> = fs::read_dir(&plugins)?.collect::<Result<_, _>>()?;
    folders.sort_by_key(fs::DirEntry::path);
    let mut list = String::from("&[\n");
    for folder in folders.iter().map(fs::DirEntry::path).filter(|folder| folder.join("plugin.toml").exists()) {
        let built = build(&folder, &BuildOptions::default())?;
        for input in &built.inputs {
            println!("cargo::rerun-if-changed={}", input.display());
        }
        let name = folder.file_name().ok_or("a plugin folder has a name")?.to_string_lossy().into_owned();
        let component = Path::new(&out).join(format!("{name}.wasm"));
        fs::write(&component, &built.component)?;
        let manifest = folder.join("plugin.toml");
        writeln!(
            list,
            "    Carried {{ manifest: include_str!({manifest:?}), component: include_bytes!({component:?}) }},"
        )?;
    }
    list.push_str("]\n");
    fs::write(Path::new(&out).join("packages.rs"), list)?;
    Ok(())
}
