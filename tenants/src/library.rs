//! Where region files and their data come from: a folder, or the files that the binary carries.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use rust_embed::RustEmbed;
use sunlit_domain::id::TenantSlug;

use crate::provision::ProvisionError;
use crate::region::Region;

#[derive(RustEmbed)]
#[folder = "regions"]
struct Carried;

/// Files by name, and the regions among them by slug.
#[derive(Debug)]
pub struct RegionLibrary {
    folder: Option<PathBuf>,
    regions: BTreeMap<TenantSlug, Region>,
}

impl RegionLibrary {
    /// The regions that the binary carries.
    ///
    /// # Errors
    /// When one of them is malformed.
    pub fn carried() -> Result<Self, ProvisionError> {
        let names = Carried::iter().filter(|name| name.ends_with(".toml") && !name.contains('/'));
        Self { folder: None, regions: BTreeMap::new() }.with(names.map(String::from))
    }

    /// The regions in a folder; those that the binary carries serve as their parents.
    ///
    /// # Errors
    /// When the folder cannot be read or a region is malformed.
    pub fn folder(folder: &Path) -> Result<Self, ProvisionError> {
        let unreadable = |source| ProvisionError::File { path: folder.display().to_string(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".toml") {
                names.push(name);
            }
        }
        names.sort();
        let carried = Self::carried()?;
        Self { folder: Some(folder.to_owned()), regions: carried.regions }.with(names.into_iter())
    }

    fn with(mut self, names: impl Iterator<Item = String>) -> Result<Self, ProvisionError> {
        for name in names {
            let region = Region::parse(&name, &self.read(&name)?)?;
            self.regions.insert(region.tenant.slug.clone(), region);
        }
        Ok(self)
    }

    /// A file of the library. Names lead nowhere outside it.
    ///
    /// # Errors
    /// [`ProvisionError::File`].
    pub fn read(&self, name: &str) -> Result<String, ProvisionError> {
        let failed = |source| ProvisionError::File { path: name.to_owned(), source };
        let plain = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
        if !plain {
            return Err(failed(std::io::Error::new(
                std::io::ErrorKind::InvalidInput,
                "a path inside the folder is expected",
            )));
        }
        if let Some(folder) = &self.folder {
            let path = folder.join(name);
            if path.exists() {
                return std::fs::read_to_string(path).map_err(failed);
            }
        }
        let carried = Carried::get(name).ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        String::from_utf8(carried.data.into_owned())
            .map_err(|error| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, error)))
    }

    /// The region of that slug.
    #[must_use]
    pub fn region(&self, slug: &TenantSlug) -> Option<&Region> {
        self.regions.get(slug)
    }

    /// All regions by slug.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        self.regions.values()
    }

    /// The region and everything above it, the highest first.
    ///
    /// # Errors
    /// [`ProvisionError::UnknownRegion`], [`ProvisionError::Cycle`] when parents lead in a circle, and
    /// [`ProvisionError::Level`] when a parent is of no higher level.
    pub fn lineage(&self, slug: &TenantSlug) -> Result<Vec<&Region>, ProvisionError> {
        let mut line: Vec<&Region> = Vec::new();
        let mut next = Some(slug);
        while let Some(slug) = next {
            let region = self.region(slug).ok_or_else(|| ProvisionError::UnknownRegion(slug.clone()))?;
            if line.iter().any(|known| known.tenant.slug == *slug) {
                return Err(ProvisionError::Cycle(slug.clone()));
            }
            if let Some(below) = line.last().filter(|below| !region.tenant.kind.is_above(below.tenant.kind)) {
                return Err(ProvisionError::Level(slug.clone(), below.tenant.slug.clone()));
            }
            line.push(region);
            next = region.tenant.parent.as_ref();
        }
        line.reverse();
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::Kind;

    #[test]
    fn every_carried_region_is_sound_and_leads_to_a_province_or_is_a_ministry() {
        let library = RegionLibrary::carried().unwrap();
        assert_eq!(library.regions().count(), 32);
        for region in library.regions() {
            let line = library.lineage(&region.tenant.slug).unwrap();
            let highest = line[0].tenant.kind;
            assert!(matches!(highest, Kind::Province) || (line.len() == 1 && highest == Kind::Ministry));
            if let Some(outline) = &region.tenant.outline {
                assert!(library.read(outline).unwrap().contains("coordinates"));
            }
            for entry in region.packages.iter().flat_map(|package| &package.data) {
                library.read(&entry.file).unwrap();
            }
        }
    }

    #[test]
    fn a_file_name_leads_nowhere_outside_the_library() {
        let library = RegionLibrary::carried().unwrap();
        for name in ["../Cargo.toml", "/etc/passwd", "a/../../b", "./x", ""] {
            assert!(library.read(name).is_err(), "{name}");
        }
    }

    /// A library of these regions: slug, kind, and who is above.
    fn library(regions: &[(&str, &str, Option<&str>)]) -> (tempfile::TempDir, RegionLibrary) {
        let folder = tempfile::tempdir().unwrap();
        for (slug, kind, parent) in regions {
            let code = if *kind == "ministry" { String::new() } else { format!("code = \"{slug}\"\n") };
            let parent = parent.map(|parent| format!("parent = \"{parent}\"\n")).unwrap_or_default();
            let name = "{ zh = \"某地\" }";
            let text = format!(
                "[tenant]\nslug = \"{slug}\"\n{code}kind = \"{kind}\"\n{parent}name = {name}\nshort_name = {name}\n"
            );
            std::fs::write(folder.path().join(format!("{slug}-test.toml")), text).unwrap();
        }
        let library = RegionLibrary::folder(folder.path()).unwrap();
        (folder, library)
    }

    #[test]
    fn whoever_stands_above_is_of_a_higher_level() {
        let check = |regions: &[(&str, &str, Option<&str>)], expect: Option<(&str, &str)>| {
            let (_folder, library) = library(regions);
            let found = library.lineage(&regions[0].0.parse().unwrap());
            match (expect, found) {
                (None, found) => assert_eq!(found.unwrap().len(), regions.len()),
                (Some((above, below)), Err(ProvisionError::Level(told, of))) => {
                    assert_eq!((told.as_str(), of.as_str()), (above, below));
                }
                (expect, found) => panic!("{found:?}, expected {expect:?}"),
            }
        };
        let district = ("999999", "district", Some("999900"));
        check(&[district, ("999900", "city", None)], None);
        check(&[("999999001", "street", Some("999900")), ("999900", "province", None)], None);
        for kind in ["district", "street"] {
            let slug = if kind == "street" { "999900001" } else { "999900" };
            check(&[("999999", "district", Some(slug)), (slug, kind, None)], Some((slug, "999999")));
        }
        check(&[("999999", "district", Some("cn-test")), ("cn-test", "ministry", None)], Some(("cn-test", "999999")));
        // Further up too.
        let up = [district, ("999900", "city", Some("999800")), ("999800", "city", None)];
        check(&up, Some(("999800", "999900")));
    }
}
