//! `sunlit plugin`: build, check and publish; move tenants between versions.

mod version;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Subcommand;
use sunlit_app::Package;
use sunlit_domain::manifest::RunsAs;
use sunlit_domain::{Manifest, ScopeAuthority};
use sunlit_plugin_builder::{BuildOptions, BuiltPlugin, build};
use sunlit_plugin_host::PluginHost;

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
    Upgrade(version::Args),
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
        Command::Upgrade(args) => version::upgrade(config, authority, args).await,
        Command::Rollback(args) => version::rollback(config, authority, args).await,
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
        Command::Check { folder } => check(config, &folder),
        Command::Schema => {
            line(serde_json::to_string_pretty(&Manifest::json_schema())?);
            Ok(())
        }
        Command::Sdl { packages } => {
            let manifests = packages.iter().map(|path| Ok(Arc::new(manifest(path)?)));
            let manifests: Vec<Arc<Manifest>> = manifests.collect::<Result<_, Failed>>()?;
            line(sunlit_schema::compose(&manifests)?.sdl().trim_end());
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

fn check(config: &Config, folder: &Path) -> Result<(), Failed> {
    // The manifest first: its errors are cheaper than a build.
    manifest(folder)?;
    let BuiltPlugin { component, manifest_toml, .. } = build(folder, &BuildOptions::default())?;
    let host = PluginHost::new(&config.host(), None)?;
    let package = Package::read(&host, &manifest_toml, Some(&component))?;
    sunlit_schema::compose(std::slice::from_ref(&package.manifest))?;
    let plugin = &package.manifest.plugin;
    line(format!("{} {}  {}", plugin.id, plugin.version, plugin.title.zh));
    line(format!("component: {} bytes, sha-256 and manifest digest {}", component.len(), package.digest));
    line("an administrator will be asked to grant:");
    for import in package.imports() {
        let reason = package.manifest.capabilities.get(import).map(String::as_str).unwrap_or_default();
        line(format!("  {import}: {reason}"));
    }
    let own_rights = package.manifest.actions.iter().filter(|action| action.runs_as == RunsAs::Package);
    for action in own_rights {
        line(format!(
            "  (action {} writes with the package's rights, not its caller's: {})",
            action.name, action.title.zh
        ));
    }
    let unused = package.manifest.capabilities.keys().filter(|asked| !package.imports().contains(asked));
    for capability in unused {
        line(format!("  ({capability} is asked for but not used: remove it from [capabilities])"));
    }
    line("ok");
    Ok(())
}
