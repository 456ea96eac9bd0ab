//! `sunlit plugin check`: whether an installer would take a plugin, and what an administrator will be asked to grant.
//!
//! A package that the plugin uses need not be here: then one stands in for it, which has what is referred to.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use sunlit_app::Package;
use sunlit_domain::Manifest;
use sunlit_domain::id::{CollectionName, PackageId};
use sunlit_domain::manifest::{API_VERSION, Capability, Grant, RefTarget, RunsAs, Version};
use sunlit_plugin_builder::{BuildOptions, BuiltPlugin, build};
use sunlit_plugin_host::PluginHost;
use sunlit_schema::compose;
use sunlit_storage::platform::{Platform, package};

use super::super::Failed;
use super::super::installation::platform;
use super::super::output::line;
use super::manifest;
use crate::config::Config;
use crate::packages::CARRIED;

pub(super) async fn run(config: &Config, folder: &Path) -> Result<(), Failed> {
    // What the manifest alone says first: its errors are cheaper than a build.
    let absent = fits(config, &Arc::new(manifest(folder)?)).await?;
    let BuiltPlugin { component, manifest_toml, .. } = build(folder, &BuildOptions::default())?;
    let host = PluginHost::new(&config.host(), None)?;
    let package = Package::read(&host, &manifest_toml, Some(&component))?;
    let plugin = &package.manifest.plugin;
    line(format!("{} {}  {}", plugin.id, plugin.version, plugin.title.zh));
    line(format!("component: {} bytes, sha-256 and manifest digest {}", component.len(), package.digest));
    tell_grants(&package);
    for id in absent {
        line(format!("({id} is not here: publish it, then check again whether it has what is referred to)"));
    }
    line("ok");
    Ok(())
}

fn tell_grants(package: &Package) {
    line("an administrator will be asked to grant:");
    for (grant, reason) in grants(&package.manifest, package.imports()) {
        line(format!("  {grant}: {reason}"));
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
}

/// What must be granted, each with the reason that the manifest gives.
fn grants<'a>(manifest: &'a Manifest, imports: &[Capability]) -> Vec<(Grant, &'a str)> {
    let reason_of = |import: &Capability| manifest.capabilities.get(import).map_or("", String::as_str);
    let imports = imports.iter().map(|import| (Grant::Capability(*import), reason_of(import)));
    let uses = manifest.uses.iter().map(|(id, reason)| (Grant::Uses(id.clone()), reason.as_str()));
    imports.chain(uses).collect()
}

/// Checks that the package makes a sound schema with those that it uses; answers which of them are not here.
async fn fits(config: &Config, manifest: &Arc<Manifest>) -> Result<BTreeSet<PackageId>, Failed> {
    let platform = platform(config).await?;
    let (mut set, absent) = with_used(platform.as_ref(), manifest).await?;
    for from in &set {
        set.iter().try_for_each(|to| leads(from, to))?;
    }
    for id in &absent {
        let in_its_place = stand_in(id, &set)?;
        set.push(Arc::new(in_its_place));
    }
    compose(&set)?;
    Ok(absent)
}

/// The package with those that it uses and that they use, and the ids of those that are not here.
async fn with_used(
    platform: Option<&Platform>,
    manifest: &Arc<Manifest>,
) -> Result<(Vec<Arc<Manifest>>, BTreeSet<PackageId>), Failed> {
    let (mut set, mut absent) = (vec![Arc::clone(manifest)], BTreeSet::new());
    let mut next = 0;
    while let Some(from) = set.get(next).cloned() {
        next += 1;
        for id in from.uses.keys() {
            if set.iter().any(|known| known.plugin.id == *id) {
                continue;
            }
            match find(platform, id).await? {
                Some(found) => set.push(Arc::new(found)),
                None => {
                    absent.insert(id.clone());
                }
            }
        }
    }
    Ok((set, absent))
}

/// The newest version of a package that the installation has published, or the one that the binary carries.
async fn find(platform: Option<&Platform>, id: &PackageId) -> Result<Option<Manifest>, Failed> {
    if let Some(platform) = platform
        && let Some(found) = published(platform, id).await?
    {
        return Ok(Some(found));
    }
    for carried in CARRIED {
        let manifest = Manifest::parse("plugin.toml", carried.manifest)?;
        if manifest.plugin.id == *id {
            return Ok(Some(manifest));
        }
    }
    Ok(None)
}

async fn published(platform: &Platform, id: &PackageId) -> Result<Option<Manifest>, Failed> {
    let versions = package::versions(platform, id.as_str()).await?;
    let newest = versions.iter().filter_map(|version| version.parse::<Version>().ok()).max();
    let Some(newest) = newest.map(|version| version.to_string()) else { return Ok(None) };
    let text = package::manifest(platform, id.as_str(), &newest).await?;
    let read = |text: String| Manifest::parse(&format!("the published {id} {newest}"), &text);
    Ok(text.map(read).transpose()?)
}

