//! A region file: who an authority is, what it enables, its settings and data.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;
use sunlit_domain::LocalText;
use sunlit_domain::id::{CollectionName, FieldName, PackageId, TenantSlug};
use sunlit_domain::manifest::Grant;
use sunlit_domain::toml_source::{SourceErrors, SourceProblem, TomlSource};

/// A region.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// Who it is.
    pub tenant: TenantEntry,
    /// What it enables.
    #[serde(default, rename = "package")]
    pub packages: Vec<PackageEntry>,
}

/// The level of an authority, the highest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 部、委、局: of the whole country.
    Ministry,
    /// 省、自治区、直辖市.
    Province,
    /// 市、州、盟.
    City,
    /// 区、县、旗.
    District,
    /// 街道、镇、乡.
    Street,
}

impl Kind {
    /// As it is stored.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ministry => "ministry",
            Self::Province => "province",
            Self::City => "city",
            Self::District => "district",
            Self::Street => "street",
        }
    }

    /// How many digits its division code has: six (GB/T 2260), nine for a street (统计用区划代码), none for a ministry.
    #[must_use]
    pub fn code_digits(self) -> usize {
        match self {
            Self::Ministry => 0,
            Self::Province | Self::City | Self::District => 6,
            Self::Street => 9,
        }
    }

    /// Whether an authority of this level may stand directly above one of `below`.
    #[must_use]
    pub fn is_above(self, below: Self) -> bool {
        self != Self::Ministry && self < below
    }
}

/// Who an authority is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TenantEntry {
    /// Its slug: its division code; of a ministry `cn-<abbreviation>`.
    pub slug: TenantSlug,
    /// Its division code, see [`Kind::code_digits`].
    #[serde(default)]
    pub code: String,
    /// Its level.
    pub kind: Kind,
    /// Its full name.
    pub name: LocalText,
    /// The name in headings.
    pub short_name: LocalText,
    /// The slug of the authority above it.
    #[serde(default)]
    pub parent: Option<TenantSlug>,
    /// Host names that it answers to.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// A file with the outline of its area: a GeoJSON geometry in CGCS2000.
    #[serde(default)]
    pub outline: Option<String>,
}

/// A package that it enables.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackageEntry {
    /// Its id.
    pub id: PackageId,
    /// Its version; the last published when none is named.
    #[serde(default)]
    pub version: Option<String>,
    /// What its component may import, and whose records it may refer to (`uses:<package>`).
    #[serde(default)]
    pub grants: Vec<Grant>,
    /// Its settings.
    #[serde(default)]
    pub settings: BTreeMap<String, Json>,
    /// Records to begin with.
    #[serde(default)]
    pub data: Vec<DataEntry>,
}

/// Records of one collection.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataEntry {
    /// Their collection.
    pub collection: CollectionName,
    /// The unique field that tells whether a record is there already.
    pub key: FieldName,
    /// A TOML file of `[[record]]` tables.
    pub file: String,
}

impl Region {
    /// Reads and checks a region file. `file` is only named in errors.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line, field and mend.
    pub fn parse(file: &str, text: &str) -> Result<Self, SourceErrors> {
        let source = TomlSource::new(file, text);
        let region: Self = source.read()?;
        let problems = region.problems();
        if problems.is_empty() { Ok(region) } else { Err(source.errors(problems)) }
    }

    fn problems(&self) -> Vec<SourceProblem> {
        let mut problems = Vec::new();
        let mut add = |path: String, message: &str| problems.push(SourceProblem { path, message: message.to_owned() });
        let tenant = &self.tenant;
        if tenant.code.len() != tenant.kind.code_digits() || !tenant.code.bytes().all(|byte| byte.is_ascii_digit()) {
            let expected = match tenant.kind {
                Kind::Ministry => "a ministry has no division code: leave it out",
                Kind::Street => "expected nine digits (统计用区划代码)",
                _ => "expected six digits (GB/T 2260)",
            };
            add("tenant.code".to_owned(), expected);
        }
        if tenant.parent.as_ref() == Some(&tenant.slug) {
            add("tenant.parent".to_owned(), "an authority is not above itself");
        }
        for (index, host) in tenant.hosts.iter().enumerate() {
            if !is_host(host) {
                add(format!("tenant.hosts.{index}"), "expected a host name in lower case, without port");
            }
        }
        for (index, package) in self.packages.iter().enumerate() {
            if self.packages[..index].iter().any(|other| other.id == package.id) {
                add(format!("package.{index}.id"), "this package stands twice");
            }
        }
        problems
    }
}

/// A host name (RFC 1123): labels of letters, digits and hyphens.
fn is_host(host: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    host.len() <= 253 && host.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "[tenant]\nslug = \"999999\"\ncode = \"999999\"\nkind = \"district\"\nname = { zh = \"某区\" }\n\
                        short_name = { zh = \"某区\" }\nhosts = [\"a.example\"]\n";

    #[test]
    fn a_region_file_is_read() {
        assert_eq!(Region::parse("r.toml", TEXT).unwrap().tenant.kind, Kind::District);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        let check = |from: &str, to: &str, expect: &str| {
            let told = Region::parse("r.toml", &TEXT.replace(from, to)).unwrap_err().to_string();
            assert!(told.contains(expect), "{told}");
        };
        check("code = \"999999\"", "code = \"99\"", "r.toml:3: tenant.code: expected six digits");
        check("a.example", "A.example:80", "r.toml:7: tenant.hosts.0");
        check("kind = \"district\"", "kind = \"galaxy\"", "r.toml:4");
        check("slug = \"999999\"", "slug = \"../x\"", "r.toml:2");
        check("hosts", "host", "unknown field");
    }

    #[test]
    fn a_division_code_has_the_digits_of_its_level() {
        let check = |kind: &str, code: &str, expect: Option<&str>| {
            let text = TEXT.replace("\"district\"", &format!("\"{kind}\"")).replace("code = \"999999\"", code);
            let told = Region::parse("r.toml", &text).map(drop).map_err(|errors| errors.to_string());
            match expect {
                None => assert_eq!(told, Ok(()), "{kind} {code}"),
                Some(expect) => {
                    assert!(told.clone().is_err_and(|told| told.contains(expect)), "{kind} {code}: {told:?}");
                }
            }
        };
        check("street", "code = \"999999001\"", None);
        for wrong in ["999999", "99999900", "9999990011", "99999900x", "９９９", ""] {
            check("street", &format!("code = \"{wrong}\""), Some("tenant.code: expected nine digits"));
        }
        for kind in ["province", "city", "district"] {
            check(kind, "code = \"999999\"", None);
            check(kind, "code = \"999999001\"", Some("tenant.code: expected six digits"));
        }
        check("ministry", "", None);
        check("ministry", "code = \"999999\"", Some("a ministry has no division code"));
    }

    #[test]
    fn only_a_higher_level_stands_above_and_a_ministry_above_nobody() {
        let all = [Kind::Ministry, Kind::Province, Kind::City, Kind::District, Kind::Street];
        for (above, kind) in all.into_iter().enumerate() {
            for (below, other) in all.into_iter().enumerate() {
                assert_eq!(kind.is_above(other), above > 0 && above < below, "{kind:?} {other:?}");
            }
        }
    }
}
