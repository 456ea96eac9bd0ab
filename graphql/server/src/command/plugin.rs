//! `sunlit plugin`: build, check and publish; move tenants between versions.

mod check;
mod version;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use sunlit_domain::{Manifest, ScopeAuthority};
use sunlit_plugin_builder::{BuildOptions, build};
use sunlit_schema::{ComposeError, compose};

use super::Failed;
use super::output::line;
use crate::config::Config;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Build a plugin's folder into a component, and print what it imports and exports.
    Build {
        /// The folder with Cargo.toml, plugin.toml and src/lib.rs.
        folder: PathBuf,
        /// Where to write the component; <folder name>.wasm beside the build products when not named.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Build and vet a plugin as an installer would, and print what an administrator will be asked to grant.
    ///
    /// The packages that it names under [uses] are those that the data folder has published or this binary carries; one
    /// that is in neither is told.
    Check {
        /// The folder with Cargo.toml, plugin.toml and src/lib.rs.
        folder: PathBuf,
    },
    /// Print the JSON Schema of plugin.toml, for editors.
    Schema,
    /// Publish a built package: a manifest and, where it needs one, a component.
    Publish {
        /// The plugin.toml.
        manifest: PathBuf,
        /// The component that `sunlit plugin build` wrote.
        #[arg(long)]
        component: Option<PathBuf>,
    },
    /// Move a tenant to a later version of a package; a new major version takes its records with it.
    Upgrade {
        #[command(flatten)]
        args: version::Args,
        /// Lose what a major version held before it was rolled back.
        #[arg(long)]
        discard: bool,
    },
    /// Move a tenant back to an earlier version of a package.
    Rollback(version::Args),
    /// Print the GraphQL schema of a tenant that has these packages, for clients to be generated from.
    Sdl {
        /// A plugin's folder or its plugin.toml; with the packages that it names under [uses].
        #[arg(required = true)]
        packages: Vec<PathBuf>,
    },
}

pub(super) async fn run(config: &Config, authority: &ScopeAuthority, command: Command) -> Result<(), Failed> {
    match command {
        Command::Publish { manifest, component } => version::publish(config, &manifest, component.as_deref()).await,
        Command::Upgrade { args, discard } => version::upgrade(config, authority, &args, discard).await,
        Command::Rollback(args) => version::rollback(config, authority, &args).await,
        Command::Build { folder, out } => {
            let built = build(&folder, &BuildOptions::default())?;
            let out = out.unwrap_or_else(|| Path::new("target/plugins").join(component_name(&folder)));
            if let Some(parent) = out.parent() {
                std::fs::create_dir_all(parent)?;
            }
            std::fs::write(&out, &built.component)
                .map_err(|error| format!("{}: {error}: name another file with --out", out.display()))?;
            line(built.world.trim_end());
            line(format!("{}  {} bytes", out.display(), built.component.len()));
            Ok(())
        }
        Command::Check { folder } => check::run(config, &folder).await,
        Command::Schema => {
            line(serde_json::to_string_pretty(&Manifest::json_schema())?);
            Ok(())
        }
        Command::Sdl { packages } => {
            line(sdl(&packages)?);
            Ok(())
        }
    }
}

/// The manifest in a folder or file.
fn manifest(path: &Path) -> Result<Manifest, Failed> {
    let file = if path.is_dir() { path.join("plugin.toml") } else { path.to_owned() };
    let text = std::fs::read_to_string(&file)
        .map_err(|error| format!("{}: {error}: a plugin's folder holds a plugin.toml", file.display()))?;
    Ok(Manifest::parse(&file.display().to_string(), &text)?)
}

fn component_name(folder: &Path) -> String {
    let name =
        folder.canonicalize().ok().and_then(|path| path.file_name().map(|name| name.to_string_lossy().into_owned()));
    format!("{}.wasm", name.unwrap_or_else(|| "plugin".to_owned()))
}

/// The schema of exactly these packages.
fn sdl(packages: &[PathBuf]) -> Result<String, Failed> {
    let manifests = packages.iter().map(|path| Ok(Arc::new(manifest(path)?)));
    let manifests: Vec<Arc<Manifest>> = manifests.collect::<Result<_, Failed>>()?;
    match compose(&manifests) {
        Ok(schema) => Ok(schema.sdl().trim_end().to_owned()),
        Err(ComposeError::Missing(package, used)) => {
            Err(format!("package {package} uses {used}: name its folder or plugin.toml too").into())
        }
        Err(error) => Err(error.into()),
    }
}