/// Checks that `to` has every collection of its own that `from` refers to.
fn leads(from: &Manifest, to: &Manifest) -> Result<(), Failed> {
    let missing = referred(from, &to.plugin.id).find(|name| to.collection(name.as_str()).is_none());
    let Some(name) = missing else { return Ok(()) };
    let (from, id, version) = (&from.plugin.id, &to.plugin.id, &to.plugin.version);
    Err(format!(
        "{from} refers to `{name}` of {id}, which {id} {version} does not have: mend its `to`, or publish a version of \
         {id} that has it"
    )
    .into())
}

/// The collections of another package that `from` refers to.
fn referred<'a>(from: &'a Manifest, other: &'a PackageId) -> impl Iterator<Item = &'a CollectionName> {
    let targets = from.references().map(|(_, to)| to);
    targets.filter(move |to| to.package() == Some(other)).map(RefTarget::collection)
}

/// A package in place of one that is not here: of its collections those that the others refer to.
fn stand_in(id: &PackageId, set: &[Arc<Manifest>]) -> Result<Manifest, Failed> {
    let names: BTreeSet<&CollectionName> = set.iter().flat_map(|from| referred(from, id)).collect();
    let collection = |name: &CollectionName| {
        format!(
            "[[collection]]\nname = \"{name}\"\ntitle = {{ zh = \"{name}\" }}\n\
             field = [{{ name = \"code\", type = \"string\" }}]\n"
        )
    };
    let collections: String = names.into_iter().map(collection).collect();
    let text = format!(
        "[plugin]\nid = \"{id}\"\nversion = \"0.0.0\"\napi = \"{API_VERSION}\"\ntitle = {{ zh = \"{id}\" }}\n\
         vendor = \"{id}\"\n{collections}"
    );
    Ok(Manifest::parse(id.as_str(), &text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKET: &str = include_str!("../../../../../tests/conformance/packages/market.toml");
    const VISITS: &str = include_str!("../../../../../tests/conformance/packages/visits.toml");

    fn read(text: &str) -> Arc<Manifest> {
        Arc::new(Manifest::parse("plugin.toml", text).unwrap())
    }

    fn configured(folder: &Path) -> Config {
        Config { data: folder.join("data"), ..Config::default() }
    }

    async fn publish(config: &Config, version: &str, manifest: &str) {
        let row = package::Model {
            package: "market".to_owned(),
            version: version.to_owned(),
            digest: String::new(),
            manifest: manifest.replace("1.0.0", version),
            component: None,
            published_at: String::new(),
        };
        package::publish(&Platform::open(&config.data).await.unwrap(), row).await.unwrap();
    }

    #[tokio::test]
    async fn a_package_is_checked_without_those_that_it_uses() {
        let folder = tempfile::tempdir().unwrap();
        let config = configured(folder.path());
        let absent = fits(&config, &read(VISITS)).await.unwrap();
        assert_eq!(absent.iter().map(PackageId::as_str).collect::<Vec<_>>(), ["market"]);
        assert!(!config.data.exists());
        assert!(fits(&config, &read(MARKET)).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_package_is_checked_with_the_newest_of_what_it_uses_that_is_published() {
        let folder = tempfile::tempdir().unwrap();
        let config = configured(folder.path());
        publish(&config, "1.9.0", &MARKET.replace("\"hall\"", "\"shed\"")).await;
        let told = fits(&config, &read(VISITS)).await.unwrap_err().to_string();
        assert!(told.contains("visits refers to `hall` of market, which market 1.9.0 does not have"), "{told}");
        publish(&config, "1.10.0", MARKET).await;
        assert!(fits(&config, &read(VISITS)).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_package_that_the_binary_carries_is_found_there() {
        let folder = tempfile::tempdir().unwrap();
        let carried = read(CARRIED[0].manifest);
        let (id, collection) = (&carried.plugin.id, &carried.collections[0].name);
        let user = VISITS.replace("market.hall", &format!("{id}.{collection}")).replace("market =", &format!("{id} ="));
        assert!(fits(&configured(folder.path()), &read(&user)).await.unwrap().is_empty());
        let wrong = user.replace(&format!("{id}.{collection}"), &format!("{id}.nothing_of_it"));
        let told = fits(&configured(folder.path()), &read(&wrong)).await.unwrap_err().to_string();
        assert!(told.contains("`nothing_of_it`"), "{told}");
    }

    #[test]
    fn what_is_granted_is_told_with_its_reason() {
        let manifest = read(&VISITS.replace("[uses]", "[capabilities]\nlog = \"记录\"\n\n[uses]"));
        let told: Vec<String> =
            grants(&manifest, &[Capability::Log]).iter().map(|(grant, why)| format!("{grant}: {why}")).collect();
        assert_eq!(told, ["log: 记录", "uses:market: 记录走访的市场"]);
    }
}
